"""The simulated data set: PTB-XL's layout, patients whole in one fold, truth beside it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vqecg.records.datasets.registry import read_record, read_table
from vqecg.records.simulation.dataset import DIAGNOSES, plan_records, simulate_dataset
from vqecg.records.simulation.simulator import SIMULATED_STATEMENTS, check_statements


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "data"
    simulate_dataset(folder, records=60, seed=7, progress=False)
    return folder


def test_the_data_set_reads_as_ptb_xl(dataset: Path):
    table = read_table(dataset)
    assert len(table) == 60
    assert set(table.records["fold"]) <= set(range(1, 11))
    assert (table.records.groupby("patient_id")["fold"].nunique() == 1).all()
    record = read_record(next(table.records.itertuples()))
    assert record.signal.shape == (12, 1000) and record.sampling_rate == 100


def test_likelihoods_are_hundred_for_diagnoses_and_zero_for_form_and_rhythm(dataset: Path):
    for statements in read_table(dataset).records["statements"]:
        assert dict(statements) == {name: SIMULATED_STATEMENTS[name] for name in statements}


def test_the_truth_names_every_record_and_its_beats(dataset: Path):
    truth = pd.read_parquet(dataset / "truth.parquet")
    assert set(truth["ecg_id"]) == set(range(1, 61))
    statements = dict(zip(range(1, 61), read_table(dataset).records["statements"], strict=True))
    for ecg_id, beats in truth.groupby("ecg_id"):
        assert beats["p_onset"].isna().all() == ("AFIB" in statements[int(str(ecg_id))])


def test_the_same_seed_writes_the_same_signals(dataset: Path, tmp_path: Path):
    simulate_dataset(tmp_path / "again", records=60, seed=7, progress=False)
    for path in sorted(dataset.rglob("*.dat")):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(dataset)).read_bytes()


def test_an_existing_folder_is_refused_and_replaced_only_on_request(tmp_path: Path):
    folder = tmp_path / "data"
    simulate_dataset(folder, records=20, seed=0, progress=False)
    before = (folder / "truth.parquet").read_bytes()
    with pytest.raises(ValueError, match="overwrite"):
        simulate_dataset(folder, records=20, seed=1, progress=False)
    assert (folder / "truth.parquet").read_bytes() == before
    simulate_dataset(folder, records=20, seed=1, overwrite=True, progress=False)
    assert (folder / "truth.parquet").read_bytes() != before


def test_a_folder_of_something_else_is_never_replaced(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="something else"):
        simulate_dataset(tmp_path, records=20, seed=0, overwrite=True, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_numbers_out_of_range_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="at least 20 records"):
        simulate_dataset(tmp_path / "data", records=3, seed=0)
    assert not (tmp_path / "data").exists()


def test_the_plan_is_imbalanced_as_ptb_xl_is_and_every_combination_can_be_simulated():
    plan = plan_records(3000, seed=1)
    share = pd.Series([name for planned in plan for name in planned.statements]).value_counts() / len(plan)
    assert 0.40 < share["NORM"] < 0.55
    assert 0.01 < share["CLBBB"] < 0.05 and 0.01 < share["PAC"] < 0.04
    assert set(share.index) == set(SIMULATED_STATEMENTS)
    for planned in plan:
        check_statements(planned.statements)
    assert np.isclose(sum(chance for chance, _ in DIAGNOSES), 1)


def test_a_larger_plan_begins_with_the_smaller_one():
    small, large = plan_records(30, seed=2), plan_records(90, seed=2)
    for one, other in zip(small, large, strict=False):
        assert one.statements == other.statements and one.patient.shape_seed == other.patient.shape_seed


def test_patients_can_have_several_records_of_the_same_heart():
    plan = plan_records(400, seed=3)
    by_patient = pd.DataFrame(
        {"patient": [p.patient.patient_id for p in plan], "seed": [p.patient.shape_seed for p in plan]}
    ).groupby("patient")["seed"]
    assert (by_patient.nunique() == 1).all() and by_patient.size().max() >= 2
