"""Limb leads as evidence: what contradicts is refused and explained, what real devices do is not."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from vqecg.records.datasets.registry import read_record, read_table
from vqecg.records.leads import LEADS
from vqecg.records.record import ECGRecord
from vqecg.records.simulation.simulator import SimulatorSettings, simulate_record
from vqecg.records.store.lead_agreement import LimbLeads, disagreement, relations
from vqecg.records.store.quality import examine
from vqecg.records.store.signal_spec import SignalSpec

RATE = 500
PLACE = {lead: row for row, lead in enumerate(LEADS)}
CHEST = LEADS[6:]


@pytest.fixture(scope="module")
def leads12() -> np.ndarray:
    """A simulated recording, rounded to a microvolt: (12, 5000) mV."""
    record = simulate_record(["NORM", "SR"], np.random.default_rng(3), SimulatorSettings(sampling_rate=RATE)).record
    return np.rint(record.signal * 1000) / 1000


def exchanged(**places: str) -> Callable[[np.ndarray], np.ndarray]:
    """A change that puts another lead in the place of each one named."""
    rows = [PLACE[places.get(lead, lead)] for lead in LEADS]
    return lambda signal: signal[rows]


def changed(lead: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """A change of one lead alone."""

    def apply(signal: np.ndarray) -> np.ndarray:
        signal = signal.copy()
        signal[PLACE[lead]] = change(signal[PLACE[lead]])
        return signal

    return apply


def min_max(signal: np.ndarray) -> np.ndarray:
    return (signal - signal.min(1, keepdims=True)) / np.ptp(signal, axis=1, keepdims=True)


def z_scored(signal: np.ndarray) -> np.ndarray:
    return (signal - signal.mean(1, keepdims=True)) / signal.std(1, keepdims=True)


FAULTS = {
    "I and II swapped": (exchanged(I="II", II="I"), "I and II swapped"),
    "aVL and aVF swapped": (exchanged(aVL="aVF", aVF="aVL"), "aVL and aVF swapped"),
    "III and aVF swapped": (exchanged(III="aVF", aVF="III"), "III and aVF swapped"),
    "augmented leads in another order": (exchanged(aVR="aVL", aVL="aVF", aVF="aVR"), "another order (aVR in aVF"),
    "II holds V2": (exchanged(II="V2"), "II holding V2"),
    "II and V2 swapped": (exchanged(II="V2", V2="II"), "II swapped with V2"),
    "III holds V6": (exchanged(III="V6"), "III holding V6"),
    "all twelve in reverse": (exchanged(**dict(zip(LEADS, LEADS[::-1], strict=True))), "check the order"),
    "aVR inverted": (changed("aVR", np.negative), "aVR upside down"),
    "II inverted": (changed("II", np.negative), "II upside down"),
    "I of twice the gain": (changed("I", lambda lead: 2 * lead), "I scaled on its own, by 2"),
    "aVF in microvolt": (changed("aVF", lambda lead: 1000 * lead), "aVF scaled on its own, by 1e+03"),
    "II 20 ms late": (changed("II", lambda lead: np.roll(lead, 10)), "II 20 ms late"),
    "aVL 10 ms early": (changed("aVL", lambda lead: np.roll(lead, -5)), "aVL 10 ms early"),
    "III of something else": (changed("III", lambda lead: np.random.default_rng(0).normal(0, 0.3, len(lead))), "III"),
    "each lead from 0 to 1": (min_max, "each lead scaled on its own"),
    "each lead z-scored": (z_scored, "each lead scaled on its own"),
}


@pytest.mark.bad_input("leads that contradict each other")
@pytest.mark.parametrize("fault", FAULTS)
def test_limb_leads_that_contradict_each_other_are_refused_and_explained(leads12: np.ndarray, fault: str) -> None:
    change, cause = FAULTS[fault]
    contradiction = disagreement(change(leads12), LEADS, RATE)
    assert contradiction is not None and cause in contradiction and "expected up to 5%" in contradiction
    if "microvolt" not in fault:  # a lead in another unit shows earlier, in its size
        examined = examine(ECGRecord(change(leads12).astype(np.float32), RATE, LEADS, "1"), SignalSpec())
        assert examined.reason == "leads disagree" and examined.detail == contradiction


@pytest.mark.bad_input("leads that contradict each other")
@pytest.mark.parametrize(
    ("present", "fault"),
    [
        (("I", "II", "III"), "I and II swapped"),
        (("I", "II", "III"), "each lead z-scored"),
        (("I", "II", "III"), "II holds V2"),
        (("I", "II", "aVR"), "aVR inverted"),
        (("I", "II", "aVL"), "aVL 10 ms early"),
        (("II", "III", "aVL", "aVF"), "II inverted"),
        (("aVR", "aVL", "aVF"), "augmented leads in another order"),
        (("I", "aVL", "aVF"), "aVL and aVF swapped"),
    ],
)
def test_three_limb_leads_are_evidence(leads12: np.ndarray, present: Sequence[str], fault: str) -> None:
    names = (*present, *CHEST)
    signal = FAULTS[fault][0](leads12)[[PLACE[lead] for lead in names]]
    if fault == "augmented leads in another order":  # their sum is zero in any order
        assert disagreement(signal, names, RATE) is None
    else:
        assert disagreement(signal, names, RATE) is not None
    assert disagreement(leads12[[PLACE[lead] for lead in names]], names, RATE) is None


def test_two_limb_leads_are_no_evidence(leads12: np.ndarray) -> None:
    names = ("I", "II", *CHEST)
    assert disagreement(leads12[[PLACE[lead] for lead in names]], names, RATE) is None


@pytest.mark.parametrize("step", [0.005, 0.01, 0.02])
@pytest.mark.parametrize("size", [1.0, 0.2])
def test_the_rounding_of_coarse_converters_is_no_contradiction(leads12: np.ndarray, step: float, size: float) -> None:
    assert disagreement(np.rint(size * leads12 / step) * step, LEADS, RATE) is None


def test_moments_offsets_and_leads_partly_there_are_no_contradiction(leads12: np.ndarray) -> None:
    moments, offsets, gaps, zeros = (leads12.copy() for _ in range(4))
    moments[1, 1200:2600] += np.linspace(0, 5, 1400)
    offsets += np.arange(12)[:, None]
    gaps[2, :1700] = gaps[3] = np.nan
    zeros[[3, 4, 5]] = 0.0
    for signal in (moments, offsets, gaps, zeros):
        assert disagreement(signal, LEADS, RATE) is None
    gaps[4] *= -1
    assert "aVL upside down" in str(disagreement(gaps, LEADS, RATE))


def test_exchanged_electrodes_and_a_record_upside_down_keep_the_law(leads12: np.ndarray) -> None:
    arms = exchanged(II="III", III="II", aVR="aVL", aVL="aVR")(leads12)
    arms[0] *= -1
    assert disagreement(arms, LEADS, RATE) is None and disagreement(-leads12, LEADS, RATE) is None


@pytest.mark.real
@pytest.mark.parametrize("name", ["ptb-xl", "cpsc2018", "challenge-2020", "challenge-2021"])
def test_limb_leads_of_real_records_agree(real_data: Path, name: str) -> None:
    for row in read_table(real_data / name).records.iloc[:300].itertuples():
        record = read_record(row)
        limbs = LimbLeads.of(record.signal, record.leads, record.sampling_rate)
        assert limbs is not None and limbs.sizes(relations(limbs.names)).max() < 0.02, record.record_id
