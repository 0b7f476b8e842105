import numpy as np
import pandas as pd
import pytest

from vqecg.records.folds import FoldSplit, assign_folds


def records(count: int = 400, seed: int = 0) -> pd.DataFrame:
    """Records of patients with one to four of them; one statement in twenty is rare."""
    rng = np.random.default_rng(seed)
    patient = np.sort(rng.integers(0, count // 2, count)).astype(str)
    statements = [{str(rng.choice(["NORM", "MI", "RARE"], p=[0.6, 0.35, 0.05])): 100.0} for _ in range(count)]
    return pd.DataFrame(
        {"record_id": [f"r{i}" for i in range(count)], "patient_id": patient, "fold": 0, "statements": statements}
    )


def test_no_patient_is_in_two_folds_and_all_folds_are_there() -> None:
    placed = assign_folds(records())
    assert placed.groupby("patient_id")["fold"].nunique().max() == 1
    assert sorted(placed["fold"].unique()) == list(range(1, 11)) and placed["fold"].dtype == np.int64


def test_folds_are_even_in_size_and_in_each_statement() -> None:
    placed = assign_folds(records())
    statement = placed["statements"].map(lambda row: next(iter(row)))
    table = pd.crosstab(placed["fold"], statement)
    assert table.sum(axis=1).between(32, 48).all()
    assert (table["RARE"].max() - table["RARE"].min()) <= 2


def test_the_draw_does_not_depend_on_the_order_of_rows_but_on_the_seed() -> None:
    table = records()
    placed = assign_folds(table).set_index("record_id")["fold"]
    shuffled = assign_folds(table.sample(frac=1, random_state=3)).set_index("record_id")["fold"]
    assert placed.equals(shuffled[placed.index])
    assert not placed.equals(assign_folds(table, seed=1).set_index("record_id")["fold"])


def test_records_of_unknown_patients_are_patients_of_their_own() -> None:
    table = records(30).assign(patient_id="")
    assert assign_folds(table)["fold"].value_counts().between(2, 4).all()


def test_the_table_given_is_left_as_it_was() -> None:
    table = records()
    assign_folds(table)
    assert (table["fold"] == 0).all()


def test_fewer_patients_than_folds_are_refused() -> None:
    with pytest.raises(ValueError, match="1 patients for 10 folds"):
        assign_folds(records(20).assign(patient_id="p"))
    with pytest.raises(ValueError, match="expected 2 to 10"):
        assign_folds(records(), folds=11)
    assert sorted(assign_folds(records(), folds=3)["fold"].unique()) == [1, 2, 3]


def table_with(folds: list[int], patients: list[str] | None = None) -> pd.DataFrame:
    return pd.DataFrame({"fold": folds, "patient_id": patients or [""] * len(folds)})


def test_split_gives_the_rows_of_each_part_in_order() -> None:
    split = FoldSplit(train=(1, 2), validation=(3,), test=(10,)).indices(table_with([10, 1, 3, 2, 1, 0, 5]))
    assert split.train.tolist() == [1, 3, 4] and split.validation.tolist() == [2] and split.test.tolist() == [0]
    assert split.train.dtype == np.int64


def test_a_part_may_be_left_out() -> None:
    assert FoldSplit(train=(1,), validation=(2,), test=()).indices(table_with([1, 2])).test.tolist() == []


def test_an_empty_fold_is_refused_and_the_folds_there_are_named() -> None:
    with pytest.raises(
        ValueError, match=r"folds \[10\] have no record; the table has folds \[1, 2, 3, 4, 5, 6, 7, 8, 9\]"
    ):
        FoldSplit().indices(table_with(list(range(1, 10))))


def test_a_patient_in_two_parts_is_refused_and_an_unknown_one_is_not() -> None:
    split = FoldSplit(train=(1,), validation=(2,), test=(3,))
    with pytest.raises(ValueError, match="1 patients are in test and in train, the first is 'a'"):
        split.indices(table_with([1, 2, 3], ["a", "b", "a"]))
    assert len(split.indices(table_with([1, 2, 3])).train) == 1


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"train": (1, 9)}, r"folds \[9\] are named twice"),
        ({"train": (1, 1)}, r"folds \[1\] are named twice"),
        ({"train": ()}, "no training folds"),
        ({"test": (0,)}, r"folds \[0\] do not exist"),
    ],
)
def test_folds_that_overlap_or_do_not_exist_are_refused(parts: dict[str, tuple[int, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FoldSplit(**parts)
