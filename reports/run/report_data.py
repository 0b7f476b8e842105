"""The content of a run's report as plain data: numbers, texts and tidy tables, without any layout.

Tables are pandas DataFrames with the columns named here (more are allowed and not shown), one row per fact, in the
order to be shown. AUROC, average precision and F1 are fractions of 1. A section that is None is shown as "not run".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from vqecg.reports.columns import check_columns
from vqecg.reports.comparison.section_data import ComparisonSection


@dataclass(frozen=True)
class LearningCurve:
    """Training history of one model."""

    history: pd.DataFrame  # column `step` and one column per metric; NaN where a metric was not computed
    panels: Mapping[str, tuple[str, ...]]  # axis title with unit -> the metrics drawn in that panel
    best_step: int | None = None  # the step whose weights were selected
    names: Mapping[str, str] = field(default_factory=dict)  # metric -> its name in the legend, where that is another

    def __post_init__(self) -> None:
        check_columns(self, {"history": ["step", *(metric for panel in self.panels.values() for metric in panel)]})


@dataclass(frozen=True)
class ECGSheet:
    """One ECG to draw on paper, alone or with a second one over it."""

    signal: np.ndarray  # (8 or 12, samples) mV
    sampling_rate: float  # Hz
    caption: str  # record, labels, and the labels asked for
    over: np.ndarray | None = None  # the same stretch again, e.g. the reconstruction of `signal`
    names: tuple[str, str] = ("original", "reconstruction")  # legend, if `over` is there


@dataclass(frozen=True)
class DataSection:
    """The records of each part."""

    parts: pd.DataFrame  # part ("train", ...), folds (text, "1-8"), patients (0 = unknown), records
    rejected: Mapping[str, int]  # reason -> records left out by the quality check
    label_counts: pd.DataFrame  # class_name, train_before, train_after, validation, test: records with the label
    augmentation: str = ""  # the records added between train_before and train_after, e.g. the main arm's name

    def __post_init__(self) -> None:
        counts = ["class_name", "train_before", "train_after", "validation", "test"]
        check_columns(self, {"parts": ["part", "folds", "patients", "records"], "label_counts": counts})


@dataclass(frozen=True)
class TokenizerSection:
    """Reconstruction from the codes, measured on the test fold."""

    settings: Mapping[str, str]  # shown beside the figures, e.g. "Frame rate" -> "12.5 Hz"
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
    """The prior's synthetic ECGs beside real ones."""

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
class CostSection:
    """Time and memory of the run."""

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
    preset: str = ""  # of the run's settings; "" = unknown
    method: tuple[str, ...] = ()  # sentences on split, classifier and intervals of this run
