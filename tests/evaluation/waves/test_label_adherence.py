"""Whether records show what was asked, on tables made by hand."""

import numpy as np
import pandas as pd
import pytest

from vqecg.evaluation.waves.label_adherence import RULES, adherence_table, spellings
from vqecg.evaluation.waves.physiology import UNITS
from vqecg.records.label_tables import snomed_table, statement_table


def table(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame(columns, dtype=np.float64)


def test_rates_counts_and_the_difference_in_points():
    real = table(pr=[210, 190, 250, np.nan, 150])
    synthetic = table(pr=[205, 180])
    asked = [{"1AVB"}, {"1AVB"}, {"1AVB", "NORM"}, {"1AVB"}, {"NORM"}]
    row = adherence_table(real, asked, synthetic, [{"1AVB"}, {"1AVB"}]).set_index("rule").loc["1AVB: pr"]
    assert (row["real_asked"], row["real_n"], row["synthetic_n"]) == (4, 3, 2)
    assert row["real_rate"] == pytest.approx(2 / 3) and row["synthetic_rate"] == 0.5
    assert row["difference"] == pytest.approx(-100 / 6)
    assert row["real_others_rate"] == 0 and row["asked"] == "PR above 200 ms" and row["note"] == ""
    assert row["real_low"] < row["real_rate"] < row["real_high"]


def test_a_statement_that_nobody_asked_for_has_no_number_and_says_so():
    found = adherence_table(table(heart_rate=[50]), [{"SBRAD"}], table(heart_rate=[50]), [{"STACH"}])
    rows = found.set_index("rule")
    assert rows.loc["SBRAD: heart_rate", "note"] == "not asked"
    assert np.isnan(rows.loc["SBRAD: heart_rate", "synthetic_rate"])
    assert rows.loc["SBRAD: heart_rate", "real_rate"] == 1
    assert rows.loc["STACH: heart_rate", "note"] == "in no real record"
    assert rows.loc["STACH: heart_rate", "synthetic_rate"] == 0
    assert rows.loc["1AVB: pr", "note"] == "not measured: pr"
    assert len(found) == len(RULES)


def test_fibrillation_is_irregular_and_without_p_waves():
    measured = table(rr_variation=[25, 25, 2], p_share=[0.1, 0.9, 0.1])
    rows = adherence_table(measured, [{"AFIB"}] * 3, measured, [{"AF"}] * 3).set_index("rule")
    assert rows.loc["AFIB: rr_variation", "synthetic_rate"] == pytest.approx(2 / 3)
    assert rows.loc["AFIB: rr_variation, p_share", "synthetic_rate"] == pytest.approx(1 / 3)


def test_the_names_of_the_challenge_and_of_cpsc2018_are_the_same_statements():
    found = spellings()
    for name, statement in {"AF": "AFIB", "IAVB": "1AVB", "I-AVB": "1AVB", "LBBB": "CLBBB", "RBBB": "CRBBB",
                            "SB": "SBRAD", "STach": "STACH", "LAnFB": "LAFB"}.items():  # fmt: skip
        assert found[name] == statement
    assert not set(found) & set(statement_table().index), "no statement of PTB-XL is read as another"


def test_every_rule_names_a_statement_and_columns_that_exist():
    known = set(statement_table().index) | set(snomed_table()["abbreviation"])
    for rule in RULES:
        assert rule.statement in known
        assert set(rule.columns) <= set(UNITS)


def test_impossible_input_is_refused():
    with pytest.raises(ValueError, match="expected one each"):
        adherence_table(table(pr=[1.0]), [], table(pr=[1.0]), [{"1AVB"}])
