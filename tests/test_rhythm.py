"""When the simulated heart beats."""

import numpy as np
import pytest

from vqecg.records.rhythm import draw_beat_times


def drawn(*statements: str, seed: int = 0, rate: float = 70, seconds: float = 10.0):
    return draw_beat_times(statements, rate, 0.25, 60, seconds, np.random.default_rng(seed))


@pytest.mark.parametrize(
    "statements", [("SR",), ("SARRH",), ("AFIB",), ("PAC",), ("PVC",), ("PAC", "PVC"), ("AFIB", "PVC")]
)
@pytest.mark.parametrize("rate", [45, 70, 130])
def test_beats_cover_the_record_and_its_edges_in_order(statements: tuple[str, ...], rate: float):
    for seed in range(10):
        beats = drawn(*statements, seed=seed, rate=rate)
        assert beats.onset[0] < 0 and beats.onset[-1] > 10
        assert (np.diff(beats.onset) > 0.2).all()
        np.testing.assert_allclose(np.diff(beats.onset), beats.rr_before[1:], atol=1e-9)


def test_the_mean_rate_is_the_one_asked_for():
    for rate in (45, 70, 130):
        assert abs(60 / np.mean(drawn("SR", rate=rate).rr_before) / rate - 1) < 0.05


def test_sinus_arrhythmia_varies_more_than_sinus_rhythm():
    def spread(statement: str) -> float:
        return float(np.mean([drawn(statement, seed=seed).rr_before.std() for seed in range(20)]))

    assert spread("AFIB") > 0.08 and spread("SARRH") > 2 * spread("SR")


def test_only_the_kinds_asked_for_occur():
    assert set(drawn("SR").kind) == {"N"}
    assert set(drawn("PAC").kind) == {"N", "A"} and set(drawn("PVC").kind) == {"N", "V"}
    assert set(drawn("PAC", "PVC").kind) == {"N", "A", "V"}


def test_a_record_without_room_for_premature_beats_is_refused():
    with pytest.raises(ValueError, match="simulate longer records"):
        drawn("PAC", "PVC", rate=40, seconds=3)
