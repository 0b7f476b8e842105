# %% [markdown]
# # Is a synthetic set any good?
#
# "Looks real" is no measure. `vqecg assess` asks four questions of a synthetic set: what is a classifier worth that was
# trained on it, how far are its records from real ones, do they show what their labels say, and are any of them copies
# of training records? This page makes two small sets, one of them broken on purpose, and reads the answers.
#
# The generator below learns for seconds, and from simulated ECGs, which are far simpler than real ones. So the figures
# show how to read an assessment, and nothing else. Those of trained generators on real data are in the
# [results](../results/synthetic-records.md).

# %%
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import vqecg
from vqecg.downstream.assessment.settings import AssessmentSettings
from vqecg.scripts.cli.presets import TINY
from vqecg.scripts.steps.assessing import AssessingStep, assessment_stage, read_assessment
from vqecg.scripts.steps.prior import PriorStep, prior_stage
from vqecg.scripts.steps.tokenizer import TokenizerStep, tokenizer_stage

folder = Path("evaluation")
vqecg.simulate(folder / "data", records=400, seed=0, progress=False)
store = vqecg.prepare(folder / "data", folder / "store", progress=False)

codec = replace(TINY.tokenizer, fit=replace(TINY.tokenizer.fit, steps=100, batch_size=16))
tokenizer_stage(TokenizerStep(folder / "store", folder / "tokenizer", training=codec))
prior = replace(
    TINY.prior,
    fit=replace(TINY.prior.fit, steps=80, batch_size=16),
    sketch=replace(TINY.prior.sketch, steps=100),
    detail=replace(TINY.prior.detail, steps=30, batch_size=16),
)
prior_stage(PriorStep(folder / "store", folder / "tokenizer", folder / "prior", task="superdiagnostic", training=prior))
generator = vqecg.ECGGenerator.from_pretrained(folder / "prior")
generator

# %% [markdown]
# ## Two sets
#
# The first has labels, age and sex as they occur together in the training records. The second has the very same ECGs
# with the labels dealt anew: every wave as before, every label a lottery. A measure that cannot tell them apart does
# not measure what you need for training a classifier.

# %%
samples = generator.sample([], count=160, seed=0)
rng = np.random.default_rng(0)
shuffled = replace(samples, labels=samples.labels[rng.permutation(len(samples))])
for name, records in (("samples", samples), ("shuffled", shuffled)):
    records.save(folder / name, rates=[100])
print(samples)
samples[0].plot()

# %% [markdown]
# ## Assess
#
# In a shell: `vqecg assess samples --against store --preset tiny --out assessed`. It trains classifiers on real records
# and on synthetic ones, and tests both on real records of the test fold. One family and one seed, so that it takes
# seconds; a verdict needs the usual two families and several seeds. The second call takes over the classifiers of the
# first that saw real records alone.

# %%
quick = AssessmentSettings(
    families=("resnet",),
    seeds=(0,),
    training=TINY.classifier.changed({"fit.steps": 50, "fit.batch_size": 16}),
    replicates=200,
)
for name, earlier in (("samples", ()), ("shuffled", (folder / "samples-assessed",))):
    out = folder / f"{name}-assessed"
    step = AssessingStep(folder / name, folder / "store", out, earlier=earlier, settings=quick)
    assessment_stage(step)
both = {name: read_assessment(folder / f"{name}-assessed") for name in ("samples", "shuffled")}
print(*both["samples"].about["remarks"], sep="\n")

# %% [markdown]
# ## What is it worth to a classifier?
#
# TRTR is trained on real records and tested on real ones. TSTR is trained on synthetic ones and tested on real ones:
# the ratio of the two is the share of a real set's worth that the synthetic set has. TRTS goes the other way: a
# classifier of real records reads the synthetic ones, and AUROC says whether it sees in them what their labels say.

# %%
columns = ["design", "metric", "ratio", "ratio_low", "ratio_high"]
ratios = {name: assessment.ratios[columns].set_index(["design", "metric"]) for name, assessment in both.items()}
pd.concat(ratios, axis=1).round(2)

# %% [markdown]
# With labels dealt anew a classifier learns nothing: AUROC is near 0.5. So the labels carry the worth of the samples,
# and the measure sees it. Mind two things before you are pleased with a ratio: TRTR may have seen more records than
# TSTR, as here; and a ratio near 1 does not say that *adding* such records to real ones helps. That is another
# question, and `vqecg compare` answers it.
#
# ## How far is it from real records?
#
# Distances between clouds of records, in the features of a classifier and in physiology (rate, intervals, amplitudes).
# No distance means anything by itself: the row `training` is the distance of real training records to the same test
# records, as many of them, and is what a perfect generator would have.

# %%
distances = pd.concat({name: assessment.distances for name, assessment in both.items()}, names=["set", "row"])
distances = distances[distances["against"] == "test records"].droplevel("row")
distances.set_index(["space", "compared"], append=True)[["frechet", "precision", "recall"]].round(2)

# %% [markdown]
# Both sets have the same distances, as they have the same waves. A paper that reports a Fréchet distance alone would
# call the lottery as good as the other. Precision is the share of synthetic records among the real ones' neighbours,
# recall that of real records among the synthetic ones': a generator that draws one typical ECG over and over has high
# precision and low recall.
#
# ## Are there copies of training records?
#
# For each synthetic record, the nearest training record; for comparison the same for real held-out records. Synthetic
# records that are nearer to the training records than real people are would be copies. The share in the last table is
# 0.5 where there is no preference for training records over held-out ones.

# %%
memory = both["samples"].memorisation
nearness = pd.DataFrame(memory["nearness"])
nearness[nearness["label"] == "all"].filter(["space", "synthetic_median", "held_out_median", "near_copies"]).round(2)

# %%
pd.DataFrame(memory["nearer"]).round(2)

# %% [markdown]
# ## Read the page
#
# Everything is in `assessment.html` beside the files, with more: amplitudes and spectra lead by lead, rules of labels
# (`AFIB` should be irregular), the ability of an attacker to tell training records from others. With a segmenter
# (`vqecg train-segmenter`) PR, QRS and QT are measured too.
#
# An order that has served well: copies first, since with copies all else looks splendid; then utility; then distances,
# to see what is wrong; and only then the pictures.

# %%
print(sorted(path.name for path in (folder / "samples-assessed").iterdir()))
