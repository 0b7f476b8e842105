import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vqecg.records.leads import (
    INDEPENDENT_LEADS,
    LEADS,
    canonical_lead,
    einthoven_residual,
    independent_leads,
    twelve_leads,
)

EIGHT = np.random.default_rng(0).normal(size=(8, 50)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "lead"),
    [
        *((lead, lead) for lead in LEADS),
        *((lead.lower(), lead) for lead in LEADS),
        *(("AVR", "aVR"), (" avr", "aVR"), ("MLII", "II"), ("Lead II", "II"), ("V1 ", "V1"), ("lead_III", "III")),
        *(("DII", "II"), ("ECG V6", "V6"), ("MDC_ECG_LEAD_AVF", "aVF")),
    ],
)
def test_lead_names_of_every_spelling_are_understood(name: str, lead: str) -> None:
    assert canonical_lead(name) == lead


@pytest.mark.parametrize("name", ["", "V7", "V3R", "-aVR", "x", "IV", "PPG"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="unknown lead name"):
        canonical_lead(name)


@settings(deadline=None, max_examples=20)
@given(
    arrays(np.float32, (8, 20), elements=st.floats(-5, 5, width=32)),
    st.permutations(range(12)),
    st.sampled_from([str.upper, str.lower]),
)
def test_any_order_and_spelling_gives_the_eight_leads_back(signal, order, spell) -> None:
    shuffled = twelve_leads(signal)[list(order)]
    np.testing.assert_array_equal(independent_leads(shuffled, [spell(LEADS[i]) for i in order]), signal)


@pytest.mark.parametrize("limbs", [("I", "III"), ("II", "aVL"), ("III", "aVR"), ("aVL", "aVF"), ("II", "III", "aVF")])
def test_a_missing_limb_lead_is_derived_from_two_others(limbs: tuple[str, ...]) -> None:
    names = [*limbs, *INDEPENDENT_LEADS[2:]]
    signal = twelve_leads(EIGHT)[[LEADS.index(name) for name in names]]
    np.testing.assert_allclose(independent_leads(signal, names), EIGHT, atol=1e-5)


def test_channels_beyond_the_twelve_are_left_out() -> None:
    signal = np.concatenate([EIGHT, EIGHT[:1]])
    np.testing.assert_array_equal(independent_leads(signal, [*INDEPENDENT_LEADS, "PPG"]), EIGHT)


@pytest.mark.parametrize(
    ("leads", "message"),
    [
        (("I", "V1", "V2", "V3", "V4", "V5", "V6"), "missing lead II"),
        (("I", "II", "V1", "V2", "V3", "V4", "V5"), "missing lead V6"),
        (("",) * 12, "the record has 12 signals without a name; expected I, II"),
        (("I", "", ""), "the record has I, 2 signals without a name"),
        (("I", "MLII", "II", "V1", "V2", "V3", "V4", "V5", "V6"), "II appears twice"),
    ],
)
def test_missing_and_repeated_leads_are_refused(leads: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        independent_leads(np.zeros((len(leads), 10)), leads)


def test_derived_leads_obey_einthoven_and_goldberger() -> None:
    lead = dict(zip(LEADS, twelve_leads(EIGHT.astype(np.float64)), strict=True))
    np.testing.assert_allclose(lead["I"] + lead["III"], lead["II"])
    np.testing.assert_allclose(lead["aVR"] + lead["aVL"] + lead["aVF"], 0, atol=1e-12)
    np.testing.assert_allclose(lead["aVL"], (lead["I"] - lead["III"]) / 2)
    np.testing.assert_allclose(lead["aVF"], (lead["II"] + lead["III"]) / 2)


def test_twelve_leads_keeps_type_and_batch_axes() -> None:
    batch = np.stack([EIGHT, 2 * EIGHT])[None]
    assert twelve_leads(batch).shape == (1, 2, 12, 50) and twelve_leads(batch).dtype == np.float32
    tensor = twelve_leads(torch.from_numpy(batch))
    assert tensor.dtype == torch.float32
    np.testing.assert_array_equal(tensor.numpy(), twelve_leads(batch))


def test_gradient_flows_through_the_derived_leads() -> None:
    signal = torch.from_numpy(EIGHT).requires_grad_()
    twelve_leads(signal)[2:6].sum().backward()
    # III + aVR + aVL + aVF = II - I + 0
    assert signal.grad is not None
    assert torch.equal(signal.grad[:2, 0], torch.tensor([-1.0, 1.0])) and not signal.grad[2:].any()


def test_residual_is_the_worst_contradiction_in_millivolt() -> None:
    signal = twelve_leads(EIGHT.astype(np.float64))
    assert einthoven_residual(signal) < 1e-12
    signal[4, 7] += 0.25
    assert einthoven_residual(signal) == pytest.approx(0.25)


@pytest.mark.parametrize("shape", [(12, 10), (8,), (2, 7, 10)])
def test_other_numbers_of_leads_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \(\.\.\., 8, samples\)"):
        twelve_leads(np.zeros(shape))
    with pytest.raises(ValueError, match=r"expected \(\.\.\., 12, samples\)"):
        einthoven_residual(np.zeros((8, 10)))
