"""Training a classifier: the same start for every arm, no global random state touched, and that it learns."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vqecg.downstream.classifiers.batch_augmentation import BatchAugmentation
from vqecg.downstream.classifiers.batch_loss import loss_of, validation_loss
from vqecg.downstream.classifiers.losses import LOSSES, LossSettings
from vqecg.downstream.classifiers.metrics import classification_metrics
from vqecg.downstream.classifiers.models.label_correlation import correlation_matrix
from vqecg.downstream.classifiers.settings import CLASSIFIER_FIT, ClassifierSettings
from vqecg.downstream.classifiers.signal_augmentation import ClassicAugmentation
from vqecg.downstream.classifiers.signals import JoinedSignals, SelectedSignals, data_digest, in_batches, record_digests
from vqecg.downstream.classifiers.thresholds import FIXED
from vqecg.downstream.classifiers.training import (
    ClassifierExamples,
    LabelledSignals,
    TrainedClassifier,
    initial_classifier,
    predict,
    train_classifier,
)

NAMES = ("tall", "slow")
SHORT = ClassifierSettings(
    fit=dataclasses.replace(CLASSIFIER_FIT, steps=3, batch_size=8, warmup_steps=1, evaluate_every=3)
)
SMALL: dict[str, Any] = {"stem_width": 8, "widths": (8, 16), "blocks": (1, 1)}  # what holds of the trainer holds of it


def waves(records: int, seed: int = 0) -> LabelledSignals:
    """Sine waves of 2 s in noise: "tall" ones are twice as high, "slow" ones have half the rate."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, (records, 2)).astype(np.float32)
    times = np.arange(200) / 100 + generator.random((records, 1, 1))
    rate = np.where(labels[:, 1] > 0, 2.0, 4.0)[:, None, None]
    height = np.where(labels[:, 0] > 0, 0.6, 0.3)[:, None, None]
    noise = generator.normal(scale=0.05, size=(records, 8, 200))
    return LabelledSignals((height * np.sin(2 * np.pi * rate * times) + noise).astype(np.float32), labels)


def train(
    data: LabelledSignals, settings: ClassifierSettings, seed: int = 0, validation: LabelledSignals | None = None
) -> TrainedClassifier:
    """A small residual network, trained."""
    return train_classifier(data, settings, NAMES, seed, validation, progress=False, model_settings=SMALL)


def weights_of(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def numpy_state_now() -> str:
    return str(np.random.get_state(legacy=False))  # noqa: NPY002


@pytest.mark.slow
def test_a_classifier_learns_height_and_rate() -> None:
    fit = dataclasses.replace(CLASSIFIER_FIT, steps=60, batch_size=32, warmup_steps=5)
    trained = train_classifier(waves(256), ClassifierSettings(fit=fit), NAMES, 0, waves(64, 1), progress=False)
    test = waves(128, 2)
    scores = predict(trained.model, test.signals)
    result = classification_metrics(test.labels, scores, trained.thresholds.values, NAMES, trained.thresholds.policy)
    assert min(result.per_class["auroc"]) > 0.97
    assert result.macro["f1"] > 0.9


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    first, second, other = (train(waves(16), SHORT, seed, waves(8, 1)) for seed in (0, 0, 1))
    assert torch.equal(weights_of(first.model), weights_of(second.model))
    assert not torch.equal(weights_of(first.model), weights_of(other.model))
    assert first.thresholds == second.thresholds


def test_the_first_weights_depend_on_the_seed_only() -> None:
    config: dict[str, Any] = {"class_names": NAMES}
    torch.manual_seed(1)
    first = initial_classifier("resnet", config, 7)
    torch.manual_seed(2)
    assert torch.equal(weights_of(initial_classifier("resnet", config, 7)), weights_of(first))


def test_training_and_prediction_leave_the_global_random_state_alone() -> None:
    torch.manual_seed(3)
    torch_state, numpy_state = torch.get_rng_state(), numpy_state_now()
    train(waves(16), SHORT, 0, waves(8, 1))
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert numpy_state_now() == numpy_state


def test_every_arm_takes_the_same_number_of_steps() -> None:
    steps = [train(waves(n), SHORT, 0, waves(8, 1)).fit.steps for n in (16, 40)]
    assert steps == [3, 3]


def test_scores_do_not_depend_on_the_batch_size() -> None:
    model = initial_classifier("resnet", {"class_names": NAMES}, 0)
    signals = waves(11).signals
    assert predict(model, signals, 4) == pytest.approx(predict(model, signals, 11), abs=1e-6)


def test_crops_are_excerpts_of_their_own_record() -> None:
    ramp = np.broadcast_to(np.arange(200, dtype=np.float32) / 100, (6, 8, 200)) + np.arange(6)[:, None, None] * 10
    settings = ClassifierSettings(crop_seconds=0.5)
    examples = ClassifierExamples(LabelledSignals(ramp.astype(np.float32), np.zeros((6, 2))), settings, 100)
    signal = examples.batch(np.array([4, 1]), np.random.default_rng(0))["signal"].numpy()
    assert signal.shape == (2, 8, 50)
    assert (signal[0] // 10 == 4).all() and (signal[1] // 10 == 1).all()
    assert np.diff(signal, axis=2) == pytest.approx(0.01, abs=1e-4)


def test_soft_labels_train_and_labels_outside_0_to_1_are_refused() -> None:
    soft = LabelledSignals(waves(16).signals, waves(16).labels * 0.3)
    assert train(soft, SHORT, 0, waves(8, 1)).fit.steps == 3
    with pytest.raises(ValueError, match="expected 0 \\(absent\\) to 1"):
        LabelledSignals(waves(16).signals, waves(16).labels * 2)


def test_without_validation_thresholds_must_be_fixed() -> None:
    with pytest.raises(ValueError, match="need a validation part"):
        train(waves(16), SHORT)
    fixed = ClassifierSettings(
        fit=dataclasses.replace(CLASSIFIER_FIT, steps=1, batch_size=8, warmup_steps=1), threshold_policy=FIXED
    )
    assert train(waves(16), fixed).thresholds.values == (0.5, 0.5)


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="expected the 3 classes"):
        train_classifier(waves(16), SHORT, ("a", "b", "c"), 0, waves(8, 1), progress=False)
    with pytest.raises(ValueError, match="a row of labels for each"):
        LabelledSignals(waves(16).signals, waves(15).labels)


def batch_of(changes: Mapping[str, Any] | None = None) -> dict[str, torch.Tensor]:
    """The first batch of the same records with the same generator, under other settings."""
    examples = ClassifierExamples(waves(16), ClassifierSettings().changed(changes or {}), 100)
    return examples.batch(np.arange(8), np.random.default_rng(5))


def test_augmentation_is_done_to_batches_after_the_crop_and_mixup_to_labels_too() -> None:
    plain, classic, mixed = (
        batch_of({"crop_seconds": 1.0, "augmentation.name": name}) for name in ("none", "classic", "mixup")
    )
    for batch in (classic, mixed):
        assert batch["signal"].shape == plain["signal"].shape and batch["signal"].dtype == torch.float32
        assert not torch.equal(batch["signal"], plain["signal"])
    assert torch.equal(classic["labels"], plain["labels"]) and torch.equal(plain["labels"][0], batch_of()["labels"][0])
    assert not torch.equal(mixed["labels"], plain["labels"])


def test_parameters_of_what_is_not_asked_for_change_no_bit() -> None:
    other = dataclasses.replace(
        SHORT,
        loss=LossSettings(focal_gamma=5.0, positive_weight_cap=2.0, negative_gamma=1.0),
        augmentation=BatchAugmentation(mixup_alpha=1.0, classic=ClassicAugmentation(noise=1.0)),
    )
    first, second = (train(waves(16), settings, 0, waves(8, 1)) for settings in (SHORT, other))
    assert torch.equal(weights_of(first.model), weights_of(second.model))


@pytest.mark.parametrize("loss", LOSSES.names())
def test_every_loss_trains_with_every_augmentation_and_none_is_another(loss: str) -> None:
    data = LabelledSignals(waves(16).signals, np.arange(32).reshape(16, 2) < 6)  # rare, so that weights are not 1
    named = {"loss.name": loss}
    changes = [{}, named, named | {"augmentation.name": "mixup"}, named | {"augmentation.name": "classic"}]
    fixed = dataclasses.replace(SHORT, threshold_policy=FIXED)
    found = [weights_of(train(data, fixed.changed(change)).model) for change in changes]
    assert torch.equal(found[0], found[1]) == (loss == "bce")
    assert not torch.equal(found[1], found[2]) and not torch.equal(found[1], found[3])


@pytest.mark.parametrize(
    "change",
    [
        {"loss.name": "hinge"},
        {"augmentation.name": "flip"},
        {"loss.focal_gamma": 0.5},
        {"augmentation.mixup_alpha": 0.0},
        {"fit.steps": 0},
        {"loss.gamma": 1.0},
        {"crop_seconds.least": 1.0},
    ],
)
def test_unknown_losses_and_augmentations_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        ClassifierSettings().changed(change)


def test_settings_change_by_dotted_names() -> None:
    other = SHORT.changed({"fit.steps": 9, "fit.warmup_steps": 2, "loss.name": "focal", "crop_seconds": 1.0})
    assert (other.fit.steps, other.fit.warmup_steps, other.loss.name, other.crop_seconds) == (9, 2, "focal", 1.0)
    assert other.fit.batch_size == SHORT.fit.batch_size and other.changed({}) == other
    assert other.of_steps(2).fit.warmup_steps == 1


def test_a_model_is_told_the_real_labels_and_those_of_training_when_none_are_given() -> None:
    settings = dataclasses.replace(SHORT, model="label-correlation")
    small = {"stem_width": 4, "widths": (4, 8), "pools": (5, 1), "decoder_width": 8}
    real = np.array([[1, 1], [1, 0], [0, 1], [0, 1]], np.float32)
    data = waves(16)
    for told, expected in ((real, real), (None, data.labels)):
        model: Any = train_classifier(
            data, settings, NAMES, 0, waves(8), progress=False, real_labels=told, model_settings=small
        ).model
        assert torch.equal(model.labels.correlation, torch.from_numpy(correlation_matrix(expected)))
    with pytest.raises(ValueError, match="expected the 2 classes"):
        train_classifier(data, settings, NAMES, 0, waves(8), progress=False, real_labels=real[:, :1])


def test_patience_keeps_the_weights_of_the_lowest_validation_loss_and_stops() -> None:
    data, validation = waves(16), waves(16, seed=1)
    asked = {"fit.steps": 30, "fit.evaluate_every": 2, "fit.patience": 2, "fit.learning_rate": 0.05}
    found = train(data, SHORT.changed(asked), 0, validation)
    losses = {int(row["step"]): row["loss"] for row in found.fit.history}
    assert found.fit.best_value == losses[found.fit.best_step] == min(losses.values())
    assert found.fit.steps == found.fit.best_step + 4 < 30
    loss = loss_of(SHORT.loss, data.labels)
    assert validation_loss(loss, validation, batch_size=5)(found.model)["loss"] == pytest.approx(found.fit.best_value)
    shorter = train(data, SHORT.changed(asked | {"fit.patience": 0, "fit.steps": found.fit.steps}), 0, validation)
    assert len(shorter.fit.history) == len(losses) and not torch.equal(
        weights_of(shorter.model), weights_of(found.model)
    )


@pytest.mark.bad_input("early stopping without a validation part")
def test_patience_without_a_validation_part_is_refused() -> None:
    with pytest.raises(ValueError, match="patience 3 needs a validation part: give one, or patience 0"):
        train(waves(8), SHORT.changed({"fit.patience": 3, "threshold_policy": FIXED}))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=4), st.integers(0, 1000))
def test_joined_signals_index_like_one_array(lengths: list[int], seed: int) -> None:
    generator = np.random.default_rng(seed)
    parts = tuple(generator.random((length, 8, 5)).astype(np.float32) for length in lengths)
    joined, whole = JoinedSignals(parts), np.concatenate(parts)
    indices = generator.integers(0, len(whole), 9) if len(whole) else np.empty(0, np.int64)
    assert len(joined) == len(whole)
    assert np.array_equal(joined[indices], whole[indices])


def test_selected_signals_read_the_rows_they_name() -> None:
    array, rows = waves(10).signals, np.array([7, 7, 2])
    assert np.array_equal(np.concatenate(list(in_batches(SelectedSignals(array, rows), 2))), array[rows])


def test_digests_tell_records_apart_to_a_microvolt_and_name_their_order() -> None:
    signals = np.array(waves(4).signals)
    nudged, moved = signals.copy(), signals.copy()
    nudged[0] = np.rint(nudged[0] * 1000) / 1000
    moved[1, 0, 0] += 0.002
    digests = record_digests(signals)
    assert record_digests(nudged) == digests
    assert [a == b for a, b in zip(record_digests(moved), digests, strict=True)] == [True, False, True, True]
    labels = np.zeros((4, 2))
    assert data_digest(digests, labels) != data_digest(digests[::-1], labels)
    assert data_digest(digests, labels) != data_digest(digests, labels + 1)
    moved[2, 3, 4] = np.nan
    with pytest.raises(ValueError, match="row 2 has NaN"):
        record_digests(moved)
