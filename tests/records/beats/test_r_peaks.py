"""R peaks, on simulated beats whose times are known and on the annotated beats of LUDB."""

from pathlib import Path

import numpy as np
import pytest
import wfdb

from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.leads import LEADS, independent_leads
from vqecg.records.simulation.dataset import plan_records
from vqecg.records.simulation.simulator import SimulatorSettings, simulate_record
from vqecg.records.store.preprocessing import resample

TOLERANCE = 0.075  # s


def matched(found: np.ndarray, true: np.ndarray) -> int:
    """How many true times have a found one within the tolerance; both in s."""
    return sum(bool(len(found)) and np.abs(found - time).min() <= TOLERANCE for time in true)


@pytest.mark.parametrize("rate", [100, 250, 500])
def test_simulated_beats_of_every_kind_are_found_and_nothing_else(rate: int):
    true_beats = found_beats = true_hits = found_hits = 0
    for number, planned in enumerate(plan_records(60, seed=11)):
        rng = np.random.default_rng(number)
        simulated = simulate_record(planned.statements, rng, SimulatorSettings(10, rate), planned.patient)
        found = find_r_peaks(independent_leads(simulated.record.signal, LEADS), rate) / rate
        true = simulated.beats["r_peak"].to_numpy()
        inner_found, inner_true = (times[(times > 0.15) & (times < 9.85)] for times in (found, true))
        true_beats, found_beats = true_beats + len(inner_true), found_beats + len(inner_found)
        true_hits, found_hits = true_hits + matched(found, inner_true), found_hits + matched(true, inner_found)
    assert true_hits / true_beats > 0.99 and found_hits / found_beats > 0.99


@pytest.mark.parametrize("rate", [100, 500])
@pytest.mark.parametrize(("rhythm", "share"), [("SR", 0.95), ("AFIB", 0.8)])  # T waves are less where they were in AFIB
def test_ventricular_beats_beside_tall_complexes_are_found(rate: int, rhythm: str, share: float):
    hits = beats = false = 0
    for seed in range(30 if rate == 100 else 12):
        record = simulate_record(["LVH", "PVC", rhythm], np.random.default_rng(seed), SimulatorSettings(10, rate))
        found = find_r_peaks(independent_leads(record.record.signal, LEADS), rate) / rate
        times = record.beats["r_peak"].to_numpy()
        ventricular = times[(record.beats["kind"] == "V") & (times > 0.25) & (times < 9.75)]
        beats, hits = beats + len(ventricular), hits + matched(found, ventricular)
        false += sum(np.abs(times - time).min() > TOLERANCE for time in found if 0.15 < time < 9.85)
    assert hits / beats >= share and false == 0


@pytest.mark.parametrize("size", [0.3, 0.5])
def test_a_small_beat_is_found_where_most_leads_show_it_and_an_artefact_of_one_lead_is_not(size: float):
    rate, time = 100, np.arange(1000)
    beats = np.array([60, 150, 240, 330, 460, 550, 640, 730, 820, 910])
    shape = np.linspace(1, 0.5, 8)[:, None]
    signal = shape * sum(np.exp(-0.5 * ((time - beat) / 1.5) ** 2) for beat in beats)
    signal += 0.3 * shape * sum(np.exp(-0.5 * ((time - beat - 28) / 4) ** 2) for beat in beats)  # T waves
    small = size * np.exp(-0.5 * ((time - 395) / 3.0) ** 2)
    assert 395 in find_r_peaks(signal + shape * small, rate)
    one_lead = signal.copy()
    one_lead[5] += 2 * small
    np.testing.assert_array_equal(find_r_peaks(one_lead, rate), find_r_peaks(signal, rate))


def test_the_result_is_ascending_int64_and_respects_the_refractory_time():
    simulated = simulate_record(["AFIB"], np.random.default_rng(2))
    peaks = find_r_peaks(independent_leads(simulated.record.signal, LEADS), 500)
    assert peaks.dtype == np.int64 and (np.diff(peaks) > 0.2 * 500).all()


def test_voltage_offset_and_polarity_do_not_matter():
    simulated = simulate_record(["NORM", "SR"], np.random.default_rng(3), SimulatorSettings(sampling_rate=100))
    signal = independent_leads(simulated.record.signal, LEADS)
    peaks = find_r_peaks(signal, 100)
    np.testing.assert_array_equal(find_r_peaks(-3 * signal + 1, 100), peaks)


def test_one_lead_of_artefacts_does_not_make_beats():
    simulated = simulate_record(["NORM", "SR"], np.random.default_rng(4), SimulatorSettings(sampling_rate=100))
    signal = independent_leads(simulated.record.signal, LEADS)
    broken = signal.copy()
    broken[5, ::37] += 8.0  # spikes of a loose electrode
    assert abs(len(find_r_peaks(broken, 100)) - len(find_r_peaks(signal, 100))) <= 1


def test_a_flat_line_has_no_beats():
    assert len(find_r_peaks(np.zeros((8, 1000)), 100)) == 0


@pytest.mark.parametrize(
    ("signal", "rate"), [(np.zeros(1000), 100), (np.zeros((8, 50)), 100), (np.zeros((8, 1000)), 30)]
)
def test_wrong_shapes_and_rates_are_refused(signal: np.ndarray, rate: float):
    with pytest.raises(ValueError, match="expected"):
        find_r_peaks(signal, rate)


def test_nan_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        find_r_peaks(np.full((8, 1000), np.nan), 100)


@pytest.fixture(scope="module")
def ludb(real_data: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each record of LUDB the eight leads at 500 Hz and the times of its beats."""
    records = []
    for number in range(1, 201):
        path = str(real_data / "ludb" / "data" / str(number))
        record = wfdb.rdrecord(path)
        records.append((independent_leads(record.p_signal.T, record.sig_name), annotated_beats(path)))
    return records


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("rate", [500, 100])
def test_sensitivity_and_predictive_value_on_ludb_exceed_99_percent(
    ludb: list[tuple[np.ndarray, np.ndarray]], rate: int
):
    true_beats = found_beats = true_hits = found_hits = 0
    for signal, true in ludb:
        found = find_r_peaks(resample(signal, 500, rate), rate) / rate
        inner = found[(found > true[0] - 0.15) & (found < true[-1] + 0.15)]  # LUDB leaves out the edges' beats
        true_beats, found_beats = true_beats + len(true), found_beats + len(inner)
        true_hits, found_hits = true_hits + matched(found, true), found_hits + matched(true, inner)
    assert true_beats == 1831
    assert true_hits / true_beats > 0.99 and found_hits / found_beats > 0.99


def annotated_beats(path: str) -> np.ndarray:
    """Median time over the leads of each QRS complex that at least six leads are annotated with, s."""
    samples = []
    for lead in LEADS:
        annotation = wfdb.rdann(path, lead.lower())
        samples += [s for s, symbol in zip(annotation.sample, annotation.symbol, strict=True) if symbol == "N"]
    ordered = np.sort(samples)
    groups = np.split(ordered, np.flatnonzero(np.diff(ordered) > 100) + 1)
    return np.array([np.median(group) for group in groups if len(group) >= 6]) / 500
