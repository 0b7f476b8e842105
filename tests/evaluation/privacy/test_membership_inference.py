"""What the likelihood tells of membership, and codes that repeat."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from vqecg.evaluation.privacy.membership_inference import (
    MembershipScores,
    find_duplicates,
    likelihoods,
    membership_auc,
)
from vqecg.prior.conditioning import Condition
from vqecg.prior.examples import encode_examples, mean_losses
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.sketch.sketch import Sketch
from vqecg.prior.synthetic_records import code_digest
from vqecg.prior.training import prior_loss
from vqecg.records.folds import FoldSplit, SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.records.store.subset import TrainingSubset, split_rows


def likelihoods_of(losses: np.ndarray, labels: list[str] | None = None) -> MembershipScores:
    """MembershipScores of records that are each of a patient of their own."""
    names = np.array([str(number) for number in range(len(losses))], object)
    return MembershipScores(np.asarray(losses, np.float64), np.array(labels or ["NORM"] * len(losses), object), names)


def drawn_losses(model: nn.Module, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Nats of the sketch of a record, in the mean."""
    condition = Condition.from_batch(batch)
    drawn = model(Sketch(batch["times"], batch["traits"]), condition)
    return {"beats": drawn.beats.mean(), "traits": drawn.traits.mean()}


def test_the_membership_auc_is_the_share_of_pairs_that_are_told_apart():
    found = membership_auc(likelihoods_of(np.array([1.0, 2.0])), likelihoods_of(np.array([1.0, 3.0])))
    assert found.auc == pytest.approx((0.5 + 1 + 0 + 1) / 4)
    assert (found.members, found.others, found.matched) == (2, 2, False)
    apart = membership_auc(likelihoods_of(np.zeros(50)), likelihoods_of(np.ones(40)))
    assert (apart.auc, apart.low, apart.high) == (1, 1, 1)


def test_matched_membership_compares_records_of_the_same_labels_only():
    members = likelihoods_of(np.array([1.0, 5.0]), ["NORM", "MI"])
    others = likelihoods_of(np.array([2.0, 4.0]), ["NORM", "MI"])
    assert membership_auc(members, others).auc == pytest.approx(0.5)
    assert membership_auc(members, others, matched=True).auc == pytest.approx(0.5)
    easy = likelihoods_of(np.array([2.0, 6.0]), ["NORM", "MI"])
    assert membership_auc(members, easy, matched=True).auc == 1
    none = membership_auc(likelihoods_of(np.ones(1), ["CD"]), others, matched=True)
    assert np.isnan(none.auc) and np.isnan(none.low)


def test_without_a_difference_the_interval_holds_one_half():
    generator = np.random.default_rng(1)
    members, others = (likelihoods_of(generator.normal(size=count)) for count in (700, 200))
    found = membership_auc(members, others)
    assert found.low < 0.5 < found.high and found.high - found.low < 0.15


def test_the_losses_are_those_of_the_prior_on_average(
    tiny_generator: ECGGenerator, simulated_store: RecordStore, simulated_split: SplitIndices
):
    records = RecordSelection(simulated_store, simulated_split.test)
    own = likelihoods(tiny_generator, records)
    assert own.scores.shape == own.patients.shape == (len(records),)
    prior, task = tiny_generator.prior, simulated_store.task(tiny_generator.task.name)
    tokenizer, config = tiny_generator.tokenizer, prior.config
    examples = encode_examples(
        simulated_store, records.rows, tokenizer, prior.sketch.basis, task, config.levels, progress=False
    )
    sketch = mean_losses(prior.sketch, examples, drawn_losses)
    codes = mean_losses(prior, examples, prior_loss)["loss"] * config.frames * config.levels
    assert own.scores.mean() == pytest.approx(codes + sketch["beats"] + sketch["traits"], rel=1e-5)
    assert own.scores.std() > 0
    names = [tiny_generator.task.names(row) for row in simulated_store.labels(tiny_generator.task)[records.rows]]
    assert own.labels.tolist() == ["+".join(row) for row in names]


def test_another_task_is_refused(tiny_generator: ECGGenerator, simulated_store: RecordStore):
    generator = copy(tiny_generator)
    generator.task = replace(generator.task, class_names=("A", "B"), members={})
    with pytest.raises(ValueError, match="the store has the labels"):
        likelihoods(generator, RecordSelection(simulated_store, np.arange(3)))


def test_records_of_unknown_labels_are_left_out(tiny_generator: ECGGenerator, simulated_store: RecordStore):
    folds, some = FoldSplit(tuple(range(1, 9)), (9,), (10,)), TrainingSubset(labelled=0.3)
    view = some.known_labels(simulated_store, folds)
    rows = split_rows(view, folds, some)
    mixed = RecordSelection(view, np.sort(np.concatenate([rows.train[:4], rows.unlabelled[:4]])))
    known = likelihoods(tiny_generator, RecordSelection(simulated_store, rows.train[:4]))
    found = likelihoods(tiny_generator, mixed)
    np.testing.assert_allclose(found.scores, known.scores, rtol=1e-5)
    assert found.labels.tolist() == known.labels.tolist() and found.patients.tolist() == known.patients.tolist()
    with pytest.raises(ValueError, match="of no record all labels of superdiagnostic are known"):
        likelihoods(tiny_generator, RecordSelection(view, rows.unlabelled[:4]))


def test_repeated_codes_are_counted():
    codes = np.arange(12).reshape(4, 3)
    assert code_digest(codes.astype(np.int16)) == code_digest(codes) != code_digest(codes + 1)
    found = find_duplicates(["a", "b", "a", "c"], ["c", "d"])
    assert (found.synthetic, found.among_synthetic, found.in_training) == (4, 1, 1)
