"""Utility of synthetic records to a classifier: TRTR, TSTR and TRTS, with intervals.

TRTR: trained on real, tested on real records. TSTR: trained on synthetic, tested on real ones: is all that a classifier
needs there? TRTS: trained on real, tested on synthetic ones, judged by the labels asked for: do they show what was
asked for? (Esteban et al. 2017.) Every design is trained or read with every seed and every classifier family.

Intervals are the two-way bootstrap over patients and seeds of `evaluation.statistics`. Designs that are tested on the
same records share each draw, so that their ratio and difference are paired; TRTS is tested on records of its own and
shares the draw of seeds alone. AUROC and average precision need no thresholds, so nothing is chosen on validation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from vqecg.evaluation.statistics.bootstrap import ReplicatedMetric, macro_average, replicate_metric
from vqecg.evaluation.statistics.intervals import percentile_interval
from vqecg.evaluation.statistics.resampling import BootstrapDraw, BootstrapSettings, draw_bootstrap
from vqecg.evaluation.statistics.weighted_metrics import MACRO, divide

TRTR, TSTR, TRTS = "TRTR", "TSTR", "TRTS"
METRICS = ("auroc", "average_precision")
POLICY = (
    "classifiers keep the weights of the last step, nothing is chosen on validation or test; AUROC and average "
    "precision need no thresholds"
)


@dataclass(frozen=True, eq=False)
class TrainedTested:
    """Scores of one family's classifiers, trained on one set of records and tested on another."""

    family: str  # a registered classifier
    name: str  # TRTR, TSTR, TRTS, or words for another
    trained_on: int  # records
    labels: np.ndarray  # (records, classes) 0/1, of the records tested on
    scores: np.ndarray  # (seeds, records, classes) in 0..1
    patient_ids: tuple[str, ...]  # of each record tested on; "" = unknown, a patient of its own


@dataclass(frozen=True, eq=False)
class Utility:
    """Tidy tables of metrics (fractions of 1) with their intervals."""

    # family, design, trained_on, tested_on (records), metric, class_name (MACRO last), positives (records tested on),
    # value (mean over seeds), low, high
    scores: pd.DataFrame
    # family, design, metric, against (TRTR), ratio, ratio_low, ratio_high, difference, difference_low, difference_high,
    # classes (in both macro averages), paired (whether both were tested on the same records)
    ratios: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Replicated:
    """One metric of one design on every draw."""

    design: TrainedTested
    draw: BootstrapDraw
    metric: ReplicatedMetric

    @property
    def defined(self) -> np.ndarray:
        """(classes,) bool: there are records with and without the class."""
        return ~np.isnan(self.metric.values[0]).any(axis=0)

    def macro(self, columns: np.ndarray) -> np.ndarray:
        """(1 + replicates,): the mean over the classes `columns`; 0 is the sample itself."""
        return macro_average(self.metric.values[:, :, columns], self.draw)


def measure_utility(
    designs: Sequence[TrainedTested], class_names: Sequence[str], bootstrap: BootstrapSettings
) -> Utility:
    """Metrics of all designs, and their ratio to and difference from TRTR of the same family.

    Raises ValueError when a family lacks TRTR, or for scores that do not fit labels, classes or seeds.
    """
    draws = shared_draws(designs, bootstrap)
    scores, ratios = [], []
    for metric in METRICS:
        measured = {
            (design.family, design.name): Replicated(
                design, draw, replicate_metric(metric, np.asarray(design.labels, np.float64), design.scores, draw)
            )
            for design, draw in zip(designs, draws, strict=True)
        }
        for (family, name), design in measured.items():
            scores += score_rows(design, class_names, bootstrap.confidence)
            if (family, TRTR) not in measured:
                raise ValueError(f"family {family!r} has no {TRTR} among its designs; every ratio is against it")
            if name != TRTR:
                ratios.append(ratio_row(design, measured[family, TRTR], bootstrap.confidence))
    return Utility(pd.DataFrame(scores), pd.DataFrame(ratios))


def shared_draws(designs: Sequence[TrainedTested], bootstrap: BootstrapSettings) -> list[BootstrapDraw]:
    """One draw for each design: the same where the records are the same, the same seeds in all."""
    draws: dict[tuple[str, ...], BootstrapDraw] = {}
    for design in designs:
        if design.patient_ids not in draws:
            # another seed for other records: drawn with the same one, they would not be independent
            seed = bootstrap.seed + len(draws)
            draws[design.patient_ids] = draw_bootstrap(
                design.patient_ids, len(design.scores), bootstrap.replicates, seed
            )
    first = next(iter(draws.values())).seed_weights
    return [replace(draws[design.patient_ids], seed_weights=first) for design in designs]


def score_rows(replicated: Replicated, class_names: Sequence[str], confidence: float) -> list[dict[str, Any]]:
    """Rows of `Utility.scores`: one per class, then the macro average over the classes that can be judged."""
    design, values = replicated.design, replicated.metric.values
    if values.shape[2] != len(class_names):
        raise ValueError(f"{design.name} has {values.shape[2]} columns of scores; expected {len(class_names)} classes")
    positives = np.asarray(design.labels).sum(axis=0)
    per_class = (values * replicated.draw.seed_weights[:, :, None]).sum(axis=1)
    columns = [*zip(class_names, positives, per_class.T, strict=True)]
    columns.append((MACRO, positives.sum(), replicated.macro(np.flatnonzero(replicated.defined))))
    rows = []
    for name, count, drawn in columns:
        low, high = percentile_interval(drawn[1:], confidence)
        row = {
            "family": design.family,
            "design": design.name,
            "trained_on": design.trained_on,
            "tested_on": len(design.labels),
            "metric": replicated.metric.metric,
            "class_name": name,
            "positives": int(count),
        }
        rows.append(row | {"value": float(drawn[0]), "low": low, "high": high})
    return rows


def ratio_row(replicated: Replicated, reference: Replicated, confidence: float) -> dict[str, Any]:
    """A row of `Utility.ratios`, over the classes that both sets of records can judge."""
    columns = np.flatnonzero(replicated.defined & reference.defined)
    arm, real = replicated.macro(columns), reference.macro(columns)
    row: dict[str, Any] = {
        "family": replicated.design.family,
        "design": replicated.design.name,
        "metric": replicated.metric.metric,
        "against": reference.design.name,
    }
    for name, drawn in (("ratio", divide(arm, real)), ("difference", arm - real)):
        low, high = percentile_interval(drawn[1:], confidence)
        row |= {name: float(drawn[0]), f"{name}_low": low, f"{name}_high": high}
    return row | {"classes": len(columns), "paired": replicated.design.patient_ids == reference.design.patient_ids}
