"""The benchmark of onsets on simulated recordings."""

from pathlib import Path

import pandas as pd

from benchmarks.tasks.onset import consecutive, main
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore
from vqecg.reports.results import read_experiment


def test_pairs_are_consecutive_records_of_a_patient():
    names = ["10", "9", "2", "7", "1"]
    table = pd.DataFrame({"record_id": names, "patient_id": list("abaab"), "row": range(5)})
    earlier, later = consecutive(table)
    pairs = {(names[one], names[other]) for one, other in zip(earlier, later, strict=True)}
    assert pairs == {("2", "7"), ("7", "10"), ("1", "9")}


def test_statements_that_begin_are_measured(tiny_generator: ECGGenerator, simulated_store: RecordStore, tmp_path: Path):
    tiny_generator.save_pretrained(tmp_path / "generator")
    words = ["--store", str(simulated_store.folder), "--generator", str(tmp_path / "generator"), "--least", "1"]
    main([*words, "--statements", "SR", "SBRAD", "SARRH", "--result", str(tmp_path / "onset.json")])
    figures = read_experiment(tmp_path / "onset.json").figures
    assert {"vectors", "age", "onsets", "pairs"} == {one.measure for one in figures}
