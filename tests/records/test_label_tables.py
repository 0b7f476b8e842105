"""The packaged tables of statements, and a data set's own."""

import numpy as np
import pandas as pd
import pytest

from vqecg.records.label_tables import normal_statement_table, rhythm_bound, snomed_table, statement_table, table_with
from vqecg.records.labels import CPSC2018_CLASSES


def test_no_challenge_abbreviation_means_something_else_in_ptbxl() -> None:
    table, published = snomed_table(), statement_table()
    known = {*published.index, *published["diagnostic_class"], *published["diagnostic_subclass"]} - {""}
    for row in table.itertuples():
        if row.abbreviation in known:
            assert row.scp == row.abbreviation
    assert set(table["scp"]) - {""} <= known
    assert set(table["cpsc2018"]) - {""} == set(CPSC2018_CLASSES)
    assert table["abbreviation"].is_unique
    assert (table["snomed"] != "").sum() == 133
    assert table["snomed"][table["snomed"] != ""].is_unique


def test_empty_flags_of_the_publishers_file_are_zero() -> None:
    raw = pd.DataFrame(
        {"diagnostic": [1.0, np.nan], "form": [np.nan, 1.0], "rhythm": [np.nan, np.nan],
         "diagnostic_class": ["MI", np.nan], "diagnostic_subclass": ["IMI", np.nan]},
        index=["IMI", "PVC"],
    )  # fmt: skip
    table = normal_statement_table(raw)
    assert table["form"].tolist() == [0, 1] and table["diagnostic_class"].tolist() == ["MI", ""]
    assert normal_statement_table(table.reset_index()).equals(table)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="form"), "lacks the columns"),
        (lambda table: table.assign(form="x"), "column form"),
        (lambda table: pd.concat([table, table]), "twice"),
    ],
)
def test_a_broken_statement_table_is_refused(change, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        normal_statement_table(change(statement_table()))


@pytest.mark.real
def test_the_packaged_table_says_what_the_published_one_says(real_data) -> None:
    published = normal_statement_table(pd.read_csv(real_data / "ptb-xl" / "scp_statements.csv", index_col=0))
    packaged = statement_table()
    for column in ("description", "diagnostic", "form", "rhythm", "diagnostic_class", "diagnostic_subclass"):
        assert packaged[column].tolist() == published[column].tolist(), column
    assert packaged.index.tolist() == published.index.tolist()


def test_a_label_of_ones_own_gets_a_row_without_meaning_and_a_known_one_none() -> None:
    table = table_with(["LQTS", "MI", "IMI", "STE", "RBBB", "LQTS", "AVB"])
    # AVB, a Challenge abbreviation, is none of PTB-XL's statements
    assert table.index.tolist() == [*statement_table().index, "AVB", "LQTS"]
    assert table.loc["LQTS"].tolist() == ["LQTS", 0, 0, 0, "", "", ""]
    assert normal_statement_table(table).loc["LQTS", "diagnostic"] == 0


def test_statements_bound_to_their_rhythm_are_these() -> None:
    bound = rhythm_bound()
    published = [name for name in statement_table().index if bound[name]]
    assert sorted(published) == [
        "1AVB", "2AVB", "3AVB", "AFIB", "AFLT", "BIGU", "LPR", "PAC", "PACE", "PRC(S)", "PSVT", "PVC", "SVARR", "SVTAC",
        "TRIGU", "WPW",
    ]  # fmt: skip
    challenge = snomed_table()["abbreviation"]
    assert sum(bound[name] for name in challenge) == 61
    assert bound["I-AVB"] and bound["AF"] and bound["_AVB"] and not bound["CD"] and not bound["SNR"]
    assert {*challenge, *CPSC2018_CLASSES, *statement_table()["diagnostic_class"]} - {""} <= bound.keys()
    assert "LQTS" not in bound
