"""Empty cells of labels: what they mean is asked for, never guessed."""

from collections.abc import Callable

import numpy as np
import pytest

from vqecg.records.record import RecordTable
from vqecg.records.unknown_labels import EVERYTHING, unknown_of, without_labels

ReadCsv = Callable[..., RecordTable]
NAMES = ("record_id,labels", "r0,AF", "r1,", "r2,[]")
FLAGS = ("record_id,AF,LBBB", "r0,1,", "r1,-1,0", "r2,,", "r3,0,0")


@pytest.mark.bad_input("cells of labels with nothing in them")
@pytest.mark.parametrize("lines", [NAMES, FLAGS], ids=["names", "columns of 0 and 1"])
def test_an_empty_cell_is_refused_until_its_meaning_is_said(read_csv: ReadCsv, lines: tuple[str, ...]):
    with pytest.raises(
        ValueError, match=r"empty cell of labels, the first: line \d.*--empty-labels none .*labels_known"
    ):
        read_csv(*lines)
    with pytest.raises(ValueError, match="empty_labels is 'absent'; expected one of none, unknown"):
        read_csv(*lines, empty_labels="absent")


def test_an_empty_cell_may_mean_none_or_unknown(read_csv: ReadCsv):
    none = read_csv(*NAMES, empty_labels="none")
    assert unknown_of(none.records) == [()] * 3 and "unknown" not in none.records
    unknown = read_csv(*NAMES, empty_labels="unknown")
    assert unknown_of(unknown.records) == [(), (EVERYTHING,), ()], "[] says that there is none"
    assert any("of 1 records all that is not there" in note for note in unknown.notes)


def test_of_columns_of_one_label_each_single_ones_are_unknown(read_csv: ReadCsv):
    table = read_csv(*FLAGS, empty_labels="unknown").records
    assert unknown_of(table) == [("LBBB",), ("AF",), (EVERYTHING,), ()]
    assert [list(names) for names in table["statements"]] == [["AF"], [], [], []]
    assert without_labels(table).tolist() == [False, False, True, False]


def test_a_column_says_whose_labels_are_known(read_csv: ReadCsv):
    lines = ("record_id,labels,labels_known", "r0,AF,1", "r1,,1", "r2,,0", "r3,AF,no")
    table = read_csv(*lines)
    assert unknown_of(table.records) == [(), (), (EVERYTHING,), (EVERYTHING,)]
    np.testing.assert_array_equal(without_labels(table.records), [False, False, True, False])
    assert any("'labels_known' as whether the labels are known" in note for note in table.notes)


@pytest.mark.bad_input("cells of labels with nothing in them")
def test_a_column_that_contradicts_the_option_or_says_nothing_is_refused(read_csv: ReadCsv):
    with pytest.raises(ValueError, match="leave out --empty-labels"):
        read_csv("record_id,labels,labels_known", "r0,AF,1", "r1,,0", empty_labels="unknown")
    with pytest.raises(ValueError, match="expected 1 where the labels are known"):
        read_csv("record_id,labels,labels_known", "r0,AF,1", "r1,,")
