"""ECGs asked of a generator in Python: the records of the command, as an object to look at, train on and write."""

import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from vqecg.prior.config import SamplingSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.synthetic_records import code_digest
from vqecg.records.datasets.registry import read_records
from vqecg.records.ecg_records import ECGRecords
from vqecg.records.folds import FoldSplit
from vqecg.records.leads import INDEPENDENT_LEADS, LEADS, einthoven_residual
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainedOn, TrainingSubset
from vqecg.scripts.cli.main import main


@pytest.fixture(scope="module")
def records(tiny_generator: ECGGenerator) -> ECGRecords:
    """Five ECGs; tests must not change them."""
    return tiny_generator.sample(["NORM"], count=5, seed=3, age=70, sex="female")


def contents(folder: Path) -> dict[str, bytes]:
    """Path below the folder -> content, of every file."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("labels", [["NORM"], ["HYP"], []])
def test_a_saved_set_is_that_of_the_command_byte_for_byte(
    labels: list[str], tiny_generator: ECGGenerator, tmp_path: Path
):
    tiny_generator.save_pretrained(tmp_path / "run" / "prior" / "generator")
    generator = ECGGenerator.from_pretrained(tmp_path / "run")
    sampled = generator.sample(labels, count=4, seed=3, min_parents=9, age=70, sex="female")
    sampled.save(tmp_path / "python", rates=[100])
    options = ["--count", "4", "--seed", "3", "--age", "70", "--sex", "female", "--rates", "100", "--min-parents", "9"]
    options += ["--labels", *labels] if labels else []
    out = tmp_path / "command"
    assert main(["generate", "--generator", str(tmp_path / "run"), "--out", str(out), *options]) == 0
    assert contents(tmp_path / "python") == contents(out)
    with pytest.raises(ValueError, match="already"):
        sampled.save(tmp_path / "python")
    sampled.save(tmp_path / "python", layout="npz", overwrite=True)


@pytest.mark.parametrize("place", ["run", "run/prior", "run/prior/generator"])
def test_every_folder_with_a_generator_in_it_is_taken(place: str, tiny_generator: ECGGenerator, tmp_path: Path):
    tiny_generator.save_pretrained(tmp_path / "run" / "prior" / "generator")
    assert ECGGenerator.from_pretrained(tmp_path / place).fingerprint == tiny_generator.fingerprint


def test_records_are_twelve_leads_with_labels_attributes_and_origin(records: ECGRecords, tiny_generator: ECGGenerator):
    assert len(records) == 5 and records.signal.shape == (5, 12, 1000) and records.signal.dtype == np.float32
    assert records.leads == LEADS and records.sampling_rate == 100
    assert einthoven_residual(records.signal) < 1e-6
    assert records.class_names == tiny_generator.class_names
    assert (records.labels[:, records.class_names.index("NORM")] == 1).all()
    table = records.to_frame()
    assert table.index.name == "ecg_id" and table.index[0] == 1_000_000
    assert list(table.columns[:4]) == ["labels", "age", "sex", "method"]
    assert (table["age"] == 70).all() and (table["sex"] == "female").all() and (table["seed"] == 3).all()
    assert table["generator"].unique().tolist() == [tiny_generator.fingerprint]
    settings = SamplingSettings(temperature=0.85, trait_guidance=1.4)
    drawn = tiny_generator.generate(tiny_generator.requests(["NORM"], 5, 3, age=70, sex="female"), 3, settings)
    assert drawn.codes is not None
    assert table["codes_sha256"].tolist() == [code_digest(codes) for codes in drawn.codes]
    np.testing.assert_array_equal(records.signal[:, [LEADS.index(lead) for lead in INDEPENDENT_LEADS]], drawn.signal)


def test_one_record_is_a_synthetic_ecg_that_says_so_on_its_paper(records: ECGRecords):
    record = records[-1]
    assert record.synthetic and record.record_id == "1000004" and record.statements == {"NORM": 100.0}
    assert record.age == 70 and record.sex == "female"
    np.testing.assert_array_equal(record.signal, records.signal[4])
    texts = [text.get_text() for text in record.plot().axes[0].texts]
    assert "Synthetic ECG 1000004: NORM; age 70 years, sex female" in texts
    assert any(text.startswith("synthetic, no recording of a person") for text in texts)
    assert [one.record_id for one in records] == [f"100000{number}" for number in range(5)]
    with pytest.raises(IndexError):
        records[5]


@pytest.mark.parametrize("rows", [slice(1, 3), [1, 2], np.array([False, True, True, False, False])])
def test_some_of_them_are_records_again(rows: slice | list[int] | np.ndarray, records: ECGRecords, tmp_path: Path):
    some = records[rows]
    assert len(some) == 2 and list(some.beats) == list(records.beats[1:3])
    np.testing.assert_array_equal(some.signal, records.signal[1:3])
    assert some.to_frame()["codes_sha256"].tolist() == records.to_frame()["codes_sha256"].iloc[1:3].tolist()
    some.save(tmp_path / "some", rates=[100])
    read = list(read_records(tmp_path / "some"))
    np.testing.assert_allclose(read[0].signal, some[0].signal, atol=0.0021)
    assert read[0].record_id == some[0].record_id


def test_tensors_have_twelve_leads_or_the_eight_independent_ones(records: ECGRecords):
    signal, labels = records.to_torch()
    assert signal.shape == (5, 12, 1000) and labels.shape == (5, 5) and signal.dtype == labels.dtype == torch.float32
    eight, _ = records.to_torch(leads=8)
    assert torch.equal(eight, signal[:, [0, 1, 6, 7, 8, 9, 10, 11]])
    signal.zero_()
    assert np.abs(records.signal).max() > 0, "a copy"
    with pytest.raises(ValueError, match="got 3 leads; expected 12, or 8"):
        records.to_torch(leads=3)


def test_reprs_are_a_line(records: ECGRecords, tiny_generator: ECGGenerator):
    assert repr(records) == "ECGRecords(5 synthetic ECGs of 10 s at 100 Hz: 5 NORM)"
    assert repr(records[0]) == (
        "ECGRecord('1000000', 12 leads, 10 s at 100 Hz, NORM; age 70 years, sex female, synthetic)"
    )
    assert repr(tiny_generator) == "ECGGenerator('superdiagnostic', 5 labels, 10 s at 100 Hz)"


def test_labels_that_a_layout_cannot_hold_are_named_in_a_warning(tiny_generator: ECGGenerator, tmp_path: Path):
    sampled = tiny_generator.sample([], count=30, seed=0, min_parents=0)
    with warnings.catch_warnings(record=True) as caught:  # pytest.warns would hand on those that wfdb causes
        warnings.simplefilter("always", UserWarning)
        sampled.save(tmp_path / "set", layout="challenge")
    (remark,) = [str(one.message) for one in caught if one.category is UserWarning]
    assert remark.startswith("Labels without a SNOMED code") and " CD (" in remark


def test_no_records_are_records_that_cannot_be_saved(tiny_generator: ECGGenerator, tmp_path: Path):
    none = tiny_generator.sample(["NORM"], count=0, seed=0)
    assert len(none) == 0 and none.signal.shape == (0, 12, 1000) and len(none.to_frame()) == 0
    assert repr(none) == "ECGRecords(0 synthetic ECGs of 10 s at 100 Hz: no label)"
    with pytest.raises(ValueError, match="expected some"):
        none.save(tmp_path / "none")


def test_labels_of_few_training_records_are_refused_unless_asked_for(tiny_generator: ECGGenerator):
    with pytest.raises(ValueError, match="MI: 14 training records have these labels, --min-parents asks for 20"):
        tiny_generator.sample(["MI"], count=2, seed=0)
    assert len(tiny_generator.sample(["MI"], count=2, seed=0, min_parents=0)) == 2
    for wrong, message in (
        ({"labels": "MI"}, r"labels are the text 'MI'; expected a list of names, such as \['MI'\]"),
        ({"labels": ["FLU"]}, "got the labels"),
        ({"min_parents": -1}, "min_parents is -1"),
        ({"count": -1}, "count is -1"),
        ({"sex": "F"}, "sex 'F', expected one of"),
        ({"height": 1.8}, "attribute 'height' is unknown"),
    ):
        with pytest.raises(ValueError, match=message):
            tiny_generator.sample(**({"labels": ["NORM"], "count": 2, "seed": 0} | wrong))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signal": np.zeros((5, 8, 100), np.float32)}, "expected \\(records, 12, samples\\)"),
        ({"labels": np.zeros((5, 3), np.float32)}, "expected \\(5, 5\\)"),
        ({"attributes": {"age": np.zeros(4)}, "origin": pd.DataFrame()}, "got rows of {'origin': 0, 'age': 4} for 5"),
    ],
)
def test_fields_that_do_not_fit_are_refused(changes: dict[str, object], message: str, records: ECGRecords):
    fields = {name: getattr(records, name) for name in records.__dataclass_fields__} | changes
    with pytest.raises(ValueError, match=message):
        ECGRecords(**fields)


def test_more_than_a_shard_has_the_bits_of_the_command_too(tiny_generator: ECGGenerator, tmp_path: Path):
    tiny_generator.save_pretrained(tmp_path / "generator")
    sampled = tiny_generator.sample([], count=260, seed=1, min_parents=0)
    sampled.save(tmp_path / "python", layout="npz")
    words = ["--count", "260", "--seed", "1", "--force", "--layout", "npz"]
    assert main(["generate", "--generator", str(tmp_path / "generator"), "--out", str(tmp_path / "b"), *words]) == 0
    assert contents(tmp_path / "python") == contents(tmp_path / "b")
    assert math.isfinite(float(np.abs(sampled.signal).max()))


def test_a_gate_needs_the_store_of_the_training(tiny_generator: ECGGenerator, simulated_store: RecordStore):
    with pytest.raises(ValueError, match="does not say which records its tokenizer and prior saw"):
        tiny_generator.sample(["NORM"], count=1, seed=0, against=simulated_store)
    seen = TrainedOn("of another store", FoldSplit(), TrainingSubset())
    parts = (tiny_generator.tokenizer, tiny_generator.prior, tiny_generator.task, tiny_generator.conditions)
    other = ECGGenerator(*parts, tiny_generator.samples, {"prior": seen, "tokenizer": seen})
    with pytest.raises(ValueError, match="is not the store that the generator's prior and tokenizer"):
        other.sample(["NORM"], count=1, seed=0, against=simulated_store)
