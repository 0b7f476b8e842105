# %% [markdown]
# # Your own recordings
#
# You have a folder of WFDB files and a spreadsheet of labels. This page makes such a folder out of simulated ECGs,
# reads it as vqecg would read yours, and then breaks it on purpose, to show what is refused and what the message says.
# It takes seconds. All that is understood is listed in [data](../data.md).

# %%
from pathlib import Path

import pandas as pd
import wfdb

import vqecg
from vqecg.scripts.steps.preparing import PreparingStep, prepare, summary
from vqecg.scripts.steps.verifying import verify

folder = Path("own-data")
recordings = folder / "recordings"
recordings.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## A folder as you may have it
#
# One WFDB record for each ECG (a `.hea` and a `.dat` file), and a csv with a row for each: its name, the patient, age,
# sex and labels. Here are 60 of them at 250 Hz. The labels are words of a ward, not codes of a standard; that is fine.

# %%
vqecg.simulate(folder / "simulated", records=60, seed=1, sampling_rate=250, progress=False)
rows = []
for number, record in enumerate(vqecg.read_records(folder / "simulated", sampling_rate=250), start=1):
    name = f"ecg{number:03d}"
    microvolts = (1000 * record.signal.T).round().astype("int16")
    wfdb.wrsamp(
        name,
        fs=250,
        units=["uV"] * 12,
        sig_name=list(record.leads),
        d_signal=microvolts,
        fmt=["16"] * 12,
        adc_gain=[1] * 12,
        baseline=[0] * 12,
        write_dir=str(recordings),
    )
    labels = ["normal" if "NORM" in record.statements else "abnormal"]
    labels += ["atrial fibrillation"] if "AFIB" in record.statements else []
    row = {"record_id": name, "patient_id": record.patient_id, "age": record.age, "sex": record.sex}
    rows.append({**row, "labels": ";".join(labels)})
table = pd.DataFrame(rows)
table.to_csv(recordings / "labels.csv", index=False)
table.head()

# %% [markdown]
# One recording is read and drawn by its path, without any of the rest:

# %%
vqecg.read(recordings / "ecg001").plot()

# %% [markdown]
# ## Prepare
#
# `vqecg prepare --data recordings --labels-csv recordings/labels.csv --out store` in a shell; the same in Python. It
# says how it read the csv, which is worth reading: a column that was taken for the wrong thing is seen here or never.
# Then it counts the labels in each fold.

# %%
step = PreparingStep(recordings, folder / "store", labels_csv=recordings / "labels.csv")
store = prepare(step)
print(summary(store))

# %% [markdown]
# Folds are drawn by patient, so that no patient is in training and in test. If your csv has a column `fold`, that is
# taken. If it has no `patient_id`, every recording counts as a patient, and the same heart may sit on both sides: then
# results are too good. Name the patients if you can.
#
# The labels are the classes of a task called `own`:

# %%
task = store.task("own")
store.labels(task).sum(axis=0).astype(int), task.class_names

# %% [markdown]
# ## Verify
#
# Everything that vqecg writes has checksums. After copying a store to another machine, `vqecg verify` reads it whole.

# %%
verify(folder / "store")

# %% [markdown]
# ## What is refused
#
# vqecg would rather stop than guess. Each message says what came, what was expected, and what to do. A helper to show
# them:


# %%
def show_refusal(labels: pd.DataFrame) -> None:
    """Prepares the recordings with other labels, and prints why that is refused."""
    path = folder / "changed.csv"
    labels.to_csv(path, index=False)
    try:
        vqecg.prepare(recordings, folder / "refused", labels_csv=path, progress=False)
    except ValueError as error:
        print(error)
    else:
        raise AssertionError("this was not refused")


# %% [markdown]
# **An empty cell of labels.** Does it mean "none of these", or "nobody looked"? Only you know. `empty_labels="none"` or
# `"unknown"` says so.

# %%
show_refusal(table.assign(labels=table["labels"].where(table.index > 2)))

# %% [markdown]
# **The same recording in two rows.** Which of them is right?

# %%
show_refusal(pd.concat([table, table.tail(1)]))

# %% [markdown]
# **Names that fit no recording**, as after a renaming:

# %%
show_refusal(table.assign(record_id=table["record_id"].str.replace("ecg", "patient-")))

# %% [markdown]
# **Two kinds of separators in a cell.** Is `normal, AF; PVC` two labels or three?

# %%
show_refusal(table.assign(labels="normal, AF; PVC"))

# %% [markdown]
# ## What is left out, and said
#
# One bad file must not stop a thousand good ones. A row without a recording, an age that cannot be, and a damaged file
# are left out or counted as unknown. The notes say so, and the store lists rejected recordings with the reason. Here
# the second recording loses half of its samples:

# %%
damaged = recordings / "ecg002.dat"
damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
odd = pd.concat([table, table.tail(1).assign(record_id="ecg999")]).reset_index(drop=True)
odd["age"] = odd["age"].where(odd.index != 5, 430)
odd.to_csv(folder / "odd.csv", index=False)
store = prepare(PreparingStep(recordings, folder / "store-2", labels_csv=folder / "odd.csv"))
print(f"{len(store)} recordings are in the store")
store.rejected

# %% [markdown]
# ## Next
#
# With a store, all else is the same for your data as for any: `vqecg run --data recordings --labels-csv
# recordings/labels.csv --task own --prior-task own --target-classes LABEL --out runs/mine` does the whole job. Sixty
# recordings are too few for it. As a rule of thumb a class needs twenty training recordings before the generator is
# asked for it, and five test patients before anything is said about it; vqecg holds to both.
