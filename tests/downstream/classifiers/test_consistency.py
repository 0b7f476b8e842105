"""Consistency: what counts as sure, what the loss counts, and that labels are learned from records without any."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from vqecg.downstream.classifiers.consistency import ConsistencySettings, consistency_loss, sure_predictions
from vqecg.downstream.classifiers.losses import bce
from vqecg.downstream.classifiers.settings import CLASSIFIER_FIT, ClassifierSettings
from vqecg.downstream.classifiers.signals import JoinedSignals
from vqecg.downstream.classifiers.training import (
    ClassifierExamples,
    LabelledSignals,
    TrainedClassifier,
    train_classifier,
)
from vqecg.training.checkpoint import identifying

SETTINGS = ClassifierSettings(
    fit=dataclasses.replace(CLASSIFIER_FIT, steps=3, batch_size=8, warmup_steps=1, evaluate_every=3)
).changed(
    {"augmentation.name": "classic", "mixture.share": 0.5, "consistency.weight": 1.0, "threshold_policy": "fixed 0.5"}
)
SMALL = {"stem_width": 4, "widths": (4, 8), "blocks": (1, 1)}


class Scores(torch.nn.Module):
    """Gives the signal's first samples as logits."""

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        assert not self.training
        return signal[:, 0, :3]


def data(records: int, unlabelled: bool) -> LabelledSignals:
    generator = np.random.default_rng(records)
    signals = generator.normal(size=(records, 8, 200)).astype(np.float32)
    labels = np.where(unlabelled, np.nan, generator.integers(0, 2, (records, 2))).astype(np.float32)
    return LabelledSignals(signals, labels, unlabelled)


def test_only_sure_predictions_are_targets_and_the_model_trains_on_after_them():
    signal = torch.tensor([[[5.0, -5.0, 1.0]]])
    model = Scores().train()
    predicted = sure_predictions(model, signal, 0.95)
    assert predicted[0, :2].tolist() == [1.0, 0.0] and predicted[0, 2].isnan() and model.training


def test_the_loss_counts_unknown_labels_with_a_sure_prediction_alone():
    logits, nan = torch.tensor([[0.3, -0.2], [1.0, 2.0]]), float("nan")
    labels = torch.tensor([[nan, 1.0], [nan, nan]])
    predicted = torch.tensor([[1.0, 0.0], [nan, 0.0]])
    parts = binary_cross_entropy_with_logits(logits[[0, 1], [0, 1]], torch.tensor([1.0, 0.0]), reduction="sum")
    assert float(consistency_loss(bce, logits, labels, predicted)) == pytest.approx(float(parts) / 3)
    assert float(consistency_loss(bce, logits, labels, torch.full((2, 2), nan))) == 0


def test_a_batch_shows_the_records_with_unknown_labels_before_augmentation_too():
    known, unknown = data(8, False), data(6, True)
    joined = JoinedSignals((known.signals, unknown.signals))
    labels = np.concatenate([known.labels, unknown.labels])
    examples = ClassifierExamples(LabelledSignals(joined, labels, unlabelled=True), SETTINGS, 100)
    batch = examples.batch(np.array([3, 9, 0, 12]), np.random.default_rng(0))
    np.testing.assert_array_equal(batch["weak"], np.asarray(unknown.signals)[[1, 4]])
    assert not np.array_equal(batch["weak"], batch["signal"][[1, 3]])
    assert "weak" not in examples.batch(np.array([3, 0]), np.random.default_rng(0))


def train(settings: ClassifierSettings) -> TrainedClassifier:
    return train_classifier(
        data(16, False), settings, ("A", "B"), 0, progress=False, model_settings=SMALL, stream=data(12, True)
    )


def test_training_reads_records_without_any_label_and_is_the_same_with_the_same_seed():
    sure = SETTINGS.changed({"consistency.confidence": 0.5})
    first, again, none = train(sure), train(sure), train(SETTINGS.changed({"consistency.weight": 0.0}))
    weights = [torch.cat([p.flatten() for p in one.model.parameters()]) for one in (first, again, none)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    assert first.fit.history[-1]["train/agreement"] > 0


def test_without_it_identities_are_those_of_before():
    assert "consistency" not in identifying(ClassifierSettings()) and "consistency" in identifying(SETTINGS)


@pytest.mark.bad_input("setting")
def test_what_cannot_be_consistent_is_refused():
    with pytest.raises(ValueError, match=r"confidence is 0.4; expected 0.5 or more"):
        ConsistencySettings(confidence=0.4)
    with pytest.raises(ValueError, match=r"augmentation.name 'mixup'; expected 'classic'"):
        SETTINGS.changed({"augmentation.name": "mixup"})
    with pytest.raises(ValueError, match="no label is known"):
        LabelledSignals(np.zeros((2, 8, 10), np.float32), np.full((2, 2), np.nan))
