"""README.md of a written data set: its files, its rates, and how to train on it together with PTB-XL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vqecg.records.export.origins import MANIFEST, README_LINE
from vqecg.records.export.record_stream import RecordStream
from vqecg.records.folds import TRAINING_FOLD
from vqecg.records.plain_names import markdown
from vqecg.records.store.preprocessing import PASS_EDGE, STOP_EDGE

if TYPE_CHECKING:
    from vqecg.records.export.layouts import Description

LAST_PTBXL = 21_837  # the highest ecg_id of PTB-XL, and above its patients

SYNTHETIC = "These {records:,} records are synthetic. They belong to no person."
COPIED = (
    "These {records:,} records are copies of recordings of people, made to be trained on; the licence of the "
    "recordings holds for them."
)

README = """# 12-lead ECGs

**{origin} Research use, not for diagnosis.**

{files}

III, aVR, aVL and aVF are computed from I and II and rounded to 1 microvolt. What such a data set can tell of the people
whose recordings were learned from: docs/privacy.md of vqecg.
"""

JOINING = """
## Together with PTB-XL

The records are numbered from {first:,} and so are their patients: PTB-XL has numbers up to {last:,}, so none is there
twice. (Two sets of this kind share numbers: add 1,000,000 to those of the second.) All are in fold {fold}, to be
trained on; validate and test on PTB-XL alone.

```python
import pandas as pd

folders = ["ptb-xl", "synthetic"]  # this folder is the second
tables, meanings = [], []
for folder in folders:
    table = pd.read_csv(f"{{folder}}/ptbxl_database.csv", index_col="ecg_id").dropna(axis="columns", how="all")
    for column in table.columns.intersection(["filename_lr", "filename_hr"]):
        table[column] = folder + "/" + table[column]  # from where both folders lie
    tables.append(table)
    meanings.append(pd.read_csv(f"{{folder}}/scp_statements.csv", index_col=0))
records, statements = pd.concat(tables), pd.concat(meanings)
statements = statements[~statements.index.duplicated()]
train = records[records.strat_fold <= 8]  # PTB-XL's training folds, and all of this folder
validation, test = records[records.strat_fold == 9], records[records.strat_fold == 10]
```
"""


def readme_text(
    records: RecordStream, ptbxl: bool, description: Description, private: bool = False, note: str = ""
) -> str:
    """The text for a data set, of PTB-XL's layout (`ptbxl`) or another, with private/ or without; `note` ends it."""
    rates = [text for text in (_of_rate(records.sampling_rate, rate) for rate in records.rates) if text]
    files = [*description.files, f"`{MANIFEST}`: how every record came about.", *([README_LINE] if private else [])]
    parts = [
        README.format(
            origin=(COPIED if records.copies else SYNTHETIC).format(records=len(records)),
            files="\n".join(f"- {entry}" for entry in files),
        )
    ]
    parts += [f"\n{text}\n" for text in (*rates, description.remark) if text]
    first, folds = min(records.ecg_ids), set(records.rows["fold"])
    if ptbxl and first > LAST_PTBXL and folds == {TRAINING_FOLD}:
        parts.append(JOINING.format(first=first, last=LAST_PTBXL, fold=TRAINING_FOLD))
    return "".join([*parts, f"\n{markdown(note)}\n" if note else ""])


def _of_rate(sampling_rate: int, rate: int) -> str:
    """The content of the files of a rate that is not the records' own, in a sentence; else nothing."""
    if rate == sampling_rate:
        return ""
    lower = min(rate, sampling_rate) / 2
    flat, stop = PASS_EDGE * lower, STOP_EDGE * lower
    if rate < sampling_rate:
        return f"The {rate} Hz files are resampled from {sampling_rate} Hz, flat to {flat:g} Hz."
    return (
        f"The {rate} Hz files hold nothing above {flat:g}-{stop:g} Hz: they are resampled from {sampling_rate} Hz, "
        "for loaders that ask for that rate."
    )
