"""Cells that hold labels: names with separators, lists and dicts as Python, JSON and numpy write them."""

import json
import unicodedata

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vqecg.records.datasets.csv_labels.cells import form_text, likelihoods, read_cell
from vqecg.records.datasets.csv_labels.spellings import clean_label, one_spelling

AF_LBBB = ["AF", "LBBB"]


@pytest.mark.bad_input("label cells")
@pytest.mark.parametrize(
    "cell",
    [
        "AF;LBBB", "AF,LBBB", "AF|LBBB", " AF ; LBBB; ", "AF;;LBBB", "'AF', 'LBBB'", '"AF";"LBBB"', "b'AF';b'LBBB'",
        "AF;LBBB;AF", "AF;LBBB;unknown", "AF\u00a0;\ufeffLBBB", "AF;L\u200bBBB",
        str(AF_LBBB), json.dumps(AF_LBBB), str(tuple(AF_LBBB)), repr(np.array(AF_LBBB)), str(np.array(AF_LBBB)),
        str(list(np.array(AF_LBBB))), repr(np.array(AF_LBBB, object)), "{'AF', 'LBBB'}", "frozenset({'AF', 'LBBB'})",
        "set(['AF', 'LBBB'])", "[['AF'], ['LBBB']]", "['AF'\n 'LBBB']", "[u'AF', b'LBBB']",
        "['AF', None, 'LBBB', 'nan']", '["\\u0041F", "LBBB"]', "['AF', 'LBBB',]", "[ 'AF' , 'LBBB' ]",
    ],
)  # fmt: skip
def test_labels_are_read_however_they_are_written(cell: str) -> None:
    assert list(read_cell(cell).names) == AF_LBBB


@pytest.mark.bad_input("cells of no label")
@pytest.mark.parametrize(
    "cell",
    ["", " ", "nan", "NaN", "None", "null", "N/A", "NA", "n/a", "#N/A", "<NA>", "unknown", "Unknown", "-", "--", "?",
     "[]", "{}", "()", "set()", "frozenset()", "[None]", "['nan']", "['']", ";", " , ", "''", "\u00a0", "array([])",
     "none; nan", "[[], []]", "\u2014"],
)  # fmt: skip
def test_words_for_nothing_are_no_labels(cell: str) -> None:
    content = read_cell(cell)
    assert content.names == content.values == ()


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ('"STEMI, anterior";AF', ["STEMI, anterior", "AF"]),
        ("['STEMI, anterior']", ["STEMI, anterior"]),
        ("Wellens' sign; AF", ["Wellens' sign", "AF"]),
        ('["it\'s"]', ["it's"]),
        ("['it\\'s']", ["it's"]),
        ("(AFIB", ["(AFIB"]),  # the MIT-BIH database writes rhythms so
        ("(AFIB;(N", ["(AFIB", "(N"]),
        ("Sinus rhythm (normal)", ["Sinus rhythm (normal)"]),
        ("old infarct [inferior]", ["old infarct [inferior]"]),
        ("[426783006, 67741000119109]", ["426783006", "67741000119109"]),
        ("164889003.0", ["164889003"]),
        ("1", ["1"]),
        ("1.0, 2.0", ["1", "2"]),
        ("AV block 2:1", ["AV block 2:1"]),
        ("2:1 block; ST:T", ["2:1 block", "ST:T"]),
        ("NORM", ["NORM"]),
    ],
)
def test_names_with_commas_quotes_and_brackets(cell: str, names: list[str]) -> None:
    assert list(read_cell(cell).names) == names


@pytest.mark.bad_input("label cells")
@pytest.mark.parametrize(
    "cell",
    [
        "['AF", "['AF'", "['AF']]", "AF']", "['AF']['LBBB']", "[AF, LBBB]", "{AF: 100}", "{'AF': 1", "{'AF' 1}",
        "{'AF': 1 'LBBB': 2}", "{'AF': 1, 'AF': 0}", "{'AF': 1, 'af ': 2, 'AF ': 3}", "{'AF', 'LBBB': 1}", "[,]",
        "['AF',,'LBBB']", "{:1}", "{'AF':}", "{1: 2: 3}", "['AF'; 'LBBB']", "['AF' + 'LBBB']", "['AF' ... 'LBBB']",
        "[...]", "[0, 1, 0]", "[1. 0.]", "[0.1, 0.9]", "[True, False]", "[['AF', 100.0]]", "array([1, 0, 1])",
        "tensor([1., 0.])", "{'AF': 'yes'}", "{'AF': 101}", "{'AF': -1}", "{'AF': 1e400}", "{'AF': {'p': 1}}",
        "{'AF': [1]}", "{'dx': ['AF']}", "[{'code': 'AF'}]", "{True: 1}", "{None: 1}", "{1.5: 1}", "[__import__('os')]",
        "defaultdict(<class 'float'>, {'AF': 100.0})", "OrderedDict([('AF', 100.0)])", "Index(['AF'], dtype='object')",
        "Series({'AF': 1})", "AF}", "164889003 426783006", "\u201cAF\u201d", "\u201eAF\u201c; LBBB", "\u00abAF\u00bb",
        "AF:100;SR:0", "AF = 80", "AF (80%)", "AF 80 %", "0.37", "61.5", "0,37", "1.5;2",
        "(AF, LBBB)", "Sinus (normal, adult)", "AF; PVC, STD", '"AF;PVC"', '["AF|PVC"]', "'AF", '"', '"AF" LBBB',
        "AF\nLBBB", "AF\tLBBB", "AF\x00", "['AF\\nLBBB']", "A\u202eF", '["\\ud800"]', "\ue000", "4.27E+08",
        "x" * 201, "x" * 10_000, f"['{'x' * 10_000}']", "[" * 100_000, "[" * 9_000 + "]" * 9_000, "(" * 9_000,
        "{" * 50, "[" + "-" * 5_000 + "1]", "['AF'" + ",'x'" * 10_000 + "]", "array(" * 3_000,
        "['" + "\\" * 9_999 + "']",
    ],
    ids=lambda cell: cell[:20],
)  # fmt: skip
def test_cells_of_no_clear_meaning_are_refused(cell: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        read_cell(cell)
    assert len(str(caught.value)) < 500


@pytest.mark.bad_input("dicts of labels")
@pytest.mark.parametrize(
    ("cells", "labels", "reading"),
    [
        (["{'NORM': 100.0, 'SR': 0.0}"], [{"NORM": 100.0, "SR": 0.0}], "0 is an unknown likelihood"),
        (["{'SR': 0.0}", "{'AFIB': 0.0}"], [{"SR": 0.0}, {"AFIB": 0.0}], "0 is an unknown likelihood"),
        (["OrderedDict({'AF': 100.0, 'SR': 0.0})"], [{"AF": 100.0, "SR": 0.0}], "percent"),
        (["{'NORM': 50, 'SR': 1}"], [{"NORM": 50.0, "SR": 1.0}], "percent"),
        (['{"AF": true, "SR": false}'], [{"AF": 0.0}], "true (a label) and false (none)"),
        (["{'AF': np.True_, 'SR': np.False_}"], [{"AF": 0.0}], "true (a label) and false (none)"),
        (["{'AF': True, 'SR': None}", "{'SR': 1}"], [{"AF": 0.0}, {"SR": 0.0}], "true"),
        (['{"AF": 1, "SR": 0}', '{"AF": 0, "SR": 0}'], [{"AF": 0.0}, {}], "1 (a label) and 0 (none)"),
        (["{'AF': 1.0, 'SR': 0.0}"], [{"AF": 0.0}], "1 (a label) and 0 (none)"),
        (["Counter({'AF': 1})"], [{"AF": 0.0}], "1 (a label) and 0 (none)"),
        (["AF;SR", "['AF']", "{'AF': 80}"], [{"AF": 0.0, "SR": 0.0}, {"AF": 0.0}, {"AF": 80.0}], "percent"),
    ],
)
def test_dicts_are_likelihoods_or_truth(cells: list[str], labels: list[dict[str, float]], reading: str) -> None:
    rows, said = likelihoods([read_cell(cell) for cell in cells], range(2, 2 + len(cells)))
    assert rows == labels and reading in said


@pytest.mark.bad_input("dicts of labels")
@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["{'AF': True}", "{'AF': 50}"], "line 3: 'AF' has the value 50; expected true or false"),
        (["{'AF': 1, 'SR': 0}", "{'AF': 0.37}"], "line 3: 'AF' has the value 0.37; expected 0 or 1"),
        (["{'AF': 100}", "{'AF': None}"], "line 3: 'AF' has no value"),
        (["{'AF': 0.37}", "{'AF': 0.93}"], "no value is over 0.93; expected likelihoods in percent"),
        (["{'AF': nan}"], "line 2: 'AF' has no value"),
    ],
)
def test_dicts_whose_values_contradict_each_other_are_refused(cells: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        likelihoods([read_cell(cell) for cell in cells], range(2, 2 + len(cells)))


def test_the_forms_of_a_column_are_said() -> None:
    assert (
        form_text([read_cell(cell) for cell in ("AF;B", "C|D", "E", "['F']")]) == "names separated by ; or | and lists"
    )
    assert form_text([read_cell(cell) for cell in ("AF", "", "B")]) == "one name in a cell"


@pytest.mark.bad_input("spellings of labels")
@pytest.mark.parametrize(
    ("labels", "spelling"),
    [
        (["AF", "af", "AF"], "AF"),
        (["af", "AF", "AF"], "AF"),
        (["Af", "AF"], "Af"),
        ([" AF", "AF  "], "AF"),
        (["atrial  fibrillation", "atrial fibrillation", "Atrial\u00a0fibrillation"], "atrial fibrillation"),
        ([unicodedata.normalize("NFD", "Größe"), "Größe"], "Größe"),
        (["STRASSE", "straße", "straße"], "straße"),
    ],
)
def test_labels_that_differ_by_case_or_blanks_are_one(labels: list[str], spelling: str) -> None:
    cleaned = [clean_label(label) for label in labels]
    assert set(one_spelling(cleaned).values()) == {spelling}


def test_labels_that_differ_otherwise_stay_apart() -> None:
    assert one_spelling(["AF", "A F", "AFL"]) == {"AF": "AF", "A F": "A F", "AFL": "AFL"}


NAMES = st.text(st.characters(blacklist_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")), min_size=1, max_size=30)


@given(st.lists(NAMES, min_size=1, max_size=6), st.sampled_from((str, json.dumps, lambda names: str(tuple(names)))))
def test_any_list_of_names_comes_back(names: list[str], write) -> None:
    try:
        expected = list(dict.fromkeys(filter(None, map(clean_label, names))))
    except ValueError:
        assume(False)
    assert list(read_cell(write(names)).names) == expected


@given(
    st.dictionaries(NAMES, st.floats(0, 100) | st.booleans() | st.integers(0, 100), min_size=1, max_size=6),
    st.sampled_from((str, json.dumps)),
)
def test_any_dict_of_names_comes_back(values: dict[str, float | bool], write) -> None:
    try:
        expected = {clean_label(name): value for name, value in values.items()}
    except ValueError:
        assume(False)
    assume(len(expected) == len(values))
    expected.pop("", None)
    assert dict(read_cell(write(values)).values) == expected


@given(st.text(st.sampled_from("[](){}'\":,;|\\ \nAFbuarynop.t0159-+eE"), max_size=40))
def test_no_text_does_worse_than_a_refusal(cell: str) -> None:
    try:
        content = read_cell(cell)
    except ValueError:
        return
    for name in content.names:
        assert clean_label(name) == name
