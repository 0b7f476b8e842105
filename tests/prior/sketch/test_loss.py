"""The loss of a sketch: its likelihood, and the choice between its labels and another record's."""

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from vqecg.prior.conditioning import Condition
from vqecg.prior.sketch.layout import PLAIN
from vqecg.prior.sketch.loss import SketchLoss, choice_loss
from vqecg.prior.sketch.modeling import SketchLosses, SketchModel

LABELS = np.array([[1, 0], [0, 1], [0, 1], [math.nan, 0]], np.float32)


def condition(labels: np.ndarray, hidden: np.ndarray | None = None) -> Condition:
    """Of records of which only the labels are known."""
    return Condition.of(labels, {}, hidden, unknown_labels=True)


def losses(right: list[float], others: list[float]) -> SketchLosses:
    """Of records with their own labels, and with another's."""
    traits = torch.tensor(right + others, dtype=torch.float32)
    return SketchLosses(traits, torch.zeros_like(traits))


def test_every_record_is_offered_the_labels_of_the_one_before_it():
    both = condition(LABELS).with_others_labels()
    np.testing.assert_array_equal(both.labels.numpy(), np.concatenate([LABELS, LABELS[[3, 0, 1, 2]]]))
    assert len(both) == 8


def test_a_choice_costs_what_a_wrong_one_is_likely_by():
    cost = choice_loss(losses([1, 1, 1], [1, 5, -9]), condition(LABELS[[0, 1, 0]]).with_others_labels())
    np.testing.assert_allclose(cost[1:].numpy(), np.log1p(np.exp([-4.0, 10.0])), rtol=1e-5)


def test_there_is_no_choice_between_the_same_labels_or_unknown_or_hidden_ones():
    both = condition(LABELS, np.array([False, True, False, False])).with_others_labels()
    cost = choice_loss(losses([9] * 4, [0] * 4), both)
    assert cost.tolist() == [0, 0, 0, 0]  # beside an unknown one; hidden; the same; unknown


def batch(count: int = 256) -> dict[str, Tensor]:
    """Sketches whose first trait says a little of their label."""
    generator = np.random.default_rng(0)
    label = np.arange(count) % 2
    traits = generator.standard_normal((count, PLAIN + 2)).astype(np.float32)
    traits[:, 0] += 1.5 * label
    times = np.tile(np.arange(5, 120, 10, dtype=np.float32), (count, 1))
    return {
        "traits": torch.from_numpy(traits),
        "times": torch.from_numpy(times),
        "labels": torch.from_numpy(np.eye(2, dtype=np.float32)[label]),
        "hidden": torch.zeros(count, dtype=torch.bool),
    }


def trained(contrast: float) -> SketchModel:
    """A model after a few steps with that weight of the choice."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = SketchModel(classes=2, groups=0, frames=125, components=2, sampling_rate=100, hop_length=8)
        optimizer, loss = torch.optim.Adam(model.parameters(), 3e-3), SketchLoss(contrast)
        for _ in range(30):
            optimizer.zero_grad()
            loss(model, batch())["loss"].backward()
            optimizer.step()
    return model.eval()


def test_with_a_contrast_labels_are_learned_sooner():
    examples = batch()
    wrong = replace(Condition.from_batch(examples), labels=examples["labels"].flip(1))

    def gap(model: SketchModel) -> float:
        """How many nats the right labels are likelier by."""
        with torch.no_grad():
            right, others = (model.traits(examples["traits"], one) for one in (Condition.from_batch(examples), wrong))
        return float((others - right).mean())

    assert gap(trained(30.0)) > 1.5 * gap(trained(0.0)) > 0


def test_validation_is_of_the_likelihood_alone():
    model, examples = trained(0.0), batch()
    parts = SketchLoss(contrast=10.0)(model, examples)
    assert set(parts) == {"loss", "loss/beats", "loss/traits"}
    assert set(SketchLoss(contrast=10.0)(model.train(), examples)) == {*parts, "loss/labels"}
