# %% [markdown]
# # Few labels: ask for advice, then test it
#
# You have a classifier and too few labelled ECGs of a class. Would synthetic ECGs help? Often they do not, and finding
# out costs days. `vqecg advise` tries the candidates for a limited time, on training and validation folds alone, and
# says what to do; "add nothing" is a common answer. `vqecg compare` then tests the advice on folds that nobody has
# looked at.
#
# Everything here is simulated and trained for seconds. Read this page for how the pieces fit, not for its figures.

# %%
from dataclasses import replace
from pathlib import Path

import pandas as pd
import yaml

import vqecg
from vqecg.downstream.advice.settings import AdviceSettings
from vqecg.downstream.comparison.comparison import read_comparison
from vqecg.records.folds import FoldSplit
from vqecg.records.store.subset import TrainingSubset
from vqecg.reports.figures import forest
from vqecg.scripts.cli.presets import TINY
from vqecg.scripts.steps.advising import AdvisingStep, advising_stage, summary
from vqecg.scripts.steps.comparing import ComparingStep, run_plan
from vqecg.scripts.steps.designing import design_of
from vqecg.scripts.steps.forecasting import check_advice

folder = Path("few-labels")
vqecg.simulate(folder / "data", records=400, seed=0, progress=False)
store = vqecg.prepare(folder / "data", folder / "store", progress=False)
store

# %% [markdown]
# ## How few?
#
# Count before you train. A class that only a handful of validation or test patients have cannot be judged, whatever one
# trains; then more folds must be set aside, or the folds must rotate. We take folds 1 to 5 for training, 6 to 8 to
# choose on, and 9 and 10 for the test, and look at `MI`.

# %%
folds = FoldSplit(train=(1, 2, 3, 4, 5), validation=(6, 7, 8), test=(9, 10))
task = store.task("superdiagnostic")
part = store.table["fold"].map(lambda fold: "train" if fold <= 5 else "validation" if fold <= 8 else "test")
pd.DataFrame(store.labels(task), columns=task.class_names).groupby(part).sum().astype(int)

# %% [markdown]
# ## Advice
#
# We pretend that three of ten training patients were ever labelled: the ECGs of the others stay, their labels are
# hidden.
#
# The candidate that helped most on real data where labels are few needs no generator: `simulated first`, a classifier
# whose weights start from simulated ECGs ([results](../results/simulated.md)). With a generator in hand, mixtures of
# real and synthetic records would be tried too. The budget bounds the time; here the number of trials is small anyway.
#
# In a shell: `vqecg advise --store store --preset tiny --subset.labelled 0.3 --target-classes MI --arms simulated-first
# --budget 10m --out advice`.

# %%
tiny = design_of(TINY)
simulated = TINY.mixture.simulated.settings  # 100 records, 30 steps
simulated = replace(simulated, fit=replace(simulated.fit, batch_size=16))
pretraining = replace(tiny.controls.pretraining, simulated=simulated)
design = replace(
    tiny,
    folds=folds,
    subset=TrainingSubset(labelled=0.3),
    target_classes=("MI",),
    arms=("simulated first",),
    training=TINY.classifier.changed({"fit.steps": 40, "fit.batch_size": 16}),
    controls=replace(tiny.controls, pretraining=pretraining),
    seeds=(0, 1, 2),
)
trials = AdviceSettings(steps=(1.0,), seeds=4, fractions=(0.5,))  # few trials: a real advice tries more
step = AdvisingStep(folder / "store", folder / "advice", budget="10m", design=design, advice=trials)
print(summary(advising_stage(step)))

# %% [markdown]
# Read it in this order. The first line is the advice. The expected gain has an interval, from patients and seeds that
# did not choose the arm. Then comes the gain that these trials could have seen: if that is larger than anything you
# could hope for, "add nothing" means "nobody knows", and more validation patients are the remedy. The last lines say
# how many more labelled recordings would be worth as much.
#
# ## The test
#
# The advice wrote a plan: its arm, its control, and what it has to beat, named before anything is tested. `compare`
# runs it and reads the test folds for the first time. In a shell: `vqecg compare --plan advice/plan.yaml --store store
# --out tested`.

# %%
(cell,) = yaml.safe_load((folder / "advice" / "plan.yaml").read_text())["cells"]
print("main arm:", cell["analysis"]["main_arm"])
print("all arms:", ", ".join(cell["arms"]), "and, always, real only")
print("test folds:", cell["folds"]["test"], "seeds:", cell["seeds"])

# %%
print(run_plan(ComparingStep(folder / "store", folder / "tested"), folder / "advice" / "plan.yaml"))

# %% [markdown]
# Every difference has an interval over patients and seeds, and "gain" or "harm" is said only where that leaves zero
# out. "No detectable difference" is not "no difference": the same line says how large one would have had to be to be
# seen. Copies of the same real records (`duplication`) are always there: what beats real records alone but not these
# copies, beats nothing.

# %%
comparison = read_comparison(folder / "tested" / "cells" / "advice")
auroc = comparison.differences[comparison.differences["metric"] == "auroc"]
forest(auroc[auroc["against"] == "real only"], ["real only"], "macro AUROC")

# %% [markdown]
# ## Was the forecast any good?

# %%
print(check_advice(folder / "advice", folder / "tested"))

# %% [markdown]
# ## What not to conclude
#
# Here the test recordings come from the very simulator that the weights started from. On real recordings that help is
# smaller, and it has to be measured there. Three seeds, forty steps and so few patients are a rehearsal: for a claim
# take the preset `small`, five seeds or more, and name the arm before you run it.
