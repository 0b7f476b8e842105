# %% [markdown]
# # Quickstart: from recordings to synthetic ECGs
#
# In two minutes, without any data of your own: simulate recordings, train a small tokenizer and a small prior on them,
# and ask for ECGs of a label. On your own data you would do the same, with more recordings and larger models.
#
# **Do not judge vqecg by the pictures.** The recordings are simulated and the models are trained for seconds, so that
# this page can be run anywhere. Figures on real recordings are in the [results](../results/README.md).

# %%
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import torch

import vqecg
from vqecg.scripts.cli.presets import TINY
from vqecg.scripts.steps.prior import PriorStep, prior_stage
from vqecg.scripts.steps.tokenizer import TokenizerStep, tokenizer_stage

folder = Path("quickstart")  # everything below is written into it

# %% [markdown]
# ## Recordings
#
# `vqecg.simulate` writes a data set in the layout of PTB-XL: WFDB files and a table of labels, age and sex. The labels
# are SCP-ECG statements such as `NORM` (normal) or `IMI` (inferior myocardial infarction).

# %%
vqecg.simulate(folder / "data", records=400, seed=0, progress=False)
first = next(vqecg.read_records(folder / "data"))
print(first)
first.plot()

# %% [markdown]
# ## A store
#
# `vqecg.prepare` reads every recording once, checks it, brings it to one rate and length, and keeps the eight
# independent leads. All later steps read this store. `fold` divides the patients: folds 1 to 8 train, 9 validates, and
# 10 is for the last measurement. (In a shell: `vqecg prepare --data data --out store`.)

# %%
store = vqecg.prepare(folder / "data", folder / "store", progress=False)
print(store)
store.table[["patient_id", "age", "sex", "fold", "statements"]].head()

# %% [markdown]
# ## A tokenizer
#
# The tokenizer learns to turn an ECG into a short sequence of codes, and codes back into an ECG. `TINY` is the preset
# for trying things out; half of its steps are enough here. In a shell this is `vqecg train-tokenizer --preset tiny`; a
# real one takes the preset `small`, and an hour of a laptop.

# %%
fit = replace(TINY.tokenizer.fit, steps=120, batch_size=16)
tokenizer_stage(TokenizerStep(folder / "store", folder / "tokenizer", training=replace(TINY.tokenizer, fit=fit)))
tokenizer = vqecg.ECGTokenizer.from_pretrained(folder / "tokenizer")

signal, labels = store.dataset("superdiagnostic", folds=[10])[0]  # (8, 1000) float32 mV, and the labels
with torch.inference_mode():
    codes = tokenizer.encode(torch.tensor(signal[None]))  # (1, frames, levels)
    again = tokenizer.decode(codes, samples=signal.shape[1])[0].numpy()
print(f"{signal.size:,} samples became {codes.numel():,} codes, {tokenizer.bit_rate:.0f} bits a second")
vqecg.plot(signal, sampling_rate=100, over=again, title="A test recording, and what its codes say of it")

# %% [markdown]
# The waves are there, and details are not: that is what so few codes and so little training give. The notebook on the
# [codec](codec.py) says how to measure it.
#
# ## A prior
#
# The prior learns which codes belong to which labels, age and sex. It first draws a sketch (rate, rhythm, a typical
# beat), then writes the codes for it. We train it on the five diagnostic superclasses of PTB-XL: `NORM`, `MI`, `STTC`
# (changes of ST and T), `CD` (conduction disturbances) and `HYP` (hypertrophy). In a shell: `vqecg train-prior`.

# %%
prior = replace(
    TINY.prior,
    fit=replace(TINY.prior.fit, steps=120, batch_size=16),  # the transformer, which writes the codes
    sketch=replace(TINY.prior.sketch, steps=100),  # of rate, rhythm and beat
    detail=replace(TINY.prior.detail, steps=40, batch_size=16),  # what the codes leave out
)
step = PriorStep(folder / "store", folder / "tokenizer", folder / "prior", task="superdiagnostic", training=prior)
figures = prior_stage(step).figures
print(f"{figures['parameters']:,} parameters, {figures['loss']:.2f} nats a code on the validation fold")
print(f"(a blind guess would have {figures['uniform']:.2f})")

# %% [markdown]
# ## Synthetic ECGs
#
# Tokenizer and prior together are a generator. `sample` takes labels, and age and sex if you care; what you leave open
# is drawn as it occurs in the training recordings. The same seed gives the same ECGs.

# %%
generator = vqecg.ECGGenerator.from_pretrained(folder / "prior")
records = generator.sample(["MI"], count=16, seed=0, age=70, sex="female")
print(generator)
print(records)
records[0].plot()

# %% [markdown]
# Each record knows that it is synthetic, and says so on the paper. The table has a row for each of them, with the seed
# and the fingerprint of the generator that it came from.

# %%
records.to_frame().iloc[:4, :6]

# %% [markdown]
# Do 16 records of one label differ? They should, as 16 people do. Lead V2 of eight of them, one above the other. After
# seconds of training some will be too flat, or too fast, for anybody to believe:

# %%
figure, axes = plt.subplots(figsize=(10, 5), layout="constrained")
seconds = [sample / records.sampling_rate for sample in range(400)]
for number, record in enumerate(records[:8]):
    axes.plot(seconds, record.signal[record.leads.index("V2"), :400] + 2.5 * number, linewidth=0.8, color="black")
axes.set(title="V2 of eight synthetic ECGs with MI", xlabel="time (s)", yticks=[])
axes.spines[["top", "right", "left"]].set_visible(False)

# %% [markdown]
# ## Save, and read again
#
# `save` writes a data set in the layout of PTB-XL, which every loader of PTB-XL reads. `to_torch` gives tensors for
# training a classifier.

# %%
records.save(folder / "synthetic", rates=[100])
print(vqecg.read(folder / "synthetic" / "records100" / "1000000" / "1000000_lr"))
tensor, classes = records.to_torch(leads=8)
print(tuple(tensor.shape), tuple(classes.shape), records.class_names)

# %% [markdown]
# ## Where to go from here
#
# - Your recordings instead of simulated ones: [own data](own_data.py).
# - Whether synthetic ECGs help a classifier, and how to find out before you spend a week: [few labels](few_labels.py).
# - Whether a synthetic set is any good: [evaluation](evaluation.py).
# - All commands, one after the other: [commands, step by step](../quickstart.md).
