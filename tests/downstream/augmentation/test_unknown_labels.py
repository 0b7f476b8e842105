"""What is added where labels are unknown: nothing is claimed of a label that nobody knows."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vqecg.downstream.augmentation.generator_training import check_generator
from vqecg.downstream.augmentation.methods.registry import AugmentationSettings, Ingredients, find_method
from vqecg.downstream.augmentation.plan import AdditionPlan
from vqecg.downstream.comparison.arms.filling import Filling
from vqecg.downstream.comparison.class_counts import ClassCounts
from vqecg.downstream.comparison.design import Design, missing, plan_design, plan_of_labels
from vqecg.prior.generator import ECGGenerator
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainedOn, TrainingSubset, split_rows

FOLDS = FoldSplit(tuple(range(1, 9)), (9,), (10,))
FEW = TrainingSubset(known_class="MI", known_records=4)
DESIGN = Design(target_classes=("MI",), folds=FOLDS, subset=FEW, augmentation=AugmentationSettings(least=1))


def test_a_plan_copies_the_labels_of_records_known_to_have_the_class(simulated_store: RecordStore):
    plan, task = plan_of_labels(DESIGN, simulated_store), simulated_store.task("superdiagnostic")
    view = FEW.known_labels(simulated_store, FOLDS)
    rows = split_rows(view, FOLDS, FEW, task).train
    known = view.labels(task, rows[plan.source_indices], math.nan)[:, task.class_names.index("MI")]
    assert len(plan) and (known == 1).all() and len(set(plan.source_indices)) <= 4


def test_a_plan_counts_what_is_known_of_a_class_that_is_unknown_in_some_of_its_records(simulated_store: RecordStore):
    plan = plan_of_labels(replace(DESIGN, target_classes=("HYP",)), simulated_store)
    column = plan.class_names.index("MI")
    assert np.isnan(plan.labels[:, column]).any()
    assert plan.counts["HYP"] == len(plan) and plan.counts["MI"] == (plan.labels[:, column] == 1).sum()


def test_additions_from_records_with_other_hidden_labels_are_in_another_file(
    simulated_store: RecordStore, tiny_generator: ECGGenerator, tmp_path: Path
):
    task, method = simulated_store.task("superdiagnostic"), find_method("duplication")
    for known in (4, 6):
        subset = replace(FEW, known_records=known)
        view = subset.known_labels(simulated_store, FOLDS)
        rows = split_rows(view, FOLDS, subset, task).train
        labels = view.labels(task, rows, math.nan)
        plan = AdditionPlan(task.class_names, ("MI",), np.zeros(1, np.int64), np.nan_to_num(labels[:1]))
        Filling(Ingredients(view, rows, task, tiny_generator), plan, tmp_path).stored(method, plan)
    assert len(list(tmp_path.iterdir())) == 2


def test_methods_make_others_of_records_whose_labels_the_prior_can_be_told(
    simulated_store: RecordStore, tiny_generator: ECGGenerator
):
    planned = plan_design(DESIGN, simulated_store, tiny_generator)
    ingredients = planned.ingredients
    labels = ingredients.store.labels(ingredients.task, ingredients.rows, math.nan)
    whole = np.isfinite(labels).all(axis=1)
    assert 4 < whole.sum() < len(whole)
    for name in ("prior samples", "infilling", "latent interpolation"):
        able = find_method(name).eligible(ingredients)
        assert not able[~whole].any(), name
    told = replace(tiny_generator.prior.config, unknown_labels=True)
    known = tiny_generator.prior.config
    try:
        tiny_generator.prior.config = told
        open_ = Ingredients(ingredients.store, ingredients.rows, ingredients.task, tiny_generator, ingredients.settings)
        assert find_method("prior samples").eligible(open_)[~whole].any()
    finally:
        tiny_generator.prior.config = known


def test_a_comparison_says_what_is_hidden_and_counts_what_is_known(
    simulated_store: RecordStore, tiny_generator: ECGGenerator
):
    said = missing(DESIGN, plan_design(DESIGN, simulated_store, tiny_generator))
    assert said[0].startswith("Labels were hidden on purpose: MI known for 4") and "none counts as absent" in said[-1]
    view, task = FEW.known_labels(simulated_store, FOLDS), simulated_store.task("superdiagnostic")
    table = ClassCounts(view, task, split_rows(view, FOLDS, FEW, task)).table.set_index("class_name")
    assert table.loc["MI", "train_records"] == 4
    whole = ClassCounts(simulated_store, task, FOLDS.indices(simulated_store.table)).table.set_index("class_name")
    assert table.loc["MI", "test_records"] == whole.loc["MI", "test_records"]


def test_a_generator_that_saw_hidden_labels_is_refused_and_its_tokenizer_is_not(
    simulated_store: RecordStore, tiny_generator: ECGGenerator
):
    def trained_on(prior: TrainingSubset, tokenizer: TrainingSubset) -> ECGGenerator:
        seen = {"prior": prior, "tokenizer": tokenizer}
        parts = {name: TrainedOn(simulated_store.fingerprint, FOLDS, subset) for name, subset in seen.items()}
        conditions = (tiny_generator.conditions, tiny_generator.samples)
        return ECGGenerator(tiny_generator.tokenizer, tiny_generator.prior, tiny_generator.task, *conditions, parts)

    wanted = TrainedOn(simulated_store.fingerprint, FOLDS, TrainingSubset(labelled=0.2))
    everything, few = TrainingSubset(), TrainingSubset(fraction=0.2)
    assert check_generator(trained_on(wanted.subset, everything), simulated_store, wanted) == ()
    (remark,) = check_generator(trained_on(few, everything), simulated_store, wanted)
    assert "prior was trained on fewer" in remark
    with pytest.raises(ValueError, match="its prior was trained on other records"):
        check_generator(trained_on(everything, everything), simulated_store, wanted)
