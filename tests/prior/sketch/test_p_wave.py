"""The P wave of a beat: found where it was put, moved there and back."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vqecg.prior.sketch.layout import AFTER, BEFORE
from vqecg.prior.sketch.p_wave import EARLIEST, END, LATEST, PLACE, UPRIGHT, find_p, move_p
from vqecg.records.leads import INDEPENDENT_LEADS


def beat(advance: float, rate: int = 100, height: float = 0.15, slope: float = 0.0) -> np.ndarray:
    """P, QRS and T as bells, on a line that rises by `slope` mV a second: (8, samples) mV."""
    time = np.arange(round((BEFORE + AFTER) * rate)) / rate - BEFORE
    p = height * np.exp(-0.5 * ((time + advance) / 0.025) ** 2)
    rest = np.exp(-0.5 * (time / 0.012) ** 2) + 0.3 * np.exp(-0.5 * ((time - 0.3) / 0.05) ** 2)
    upright = np.array([UPRIGHT[name] for name in INDEPENDENT_LEADS])[:, None]
    return (upright * p + rest + slope * time).astype(np.float32)


def top_of_p(signal: Tensor, rate: int) -> float:
    """s before the R peak, of the highest sample of lead II before END."""
    return BEFORE - int(signal[1, : round((BEFORE - END) * rate)].argmax()) / rate


@settings(deadline=None, max_examples=40)
@given(advance=st.floats(0.11, 0.25), slope=st.floats(-0.5, 0.5), rate=st.sampled_from([100, 250, 500]))
def test_a_p_wave_is_found_where_it_is(advance: float, slope: float, rate: int):
    found = find_p(beat(advance, rate, slope=slope), round(BEFORE * rate), rate)
    assert found == pytest.approx(advance, abs=0.01)


@settings(deadline=None, max_examples=20)
@given(gain=st.floats(0.5, 3))
def test_a_voltage_does_not_move_it(gain: float):
    whole, half = (find_p(scale * beat(0.2), 35, 100) for scale in (1.0, gain))
    assert half == pytest.approx(whole, abs=0.002)


@pytest.mark.parametrize("signal", [np.zeros((8, 90)), np.random.default_rng(0).normal(size=(8, 90))])
def test_without_a_p_wave_it_is_somewhere_it_may_be(signal: np.ndarray):
    assert LATEST - 0.01 <= find_p(signal, 35, 100) <= EARLIEST + 0.01


@pytest.mark.parametrize("advance", [0.1, 0.15, 0.2, 0.27])
def test_a_moved_p_wave_is_where_it_was_moved_and_the_rest_stays(advance: float):
    rate, peak = 500, round(BEFORE * 500)
    own = torch.from_numpy(beat(advance, rate))[None]
    moved = move_p(own, peak, torch.tensor([advance]), torch.tensor([PLACE]), rate)
    assert top_of_p(moved[0], rate) == pytest.approx(PLACE, abs=0.003)
    stays = peak - round(END * rate) + 1
    torch.testing.assert_close(moved[..., stays:], own[..., stays:])
    back = move_p(moved, peak, torch.tensor([PLACE]), torch.tensor([advance]), rate)
    torch.testing.assert_close(back, own, atol=0.01, rtol=0)


def test_every_beat_is_moved_by_its_own_way():
    both = torch.from_numpy(np.stack([beat(0.12), beat(0.22)]))
    moved = move_p(both, 35, torch.tensor([0.12, 0.22]), torch.tensor([0.22, 0.22]), 100)
    torch.testing.assert_close(moved[1], both[1])
    torch.testing.assert_close(moved[0, :, 31:], both[0, :, 31:])
    assert top_of_p(moved[0], 100) == pytest.approx(0.22, abs=0.011)
