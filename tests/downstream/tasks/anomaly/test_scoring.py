"""Scores of how unlike normal ECGs are: by likelihood, and by place."""

import numpy as np
import pytest

from vqecg.downstream.tasks.anomaly.scoring import DRAWN, AnomalyScores, NormalReference
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore


@pytest.fixture(scope="module")
def reference(tiny_generator: ECGGenerator) -> NormalReference:
    return NormalReference.of(tiny_generator, ["NORM"], 0)


def test_normal_is_what_the_training_has_most_often(reference: NormalReference, tiny_generator: ECGGenerator):
    assert "NORM" in reference.names
    rows = tiny_generator.parents(["NORM"])
    assert "+".join(reference.names) in set(rows["labels"])
    assert reference.mean.shape == reference.spread.shape and len(reference.ratios) == DRAWN
    assert (np.diff(reference.ratios) >= 0).all()
    with pytest.raises(ValueError, match="expected some of"):
        NormalReference.of(tiny_generator, ["COVID"], 0)


def test_scores_are_of_each_recording_alone(reference: NormalReference, simulated_store: RecordStore):
    signal = simulated_store.signals(slice(0, 6))
    together = reference.scores(signal)
    alone = AnomalyScores.joined([reference.scores(signal[row : row + 1]) for row in range(6)])
    for name in ("ratio", "sketch", "codes", "reconstruction", "deviation"):
        np.testing.assert_allclose(getattr(alone, name), getattr(together, name), rtol=1e-3, atol=1e-3)
    assert ((together.beyond >= 0) & (together.beyond <= 1)).all() and together.lead.tolist() == alone.lead.tolist()


def test_a_beat_is_unusual_where_it_was_changed(reference: NormalReference):
    beats = reference.mean[None] + np.zeros((2, 1, 1))
    beats[0, 3, 35 + 9 : 35 + 15] += 1.0  # ST of V2
    beats[1, 0, 35 - 25 : 35 - 10] -= 1.0  # P of I
    lead, wave, size = reference.place(beats)
    assert lead.tolist() == ["V2", "I"] and wave.tolist() == ["ST", "P"] and (size > 1).all()
