"""Readers: what they measure knows no label, what they learn, and classes of which nothing can be learned."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from vqecg.downstream.reading.combined import read
from vqecg.downstream.reading.likelihoods import combinations_of, log_ratios
from vqecg.downstream.reading.measuring import measure_parts
from vqecg.downstream.reading.registry import READERS, FittedReader, Reader, ReadRecords, find_reader
from vqecg.downstream.reading.stacking import Stack
from vqecg.downstream.reading.traits import BoostedTraits, LogisticTraits, rhythm_measures
from vqecg.prior.conditioning import Condition
from vqecg.prior.generator import ECGGenerator
from vqecg.records.folds import SplitIndices
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection


@pytest.fixture(scope="module")
def few(simulated_store: RecordStore, simulated_split: SplitIndices) -> RecordSelection:
    return RecordSelection(simulated_store, simulated_split.train[:30])


@pytest.fixture(scope="module")
def task(simulated_store: RecordStore) -> LabelTask:
    return simulated_store.task("superdiagnostic")


@pytest.mark.parametrize("name", READERS.names())
def test_every_reader_scores_records_and_is_the_same_again(
    name: str, few: RecordSelection, task: LabelTask, tiny_generator: ECGGenerator
):
    reader = find_reader(name)
    assert reader.help and reader.measured
    measures = reader.measure(tiny_generator, few, task)
    assert len(measures) == len(few) and not np.isinf(measures).any()
    np.testing.assert_allclose(reader.measure(tiny_generator, few.only(slice(3, 9)), task), measures[3:9], atol=1e-3)
    known = ReadRecords(measures, few.labels(task), few.patients)
    one, again = (reader.fit(known, 3).scores(measures) for _ in range(2))
    assert one.shape == (len(few), 5) and ((one >= 0) & (one <= 1)).all() and one.std() > 0
    np.testing.assert_array_equal(one, again)


def test_learners_use_the_known_labels_alone_and_leave_out_classes_of_too_few_patients():
    rng = np.random.default_rng(0)
    measures = rng.normal(size=(120, 5)).astype(np.float32)
    measures[:7, 4] = math.nan
    labels = (measures[:, :4] + 0.3 * rng.normal(size=(120, 4)) > 0).astype(np.float32)
    labels[60:, 0] = math.nan
    labels[:, 1] = np.arange(120) < 4  # four records of two patients
    labels[:, 2] = math.nan
    known = ReadRecords(measures, labels, np.repeat(np.arange(60), 2).astype(str))
    for reader in (BoostedTraits(), LogisticTraits()):
        fitted = reader.fit(known, 0)
        scores = fitted.scores(measures)
        assert fitted.constant == (1, 2)
        assert set(scores[:, 1]) == {4 / 120} and set(scores[:, 2]) == {0.5}
        assert ((scores[60:, 0] > 0.5) == (measures[60:, 0] > 0)).mean() > 0.7
        changed = ReadRecords(measures, np.where(np.isnan(labels), math.nan, labels), known.patients)
        np.testing.assert_array_equal(reader.fit(changed, 0).scores(measures), scores)


def test_rhythm_is_measured_in_seconds():
    rows = rhythm_measures([np.array([100, 200, 350]), np.array([50]), np.zeros(0, int)], 100)
    np.testing.assert_allclose(rows[0], [3, 1.25, 0.25, 1.0, 1.5, 0.5])
    assert rows[1][0] == 1 and rows[2][0] == 0 and np.isnan(rows[1:, 1:]).all()


def test_odds_by_bayes_rule_leave_other_labels_open(
    few: RecordSelection, task: LabelTask, tiny_generator: ECGGenerator
):
    labels, classes, shares = combinations_of(tiny_generator, task, 32)
    np.testing.assert_array_equal(labels.astype(bool), classes)  # the generator's task is this one
    assert math.isclose(np.exp(shares).sum(), 1) and len(np.unique(labels, axis=0)) == len(labels)
    records = few.only(slice(0, 4))
    sketch = tiny_generator.prior.sketch.measured(records.signals)
    joint = np.zeros((4, len(labels)))
    with torch.inference_mode():
        for number, row in enumerate(labels):
            losses = tiny_generator.prior.sketch(sketch, Condition.of(np.tile(row, (4, 1)), {}))
            joint[:, number] = shares[number] - (losses.traits + losses.beats).double().numpy()
    joint -= joint.max(axis=1, keepdims=True)
    has = classes[:, 1]
    by_hand = np.log(np.exp(joint[:, has]).sum(1)) - np.log(np.exp(joint[:, ~has]).sum(1))
    measured = find_reader("likelihood of the sketch").measure(tiny_generator, records, task)
    np.testing.assert_allclose(measured[:, 1], by_hand, atol=1e-3)
    known = log_ratios(
        np.log([[0.1, 0.2, 0.3, 0.4]]), np.array([[True, False], [True, True], [False, True], [False, False]])
    )
    np.testing.assert_allclose(known, np.log([[0.3 / 0.7, 0.5 / 0.5]]), atol=1e-12)
    assert np.isnan(log_ratios(np.zeros((1, 2)), np.array([[True], [True]]))).all()


def test_likelihoods_need_a_generator_of_the_classes(few: RecordSelection, tiny_generator: ECGGenerator):
    with pytest.raises(ValueError, match="expected some of NORM, MI"):
        find_reader("likelihood of the sketch").measure(tiny_generator, few, LabelTask.named("rhythm"))


def test_measures_are_kept_in_files_and_damage_is_noticed(
    few: RecordSelection, task: LabelTask, tiny_generator: ECGGenerator, tmp_path: Path
):
    parts = {"train": few.only(slice(0, 20)), "test": few.only(slice(20, 40))}
    one = measure_parts("boosted traits", tiny_generator, parts, task, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    other = measure_parts("logistic traits", tiny_generator, parts, task, tmp_path)
    assert len(times) == 2 and {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times
    assert one.files == other.files and len(one.part("train")) == 20
    mixed = np.array([25, 3, 19, 20])
    np.testing.assert_array_equal(one.of(few.rows[mixed]), np.concatenate([one.part("train"), one.part("test")])[mixed])
    assert one.of(few.rows[:0]).shape == (0, one.part("test").shape[1])
    one.files["train"].write_bytes(b"no")
    with pytest.raises(ValueError, match=r"damaged: delete .*traits"):
        one.part("train")


@pytest.mark.bad_input("a reader that measures nonsense")
def test_what_a_reader_must_not_measure_is_refused(
    few: RecordSelection, task: LabelTask, tiny_generator: ECGGenerator, tmp_path: Path
):
    class Wrong(Reader):
        measured = "wrong"

        def measure(self, generator: ECGGenerator, records: RecordSelection, task: LabelTask) -> np.ndarray:
            return np.full((len(records), 1), np.inf, np.float32)

        def fit(self, known: ReadRecords, seed: int) -> FittedReader:
            return FittedReader(lambda measures: measures)

    READERS.register("wrong")(Wrong)
    try:
        with pytest.raises(ValueError, match=r"Wrong measured an array of shape .* with infinite values"):
            measure_parts("wrong", tiny_generator, {"train": few}, task, tmp_path)
    finally:
        READERS.remove("wrong")
    with pytest.raises(ValueError, match="reader by a generator 'wrong' is unknown; expected one of boosted traits"):
        find_reader("wrong")


@pytest.mark.bad_input("measures of other records, a reader without names or scores")
def test_what_a_reader_cannot_read_by_is_refused(
    few: RecordSelection, task: LabelTask, tiny_generator: ECGGenerator, tmp_path: Path
):
    measured = measure_parts("boosted traits", tiny_generator, {"train": few.only(slice(0, 20))}, task, tmp_path)
    with pytest.raises(ValueError, match=r"measured nothing on 10 of 30 records .* expected records of its train"):
        measured.of(few.rows)

    class Nameless(LogisticTraits):
        measured = ""

    READERS.register("nameless")(Nameless)
    try:
        with pytest.raises(ValueError, match="Nameless has no measured"):
            find_reader("nameless")
    finally:
        READERS.remove("nameless")
    for scores in (np.full((3, 2), math.nan), np.full((3, 2), 1.5), np.zeros((3, 1))):
        with pytest.raises(ValueError, match=r"for 3 records and 2 classes; expected \(records, classes\) in 0..1"):
            FittedReader(lambda measures, scores=scores: scores).read(np.zeros((3, 4)), 2)


def test_a_stack_weighs_members_by_what_they_know_and_never_below_nothing():
    rng = np.random.default_rng(0)
    labels = (rng.random((400, 2)) < 0.4).astype(float)
    good = 1 / (1 + np.exp(-(2 * labels - 1 + rng.normal(size=labels.shape))))
    noise, wrong = rng.uniform(0.2, 0.8, labels.shape), 1 - good
    labels[:50, 0] = math.nan
    labels[:, 1] = math.nan
    stack = Stack.fit([good, noise, wrong], labels)
    assert stack.weights.min() >= 0 and stack.weights[0, 0] > 0.5 and stack.weights[2, 0] < 0.05
    np.testing.assert_allclose(stack.weights[:, 1], 1 / 3)
    scores = stack.scores([good, noise, wrong])
    assert np.corrcoef(scores[:, 0], good[:, 0])[0, 1] > 0.9


def test_a_user_can_read_without_a_network(
    simulated_store: RecordStore, simulated_split: SplitIndices, tiny_generator: ECGGenerator
):
    asked, training = simulated_split.test, simulated_split.train
    scores = read(tiny_generator, simulated_store, asked, training, readers=("logistic traits", "logistic states"))
    assert scores.shape == (len(asked), 5) and ((scores > 0) & (scores < 1)).all()
    with pytest.raises(ValueError, match="1 patients among the training records and those to read"):
        read(tiny_generator, simulated_store, asked[:1], training=asked)
    with pytest.raises(ValueError, match="got 0 readers"):
        read(tiny_generator, simulated_store, asked, training, readers=())
