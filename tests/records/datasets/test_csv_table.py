"""A csv of any dialect is read cell by cell, or refused with the file, the line and the cause."""

import os
from pathlib import Path

import pytest

from vqecg.records.datasets.csv_table import csv_columns, read_csv_table

ROWS = [["record_id", "labels", "age"], ["r1", "AF;PVC", "60"], ["r2", "Müßig, \n zwei", "61"], ["r3", "", "62"]]


def quoted(separator: str, end: str = "\n") -> str:
    return end.join(separator.join(f'"{cell}"' for cell in row) for row in ROWS) + end


DIALECTS = {
    "commas": (quoted(",").encode(), "", [2, 3, 5]),
    "semicolons": (quoted(";").encode(), "separated by semicolons", [2, 3, 5]),
    "tabs": (quoted("\t").encode(), "separated by tabs", [2, 3, 5]),
    "bars": (quoted("|").encode(), "separated by bars", [2, 3, 5]),
    "Windows line ends": (quoted(",", "\r\n").encode(), "", [2, 3, 5]),
    "old Mac line ends": (quoted(",", "\r").replace("\n", "\r").encode(), "", [2, 3, 5]),
    "UTF-8 with a mark": (quoted(",").encode("utf-8-sig"), "", [2, 3, 5]),
    "UTF-16 little": (b"\xff\xfe" + quoted("\t").encode("utf-16-le"), "separated by tabs, in UTF-16", [2, 3, 5]),
    "UTF-16 big": (b"\xfe\xff" + quoted(",").encode("utf-16-be"), "in UTF-16", [2, 3, 5]),
    "UTF-32": (quoted(",").encode("utf-32"), "in UTF-32", [2, 3, 5]),
    "Latin-1": (quoted(",").encode("latin-1"), "in Windows-1252", [2, 3, 5]),
    "a line that names the separator": (("sep=;\r\n" + quoted(";")).encode(), "separated by semicolons", [3, 4, 6]),
    "blank lines": (("\n \n" + quoted(",") + "\n,,\n").encode(), "", [4, 5, 7]),
    "blanks after separators": (quoted(", ").encode(), "", [2, 3, 5]),
}


@pytest.mark.bad_input("dialects of csv")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_gives_the_same_cells(tmp_path: Path, dialect: str) -> None:
    content, name, lines = DIALECTS[dialect]
    file = tmp_path / "labels.csv"
    file.write_bytes(content)
    table = read_csv_table(file)
    expected = [[cell.replace("\n", "\r") if "Mac" in dialect else cell for cell in row] for row in ROWS]
    assert [list(table.frame.columns), *table.frame.to_numpy().tolist()] == expected
    assert (table.dialect, table.frame.index.tolist()) == (name, lines)
    assert csv_columns(file) == expected[0]


@pytest.mark.bad_input("dialects of csv")
def test_semicolons_with_decimal_commas_and_lists_in_a_cell(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id;age;labels\n1;63,5;AF,PVC\n2;7,0;STD\n")
    assert read_csv_table(tmp_path / "a.csv").frame.to_numpy().tolist() == [
        ["1", "63,5", "AF,PVC"],
        ["2", "7,0", "STD"],
    ]
    (tmp_path / "b.csv").write_text("id,labels\n1,AF;PVC\n2,STD;AF\n")  # the rows hold one semicolon each
    assert read_csv_table(tmp_path / "b.csv").frame["labels"].tolist() == ["AF;PVC", "STD;AF"]
    (tmp_path / "c.csv").write_text("id;labels;a, b, c and d\n1;AF;x\n2;STD;y\n")  # the header has more commas
    assert read_csv_table(tmp_path / "c.csv").frame.columns.tolist() == ["id", "labels", "a, b, c and d"]


@pytest.mark.bad_input("dialects of csv")
def test_columns_without_a_name_are_numbered_and_words_for_nothing_stay(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",id,\n0,nan,NA\n1,None,\n")
    frame = read_csv_table(tmp_path / "a.csv").frame
    assert frame.columns.tolist() == ["Unnamed: 0", "id", "Unnamed: 2"]
    assert frame.to_numpy().tolist() == [["0", "nan", "NA"], ["1", "None", ""]]


REFUSED = {
    "nothing": (b"", "is empty"),
    "blanks": (b" \n\n", "is empty"),
    "a mark alone": (b"\xff\xfe", "is empty"),
    "a header alone": (b"id,labels\n", "has a header (id, labels) and no rows"),
    "a row of too many cells": (b"id,labels\nr1,AF\nr2,AF,PVC\n", "line 3 has 3 cells, the header has 2"),
    "a row of too few cells": (b"id,labels,age\nr1,AF,1\nr2,AF\n", "line 3 has 2 cells, the header has 3"),
    "more cells in every row": (b"id,labels\nr1,AF,1\nr2,AF,2\n", "line 2 has 3 cells, the header has 2"),
    "an empty cell more in every row": (b"id,labels\nr1,AF,\nr2,AF,\n", "line 2 has 3 cells"),
    "lines counted with line breaks in cells": (b'id,a\n"x\ny\nz",1\nr2,1,2\n', "line 5 has 3 cells"),
    "a quote that stays open": (b'id,labels\nr1,"AF\nr2,PVC\n', "line 2: the row is no csv"),
    "a quote inside a quoted cell": (b'id,labels\nr1,"{"a": 1}"\n', "line 2: the row is no csv"),
    "a huge cell": (b"id,labels\nr1," + b"x" * 200_000 + b"\n", "line 2: the row is no csv"),
    "a header of two lines": (b'"id\n",labels\nr1,AF\n', "line 1: the header does not end in its line"),
    "a header that runs on into a quoted cell": (b'id,a"x\ny",1\nr2,2\n', "line 1: a double quote within a cell"),
    "a header that runs on into a row": (b'id,a,x;y\nx;y,"a,b"\n', "line 2 has 2 cells, the header has 3"),
    "a separator lost before a quoted cell": (b'id;a;b\nr1"x;y";"x;y"\n', "line 2: a double quote within a cell"),
    "a header without the separator of its rows": (b'idlabels\n;"AF;PVC"\n', "line 2 has semicolons in it, the header"),
    "two separators that fit": (b",id;labels\n;r1,AF\n", "can be read by commas and by semicolons"),
    "an inch": (b'id,a\nr1,5" high\n', "line 2: a double quote within a cell"),
    "a huge line": (b"id,labels\nr1" + b"," * (5 << 20) + b"\n", "line 2 has 5,242,883 characters"),
    "a huge header": (b"," * (5 << 20), "line 1 has 5,242,880 characters"),
    "a column twice": (b"id,labels, id\nr1,AF,1\n", "has the column 'id' twice"),
    "zero bytes": (b"id,labels\nr1,A\0F\n", "line 2 holds a zero byte"),
    "UTF-16 without a mark": ("id,labels\nr1,AF\n".encode("utf-16-le"), "line 1 holds a zero byte"),
    "UTF-16 cut off": (b"\xff\xfe" + "id,labels\nr1,AF\n".encode("utf-16-le")[:-1], "starts as UTF-16 and breaks off"),
    "Cyrillic in Windows-1251": ("id,labels\nr1,аритмия\n".encode("windows-1251"), "line 2 is neither UTF-8 nor"),
    "Chinese in GB18030": ("id,labels\nr1,房颤\n".encode("gb18030"), "line 2 is neither UTF-8 nor"),
    "UTF-8 joined with Latin-1": ("id,labels\nr1,ä\n".encode() + "r2,ä\n".encode("latin-1"), "line 3 is not UTF-8"),
    "an unknown separator named": (b"sep=:\nid:labels\nr1:AF\n", "line 1 names the separator ':'"),
    "a separator named that does not fit": (b"sep=;\nid;labels\nr1,AF\n", "line 3 has 1 cells, the header has 2"),
    "a spreadsheet": (b"PK\x03\x04\x14\0", "is a spreadsheet"),
    "an old spreadsheet": (b"\xd0\xcf\x11\xe0\xa1\xb1", "is an old spreadsheet"),
    "Parquet": (b"PAR1\x15\x04", "is a Parquet file"),
    "gzip": (b"\x1f\x8b\x08\0", "is compressed by gzip"),
    "random bytes": (bytes(range(256)), "a.csv, line"),
}


@pytest.mark.bad_input("no csv, or a damaged one")
@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_read_is_refused_with_file_and_line(tmp_path: Path, what: str) -> None:
    content, message = REFUSED[what]
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError) as error:
        read_csv_table(tmp_path / "a.csv")
    assert message in str(error.value) and str(tmp_path / "a.csv") in str(error.value)


@pytest.mark.bad_input("no csv, or a damaged one")
@pytest.mark.parametrize("what", ["missing", "folder", "fifo", "dangling link", "ten gigabytes"])
def test_what_is_no_file_is_refused_before_it_is_opened(tmp_path: Path, what: str) -> None:
    file = tmp_path / "a.csv"
    if what == "folder":
        file.mkdir()
    elif what == "fifo":
        os.mkfifo(file)
    elif what == "dangling link":
        file.symlink_to(tmp_path / "nowhere")
    elif what == "ten gigabytes":
        with file.open("wb") as content:
            content.truncate(10 << 30)  # takes no room on the disk
    with pytest.raises(ValueError, match=r"a\.csv (is no file|has 10\.7 GB)|no file .*a\.csv"):
        read_csv_table(file)
    assert csv_columns(file) == []


def test_columns_of_a_file_that_is_no_csv_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"PK\x03\x04")
    assert csv_columns(tmp_path / "a.csv") == []
    (tmp_path / "b.csv").write_bytes(b"id;name, first\n" + b"x;y\n" * 100_000)
    assert csv_columns(tmp_path / "b.csv") in (["id", "name, first"], ["id;name", "first"])
