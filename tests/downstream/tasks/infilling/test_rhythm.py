"""R peaks drawn for a gap: where the recording's own intervals put them, and nowhere else."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from vqecg.downstream.tasks.infilling.context import Context
from vqecg.downstream.tasks.infilling.rhythm import draw_beats, usual_beats


def context(peaks: list[int], start: int, stop: int, samples: int = 1000) -> Context:
    """A context with R peaks where the recording is known; intervals across the gap do not count."""
    known = np.array([peak for peak in peaks if not start <= peak < stop])
    apart = [b - a for a, b in pairwise(known) if not (a < start <= b)]
    nothing, empty = np.zeros((8, 90), np.float32), np.zeros(8)
    unknown = np.zeros(samples, bool)
    unknown[start:stop] = True
    of_gap = (start, stop, 100, known, np.array(apart, float), nothing, empty, empty, np.zeros(0), [0])
    return Context(np.zeros((8, samples), np.float32), unknown, *of_gap)


@pytest.mark.parametrize(("start", "stop"), [(400, 600), (0, 250), (800, 1000), (455, 545)])
def test_a_regular_heart_goes_on_as_it_was(start: int, stop: int):
    peaks = list(range(50, 1000, 100))
    missing = np.array([peak for peak in peaks if start <= peak < stop], float)
    gap = context(peaks, start, stop)
    for seed in range(20):
        drawn = draw_beats(gap, np.random.default_rng(seed))
        assert len(drawn) == len(missing)
        np.testing.assert_allclose(drawn, missing, atol=12)
    np.testing.assert_allclose(usual_beats(gap), missing, atol=1)


def test_no_beat_is_drawn_where_one_would_have_been_seen():
    gap = context([50, 150, 250, 350, 650, 750, 850, 950], 440, 460)
    for seed in range(20):
        drawn = draw_beats(gap, np.random.default_rng(seed))
        assert ((drawn >= 440) & (drawn < 460)).all()


def test_an_irregular_heart_is_drawn_irregular():
    intervals = np.random.default_rng(0).uniform(50, 120, 12).round().astype(int)
    peaks = [int(peak) for peak in 20 + np.cumsum(intervals) if peak < 700]
    gap = context([*peaks, 990], 700, 980)
    drawn = [tuple(draw_beats(gap, np.random.default_rng(seed))) for seed in range(20)]
    assert len(set(drawn)) == 20 and len({len(one) for one in drawn}) > 1
    assert draw_beats(gap, np.random.default_rng(3)).tolist() == list(drawn[3])


def test_a_gap_without_known_beats_is_refused():
    gap = replace(context([500], 400, 600), intervals=np.array([100.0]))
    with pytest.raises(ValueError, match="no R peak is known"):
        draw_beats(gap, np.random.default_rng(0))


@pytest.mark.parametrize("offset", [0, 1, 2, 98, 99])
def test_a_beat_at_the_edge_of_a_gap_is_not_lost(offset: int):
    peaks = list(range(50, 1000, 100))
    start = 450 - offset
    gap = context(peaks, start, start + 100)
    drawn = [draw_beats(gap, np.random.default_rng(seed)) for seed in range(100)]
    assert {len(one) for one in drawn} == {1}


def test_a_beat_may_lie_in_the_gap_beside():
    peaks = [50, 150, 250, 350, 650, 750, 850, 950]  # 450 and 550 lie in gaps of their own
    gap = context(peaks, 430, 470)
    unknown = gap.unknown.copy()
    unknown[530:570] = True
    both = replace(gap, unknown=unknown)
    drawn = [draw_beats(both, np.random.default_rng(seed)) for seed in range(50)]
    assert {len(one) for one in drawn} == {1}
    np.testing.assert_allclose(np.concatenate(drawn), 450, atol=15)
