"""Batches of two streams: the exact share in each, every record equally often, and a resumed run to the bit."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vqecg.downstream.classifiers.losses import positive_weights
from vqecg.downstream.classifiers.mixture import MixedExamples, MixtureSettings, labels_in_shares
from vqecg.downstream.classifiers.settings import CLASSIFIER_FIT, ClassifierSettings
from vqecg.downstream.classifiers.signals import Signals
from vqecg.downstream.classifiers.training import LabelledSignals, examples_of, train_classifier
from vqecg.training.sampler import batch_parts

NAMES = ("tall", "slow")
SHORT = ClassifierSettings(
    fit=dataclasses.replace(CLASSIFIER_FIT, steps=4, batch_size=8, warmup_steps=1, evaluate_every=2)
)
MIXED = SHORT.changed({"mixture.share": 0.25})
SMALL: dict[str, Any] = {"stem_width": 8, "widths": (8, 16), "blocks": (1, 1)}


def records(count: int, level: float) -> LabelledSignals:
    """Records that are `level` everywhere, so that a batch says where it comes from."""
    labels = np.random.default_rng(count).integers(0, 2, (count, 2))
    return LabelledSignals(np.full((count, 8, 100), level, np.float32), labels)


def mixed(real: int = 10, synthetic: int = 17, **changes: Any) -> MixedExamples:
    chosen = MIXED.changed(changes) if changes else MIXED
    examples = examples_of(records(real, 0.0), records(synthetic, 1.0), chosen, 100)
    assert isinstance(examples, MixedExamples)
    return examples


def train(
    real: LabelledSignals, stream: LabelledSignals | None, chosen: ClassifierSettings, folder: Path | None = None
) -> torch.Tensor:
    """The weights of a small residual network."""
    trained = train_classifier(
        real, chosen, NAMES, 0, records(6, 0.5), folder=folder, progress=False, model_settings=SMALL, stream=stream
    )
    return torch.cat([parameter.detach().flatten() for parameter in trained.model.parameters()])


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 40), st.integers(1, 60), st.sampled_from([0.1, 0.2, 0.5, 0.8]), st.integers(0, 9))
def test_every_batch_has_its_share_and_each_stream_shows_its_records_equally_often(
    real: int, synthetic: int, share: float, seed: int
) -> None:
    examples = mixed(real, synthetic, **{"mixture.share": share})
    batches = [examples.choose(16, step, seed) for step in range(12)]
    assert all((batch >= real).sum() == round(16 * share) and len(batch) == 16 for batch in batches)
    seen = np.bincount(np.concatenate(batches), minlength=real + synthetic)
    assert len(seen) == real + synthetic
    for counts in (seen[:real], seen[real:]):
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize(("processes", "accumulation"), [(1, 1), (2, 1), (2, 4), (1, 8)])
def test_every_process_and_every_accumulated_part_has_the_share(processes: int, accumulation: int) -> None:
    examples = mixed(**{"mixture.share": 0.25})
    parts = [
        part for rank in range(processes) for part in batch_parts(examples, 32, accumulation, 3, 0, rank, processes)
    ]
    assert {len(part) for part in parts} == {32 // processes // accumulation}
    assert {int((part >= examples.real).sum()) for part in parts} == {8 // processes // accumulation}
    assert sorted(np.concatenate(parts)) == sorted(examples.choose(32, 3, 0))


def test_both_streams_come_with_their_labels_and_are_augmented_and_mixed_together() -> None:
    examples = mixed()
    indices = examples.choose(8, 0, 0)
    batch = examples.batch(indices, np.random.default_rng(0))
    assert batch["signal"][:, 0, 0].tolist() == [1.0] * 2 + [0.0] * 6
    both = np.concatenate([records(10, 0.0).labels, records(17, 1.0).labels])
    assert np.array_equal(batch["labels"], both[indices])
    classic, mixup = (
        mixed(**{"augmentation.name": name}).batch(indices, np.random.default_rng(0))["signal"].numpy()
        for name in ("classic", "mixup")
    )
    changed = (classic != batch["signal"].numpy()).any(axis=(1, 2))
    assert changed[:2].any() and changed[2:].any()
    assert ((mixup > 0) & (mixup < 1)).any()  # a real record with a synthetic one


class Failing:
    """Signals that cannot be read after a few batches."""

    def __init__(self, signals: Signals, batches: int) -> None:
        self.signals, self.left = signals, batches

    def __len__(self) -> int:
        return len(self.signals)

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        self.left -= 1
        if self.left < 0:
            raise OSError("the disk is gone")
        return self.signals[indices]


def test_a_training_on_two_streams_resumes_to_the_bit_and_is_not_that_on_one(tmp_path: Path) -> None:
    data = records(10, 0.3), records(17, 0.6)
    whole = train(*data, MIXED, tmp_path / "whole")
    with pytest.raises(OSError, match="the disk is gone"):
        train(data[0], LabelledSignals(Failing(data[1].signals, 3), data[1].labels), MIXED, tmp_path / "parts")
    assert torch.equal(train(*data, MIXED, tmp_path / "parts"), whole)
    assert not torch.equal(train(data[0], None, SHORT), whole)
    with pytest.raises(ValueError, match="examples"):  # another share: not a run to go on with
        train(*data, SHORT.changed({"mixture.share": 0.5}), tmp_path / "parts")


@pytest.mark.bad_input("settings")
def test_a_share_that_cannot_be_is_refused() -> None:
    for share in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match="share is"):
            MixtureSettings(share)
    with pytest.raises(ValueError, match=r"0.01 of a batch of 8 is 0 synthetic records"):
        mixed(**{"mixture.share": 0.01}).choose(8, 0, 0)
    with pytest.raises(ValueError, match=r"0.99 of a batch of 8 is 8 synthetic records"):
        MixtureSettings(0.99).of_batch(8)
    assert MixtureSettings(0.2).of_batch(64) == 13 and MixtureSettings().of_batch(8) == 0


@pytest.mark.bad_input("settings")
def test_a_share_without_a_stream_and_a_stream_without_a_share_are_refused() -> None:
    with pytest.raises(ValueError, match=r"share is 0.25 and there is no stream"):
        train(records(8, 0.0), None, MIXED)
    with pytest.raises(ValueError, match=r"share is 0.0 and there is a stream of 5 records"):
        train(records(8, 0.0), records(5, 0.0), SHORT)
    with pytest.raises(ValueError, match="at least one record"):
        records(0, 0.0)
    with pytest.raises(ValueError, match="expected the 2 classes"):
        stream = LabelledSignals(np.zeros((3, 8, 100), np.float32), np.zeros((3, 1)))
        train(records(8, 0.0), stream, MIXED)


def test_weights_of_classes_see_both_streams_in_their_shares() -> None:
    real, stream = np.zeros((30, 2), np.float32), np.ones((7, 2), np.float32)
    real[:3, 0] = 1
    together = labels_in_shares(real, stream, MixtureSettings(0.25))
    assert together.mean(axis=0) == pytest.approx([0.75 * 0.1 + 0.25, 0.25])
    assert positive_weights(together, 10.0) == pytest.approx([0.675 / 0.325, 3.0])
    assert labels_in_shares(real, None, MixtureSettings()) is real
