"""The figures of a run's report, against the folders that they come from."""

import json
from pathlib import Path

import numpy as np
import pytest

from vqecg.prior.config import SamplingSettings
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.reports.run.folders import RunFolders
from vqecg.reports.run.gathering import gather
from vqecg.reports.run.gathering_prior import example_sheets
from vqecg.reports.run.report import ReportData


@pytest.fixture(scope="module")
def report(finished_run: Path) -> ReportData:
    """Everything that the report of the finished run says."""
    places = RunFolders(finished_run)
    return gather(places, "superdiagnostic", FoldSplit(), SamplingSettings(), "vqecg run", "1 May 2030")


@pytest.mark.slow
def test_no_section_is_missing_and_no_path_is_told(report: ReportData, finished_run: Path):
    assert None not in (report.data, report.tokenizer, report.prior, report.comparison, report.cost)
    assert str(finished_run.parent) not in report.settings and "preset: tiny" in report.settings


@pytest.mark.slow
def test_the_data_section_counts_what_the_store_holds(report: ReportData, finished_run: Path):
    assert report.data is not None
    store = RecordStore.open(finished_run / "store")
    parts = report.data.parts.set_index("part")
    assert parts["records"].sum() == len(store) and parts.loc["train", "folds"] == "1-8"
    train = store.table[store.table["fold"] <= 8]
    assert parts.loc["train", "patients"] == train["patient_id"].nunique()
    counts = report.data.label_counts.set_index("class_name")
    labels = store.labels(store.task("superdiagnostic"))[store.table["fold"] <= 8]
    assert counts["train_before"].tolist() == labels.sum(0).tolist()
    added = json.loads((finished_run / "comparison" / "stage.json").read_text())["figures"]["added"]
    assert (counts["train_after"] - counts["train_before"]).to_dict() == added


@pytest.mark.slow
def test_the_tokenizer_section_shows_every_level_and_three_reconstructions(report: ReportData, finished_run: Path):
    found = report.tokenizer
    assert found is not None and report.data is not None
    assert found.records == report.data.parts["records"].iloc[-1]
    figures = json.loads((finished_run / "tokenizer" / "stage.json").read_text())["figures"]
    assert found.levels["prd_median"].tolist() == [row["median"] for row in figures["prd"]]
    assert found.levels["bit_rate"].iloc[-1] == pytest.approx(figures["bit_rate"])
    assert found.classifier_auroc is not None and found.classifier_auroc["class_name"].iloc[-1] == "macro"
    assert len(found.reconstructions) == 3
    shown = [float(sheet.caption.split("PRD ")[1].split(" %")[0]) for sheet in found.reconstructions]
    assert shown == sorted(shown)


@pytest.mark.slow
def test_the_prior_section_judges_the_synthetic_set(report: ReportData):
    found = report.prior
    assert found is not None and found.records == 40
    assert found.einthoven_residual < 0.002
    assert found.trts is not None and found.tstr is not None and found.checks is not None
    # read by the average of two classifiers; one of them stands beside the one trained on synthetic records
    assert found.trts["real"].tolist() != pytest.approx(found.tstr["real"].tolist(), nan_ok=True)
    assert all(sheet.caption.startswith("Synthetic. Asked for: ") for sheet in found.examples)


@pytest.mark.slow
def test_costs_are_told_for_every_step(report: ReportData):
    assert report.cost is not None
    steps = ["prepare", "train-tokenizer", "train-prior", "generate", "train-classifier (synthetic only)", "compare"]
    assert report.cost.stages["stage"].tolist() == steps
    assert (report.cost.stages[["seconds", "peak_memory_mb"]] > 0).all(axis=None)


@pytest.mark.slow
def test_the_method_names_folds_and_seeds(report: ReportData):
    told = " ".join(report.method)
    assert "Training folds 1-8, validation 9, test 10" in told and "seeds 0, 1" in told


def test_examples_are_the_first_of_each_label(simulated_store: RecordStore):
    task = simulated_store.task("superdiagnostic")
    labels = simulated_store.labels(task)
    sheets = example_sheets(simulated_store, labels, task, most=2)
    assert len(sheets) == 2
    first = int(np.flatnonzero((labels[:, 0] > 0) & (labels.sum(1) == 1))[0])
    np.testing.assert_array_equal(sheets[0].signal, simulated_store.signals(np.array([first]))[0])
    assert "the first made with the label NORM, heart rate" in sheets[0].caption
