"""Tables in csv files: every cell arrives where it was, or the file is refused."""

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from vqecg.records.datasets.cpsc2018 import read_cpsc2018
from vqecg.records.datasets.csv_table import SEPARATORS, csv_columns, read_csv_table
from vqecg.records.datasets.ptbxl import read_ptbxl
from vqecg.records.datasets.wfdb_folder import read_folder
from vqecg.records.record import RecordTable

NAMES = st.text("abcdefgh_", min_size=1, max_size=6)
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
# Cells of quotes and separators alone can be read in two ways once a character is lost, by any reader.
WORDS = st.text("ab ;|,é\n\"'", max_size=5).map(lambda text: text and f"a{text}b")
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-32"]


@st.composite
def tables(draw: st.DrawFn, cells: st.SearchStrategy[str] = CELLS) -> list[list[str]]:
    """A header of two or more columns and one or more rows."""
    header = draw(st.lists(NAMES, min_size=2, max_size=5, unique=True))
    row = st.lists(cells, min_size=len(header), max_size=len(header))
    return [header, *draw(st.lists(row.filter(lambda cells: any(map(str.strip, cells))), min_size=1, max_size=5))]


def written(rows: list[list[str]], separator: str, end: str = "\n", quote_all: bool = False) -> str:
    def cell(text: str) -> str:
        special = quote_all or text[:1] == " " or any(mark in text for mark in (separator, '"', "\n", "\r"))
        return '"' + text.replace('"', '""') + '"' if special else text

    return "".join(separator.join(map(cell, row)) + end for row in rows)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file for all examples."""
    return tmp_path_factory.mktemp("csv") / "a.csv"


@given(
    rows=tables(),
    separator=st.sampled_from(list(SEPARATORS)),
    encoding=st.sampled_from(ENCODINGS),
    end=st.sampled_from(["\n", "\r\n"]),
    quote_all=st.booleans(),
)
def test_every_cell_arrives(
    file: Path, rows: list[list[str]], separator: str, encoding: str, end: str, quote_all: bool
) -> None:
    file.write_bytes(written(rows, separator, end, quote_all).encode(encoding))
    table = read_csv_table(file)
    assert table.separator == separator
    assert table.frame.columns.tolist() == rows[0] == csv_columns(file)
    assert table.frame.to_numpy().tolist() == [[cell.strip() for cell in row] for row in rows[1:]]


@given(
    rows=tables(WORDS),
    separator=st.sampled_from(list(SEPARATORS)),
    place=st.floats(0, 1),
    inserted=st.sampled_from(["", ",", ";", "\t", "|", '"', "'", "\n", "\r", "x", " ", "\0", "\ufeff", "#", "\\"]),
)
def test_a_character_more_or_less_moves_no_cell(
    file: Path, rows: list[list[str]], separator: str, place: float, inserted: str
) -> None:
    text = written(rows, separator)
    file.write_text(text, encoding="utf-8", newline="")
    before = read_csv_table(file)
    expected = [before.frame.columns.tolist(), *before.frame.to_numpy().tolist()]
    at = round(place * (len(text) - 1))
    changed = text[:at] + inserted + text[at + (inserted == "") :]
    file.write_text(changed, encoding="utf-8", newline="")
    try:
        frame = read_csv_table(file).frame
    except ValueError as error:
        assert str(file) in str(error)
        return
    cells = [frame.columns.tolist(), *frame.to_numpy().tolist()]
    assert [len(row) for row in cells] == [len(row) for row in expected]
    changes = [
        (one, other)
        for row, other_row in zip(expected, cells, strict=True)
        for one, other in zip(row, other_row, strict=True)
        if one != other
    ]
    assert len(changes) <= 1, (text, changed)


def write_ptbxl(root: Path) -> Path:
    """Three records without signals in PTB-XL's layout; the file that is mutated."""
    names = [f"records100/{number}_lr" for number in (1, 2, 3)]
    (root / "records100").mkdir()
    for name in names:
        (root / f"{name}.hea").touch()
        (root / f"{name}.dat").touch()
    columns = {
        "ecg_id": [1, 2, 3],
        "patient_id": [7.0, 8.0, 8.0],
        "age": [50.0, 300.0, np.nan],
        "sex": [0, 1, 1],
        "scp_codes": ["{'NORM': 100.0, 'SR': 0.0}", "{'1AVB': 80.0}", "{}"],
        "strat_fold": [1, 9, 9],
        "report": ["größer", "a, b", "x\ny"],
        "filename_lr": names,
    }
    pd.DataFrame(columns).to_csv(root / "ptbxl_database.csv", index=False)
    return root / "ptbxl_database.csv"


def write_cpsc2018(root: Path) -> Path:
    """Two short recordings of CPSC2018; the file that is mutated."""
    for name in ("A0001", "A0002"):
        scipy.io.savemat(root / f"{name}.mat", {"ECG": {"sex": "Male", "age": 50.0, "data": np.zeros((12, 5))}})
    labels = "Recording,First_label,Second_label,Third_label\nA0001,5,1,\nA0002,1,,\n"
    (root / "REFERENCE.csv").write_text(labels, encoding="utf-8")
    return root / "REFERENCE.csv"


def write_folder(root: Path) -> Path:
    """Two headers with a csv of labels; the file that is mutated."""
    (root / "sub").mkdir()
    for name in ("r1", "sub/r2"):
        (root / f"{name}.hea").touch()
    text = 'record,labels,patient_id,age,sex,fold\nr1,"AF, PVC",7,60,F,1\nsub/r2.dat,STD,8,,male,10\n'
    (root / "labels.csv").write_text(text, encoding="utf-8")
    return root / "labels.csv"


SETS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], RecordTable]]] = {
    "ptb-xl": (write_ptbxl, read_ptbxl),
    "cpsc2018": (write_cpsc2018, read_cpsc2018),
    "folder": (write_folder, read_folder),
}
PIECES = [b",", b";", b'"', b"\n", b"\r\n", b"\0", b"\xff", b"\xe4", b"\xef\xbb\xbf", b"\xff\xfe", b"../",
          b"/etc/passwd", b"nan", b"1e999", b"9" * 30, b"{", b"'", b"((((", b"\\", b"=1+1", b" ", b"-"]  # fmt: skip


@pytest.fixture(scope="module", params=list(SETS))
def data_set(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, bytes]:
    """Name of a reader, the file that is mutated, and what it holds before."""
    root = tmp_path_factory.mktemp(request.param)
    file = SETS[request.param][0](root)
    return request.param, file, file.read_bytes()


mutations = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.one_of(st.sampled_from(PIECES), st.binary(max_size=4))),
    min_size=1,
    max_size=4,
)


@given(changes=mutations)
def test_a_mutated_csv_gives_records_or_a_value_error(
    data_set: tuple[str, Path, bytes], changes: list[tuple[float, int, bytes]]
) -> None:
    name, file, content = data_set
    for place, removed, inserted in changes:
        at = round(place * len(content))
        content = content[:at] + inserted + content[at + removed :]
    file.write_bytes(content)
    with contextlib.suppress(ValueError):
        records = SETS[name][1](file.parent).records
        assert len(records) and records["record_id"].is_unique and records["fold"].between(0, 10).all()
        for path in records["path"]:
            assert Path(path).is_relative_to(file.parent.resolve())
            assert any(Path(f"{path}{ending}").is_file() for ending in ("", ".hea"))


def test_the_sets_are_read_before_they_are_mutated(tmp_path: Path) -> None:
    for name, (write, read) in SETS.items():
        (tmp_path / name).mkdir()
        write(tmp_path / name)
        assert len(read(tmp_path / name)) == (3 if name == "ptb-xl" else 2)
        shutil.rmtree(tmp_path / name)
