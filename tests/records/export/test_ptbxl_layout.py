import ast
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vqecg.records.datasets.challenge import read_challenge
from vqecg.records.datasets.registry import read_record, read_table
from vqecg.records.export.dataset import write_dataset
from vqecg.records.export.wfdb_writing import write_record
from vqecg.records.label_tables import statement_table
from vqecg.records.leads import LEADS, einthoven_residual, twelve_leads


def signals(records: int = 3, samples: int = 1000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(records, 8, samples)).cumsum(axis=2).astype(np.float32) / 50


def rows(records: int = 3, **changes: object) -> pd.DataFrame:
    columns: dict[str, object] = {
        "patient_id": [str(number + 1) for number in range(records)],
        "fold": [number % 10 + 1 for number in range(records)],
        "age": [math.nan, *(40.0 + number for number in range(records - 1))],
        "sex": [("unknown", "female", "male")[number % 3] for number in range(records)],
        "statements": [{"NORM": np.float64(100), "SR": 0} for _ in range(records)],
    }
    return pd.DataFrame(columns | changes)


def manifest(records: int = 3) -> pd.DataFrame:
    return pd.DataFrame({"method": ["prior"] * records, "labels": [["NORM"]] * records})


def write(folder: Path, **changes: Any) -> Path:
    given: dict[str, Any] = {
        "signals8": signals(),
        "sampling_rate": 100,
        "rows": rows(),
        "statement_table": statement_table(),
        "manifest": manifest(),
    }
    write_dataset(folder, **(given | changes))
    return folder


def test_wfdb_reads_a_record_back_to_the_microvolt(tmp_path: Path) -> None:
    signal = twelve_leads(signals()[0])
    write_record(tmp_path, "r1", signal, 257.5, {"NORM": 100.0}, {"age": 61, "sex": "female"}, ["Source: test"])
    record = wfdb.rdrecord(str(tmp_path / "r1"))
    assert record.fs == 257.5 and tuple(record.sig_name) == LEADS
    assert record.fmt == ["16"] * 12 and record.adc_gain == [1000.0] * 12 and record.baseline == [0] * 12
    assert record.units == ["mV"] * 12
    assert record.checksum == [int(value) % 65536 for value in record.adc().astype(np.int64).sum(axis=0)]
    np.testing.assert_allclose(record.p_signal.T, signal, atol=0.0016)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r1.dat", "r1.hea"]


def test_comment_lines_are_as_the_challenge_has_them(tmp_path: Path) -> None:
    signal = twelve_leads(signals()[0])
    write_record(
        tmp_path, "a", signal, 500, ["AFIB", "1AVB", "NORM", "CD"], {"age": 61.0, "sex": "female"}, ["Source: test"]
    )
    write_record(tmp_path, "b", signal, 500)
    first, second = ((tmp_path / f"{name}.hea").read_text().splitlines()[13:] for name in "ab")
    assert first == [
        "#Age: 61",
        "#Sex: Female",
        "#Dx: 164889003,270492004",
        "#Without SNOMED code: NORM, CD",
        "#Source: test",
    ]
    assert second == ["#Age: NaN", "#Sex: Unknown", "#Dx:"]
    table = read_challenge(tmp_path).records.set_index("record_id")
    assert list(table["statements"]["a"]) == ["AF", "IAVB"] and table.loc["a", "age"] == 61


@settings(deadline=None, max_examples=20)
@given(arrays(np.float32, (8, 10), elements=st.floats(-10, 10, width=32)))
def test_einthoven_holds_to_one_microvolt_in_the_file(tmp_path_factory: pytest.TempPathFactory, signal8) -> None:
    folder = tmp_path_factory.mktemp("record")
    write_record(folder, "r", twelve_leads(signal8), 100)
    digital = wfdb.rdrecord(str(folder / "r"), physical=False).d_signal.T.astype(np.int64)
    assert (digital[0] + digital[2] == digital[1]).all()
    assert einthoven_residual(digital / 1000) <= 0.001
    np.testing.assert_allclose(digital[[0, 1, *range(6, 12)]] / 1000, signal8, atol=0.00051)


def test_a_record_that_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    good = twelve_leads(signals()[0].astype(np.float64))
    unknown, large, steep, wrong = good.copy(), good.copy(), good.copy(), good.copy()
    unknown[3] = np.nan
    large[8, 5] = 32.768
    steep[:, 9] = twelve_leads(np.array([-20.0, 20, 0, 0, 0, 0, 0, 0])[:, None])[:, 0]
    wrong[[1, 2]] = wrong[[2, 1]]
    for signal, message in [
        (unknown, "1000 of 12000 samples are not finite"),
        (large, "32.77 mV; 16 bit hold up to 32.767 mV"),
        (steep, "40 mV; 16 bit"),
        (wrong, "contradict each other"),
        (good[:8], r"expected \(12, samples\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            write_record(tmp_path, "r", signal, 100)
    with pytest.raises(ValueError, match="WFDB allows"):
        write_record(tmp_path, "../r", good, 100)
    with pytest.raises(ValueError, match="is not one line"):
        write_record(tmp_path, "r", good, 100, comments=["two\nlines"])
    with pytest.raises(ValueError, match="expected one of female, male, unknown"):
        write_record(tmp_path, "r", good, 100, attributes={"sex": "f"})
    assert list(tmp_path.iterdir()) == []


def test_the_usual_ptbxl_loader_reads_a_data_set(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", signals8=signals(samples=5000), sampling_rate=500, rates=(100,))
    # example_physionet.py, which PTB-XL ships with
    database = pd.read_csv(folder / "ptbxl_database.csv", index_col="ecg_id")
    database["scp_codes"] = database["scp_codes"].apply(ast.literal_eval)
    for column, rate in (("filename_lr", 100), ("filename_hr", 500)):
        data = np.array([wfdb.rdsamp(str(folder / name))[0] for name in database[column]])
        assert data.shape == (3, rate * 10, 12)
    meanings = pd.read_csv(folder / "scp_statements.csv", index_col=0)
    meanings = meanings[meanings.diagnostic == 1]
    classes = database["scp_codes"].apply(
        lambda codes: list({meanings.loc[code].diagnostic_class for code in codes if code in meanings.index})
    )
    assert classes.tolist() == [["NORM"]] * 3
    assert database.index.tolist() == [1, 2, 3] and database.strat_fold.tolist() == [1, 2, 3]
    assert database["filename_lr"][1] == "records100/00000/00001_lr"
    assert database["filename_hr"][3] == "records500/00000/00003_hr"
    assert database.sex[2] == 1 and database.sex[3] == 0 and math.isnan(database.sex[1])
    assert "synthetic" in (folder / "README.md").read_text()


def test_copies_of_recordings_are_not_called_synthetic(tmp_path: Path) -> None:
    folder = write(tmp_path / "copies", copies=True)
    readme = (folder / "README.md").read_text()
    assert "copies of recordings of people" in readme and "belong to no person" not in readme
    header = next(folder.glob("records100/*/*.hea")).read_text()
    assert "Copy of a recording: yes" in header and "Synthetic: yes" not in header


def test_a_note_ends_the_readme(tmp_path: Path) -> None:
    plain, noted = (
        write(tmp_path / name, note=note) for name, note in (("plain", ""), ("noted", "No gate was applied."))
    )
    assert (noted / "README.md").read_text() == (plain / "README.md").read_text() + "\nNo gate was applied.\n"


def test_our_own_reader_gives_back_what_was_written(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", rows=rows().assign(ecg_id=[7, 999, 12000]))
    table = read_table(folder)
    assert table.source == "ptb-xl"
    back = table.records
    assert back["record_id"].tolist() == ["7", "999", "12000"]
    assert (folder / "records100/12000/12000_lr.hea").is_file()
    for column in ("patient_id", "fold", "sex", "statements"):
        assert back[column].tolist() == rows()[column].tolist()
    np.testing.assert_array_equal(back["age"], rows()["age"])
    for row, signal in zip(back.itertuples(), signals(), strict=True):
        np.testing.assert_allclose(read_record(row).signal, twelve_leads(signal), atol=0.0016)


def test_the_manifest_gets_the_number_of_each_record(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", rows=rows().assign(ecg_id=[5, 3, 4]))
    back = pd.read_parquet(folder / "manifest.parquet")
    assert back["ecg_id"].tolist() == [5, 3, 4] and back["method"].tolist() == ["prior"] * 3


def test_chunks_give_the_same_files_as_one_array(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole")
    parts = write(tmp_path / "parts", signals8=iter([signals()[:2], signals()[2:]]))
    names = sorted(path.relative_to(whole) for path in whole.rglob("*.*"))
    assert names == sorted(path.relative_to(parts) for path in parts.rglob("*.*"))
    assert all((whole / name).read_bytes() == (parts / name).read_bytes() for name in names)


def test_a_rate_that_ptbxl_lacks_has_a_folder_and_a_column_of_its_own(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", sampling_rate=250)
    database = pd.read_csv(folder / "ptbxl_database.csv")
    assert database["filename_250"][0] == database["filename_lr"][0] == "records250/00000/00001_250"
    assert wfdb.rdrecord(str(folder / database["filename_250"][0])).fs == 250


def test_classes_used_as_statements_are_added_so_that_loaders_map_them_back(tmp_path: Path) -> None:
    used = [{"MI": 0.0}, {"ISCA": 0.0, "SR": 0.0}, {"AF": 0.0}]
    folder = write(tmp_path / "set", rows=rows(statements=used))
    meanings = pd.read_csv(folder / "scp_statements.csv", index_col=0)
    assert len(meanings) == 71 + 3
    columns = ["diagnostic", "diagnostic_class", "diagnostic_subclass"]
    assert list(meanings.loc["MI", columns]) == [1.0, "MI", "MI"]
    assert list(meanings.loc["ISCA", columns]) == [1.0, "STTC", "ISCA"]
    assert meanings["rhythm"]["AF"] == 1 and math.isnan(meanings["diagnostic"]["AF"])
    assert read_table(folder).records["statements"].tolist() == used
    with pytest.raises(ValueError, match=r"statements \['HAPPY'\] are not in the statement table"):
        write(tmp_path / "other", rows=rows(statements=[{"HAPPY": 0.0}] * 3))


class FullDisk:
    """Chunks of signals, of which the second meets an error."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __iter__(self) -> Iterator[np.ndarray]:
        yield signals(1)
        raise self.error


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_nothing_and_keeps_what_was_there(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        write(tmp_path / "set", signals8=FullDisk(error))
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "set")
    with pytest.raises(type(error)):
        write(tmp_path / "set", signals8=FullDisk(error), overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["set"] and len(read_table(tmp_path / "set")) == 3


def test_only_a_data_set_of_this_kind_is_replaced_and_only_when_asked(tmp_path: Path) -> None:
    folder = write(tmp_path / "set")
    with pytest.raises(ValueError, match="already holds an earlier output"):
        write(folder)
    write(folder, signals8=signals(1), rows=rows(1), manifest=manifest(1), overwrite=True)
    assert len(read_table(folder)) == 1
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match=r"holds something else \(thesis.tex\)"):
        write(tmp_path / "other", overwrite=True)
    assert (tmp_path / "other" / "thesis.tex").is_file()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signals8": signals(2)}, "2 signals for 3 rows"),
        ({"signals8": signals(4)}, "at least 4 signals for 3 rows"),
        ({"signals8": iter([signals(1), signals(2, 500)])}, "500 samples after others of 1000"),
        ({"signals8": np.zeros((3, 12, 100))}, r"expected \(records, 8, samples\)"),
        ({"signals8": np.full((3, 8, 100), np.nan)}, "not finite"),
        ({"signals8": signals() * 1000}, "is it in microvolt"),
        ({"sampling_rate": 100.0}, "expected whole numbers"),
        ({"rates": (500, 500)}, "each once"),
        ({"manifest": manifest(2)}, "manifest of 2 rows for 3 records"),
        ({"rows": rows().drop(columns="fold")}, "expected some with"),
        ({"rows": rows(fold=[0, 1, 2])}, "expected integers from 1 to 10"),
        ({"rows": rows(sex=["f", "m", "f"])}, "row 0: sex 'f'"),
        ({"rows": rows(age=[1.0, 2.0, 300.0])}, "row 2: age 300"),
        ({"rows": rows(statements=[{"NORM": 1}, {"NORM": 101}, {}])}, "row 1: likelihoods"),
        ({"rows": rows(statements=["NORM", "MI", "CD"])}, "row 0: statements 'NORM', expected a dict"),
        ({"rows": rows().assign(ecg_id=[1, 1, 2])}, "positive integers, each once"),
    ],
)
def test_input_that_does_not_fit_is_refused_and_leaves_nothing(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write(tmp_path / "set", **changes)
    assert list(tmp_path.iterdir()) == []
