"""Gathers the report of a run from the folders of its steps."""

import os
import platform
from importlib.metadata import version

import numpy as np
import pandas as pd
import yaml

from vqecg.downstream.comparison.arms.registry import find_arm
from vqecg.downstream.comparison.results import Comparison
from vqecg.prior.config import SamplingSettings
from vqecg.records.files.stage_file import finished_stage
from vqecg.records.files.yaml_file import read_yaml
from vqecg.records.folds import FoldSplit, folds_text
from vqecg.records.store.subset import TrainingSubset
from vqecg.reports.comparison.method import stopping_rule
from vqecg.reports.comparison.section_data import ComparisonSection
from vqecg.reports.run.folders import RunFolders, read_costs
from vqecg.reports.run.gathering_prior import gather_prior
from vqecg.reports.run.gathering_tokenizer import gather_tokenizer
from vqecg.reports.run.report_data import CostSection, DataSection, ReportData
from vqecg.reports.run.run_parts import RunParts, open_parts

TITLE = "Synthetic ECGs and what they do for a classifier"
PATHS = ("data", "out", "labels_csv")  # settings that name paths of this machine: not shown


def gather(
    folders: RunFolders,
    task_name: str,
    folds: FoldSplit,
    sampling: SamplingSettings,
    command: str,
    date: str,
    subset: TrainingSubset | None = None,
) -> ReportData:
    """Everything in the report of a finished run. Raises ValueError where a step is missing or unfinished."""
    parts = open_parts(folders, task_name, folds, subset)
    settings = read_yaml(folders.settings)
    shown = {name: value for name, value in settings.items() if name not in PATHS}
    return ReportData(
        title=TITLE,
        date=date,
        data_description=parts.store.description,
        version=version("vqecg"),
        command=command,
        settings=yaml.safe_dump(shown, sort_keys=False),
        data=gather_data(parts, folds),
        tokenizer=gather_tokenizer(parts),
        prior=gather_prior(parts, sampling),
        comparison=ComparisonSection.of(parts.comparison),
        cost=gather_costs(folders),
        preset=str(settings.get("preset", "")),
        method=method_sentences(folds, parts.comparison),
    )


def gather_data(parts: RunParts, folds: FoldSplit) -> DataSection:
    """Records, patients and labels of each part; records left out by the quality check."""
    added = finished_stage(parts.folders.comparison)["figures"]["added"]  # class -> records that every adding arm adds
    rows_of = {"train": parts.rows.train, "validation": parts.rows.validation, "test": parts.rows.test}
    split = []
    for name, rows in rows_of.items():
        patients = parts.store.table["patient_id"].iloc[rows]
        split.append((name, folds_text(getattr(folds, name)), patients[patients != ""].nunique(), len(rows)))
    unlabelled = parts.rows.unlabelled
    if len(unlabelled):
        patients = parts.store.table["patient_id"].iloc[unlabelled]
        known = patients[patients != ""].nunique()
        split.append(("train, no known label", folds_text(folds.train), known, len(unlabelled)))
    table = pd.DataFrame(split, columns=["part", "folds", "patients", "records"])
    counts = {name: (parts.labels[rows] == 1).sum(0) for name, rows in rows_of.items()}
    label_counts = pd.DataFrame(
        {
            "class_name": parts.task.class_names,
            "train_before": counts["train"],
            "train_after": counts["train"] + np.array([added[name] for name in parts.task.class_names]),
            "validation": counts["validation"],
            "test": counts["test"],
        }
    )
    rejected = {str(reason): int(count) for reason, count in parts.store.rejected["reason"].value_counts().items()}
    return DataSection(table, rejected, label_counts, added_by(parts.comparison.analysis.main_arm))


def added_by(main_arm: str) -> str:
    """The arms that add the planned records, in words: a mixture has a stream of its own beside the real ones."""
    if find_arm(main_arm).stream:
        return (
            f"every arm that adds records to scarce classes; {main_arm} adds none, a share of every batch is synthetic"
        )
    return f"every adding arm, {main_arm} among them"


def gather_costs(folders: RunFolders) -> CostSection:
    """Seconds and memory, step by step."""
    rows = [(step, cost["seconds"], cost["peak_memory_mb"]) for step, cost in read_costs(folders).items()]
    table = pd.DataFrame(rows, columns=["stage", "seconds", "peak_memory_mb"])
    return CostSection(table, os.cpu_count() or 1, f"{platform.system()} {platform.machine()}")


def method_sentences(folds: FoldSplit, comparison: Comparison) -> tuple[str, ...]:
    """The split, the training and the classifiers of this run, in sentences."""
    tuned = "the steps and shares of arms, " if comparison.candidates else ""
    return (
        f"Training folds {folds_text(folds.train)}, validation {folds_text(folds.validation)}, test "
        f"{folds_text(folds.test)}; no patient who is known to have several records has them in two parts.",
        "Tokenizer, prior, label statistics and additions were made from the training folds alone; the "
        f"validation folds chose the tokenizer's and the prior's weights, {tuned}and the thresholds; the test folds "
        "only measured.",
        f"Classifiers: {comparison.settings['model']}, {stopping_rule(comparison)}, seeds "
        f"{', '.join(map(str, comparison.seeds))}; every arm with the same initial weights and the same rule.",
        "Reconstructions and TRTS are read by the average of the classifiers trained on real records. TRTR beside TSTR "
        "is the one of the first seed, as TSTR's is, which was trained on as many records as the synthetic set has.",
        "Example records are the first ones made for each label, not chosen ones.",
        "The peak memory of a step is that of the process up to its end, earlier steps included.",
    )
