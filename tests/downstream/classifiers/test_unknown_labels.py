"""Training records some of whose labels are unknown: what is not known teaches nothing."""

import math

import numpy as np
import pytest
import torch

from vqecg.downstream.augmentation.plan import plan_additions
from vqecg.downstream.classifiers.batch_loss import loss_of
from vqecg.downstream.classifiers.losses import LOSSES, LossSettings, over_known, positive_weights
from vqecg.downstream.classifiers.mixture import MixtureSettings, labels_in_shares
from vqecg.downstream.classifiers.models.label_correlation import correlation_matrix
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.thresholds import MAXIMUM_F1, choose_thresholds
from vqecg.downstream.classifiers.training import LabelledSignals, train_classifier
from vqecg.training.fit import FitSettings

NAN = math.nan
LABELS = np.array([[1, 0], [0, NAN], [NAN, 1], [0, 0]], np.float32)


@pytest.mark.parametrize("name", LOSSES.names())
def test_a_loss_is_the_mean_over_known_labels_and_pulls_at_no_other(name: str):
    logits = torch.tensor([[2.0, -1.0], [0.5, 3.0], [-2.0, 0.1], [60.0, -60.0]], requires_grad=True)
    plain = LOSSES.get(name)(LossSettings(name), LABELS)
    value = over_known(plain)(logits, torch.from_numpy(LABELS))
    value.backward()
    known = np.isfinite(LABELS)
    surely = torch.where(torch.from_numpy(known), logits.detach(), -100.0)
    whole = torch.from_numpy(np.nan_to_num(LABELS))
    one_by_one = [float(plain(surely[[row]], whole[[row]])) * 2 for row in range(4)]
    assert float(value.detach()) == pytest.approx(sum(one_by_one) / known.sum(), rel=1e-5)
    rest = float(plain(torch.full((1, 2), -100.0), torch.zeros(1, 2)))
    assert rest == pytest.approx(0, abs=1e-30), "what is surely absent costs nothing"
    assert logits.grad is not None and not logits.grad[torch.from_numpy(~known)].any()


def test_without_unknown_labels_the_loss_is_the_same_to_the_bit():
    batch = {"signal": torch.zeros(2, 8, 10), "labels": torch.tensor([[1.0, 0.0], [0.0, 1.0]])}
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(80, 2))
    settings = LossSettings()
    plain, masked = (loss_of(settings, batch["labels"].numpy(), unknown)(model, batch) for unknown in (False, True))
    assert float(plain["loss"].detach()) == float(masked["loss"].detach())


def test_weights_and_correlations_count_known_labels_alone():
    np.testing.assert_allclose(positive_weights(LABELS, 10.0), [2.0, 2.0])
    labels = np.array([[1, 1], [1, NAN], [NAN, 1], [0, 1]], np.float32)
    np.testing.assert_allclose(correlation_matrix(labels), [[1, 0.5], [1, 1]])
    stream = np.array([[1, NAN], [0, NAN]], np.float32)
    shares = labels_in_shares(LABELS, stream, MixtureSettings(0.5))
    assert (shares[4:, 0] == 0.5).all() and np.isnan(shares[4:, 1]).all() and len(shares) == 8


def test_a_classifier_learns_a_class_that_is_known_for_some():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (24, 2)).astype(np.float32)
    signals = (rng.normal(0, 0.1, (24, 8, 100)) + labels[:, :1, None]).astype(np.float32)
    labels[::2, 1] = NAN
    settings = ClassifierSettings(fit=FitSettings(steps=3, batch_size=8))
    trained = train_classifier(LabelledSignals(signals, labels), settings, ("a", "b"), 0,
                               LabelledSignals(signals[1::2], labels[1::2]), progress=False)  # fmt: skip
    assert all(bool(value.isfinite().all()) for value in trained.model.state_dict().values())


@pytest.mark.bad_input("labels that nobody knows where known ones are needed")
def test_records_and_validation_without_labels_are_refused():
    with pytest.raises(ValueError, match="of 1 records no label is known"):
        LabelledSignals(np.zeros((2, 8, 10), np.float32), np.array([[0, 1], [NAN, NAN]]))
    with pytest.raises(ValueError, match="thresholds need whole labels"):
        choose_thresholds(MAXIMUM_F1, LABELS, np.zeros((4, 2)), ("a", "b"))


def test_a_plan_takes_no_unknown_label_for_a_class_or_for_its_absence():
    labels = np.array([[1, 0], [1, 0], [1, 0], [0, 1], [1, NAN], [0, 0]], np.float32)
    plan = plan_additions(labels, ("a", "b"), ("b",), seed=0, count=4, companions=1.0)
    assert set(plan.source_indices[:4]) == {3} and 4 not in plan.source_indices
