# %% [markdown]
# # The tokenizer as a codec
#
# A tokenizer turns an ECG into a few hundred bits a second and back. That is worth something without any generator:
# small archives of recordings, and recordings without their noise. This page trains one in seconds on simulated ECGs,
# measures what it loses, and uses it for both.
#
# The figures below are those of a toy. What a trained tokenizer does on real recordings, beside a transform codec and
# filters, is in the results on [archives](../results/archives.md) and [denoising](../results/denoising.md).

# %%
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

import vqecg
from vqecg.downstream.tasks.compression.compression import CompressionSettings
from vqecg.downstream.tasks.denoising.denoising import denoise
from vqecg.scripts.cli.presets import TINY
from vqecg.scripts.steps.tasks.compressing import CompressingStep, DecompressingStep, compress, decompress
from vqecg.scripts.steps.tokenizer import TokenizerStep, summary, tokenizer_stage
from vqecg.tokenizer.metrics import prd
from vqecg.tokenizer.noise import NoiseSettings

folder = Path("codec")
vqecg.simulate(folder / "data", records=300, seed=0, progress=False)
store = vqecg.prepare(folder / "data", folder / "store", progress=False)
store

# %% [markdown]
# ## Train, and measure the loss
#
# PRD is the usual measure of an ECG codec: the root of the squared error over that of the signal without its mean, in
# percent, here over all twelve leads. Zero is perfect. The training step measures it on the test fold.

# %%
settings = replace(TINY.tokenizer, fit=replace(TINY.tokenizer.fit, steps=150, batch_size=16))
stage = tokenizer_stage(TokenizerStep(folder / "store", folder / "tokenizer", training=settings))
print(summary(stage))

# %% [markdown]
# The tokenizer has several levels of codes. The first says the most, each further one what is left, and any first few
# of them can be decoded. So bits and error are traded without training again:

# %%
ladder = pd.DataFrame(stage.figures["prd"]).set_index("levels")
ladder.insert(0, "bits per second", stage.figures["bit_rate"] * ladder.index / ladder.index.max())
ladder.round(1)

# %% [markdown]
# Encode and decode by hand. The tokenizer takes the eight independent leads (I, II, V1 to V6) in mV; III, aVR, aVL and
# aVF follow from I and II.

# %%
tokenizer = vqecg.ECGTokenizer.from_pretrained(folder / "tokenizer").eval()
signal = store.signals(slice(0, 1))  # (1, 8, 1000) float32 mV
with torch.inference_mode():
    codes = tokenizer.encode(torch.tensor(signal))
    one, every = (tokenizer.decode(codes[..., :levels], samples=1000) for levels in (1, tokenizer.num_levels))
for name, again in (("first level alone", one), ("all levels", every)):
    print(f"{name}: PRD {prd(torch.tensor(signal), again).item():.1f} %")
vqecg.plot(signal[0], sampling_rate=100, over=every[0].numpy(), title="A recording, and all levels of its codes")

# %% [markdown]
# ## An archive
#
# `vqecg compress` writes recordings of any length into one file. Each frame gets as many levels as the error that you
# ask for needs, and a range coder packs them. A toy cannot come near the usual 20 microvolt, so we ask for 60. A
# recording that is off by more than `most` is not forced in: it is left out, and named.

# %%
archive = folder / "recordings.vqe"
asked = CompressionSettings(error=60.0, most=400.0)
print(compress(CompressingStep(data=folder / "data", tokenizer=folder / "tokenizer", out=archive, compression=asked)))

# %%
step = DecompressingStep(archive=archive, tokenizer=folder / "tokenizer", out=folder / "again")
print(decompress(step))
raw = sum(path.stat().st_size for path in (folder / "data").rglob("*.dat"))
print(f"WFDB files (twelve leads) {raw / 1e6:.2f} MB, archive (eight) {archive.stat().st_size / 1e6:.3f} MB")

# %% [markdown]
# Mind what this is: a lossy archive that can only be read with the very same tokenizer. Keep the folder of the
# tokenizer beside it, and keep the originals of whatever you may have to measure once more. Labels, age and sex are not
# in it.
#
# ## Noise removed
#
# A tokenizer that has seen noisy recordings in training, and was asked for the clean ones, cannot but leave noise out:
# its codes have no words for it. We go on from the weights that we have, with noise in nine of ten training records.

# %%
noisy = replace(settings, model=replace(settings.model, noise_share=0.9))
step = TokenizerStep(folder / "store", folder / "denoiser", training=noisy, start=folder / "tokenizer")
print(summary(tokenizer_stage(step)))
denoiser = vqecg.ECGTokenizer.from_pretrained(folder / "denoiser").eval()

# %% [markdown]
# On test recordings we know the truth, and add wander, muscle noise and electrode motion ourselves. Two ways to remove
# it: the codes, and a plain band-pass filter, the one to beat.

# %%
test = store.signals(np.flatnonzero(store.table["fold"] == 10))
disturbed = NoiseSettings(least=0.8, most=0.8).added_to(test, 100, np.random.default_rng(0))
ways = {"as disturbed": disturbed}
for name, method in (("band-pass filter", "filter"), ("codes", "codes")):
    ways[name] = np.stack([denoise(denoiser, signal, method) for signal in disturbed])
errors = {name: prd(torch.tensor(test), torch.tensor(signals)).tolist() for name, signals in ways.items()}
pd.DataFrame(errors).median().rename("median PRD against the truth (%)").round(1).to_frame()

# %%
figure, axes = plt.subplots(figsize=(10, 5), layout="constrained")
seconds = np.arange(500) / 100
lines = {"truth": test, **ways}
for row, (name, signals) in enumerate(lines.items()):
    axes.plot(seconds, signals[0, 1, :500] - 2.5 * row, linewidth=0.9)
    axes.text(5.05, -2.5 * row, name, va="center")
axes.set(title="Lead II: noise added and removed", xlabel="time (s)", yticks=[], xlim=(0, 6))
axes.spines[["top", "right", "left"]].set_visible(False)

# %% [markdown]
# What comes out of a denoiser looks like an ECG because that is all it can draw. It is a guess at what was recorded,
# not the recording; files that `vqecg denoise` writes say so in their headers. Do not measure an ST segment on it.
