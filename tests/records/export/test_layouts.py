"""Layouts in general: rates, README.md, overwriting, and joining a set with PTB-XL."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import wfdb
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vqecg.records.datasets.registry import read_record, read_table
from vqecg.records.export.dataset import write_dataset
from vqecg.records.export.layouts import LAYOUTS, OutputSettings, is_dataset
from vqecg.records.export.wfdb_writing import LIMIT, to_microvolts
from vqecg.records.label_tables import statement_table
from vqecg.records.leads import einthoven_residual, twelve_leads
from vqecg.records.store.preprocessing import resample

WriteSet = Callable[..., str]


def test_both_rates_of_ptbxl_are_there_and_say_that_one_is_resampled(
    tmp_path: Path, write_set: WriteSet, simulated_signals: np.ndarray
) -> None:
    write_set(tmp_path / "set", rates=(100, 500))
    database = pd.read_csv(tmp_path / "set" / "ptbxl_database.csv")
    assert database["filename_lr"][1] == "records100/1000000/1000001_lr"
    assert database["filename_hr"][1] == "records500/1000000/1000001_hr"
    for number, signal in enumerate(simulated_signals):
        for column, rate in (("filename_lr", 100), ("filename_hr", 500)):
            record = wfdb.rdrecord(str(tmp_path / "set" / database[column][number]), physical=False)
            digital = record.d_signal.T
            expected = twelve_leads(resample(signal, 100, rate))
            assert record.fs == rate and digital.shape == (12, 10 * rate)
            np.testing.assert_allclose(digital / 1000, expected, atol=0.0016)
            assert (digital[0].astype(int) + digital[2] == digital[1]).all()
            assert einthoven_residual(digital / 1000) <= 0.001
            assert record.checksum == [int(lead.sum(dtype=np.int64)) % 65536 for lead in digital]
            assert record.init_value == digital[:, 0].tolist()
            assert ("Resampled from: 100 Hz" in record.comments) == (rate == 500)
    readme = (tmp_path / "set" / "README.md").read_text()
    assert "The 500 Hz files hold nothing above 40-50 Hz: they are resampled from 100 Hz" in readme


def test_the_resampled_files_hold_nothing_above_the_half_of_the_lower_rate(tmp_path: Path, write_set: WriteSet) -> None:
    noise = np.random.default_rng(0).normal(0, 1, (3, 8, 1000)).astype(np.float32)
    write_set(tmp_path / "set", signals8=noise, rates=(500,))
    row = next(read_table(tmp_path / "set", 500).records.itertuples())
    signal = read_record(row).signal[6:, 500:-500]  # the ends are continued by reflection
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(signal.shape[1]))) ** 2
    frequency = np.fft.rfftfreq(signal.shape[1], 1 / 500)
    power = {
        band: spectrum[:, (frequency >= low) & (frequency < high)].mean()
        for band, low, high in (("kept", 5, 40), ("stopped", 52, 250))
    }
    assert power["stopped"] < 1e-6 * power["kept"]  # rounding to 1 microvolt is all that is left


@pytest.mark.parametrize(
    ("sampling_rate", "asked", "columns"),
    [
        (250, (100, 500), {"filename_lr": 100, "filename_250": 250, "filename_hr": 500}),
        (500, (100,), {"filename_lr": 100, "filename_hr": 500}),
        (100, (), {"filename_lr": 100}),
        (100, (360, 500), {"filename_lr": 100, "filename_360": 360, "filename_hr": 500}),
        (128, (500,), {"filename_lr": 128, "filename_128": 128, "filename_hr": 500}),
    ],
)
def test_the_rate_of_the_records_is_there_besides_those_asked_for(
    tmp_path: Path, write_set: WriteSet, sampling_rate: int, asked: tuple[int, ...], columns: dict[str, int]
) -> None:
    signals = np.random.default_rng(0).normal(0, 0.1, (3, 8, 10 * sampling_rate)).astype(np.float32)
    write_set(tmp_path / "set", signals8=signals, sampling_rate=sampling_rate, rates=asked)
    database = pd.read_csv(tmp_path / "set" / "ptbxl_database.csv")
    named = {name for name in database.columns if name.startswith("filename_") and database[name].notna().any()}
    assert named == set(columns)
    for column, rate in columns.items():
        record = wfdb.rdrecord(str(tmp_path / "set" / database[column][2]))
        assert record.fs == rate and record.sig_len == 10 * rate


@settings(deadline=None, max_examples=15)
@example(scale=12.0, sampling_rate=50, rate=125)  # more than 16 bit hold once it is resampled
@given(
    scale=st.floats(0.001, 12),
    sampling_rate=st.sampled_from([50, 100, 128, 250, 257, 500]),
    rate=st.sampled_from([50, 100, 125, 250, 360, 500, 1000]),
)
def test_every_layout_holds_the_same_numbers_at_every_rate(
    tmp_path_factory: pytest.TempPathFactory, scale: float, sampling_rate: int, rate: int
) -> None:
    folder = tmp_path_factory.mktemp("layouts")
    signals = np.random.default_rng(0).uniform(-scale, scale, (2, 8, 6 * sampling_rate)).astype(np.float32)
    rows = pd.DataFrame({"patient_id": ["1", "2"], "fold": 1, "statements": [{"AFIB": 0.0}, {"SR": 0.0}]})
    shared = (rows, statement_table(), pd.DataFrame(index=rows.index))
    largest = max(np.abs(to_microvolts(resample(signal, sampling_rate, rate))).max() for signal in signals)
    for layout in ("ptbxl", "challenge", "npz", "parquet"):
        if largest > LIMIT:
            with pytest.raises(ValueError, match=r"16 bit microvolt hold up to 32\.767 mV"):
                write_dataset(folder / layout, signals, sampling_rate, *shared, rates=(rate,), layout=layout)
            assert not (folder / layout).exists()
            continue
        write_dataset(folder / layout, signals, sampling_rate, *shared, rates=(rate,), layout=layout)
    if largest > LIMIT:
        return
    with np.load(folder / "npz" / f"records_{rate}hz.npz", allow_pickle=False) as archive:
        expected = archive["signals"]
    assert expected.shape == (2, 12, 6 * rate) and expected.dtype == np.float32
    for layout in ("ptbxl", "challenge"):
        table = read_table(folder / layout, rate).records.sort_values("record_id")
        there = [read_record(row) for row in table.itertuples()]
        assert [record.sampling_rate for record in there] == [rate, rate] or sampling_rate > rate
        if there[0].sampling_rate == rate:
            np.testing.assert_array_equal([record.signal for record in there], expected)
    frame = pd.read_parquet(folder / "parquet" / f"records_{rate}hz.parquet")
    for place, lead in enumerate(there[0].leads):
        np.testing.assert_array_equal(np.stack(frame[lead]), expected[:, place])


@pytest.mark.parametrize("layout", LAYOUTS.names())
def test_any_layout_may_take_the_place_of_another_when_asked(tmp_path: Path, write_set: WriteSet, layout: str) -> None:
    folder = tmp_path / "set"
    for first in LAYOUTS.names():
        write_set(folder, layout=first, overwrite=True)
        assert is_dataset(folder)
        with pytest.raises(ValueError, match="already holds an earlier output"):
            write_set(folder, layout=layout)
        write_set(folder, layout=layout, overwrite=True)
        assert LAYOUTS.get(layout)().holds(folder)
        assert (folder / "README.md").read_text().startswith("# 12-lead ECGs")
        assert pd.read_parquet(folder / "manifest.parquet")["ecg_id"].tolist() == [1_000_000, 1_000_001, 1_000_002]


@pytest.mark.parametrize("layout", LAYOUTS.names())
def test_the_same_records_are_the_same_bytes(tmp_path: Path, write_set: WriteSet, layout: str) -> None:
    for name in ("one", "two"):
        write_set(tmp_path / name, layout=layout)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert files and all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)


@pytest.mark.bad_input("layouts and rates")
@pytest.mark.parametrize(
    "settings_of_output",
    [
        {"layout": "wfdb"},
        {"layout": ""},
        {"rates": (0,)},
        {"rates": (-100,)},
        {"rates": (49,)},
        {"rates": (4001,)},
        {"rates": (10**9,)},
        {"rates": (100, 100)},
        {"rates": (100.0,)},
        {"rates": (True,)},
        {"rates": (float("nan"),)},
        {"rates": ("100",)},
        {"layout": "challenge", "rates": (100, 500)},
    ],
)
def test_layouts_and_rates_that_cannot_be_are_refused(settings_of_output: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        OutputSettings(**settings_of_output)


@pytest.mark.bad_input("layouts and rates")
@pytest.mark.parametrize("layout", LAYOUTS.names())
def test_a_resampled_record_beyond_16_bit_is_refused_and_leaves_nothing(
    tmp_path: Path, write_set: WriteSet, layout: str
) -> None:
    square = np.where(np.arange(1000) % 40 < 20, 32.7, -32.7).astype(np.float32)  # overshoots when it is band-limited
    signals = np.zeros((3, 8, 1000), np.float32)
    signals[2, 5] = square
    with pytest.raises(ValueError, match=r"record 1000002: lead V4 reaches 41.02 mV when it is derived or resampled"):
        write_set(tmp_path / "set", signals8=signals, layout=layout, rates=(500,))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.bad_input("layouts and rates")
@pytest.mark.parametrize("layout", LAYOUTS.names())
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signals8": np.zeros((2, 8, 1000))}, "2 signals for 3 rows"),
        ({"signals8": np.zeros((4, 8, 1000))}, "at least 4 signals for 3 rows"),
        ({"signals8": [np.zeros((1, 8, 1000)), np.zeros((2, 8, 999))]}, "expected one length"),
        ({"signals8": np.full((3, 8, 1000), np.nan)}, "not finite"),
        ({"signals8": np.zeros((3, 12, 1000))}, "expected .records, 8, samples."),
    ],
)
def test_signals_that_do_not_fit_leave_nothing_in_any_layout(
    tmp_path: Path, write_set: WriteSet, layout: str, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write_set(tmp_path / "set", layout=layout, **changes)
    assert list(tmp_path.iterdir()) == []


def snippet_of(folder: Path) -> str:
    """The Python of README.md, or nothing."""
    found = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    return found[1] if found else ""


def test_the_readme_joins_a_set_with_ptbxl(
    tmp_path: Path, write_set: WriteSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = pd.DataFrame(
        {
            "ecg_id": [1, 2, 3, 21837],
            "patient_id": ["15709", "13243", "20372", "9999"],
            "fold": [3, 9, 10, 8],
            "statements": [{"NORM": 100.0}] * 4,
        }
    )
    write_dataset(
        tmp_path / "ptb-xl", np.zeros((4, 8, 1000)), 100, rows, statement_table(), pd.DataFrame(index=rows.index)
    )
    assert snippet_of(tmp_path / "ptb-xl") == ""  # numbers and folds such as PTB-XL's
    write_set(tmp_path / "synthetic", rates=(100, 500))
    monkeypatch.chdir(tmp_path)
    names: dict[str, pd.DataFrame] = {}
    exec(snippet_of(tmp_path / "synthetic"), names)
    assert names["records"].index.is_unique and names["statements"].index.is_unique
    assert names["records"]["patient_id"].is_unique
    assert names["train"].index.tolist() == [1, 21837, 1_000_000, 1_000_001, 1_000_002]
    assert names["validation"].index.tolist() == [2] and names["test"].index.tolist() == [3]
    for name in names["records"]["filename_lr"]:
        assert wfdb.rdrecord(name).fs == 100
    assert names["train"]["filename_hr"][1_000_000] == "synthetic/records500/1000000/1000000_hr"


@pytest.mark.real
def test_the_readme_joins_a_set_with_the_real_ptbxl(
    tmp_path: Path, write_set: WriteSet, real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ptb-xl").symlink_to(real_data / "ptb-xl")
    write_set(tmp_path / "synthetic", rates=(100, 500))
    monkeypatch.chdir(tmp_path)
    names: dict[str, pd.DataFrame] = {}
    exec(snippet_of(tmp_path / "synthetic"), names)
    records = names["records"]
    assert len(records) == 3864 + 3 and records.index.is_unique
    assert set(names["train"].index) >= {1_000_000, 1_000_001, 1_000_002}
    assert not (names["validation"].index >= 1_000_000).any() and not (names["test"].index >= 1_000_000).any()
    patients = records["patient_id"].astype(float)
    assert not set(patients[records.index >= 1_000_000]) & set(patients[records.index < 1_000_000])
    assert wfdb.rdrecord(records["filename_lr"].iloc[0]).fs == 100
