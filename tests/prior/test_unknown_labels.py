"""Unknown labels in a prior's condition: shown as unknown, never as absent, and old models stay what they are."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from vqecg.prior.conditioning import Condition, ConditionEmbedding
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.likelihood import EncodedRecords
from vqecg.prior.merged_conditions import known_counts, label_counts
from vqecg.prior.requests import Requests, training_conditions
from vqecg.prior.training import PriorTraining, train_prior
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.records.store.subset import TrainingSubset, split_rows
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.fit import FitSettings

FOLDS = FoldSplit(tuple(range(1, 9)), (9,), (10,))
SOME = TrainingSubset(labelled=0.3)


def embedding(unknown_labels: bool) -> ConditionEmbedding:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ConditionEmbedding(2, 8, unknown_labels=unknown_labels)


def test_an_unknown_label_is_neither_there_nor_absent():
    model = embedding(True)
    assert model.unknown_labels is not None
    torch.nn.init.ones_(model.unknown_labels.weight)
    labels = np.array([[0, 1], [0, math.nan], [0, 0]])
    vectors = model(Condition.of(labels, {}, unknown_labels=True))
    assert bool(vectors.isfinite().all())
    assert len({tuple(row.tolist()) for row in vectors}) == 3


def test_a_model_without_unknown_labels_has_the_weights_and_bits_that_it_had():
    old, new = embedding(False), embedding(True)
    assert "unknown_labels.weight" not in old.state_dict()
    known = Condition.of(np.eye(2), {})
    new.load_state_dict(old.state_dict() | {"unknown_labels.weight": torch.zeros(8, 2)})
    assert torch.equal(old(known), new(known))


@pytest.mark.bad_input("unknown labels for a model that knows none")
def test_unknown_labels_are_refused_where_the_prior_knows_none(
    tiny_generator: ECGGenerator, simulated_store: RecordStore
):
    with pytest.raises(ValueError, match="1 of 2 records have unknown labels"):
        Condition.of(np.array([[0, math.nan], [0, 1]]), {})
    labels = np.full((1, len(tiny_generator.class_names)), math.nan)
    with pytest.raises(ValueError, match=r"with values such as nan; expected .* of 0 and 1$"):
        tiny_generator.generate(Requests(labels, {}), 0)
    view = SOME.known_labels(simulated_store, FOLDS)
    rows = split_rows(view, FOLDS, SOME).unlabelled[:2]
    with pytest.raises(ValueError, match="2 of 2 records have unknown labels"):
        EncodedRecords.of_records(tiny_generator, RecordSelection(view, rows))
    with pytest.raises(ValueError, match="of no training record all labels"):
        training_conditions(view, rows, view.task("all"))


def test_the_table_of_conditions_is_of_records_with_known_labels(simulated_store: RecordStore):
    view, task = SOME.known_labels(simulated_store, FOLDS), simulated_store.task("superdiagnostic")
    rows = split_rows(view, FOLDS, SOME)
    both = training_conditions(view, rows.every_training_row, task)
    assert both.equals(training_conditions(simulated_store, rows.train, task))


def test_labels_are_counted_where_they_are_known_whatever_else_is_unknown(simulated_store: RecordStore):
    task, rows = simulated_store.task("superdiagnostic"), split_rows(simulated_store, FOLDS, TrainingSubset()).train
    conditions, names = training_conditions(simulated_store, rows, task), task.class_names
    assert known_counts(simulated_store.labels(task, rows), names) == label_counts(conditions)
    few = TrainingSubset(known_class="MI", known_records=4)
    labels = few.known_labels(simulated_store, FOLDS).labels(task, rows, math.nan)
    counted, every = known_counts(labels, names, least=1), label_counts(conditions, least=1)
    assert counted == every | {"MI": 4}


@pytest.mark.slow
def test_a_prior_learns_from_recordings_without_labels_too(
    simulated_store: RecordStore, tiny_tokenizer: ECGTokenizer, prior_training: PriorTraining
):
    view, task = SOME.known_labels(simulated_store, FOLDS), simulated_store.task("superdiagnostic")
    rows = split_rows(view, FOLDS, SOME, task)
    short = FitSettings(steps=2, batch_size=8)
    settings = replace(prior_training, fit=short, sketch=short, detail=short, variants=1)
    trained = train_prior(
        view, rows.every_training_row, rows.validation, tiny_tokenizer, task, settings, progress=False
    )
    config = trained.prior.config
    assert config.unknown_labels and np.isfinite(trained.result.best_value)
    conditions = training_conditions(view, rows.train, task)
    generator = ECGGenerator(tiny_tokenizer, trained.prior, task, conditions, simulated_store.spec.samples)
    made = generator.generate(Requests(np.array([[1, 0, 0, 0, math.nan]], np.float32), {}), 0)
    assert np.isfinite(made.signal).all() and set(made.statements[0]) == {"NORM"}
