"""Names that a terminal, a spreadsheet, Markdown or a header would obey: refused, left out, or shown as they are."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqecg.records.datasets.fit_names import with_fit_names
from vqecg.records.datasets.registry import read_table
from vqecg.records.labels import LabelTask
from vqecg.records.plain_names import markdown, printable, spreadsheet_cell, unfit
from vqecg.records.record import RecordTable
from vqecg.records.store.building import build_store
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.signal_spec import SignalSpec

FORMULAS = ["=1+1", '=HYPERLINK("http://x","y")', "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", " =1", "-cmd", "=", "--"]
CONTROLS = [
    "a\nb",
    "a\rb",
    "a\tb",
    "\x1b[31mred",
    "nul\x00",
    "bell\x07",
    "c1\x9b31m",
    "\u202egnp.exe",
    "a\u2028b",
    "\ud800",
]
PLAIN = [
    "AFIB",
    "STD_",
    "PRC(S)",
    "RAO/RAE",
    "2AVB",
    "-1",
    "+3.5",
    "Straße",
    "心房細動",
    "a-b",
    "x=1",
    "<b>",
    "`a`",
    "$x$",
]


@pytest.fixture(scope="module")
def table(simulated_store: RecordStore) -> RecordTable:
    """Twelve simulated records."""
    whole = read_table(simulated_store.folder.parent / "data")
    return replace(whole, records=whole.records.iloc[:12].reset_index(drop=True))


def changed(table: RecordTable, column: str, name: str, row: int = 3) -> RecordTable:
    """The table with another name in one row."""
    records = table.records.copy()
    records.at[row, column] = {name: 100.0} if column == "statements" else name
    return replace(table, records=records)


@pytest.mark.bad_input("hostile labels and ids")
@pytest.mark.parametrize("name", [*FORMULAS, *CONTROLS])
def test_a_name_that_something_would_obey_is_unfit_and_its_reason_is_printable(name: str):
    reason = unfit(name)
    assert "expected a" in reason and printable(reason) == reason
    with pytest.raises(ValueError, match="give it another name"):
        LabelTask.own([{name: 100.0}])


@pytest.mark.parametrize("name", PLAIN)
def test_other_names_are_fit(name: str):
    assert unfit(name) == ""


@pytest.mark.bad_input("hostile labels and ids")
@pytest.mark.parametrize("column", ["record_id", "patient_id", "statements"])
@pytest.mark.parametrize("name", [FORMULAS[1], FORMULAS[3], CONTROLS[0], CONTROLS[3], CONTROLS[4], CONTROLS[7]])
def test_a_record_with_an_unfit_name_costs_itself_alone(table: RecordTable, column: str, name: str):
    hostile = changed(table, column, name)
    fit = with_fit_names(hostile)
    assert len(fit) == 11 and len(fit.left_out) == 1 and "1 records left out" in fit.notes[-1]
    assert printable(fit.notes[-1] + fit.left_out[0].record_id) == fit.notes[-1] + fit.left_out[0].record_id
    alone = replace(hostile, records=hostile.records.iloc[3:4])
    with pytest.raises(ValueError, match="no record has a fit name"):
        with_fit_names(alone)


@pytest.mark.bad_input("hostile labels and ids")
def test_rejected_csv_holds_no_formula_and_no_control_character(table: RecordTable, tmp_path: Path):
    fit = with_fit_names(changed(changed(table, "record_id", "=cmd|' /C calc'!A0"), "record_id", "\x1b[31m\nred", 5))
    store = build_store(fit, SignalSpec(100, 10.0), tmp_path / "store", progress=False)
    text = (store.folder / "rejected.csv").read_text("utf-8")
    assert "'=cmd" in text and "\x1b" not in text and len(text.splitlines()) == 3
    assert store.rejected["record_id"].tolist() == ["'=cmd|' /C calc'!A0", "\\x1b[31m red"]


@given(st.text(max_size=40))
def test_a_cell_is_one_line_and_no_formula(text: str):
    cell = spreadsheet_cell(text)
    assert "\n" not in cell and "\x1b" not in cell
    parsed = pd.to_numeric(pd.Series([cell.replace(",", ".")]), errors="coerce")
    assert cell.strip()[:1] not in ("=", "@", "+", "-") or parsed.notna().all()


@pytest.mark.bad_input("hostile labels and ids")
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("](javascript:alert(1))", r"\](javascript:alert(1))"),
        ("<script>x</script>", r"\<script\>x\</script\>"),
        ("`code` **b**", r"\`code\` \*\*b\*\*"),
        ("a|b # c ~~d~~", r"a\|b \# c \~\~d\~\~"),
        ("&lt;script&gt;", "&amp;lt;script&amp;gt;"),
        ("back\\slash\x1b[0m", "back\\\\slash\\\\x1b\\[0m"),
    ],
)
def test_markdown_shows_a_name_and_obeys_nothing_in_it(name: str, shown: str):
    assert markdown(name) == shown


@pytest.mark.bad_input("hostile labels and ids")
@pytest.mark.parametrize("word", ["\x1b]0;owned\x07", "\x1b[2J", "\u202eevil", "\x9b31m"])
def test_a_message_to_the_terminal_holds_nothing_that_it_would_obey(
    tmp_path: Path, refused: Callable[..., str], word: str
):
    told = refused("prepare", "--data", tmp_path / f"no{word}folder", "--out", tmp_path / "out")
    assert word not in told and ascii(word)[1:-1] in told
