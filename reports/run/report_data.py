"""What a report says, as plain data: frozen dataclasses of numbers, texts and tidy tables, without any layout.

Tables are pandas DataFrames with exactly the columns named here (more are allowed and not shown), one row a fact, in
the order to be shown. AUROC, average precision and F1 are fractions of 1. A section that is None is shown as "not run".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vqecg.evaluation.statistics.bootstrap import VERDICTS


def check_columns(section: object, tables: Mapping[str, Sequence[str]]) -> None:
    """Raise ValueError if a table of the section lacks a column; `tables` maps field name -> columns."""
    for name, columns in tables.items():
        table = getattr(section, name)
        missing = [column for column in columns if table is not None and column not in table.columns]
        if missing:
            raise ValueError(
                f"{type(section).__name__}.{name} lacks the columns {missing}, it has {list(table.columns)}; "
                f"expected {list(columns)}"
            )


@dataclass(frozen=True)
class LearningCurve:
    """Training history of one model."""

    history: pd.DataFrame  # column `step` and one column a metric; NaN where a metric was not computed
    panels: Mapping[str, tuple[str, ...]]  # axis title with unit -> the metrics drawn in that panel
    best_step: int | None = None  # the step whose weights were kept

    def __post_init__(self) -> None:
        check_columns(self, {"history": ["step", *(metric for panel in self.panels.values() for metric in panel)]})


@dataclass(frozen=True)
class ECGSheet:
    """One ECG to draw on paper, alone or with a second one over it."""

    signal: np.ndarray  # (8 or 12, samples) mV
    sampling_rate: float  # Hz
    caption: str  # which record, which labels, what was asked for
    over: np.ndarray | None = None  # the same stretch again, e.g. the reconstruction of `signal`
    names: tuple[str, str] = ("original", "reconstruction")  # legend, if `over` is there


@dataclass(frozen=True)
class DataSection:
    """Which records went where."""

    parts: pd.DataFrame  # part ("train", ...), folds (text, "1-8"), patients (0 = unknown), records
    rejected: Mapping[str, int]  # reason -> records left out by the quality check
    label_counts: pd.DataFrame  # class_name, train_before, train_after, validation, test: records with the label
    augmentation: str = ""  # what was added between train_before and train_after, e.g. the main arm's name

    def __post_init__(self) -> None:
        counts = ["class_name", "train_before", "train_after", "validation", "test"]
        check_columns(self, {"parts": ["part", "folds", "patients", "records"], "label_counts": counts})


@dataclass(frozen=True)
class TokenizerSection:
    """How well codes carry an ECG, measured on the test fold."""

    settings: Mapping[str, str]  # what to show beside the figures, e.g. "Frame rate" -> "12.5 Hz"
    # one row for the first 1, 2, ... levels: levels, bit_rate (bit/s), prd_lower, prd_median, prd_upper (quartiles over
    # records, %), codes_used (codes of that level that occur), codebook_size, perplexity (of that level)
    levels: pd.DataFrame
    records: int  # test records behind the figures
    # AUROC of a classifier trained on real records, read on originals and on reconstructions of the same test records:
    # class_name, original, reconstruction; a row named "macro" is set apart
    classifier_auroc: pd.DataFrame | None = None
    curve: LearningCurve | None = None
    reconstructions: tuple[ECGSheet, ...] = ()

    def __post_init__(self) -> None:
        quartiles = ["prd_lower", "prd_median", "prd_upper"]
        levels = ["levels", "bit_rate", *quartiles, "codes_used", "codebook_size", "perplexity"]
        check_columns(self, {"levels": levels, "classifier_auroc": ["class_name", "original", "reconstruction"]})


@dataclass(frozen=True)
class PriorSection:
    """How well the prior's synthetic ECGs stand for real ones."""

    settings: Mapping[str, str]  # e.g. "Parameters" -> "4.5 million", "Guidance" -> "1.5"
    training_tokens: int  # codes seen in training, repeats included
    records: int  # synthetic records behind the figures
    einthoven_residual: float  # mV, the greatest |I + III - II| (and aVR, aVL, aVF) among the synthetic records
    # train on real, test on synthetic (labels asked for), beside the same classifier on real test records:
    # class_name, real (TRTR), synthetic (TRTS): AUROC; a row named "macro" is set apart
    trts: pd.DataFrame | None = None
    # tested on real test records after training on real (TRTR) and on synthetic records alone (TSTR):
    # class_name, real, synthetic: AUROC; a row named "macro" is set apart
    tstr: pd.DataFrame | None = None
    checks: pd.DataFrame | None = None  # measure (text with unit), real, synthetic: numbers, e.g. amplitude, slew
    curve: LearningCurve | None = None
    examples: tuple[ECGSheet, ...] = ()

    def __post_init__(self) -> None:
        auroc, checks = ["class_name", "real", "synthetic"], ["measure", "real", "synthetic"]
        check_columns(self, {"trts": auroc, "tstr": auroc, "checks": checks})


@dataclass(frozen=True)
class ComparisonSection:
    """What synthetic records do for a classifier on real test records."""

    main_arm: str  # the arm named in the settings, which the summary speaks about
    primary_metric: str  # the metric named in the settings, which the verdicts rest on, e.g. "auroc"
    arms: pd.DataFrame  # arm, description, real_records, synthetic_records (in training); the reference arms first
    # arm, group ("all classes", "rare classes", ...), metric ("auroc", "average_precision", "f1"), mean, std (over
    # seeds), seeds
    scores: pd.DataFrame
    # arm, against (an arm), group, metric, estimate (arm minus against, macro over the group's classes; NaN if
    # undefined), low, high (interval), p, verdict (one of statistics.VERDICTS, not corrected: the groups are named
    # before the run), smallest_detectable (with 80 % power), seeds
    differences: pd.DataFrame
    group_classes: Mapping[str, tuple[str, ...]]  # group -> its classes
    threshold_policy: str  # where F1's thresholds come from, e.g. "per class, best F1 on the validation fold"
    confidence: float = 0.95  # of the intervals low to high
    interval_method: str = "paired bootstrap over patients and training seeds"  # how low and high were found
    tested_on: str = "the real test part"  # e.g. "pooled out-of-fold scores of folds 1 to 9"
    cautions: tuple[str, ...] = ()  # what keeps it from a conclusion, in sentences
    # arm, against, group, class_name, test_positives, metric, estimate, low, high, p_holm (over the classes of an arm,
    # a reference and a metric), tests (how many), verdict (by p_holm), smallest_detectable
    class_differences: pd.DataFrame | None = None
    # class_name, test_positives, arm, auroc, average_precision, f1: means over seeds
    per_class: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        keys = ["arm", "against", "group", "metric"]
        figures = ["estimate", "low", "high", "verdict", "smallest_detectable"]
        per_class = ["class_name", "test_positives", "arm", "auroc", "average_precision", "f1"]
        tables: dict[str, list[str]] = {
            "arms": ["arm", "description", "real_records", "synthetic_records"],
            "scores": ["arm", "group", "metric", "mean", "std", "seeds"],
            "differences": [*keys, *figures, "p", "seeds"],
            "class_differences": [*keys, "class_name", "test_positives", *figures, "p_holm", "tests"],
            "per_class": per_class,
        }
        check_columns(self, tables)
        given = [table["verdict"] for table in (self.differences, self.class_differences) if table is not None]
        unknown = sorted(set().union(*given) - set(VERDICTS))
        if unknown:
            raise ValueError(f"verdicts {unknown} are unknown, expected one of {list(VERDICTS)}")
        if self.main_arm not in set(self.arms["arm"]):
            raise ValueError(f"main_arm is {self.main_arm!r}, expected one of the arms {list(self.arms['arm'])}")


@dataclass(frozen=True)
class CostSection:
    """What the run took."""

    stages: pd.DataFrame  # stage, seconds, peak_memory_mb (of the process)
    cores: int  # processor cores the run could use
    machine: str = ""  # processor and accelerator in words; empty if unknown

    def __post_init__(self) -> None:
        check_columns(self, {"stages": ["stage", "seconds", "peak_memory_mb"]})


@dataclass(frozen=True)
class ReportData:
    """Everything in a report. A section that is None was not run, and the report says so."""

    title: str
    date: str  # as it is to be shown; passed in, so that the same run gives the same file
    data_description: str  # e.g. "PTB-XL 1.0.3, 21,799 records"
    version: str  # of vqecg
    command: str  # the command line of the run; empty if it was not one
    settings: str  # the settings of the run as YAML
    data: DataSection | None = None
    tokenizer: TokenizerSection | None = None
    prior: PriorSection | None = None
    comparison: ComparisonSection | None = None
    cost: CostSection | None = None
    method: tuple[str, ...] = ()  # sentences on split, classifier and intervals of this run
