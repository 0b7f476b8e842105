"""Voltages of whole data sets: warnings where the unit or a normalisation shows, and nothing where all is well."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vqecg.records.datasets.registry import read_table
from vqecg.records.export.dataset import write_dataset
from vqecg.records.label_tables import statement_table
from vqecg.records.store.building import build_store
from vqecg.records.store.population import implausible_voltages, record_sizes
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.signal_spec import SignalSpec
from vqecg.scripts.steps.preparing import summary

Change = Callable[[np.ndarray], np.ndarray]


def warnings_of(signals: np.ndarray) -> list[str]:
    return implausible_voltages(record_sizes(np.rint(np.clip(1000 * signals, -32767, 32767)).astype(np.int16)))


def every(number: int, factor: float) -> Change:
    """Records scaled by a factor, every so many."""

    def change(signals: np.ndarray) -> np.ndarray:
        signals = signals.copy()
        signals[::number] *= factor
        return signals

    return change


LEAD, RECORD = 2, (1, 2)
UNITS: dict[str, tuple[Change, str]] = {
    "0.1 mV taken for mV": (lambda signals: 10 * signals, "the unit may be smaller than mV"),
    "mV divided by 10": (lambda signals: signals / 10, "the unit may be larger than mV"),
    "centivolt": (lambda signals: signals / 100, "the unit may be larger than mV"),
    "the set z-scored": (lambda signals: (signals - signals.mean()) / signals.std(), "z-scores"),
    "each lead z-scored": (
        lambda signals: (signals - signals.mean(LEAD, keepdims=True)) / signals.std(LEAD, keepdims=True),
        "normalised one by one",
    ),
    "each record z-scored": (
        lambda signals: (signals - signals.mean(RECORD, keepdims=True)) / signals.std(RECORD, keepdims=True),
        "normalised one by one",
    ),
    "each lead from 0 to 1": (
        lambda signals: (signals - signals.min(LEAD, keepdims=True)) / np.ptp(signals, LEAD, keepdims=True),
        "normalised one by one",
    ),
    "each record from -1 to 1": (
        lambda signals: signals / np.abs(signals).max(RECORD, keepdims=True),
        "normalised one by one",
    ),
    "one in ten records of 0.1 mV": (every(10, 10), "files of several units"),
    "one in ten records of centivolt": (every(10, 0.1), "files of several units"),
}


@pytest.mark.bad_input("implausible voltages")
@pytest.mark.parametrize("unit", UNITS)
def test_another_unit_of_the_whole_set_shows(simulated_store: RecordStore, unit: str) -> None:
    change, cause = UNITS[unit]
    assert any(cause in warning for warning in warnings_of(change(simulated_store.signals(slice(None)))))


def test_a_store_of_millivolts_has_no_warnings(simulated_store: RecordStore) -> None:
    assert simulated_store.warnings == [] and "warning" not in summary(simulated_store)


@pytest.mark.bad_input("implausible voltages")
def test_preparing_says_and_keeps_the_warning(simulated_store: RecordStore, tmp_path: Path) -> None:
    chosen = np.arange(6)
    table = simulated_store.table.iloc[chosen]
    signals = np.clip(8 * simulated_store.signals(chosen), -32, 32)
    write_dataset(tmp_path / "data", signals, 100, table, statement_table(), table[["record_id"]])
    store = build_store(read_table(tmp_path / "data"), SignalSpec(), tmp_path / "store", progress=False)
    assert "0.1 mV taken for mV" in store.warnings[0]
    assert f"\nwarning: {store.warnings[0]}" in summary(RecordStore.open(tmp_path / "store"))


@pytest.mark.real
@pytest.mark.parametrize("name", ["ptb-xl", "cpsc2018", "challenge-2020", "challenge-2021"])
def test_real_sets_are_plausible(real_data: Path, tmp_path: Path, name: str) -> None:
    table = read_table(real_data / name)
    table = replace(table, records=table.records.iloc[:300])
    assert build_store(table, SignalSpec(), tmp_path / "store", progress=False).warnings == []
