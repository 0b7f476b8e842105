"""Fewer training records on purpose: nested, by patient, and known to whoever must not have seen the rest."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqecg.records.folds import FoldSplit, SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainedOn, TrainingSubset, split_rows

SETTING = TrainedOn("a" * 64, FoldSplit())


@pytest.fixture(scope="module")
def paired_store(simulated_store: RecordStore) -> RecordStore:
    """The simulated records with two to a patient."""
    table = simulated_store.table
    patients = [f"p{row // 2}" for row in range(len(table))]
    folds = [1 + (row // 2) % 8 for row in range(len(table))]
    return replace(simulated_store, table=table.assign(patient_id=patients, fold=folds))


def having(store: RecordStore, rows: np.ndarray, name: str = "NORM") -> np.ndarray:
    task = store.task("superdiagnostic")
    return store.labels(task)[rows][:, task.class_names.index(name)] > 0


def test_a_scarce_class_is_cut_to_the_number_and_all_other_records_stay(
    simulated_store: RecordStore, simulated_split: SplitIndices
):
    rows = simulated_split.train
    kept = TrainingSubset("NORM", 10).train_rows(simulated_store, rows)
    assert having(simulated_store, kept).sum() == 10 < having(simulated_store, rows).sum()
    assert set(rows[~having(simulated_store, rows)]) <= set(kept) <= set(rows) and (np.diff(kept) > 0).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 5), st.lists(st.integers(2, 25), min_size=2, max_size=4, unique=True))
def test_the_fewer_are_among_the_more(paired_store: RecordStore, seed: int, numbers: list[int]):
    rows = np.arange(len(paired_store))
    kept = [set(TrainingSubset("NORM", number, seed=seed).train_rows(paired_store, rows)) for number in sorted(numbers)]
    assert all(fewer <= more for fewer, more in pairwise(kept))
    shares = [
        set(TrainingSubset(fraction=share, seed=seed).train_rows(paired_store, rows)) for share in (0.05, 0.2, 0.7)
    ]
    assert shares[0] < shares[1] < shares[2] < set(rows)


def test_no_patient_has_records_of_the_class_both_kept_and_taken_away(paired_store: RecordStore):
    rows = np.arange(len(paired_store))
    for seed in range(5):
        kept = TrainingSubset("NORM", 9, seed=seed).train_rows(paired_store, rows)
        gone = np.setdiff1d(rows, kept)
        staying = kept[having(paired_store, kept)]
        assert 8 <= len(staying) <= 9 and having(paired_store, gone).all()
        assert not set(paired_store.patients(staying)) & set(paired_store.patients(gone))
        part = TrainingSubset(fraction=0.3, seed=seed).train_rows(paired_store, rows)
        assert not set(paired_store.patients(part)) & set(paired_store.patients(np.setdiff1d(rows, part)))


def test_another_seed_keeps_others(simulated_store: RecordStore, simulated_split: SplitIndices):
    kept = [TrainingSubset("NORM", 10, seed=seed).train_rows(simulated_store, simulated_split.train) for seed in (0, 1)]
    assert set(kept[0]) != set(kept[1])


def test_validation_and_test_stay_whole(simulated_store: RecordStore, simulated_split: SplitIndices):
    rows = split_rows(simulated_store, FoldSplit(), TrainingSubset("NORM", 10, fraction=0.9))
    np.testing.assert_array_equal(rows.validation, simulated_split.validation)
    np.testing.assert_array_equal(rows.test, simulated_split.test)
    assert len(rows.train) < len(simulated_split.train)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"scarce_class": "NORM"}, "expected a class and at least 1 record, or neither"),
        ({"scarce_records": 5}, "expected a class and at least 1 record, or neither"),
        ({"fraction": 0.0}, "fraction is 0.0"),
        ({"fraction": 1.5}, "fraction is 1.5"),
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict, told: str):
    with pytest.raises(ValueError, match=told):
        TrainingSubset(**values)


def test_what_cannot_be_taken_away_is_refused(simulated_store: RecordStore, simulated_split: SplitIndices):
    rows = simulated_split.train
    with pytest.raises(ValueError, match="expected a class of superdiagnostic: NORM, MI"):
        TrainingSubset("COVID", 5).train_rows(simulated_store, rows)
    with pytest.raises(ValueError, match="there is nothing to take away; ask for fewer"):
        TrainingSubset("NORM", 95).train_rows(simulated_store, rows)
    with pytest.raises(ValueError, match="is none: ask for more"):
        TrainingSubset(fraction=0.001).train_rows(simulated_store, rows)
    one = replace(simulated_store, table=simulated_store.table.assign(patient_id="p"))
    with pytest.raises(ValueError, match="the first patient drawn has"):
        TrainingSubset("NORM", 5).train_rows(one, rows)


def test_the_draw_does_not_depend_on_the_order_of_rows(simulated_store: RecordStore, simulated_split: SplitIndices):
    rows, chosen = simulated_split.train, TrainingSubset("NORM", 10)
    backwards = chosen.train_rows(simulated_store, rows[::-1])
    np.testing.assert_array_equal(backwards[::-1], chosen.train_rows(simulated_store, rows))
    assert isinstance(simulated_store.table, pd.DataFrame)


def test_what_a_model_was_trained_on_survives_json_and_older_files_say_all_records():
    seen = TrainedOn("a" * 64, FoldSplit((1, 2), (3,), (4,)), TrainingSubset("HYP", 50))
    assert TrainedOn.from_dict(seen.to_dict()) == seen
    older = {name: value for name, value in SETTING.to_dict().items() if name != "subset"}
    assert TrainedOn.from_dict(older) == SETTING


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (SETTING, None),
        (replace(SETTING, folds=FoldSplit(test=())), None),
        (replace(SETTING, subset=TrainingSubset(seed=7)), None),
        (replace(SETTING, store="b" * 64), "another store"),
        (replace(SETTING, folds=FoldSplit((1, 2, 10), (9,), ())), r"seen the test folds \[10\]"),
        (replace(SETTING, folds=FoldSplit((1, 2), (9,), (10,))), r"train folds \[1, 2\], not"),
        (replace(SETTING, folds=FoldSplit((1, 2, 3, 4, 5, 6, 7, 8), (), ())), r"validation folds \[\], not \[9\]"),
    ],
)
def test_other_training_is_told_apart_and_test_folds_count_only_where_they_were_seen(seen: TrainedOn, told: str | None):
    found = "; ".join(seen.differences(SETTING))
    assert not seen.fewer(SETTING)
    if told is None:
        assert not found
    else:
        with pytest.raises(ValueError, match=told):
            raise ValueError(found)


def test_a_model_that_has_seen_more_is_told_apart_and_one_that_has_seen_fewer_of_the_same_is_not():
    whole, scarce = SETTING, replace(SETTING, subset=TrainingSubset("HYP", 50))
    assert whole.differences(scarce) == ["all training records, not HYP cut to 50 (seed 0)"]
    assert scarce.differences(whole) == [] and scarce.fewer(whole) and not whole.fewer(scarce)
    assert not scarce.fewer(scarce)


SUBSETS = [
    TrainingSubset(name, records if name else 0, fraction=fraction, seed=seed)
    for name in ("", "NORM", "HYP")
    for records in (2, 4)
    for fraction in (0.5, 1.0)
    for seed in (0, 1)
]


@pytest.mark.parametrize("fewer", SUBSETS, ids=str)
def test_what_is_within_another_subset_keeps_no_record_that_the_other_does_not(
    simulated_store: RecordStore, simulated_split: SplitIndices, fewer: TrainingSubset
):
    kept = set(fewer.train_rows(simulated_store, simulated_split.train))
    assert fewer.within(fewer) and fewer.within(TrainingSubset())
    for more in SUBSETS:
        if fewer.within(more):
            assert kept <= set(more.train_rows(simulated_store, simulated_split.train))
    assert fewer.within(replace(fewer, seed=2)) != fewer.reduces
