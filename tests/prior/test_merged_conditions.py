"""A table of conditions without individuals: what merging keeps, and what no row shows any more."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqecg.prior.merged_conditions import LEAST, label_counts, label_matrix, merged_conditions, read_label_counts

ROWS = st.lists(
    st.tuples(
        st.sets(st.sampled_from(["SR", "AFIB", "IMI", "LVH", "WPW"])).map(lambda names: "+".join(sorted(names))),
        st.sampled_from([np.nan, 0.0, 35.0, 60.0, 65.0, 90.0]),
        st.sampled_from(["unknown", "female", "male"]),
        st.integers(1, 12),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda row: (row[0], str(row[1]), row[2]),
)


def table(rows: list[tuple[str, float, str, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["labels", "age", "sex", "count"])


def totals(conditions: pd.DataFrame) -> pd.Series:
    """Records with each label."""
    return label_matrix(conditions["labels"]).mul(conditions["count"], axis=0).sum()


@pytest.fixture(scope="module")
def population() -> pd.DataFrame:
    """1,000 records with labels from common to rare, an age that depends on them, and sex."""
    generator = np.random.default_rng(0)
    chances = {"SR": 0.8, "IMI": 0.2, "LVH": 0.1, "LAFB": 0.08, "AFIB": 0.06, "RVH": 0.02, "WPW": 0.003}
    drawn = {name: generator.random(1000) < chance for name, chance in chances.items()}
    labels = ["+".join(name for name in drawn if drawn[name][row]) for row in range(1000)]
    age = 5 * np.round(generator.normal(50 + 15 * drawn["IMI"], 15).clip(0, 95) / 5)
    rows = pd.DataFrame({"labels": labels, "age": age, "sex": generator.choice(["female", "male"], 1000)})
    return rows.groupby(["labels", "age", "sex"]).size().reset_index(name="count")


@pytest.mark.bad_input("what a set reveals")
@given(rows=ROWS, least=st.integers(2, 7))
@settings(max_examples=60, deadline=None)
def test_every_row_stands_for_several_records_and_none_is_lost(rows: list[tuple[str, float, str, int]], least: int):
    exact = table(rows)
    merged = merged_conditions(exact, least)
    assert merged["count"].sum() == exact["count"].sum() and list(merged.columns) == list(exact.columns)
    assert (merged["count"] >= min(least, exact["count"].sum())).all()
    assert not merged.duplicated(["labels", "age", "sex"]).any()
    assert set(merged["age"].dropna()) <= set(exact["age"].dropna()) and set(merged["sex"]) <= set(exact["sex"])
    frequent = totals(exact)[lambda count: count >= least].index
    assert set(totals(merged).index) <= set(frequent)
    cut = {"+".join(name for name in row.split("+") if name in frequent) for row in exact["labels"]}
    assert set(merged["labels"]) <= cut, "no combination that did not occur"


@given(rows=ROWS)
@settings(max_examples=20, deadline=None)
def test_the_order_of_rows_is_all_that_two_runs_share(rows: list[tuple[str, float, str, int]]):
    pd.testing.assert_frame_equal(merged_conditions(table(rows)), merged_conditions(table(rows)))


@pytest.mark.bad_input("what a set reveals")
def test_a_population_stays_what_it_was_and_its_individuals_disappear(population: pd.DataFrame):
    merged = merged_conditions(population)
    assert (population["count"] == 1).mean() > 0.3 and merged["count"].min() >= LEAST
    before, after = totals(population), totals(merged)
    assert before["WPW"] < LEAST and "WPW" not in after
    common = before[before >= 20].index
    assert (after[common] / before[common] - 1).abs().max() < 0.1
    age = {name: np.repeat(part["age"], part["count"]) for name, part in (("exact", population), ("m", merged))}
    assert age["m"].mean() == pytest.approx(age["exact"].mean(), abs=1)
    assert age["m"].std() == pytest.approx(age["exact"].std(), rel=0.05)
    female = [part.loc[part["sex"] == "female", "count"].sum() / 1000 for part in (population, merged)]
    assert female[1] == pytest.approx(female[0], abs=0.02)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("", np.nan, "unknown", 7)], [("", np.nan, "unknown", 7)]),
        ([("SR", 50.0, "male", 9)], [("SR", 50.0, "male", 9)]),
        ([("SR", 50.0, "male", 1), ("SR", 60.0, "male", 1)], [("", 60.0, "male", 2)]),
    ],
)
def test_tables_that_are_hardly_any(rows: list[tuple[str, float, str, int]], expected: list[tuple[object, ...]]):
    pd.testing.assert_frame_equal(merged_conditions(table(rows)), table(expected))


def test_labels_are_counted_and_those_of_few_records_count_as_one():
    counted = label_counts(table([("A+B", 1.0, "male", 4), ("A", 1.0, "male", 1), ("", 1.0, "male", 9)]))
    assert counted == {"A": 5, "B": 1}
    assert label_counts(table([("A+B", 1.0, "male", 4)]), 1) == {"A": 4, "B": 4}


@pytest.mark.bad_input("model files")
@pytest.mark.parametrize("counts", [3, "many", [1, 2], {"SR": "many"}, {"SR": 1.5}, {"SR": None}, {"SR": True}])
def test_counts_of_labels_that_are_no_counts_are_refused(counts: object):
    with pytest.raises(ValueError, match="expected a number of records for each label"):
        read_label_counts({"label_counts": counts})
    assert read_label_counts({}) is None and read_label_counts({"label_counts": {"SR": 7}}) == {"SR": 7}
