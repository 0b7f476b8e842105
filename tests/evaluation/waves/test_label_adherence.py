"""Whether records show what was asked, on tables made by hand."""

import numpy as np
import pandas as pd
import pytest

from vqecg.evaluation.waves.adherence_rules import RULES
from vqecg.evaluation.waves.label_adherence import adherence_table, spellings
from vqecg.evaluation.waves.physiology import SIGN_UNITS, UNITS
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


def row_of(statement: str, sign: str, **columns: float) -> pd.Series:
    """The row of a rule, for one record that has these measures and 0 in all others."""
    measures = dict.fromkeys({name for rule in RULES for name in rule.columns}, 0.0) | columns
    one = pd.DataFrame([measures], dtype=np.float64)
    return adherence_table(one, [{statement}], one, [{statement}]).set_index("rule").loc[f"{statement}: {sign}"]


def test_signs_of_single_leads_count_in_two_leads_that_belong_together():
    for statement, sign, shown, missed in (
        ("STD_", "ST", {"st_II": -0.06, "st_aVF": -0.07}, {"st_II": -0.06, "st_V1": -0.07}),
        ("STD_", "ST", {"st_V5": -0.06, "st_V6": -0.07}, {"st_V4": -0.06, "st_V6": -0.07}),
        ("STE_", "ST", {"st_V1": 0.12, "st_V2": 0.25}, {"st_V2": 0.15, "st_V3": 0.15}),
        ("IMI", "Q, R", {"q_II": 0.1, "r_II": 0.3, "q_III": 0.2}, {"q_II": 0.1, "r_II": 0.5, "q_III": 0.2}),
        ("ASMI", "Q", {"q_V1": 0.2, "q_V3": 0.1}, {"q_V3": 0.2, "q_V4": 0.3}),
        ("AMI", "Q", {"q_V3": 0.2, "q_V4": 0.3}, {"q_V4": 0.2, "q_V5": 0.3}),
    ):
        assert row_of(statement, sign, **shown)["synthetic_rate"] == 1, (statement, shown)
        assert row_of(statement, sign, **missed)["synthetic_rate"] == 0, (statement, missed)


def test_voltages_are_those_of_the_criteria():
    assert row_of("LVH", "voltage", s_V1=1.6, r_V6=2.0)["synthetic_rate"] == 1
    assert row_of("LVH", "voltage", s_V1=1.6, r_V4=2.9)["synthetic_rate"] == 0
    assert row_of("LVH", "voltage", r_aVL=0.9, s_V3=2.0)["synthetic_rate"] == 1
    assert row_of("LVOLT", "voltage", r_I=0.4, s_I=0.2)["synthetic_rate"] == 1
    assert row_of("LVOLT", "voltage", r_I=0.4, s_I=0.4)["synthetic_rate"] == 0


def test_a_lead_that_was_not_measured_leaves_its_rules_open():
    row = row_of("STD_", "ST", st_II=-0.1, st_aVF=-0.1, st_V6=float("nan"))
    assert row["synthetic_n"] == 0 and np.isnan(row["synthetic_rate"])


def test_rules_have_names_of_their_own():
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)


def test_every_rule_names_a_statement_and_columns_that_exist():
    known = set(statement_table().index) | set(snomed_table()["abbreviation"])
    for rule in RULES:
        assert rule.statement in known
        assert set(rule.columns) <= set(UNITS | SIGN_UNITS)


def test_impossible_input_is_refused():
    with pytest.raises(ValueError, match="expected one each"):
        adherence_table(table(pr=[1.0]), [], table(pr=[1.0]), [{"1AVB"}])
