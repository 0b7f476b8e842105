"""Gaps filled by every method: what is known stays, what is drawn belongs to the recording."""

import numpy as np
import pytest

from vqecg.downstream.tasks.infilling.filling import Gap, Opened, bridged, fill, find_gaps, opened, without_gaps
from vqecg.downstream.tasks.infilling.prior import drawn_frames
from vqecg.downstream.tasks.infilling.registry import FILLERS, Filler
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore

START, STOP = 400, 520


@pytest.fixture(scope="module")
def signals(simulated_store: RecordStore, tiny_generator: ECGGenerator) -> list[np.ndarray]:
    """Three recordings with a gap that can be filled."""
    found = []
    for signal in simulated_store.signals(np.arange(20)):
        signal[:, START:STOP] = np.nan
        try:
            opened(tiny_generator, signal, [0])
        except ValueError:
            continue
        found.append(signal)
    return found[:3]


def whole(recording: Opened, parts: list[np.ndarray], draws: int) -> np.ndarray:
    return np.stack([without_gaps(recording.signal, recording.gaps, parts, draw) for draw in range(draws)])


def test_gaps_are_stretches_of_all_leads():
    signal = np.zeros((8, 50), np.float32)
    assert find_gaps(signal) == []
    signal[:, :3] = signal[:, 10:20] = signal[:, 49:] = np.nan
    assert find_gaps(signal) == [Gap(0, 3), Gap(10, 20), Gap(49, 50)]
    signal[2, 30] = np.inf
    with pytest.raises(ValueError, match="single leads are unknown in 1 samples"):
        find_gaps(signal)


def test_a_gap_is_bridged_by_straight_lines():
    signal = np.tile(np.arange(20, dtype=np.float32), (8, 1))
    with_gap = signal.copy()
    with_gap[:, 5:15] = np.nan
    np.testing.assert_allclose(bridged(with_gap), signal)
    with pytest.raises(ValueError, match="no sample is known"):
        bridged(np.full((8, 20), np.nan, np.float32))


@pytest.mark.parametrize("method", FILLERS.names())
def test_only_the_gap_changes_and_draws_are_reproducible(
    method: str, signals: list[np.ndarray], tiny_generator: ECGGenerator
):
    recordings = [opened(tiny_generator, signal, [7, row]) for row, signal in enumerate(signals)]
    parts = fill(tiny_generator, recordings, method, draws=3)
    filled = [whole(one, of_one, 3) for one, of_one in zip(recordings, parts, strict=True)]
    assert [one.shape for one in filled] == [(3, *signals[0].shape)] * len(signals)
    for one, signal in zip(filled, signals, strict=True):
        assert one.dtype == np.float32 and np.isfinite(one).all()
        known = np.isfinite(signal).all(0)
        np.testing.assert_array_equal(one[:, :, known], np.repeat(signal[None][:, :, known], 3, 0))
        inside = one[:, :, ~known]
        assert (np.ptp(inside, axis=2).max(1) < 3 * np.ptp(signal[:, known], axis=1).max()).all()
        assert (np.ptp(inside, axis=0).max() == 0) == (method == "mean beat")
    alone = whole(recordings[1], fill(tiny_generator, recordings[1:2], method, draws=3)[0], 3)
    np.testing.assert_allclose(alone, filled[1], atol=2e-3)


def test_two_gaps_of_a_long_recording_are_filled_each_in_its_window(
    signals: list[np.ndarray], tiny_generator: ECGGenerator
):
    long = np.concatenate([bridged(signals[0])] * 3, axis=1)
    long[:, 700:760] = long[:, 2300:2450] = np.nan
    recording = opened(tiny_generator, long, [0])
    filled = whole(recording, fill(tiny_generator, [recording], "noisy beats", 2)[0], 2)
    assert filled.shape == (2, *long.shape) and np.isfinite(filled).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda signal: signal[:, :900], "9 s long, gaps included; expected 10 s or more"),
        (lambda signal: np.where(np.arange(1000) < 501, np.nan, signal), "a gap of 5.01 s; expected up to 5 s"),
        (
            lambda signal: np.where(np.arange(1000) % 50 < 5, np.nan, signal),
            "seen beside the gap, expected 3",
        ),
    ],
)
def test_what_cannot_be_filled_is_refused(change, message: str, signals, tiny_generator: ECGGenerator):
    with pytest.raises(ValueError, match=message):
        opened(tiny_generator, change(bridged(signals[0])), [0])


def test_frames_that_saw_the_gap_are_drawn():
    unknown = np.zeros(80, bool)
    unknown[33:40] = True
    assert np.flatnonzero(drawn_frames(unknown, 8)).tolist() == [3, 4, 5]
    unknown[40] = True
    assert np.flatnonzero(drawn_frames(unknown, 8)).tolist() == [3, 4, 5, 6]


class Broken(Filler):
    """Gives windows of nothing known."""

    help = "for a test"

    def fill(self, generator, contexts, draws: int) -> list[np.ndarray]:
        return [np.full((draws, *context.signal.shape), np.nan, np.float32) for context in contexts]


def test_a_way_that_gives_nothing_is_named(signals: list[np.ndarray], tiny_generator: ECGGenerator):
    recording = opened(tiny_generator, signals[0], [0])
    FILLERS.register("broken")(Broken)
    try:
        with pytest.raises(ValueError, match="'broken' gave 1 windows for 1 gaps, 1 of them not finite"):
            fill(tiny_generator, [recording], "broken", 2)
    finally:
        FILLERS.remove("broken")
    with pytest.raises(ValueError, match="way to fill a gap"):
        fill(tiny_generator, [recording], "broken", 2)
    assert fill(tiny_generator, [opened(tiny_generator, bridged(signals[0]), [0])], "prior", 2) == [[]]
