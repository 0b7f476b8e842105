"""Multi-label classification metrics with their support, threshold policy and undefined classes named.

Values are scikit-learn's wherever it has them. A class without a positive or without a negative record has no AUROC, so
all its metrics are NaN here, its name is kept, and macro averages are over the other classes and say over how many.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, precision_recall_fscore_support, roc_auc_score

from vqecg.training.checkpoint import json_values

METRICS = ("auroc", "average_precision", "f1", "precision", "recall")


@dataclass(frozen=True)
class ClassificationMetrics:
    """Metrics of one set of scores; all are fractions of 1. Precision, recall and F1 hold at `thresholds` only."""

    class_names: tuple[str, ...]
    records: int
    support: tuple[int, ...]  # positive records per class
    thresholds: tuple[float, ...]  # a class is predicted where its score is at least this
    threshold_policy: str
    per_class: Mapping[str, tuple[float, ...]]  # metric of METRICS -> value per class, NaN where undefined
    macro: Mapping[str, float]  # metric -> mean over the classes where it is defined
    micro: Mapping[str, float]  # metric over all (record, class) pairs as one problem
    hamming_loss: float  # share of wrong (record, class) pairs
    exact_match: float  # share of records with every class right
    undefined: tuple[str, ...]  # classes without a positive or without a negative record

    @property
    def macro_note(self) -> str:
        """The classes that macro averages are over, e.g. "macro over 4 of 5 classes (undefined: HYP)"."""
        defined = len(self.class_names) - len(self.undefined)
        names = f" (undefined: {', '.join(self.undefined)})" if self.undefined else ""
        return f"macro over {defined} of {len(self.class_names)} classes{names}"

    def table(self) -> pd.DataFrame:
        """A row per class, then "macro" and "micro": class_name, support, METRICS, threshold (NaN in the last two)."""
        rows: list[dict[str, Any]] = []
        for number, name in enumerate(self.class_names):
            values = {metric: self.per_class[metric][number] for metric in METRICS}
            rows.append({"class_name": name, "support": self.support[number], **values})
            rows[-1]["threshold"] = self.thresholds[number]
        for name, averages in (("macro", self.macro), ("micro", self.micro)):
            rows.append({"class_name": name, "support": sum(self.support), **averages, "threshold": math.nan})
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        lines = [self.table().to_string(index=False, float_format="%.3f", na_rep="-"), self.macro_note]
        lines.append(f"F1, precision and recall at thresholds: {self.threshold_policy}")
        lines.append(
            f"Hamming loss {self.hamming_loss:.3f}, exact match {self.exact_match:.3f}, {self.records} records"
        )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; NaN becomes None."""
        return json_values(asdict(self))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ClassificationMetrics":
        """The reverse of `to_dict`."""
        content = dict(values)
        for name in ("class_names", "support", "thresholds", "undefined"):
            content[name] = tuple(content[name])
        content["per_class"] = {k: tuple(number(v) for v in row) for k, row in values["per_class"].items()}
        for name in ("macro", "micro"):
            content[name] = {metric: number(value) for metric, value in values[name].items()}
        return cls(**content)


def number(value: float | None) -> float:
    """A number from JSON, where None stands for NaN."""
    return math.nan if value is None else value


def classification_metrics(
    labels: np.ndarray,
    scores: np.ndarray,
    thresholds: Sequence[float] | np.ndarray | float,
    class_names: Sequence[str],
    threshold_policy: str,
) -> ClassificationMetrics:
    """Metrics of `scores` (records, classes) in 0..1 against `labels` (records, classes) 0/1.

    `thresholds` is one value, or one per class; `threshold_policy` says where it comes from. Precision is 0 where
    nothing was predicted.

    Raises ValueError for shapes that do not fit, labels other than 0 and 1, or scores that are NaN.
    """
    truth, cuts = check_scores(labels, scores, thresholds, class_names)
    predicted = scores >= cuts
    support = truth.sum(axis=0)
    defined = (support > 0) & (support < len(truth))
    per_class = {metric: np.full(len(class_names), np.nan) for metric in METRICS}
    for column in np.flatnonzero(defined):
        values = all_metrics(truth[:, column], scores[:, column], predicted[:, column])
        for metric, value in values.items():
            per_class[metric][column] = value
    macro = {name: float(values[defined].mean()) if defined.any() else math.nan for name, values in per_class.items()}
    micro = dict.fromkeys(METRICS, math.nan)
    if truth.any() and not truth.all():
        micro = all_metrics(truth.ravel(), scores.ravel(), predicted.ravel())
    return ClassificationMetrics(
        class_names=tuple(class_names),
        records=len(truth),
        support=tuple(int(count) for count in support),
        thresholds=tuple(float(cut) for cut in cuts),
        threshold_policy=threshold_policy,
        per_class={metric: tuple(float(value) for value in values) for metric, values in per_class.items()},
        macro=macro,
        micro=micro,
        hamming_loss=float((truth != predicted).mean()),
        exact_match=float((truth == predicted).all(axis=1).mean()),
        undefined=tuple(name for name, known in zip(class_names, defined, strict=True) if not known),
    )


def all_metrics(truth: np.ndarray, scores: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """METRICS of one binary problem that has both kinds of records: all three (records,)."""
    precision, recall, f1, _ = precision_recall_fscore_support(truth, predicted, average="binary", zero_division=0)
    values = (roc_auc_score(truth, scores), average_precision_score(truth, scores), f1, precision, recall)
    return {metric: float(value) for metric, value in zip(METRICS, values, strict=True)}


def check_scores(
    labels: np.ndarray, scores: np.ndarray, thresholds: Sequence[float] | np.ndarray | float, class_names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Labels as bool (records, classes) and thresholds as (classes,); ValueError for what cannot be scored."""
    labels, scores = np.asarray(labels), np.asarray(scores)
    expected = (len(labels), len(class_names))
    if labels.shape != expected or scores.shape != expected or not len(labels):
        raise ValueError(
            f"got labels {labels.shape} and scores {scores.shape} for {len(class_names)} classes; "
            "expected (records, classes) for both, with at least one record"
        )
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("labels hold values other than 0 and 1; metrics are for real records with hard labels")
    if not np.isfinite(scores).all():
        raise ValueError(
            f"{int((~np.isfinite(scores)).sum())} scores are NaN or infinite; check the classifier's input"
        )
    cuts = np.asarray(thresholds, float)
    if cuts.shape not in ((), (len(class_names),)):
        raise ValueError(f"got thresholds of shape {cuts.shape}; expected one number or one for each class")
    return labels.astype(bool), np.broadcast_to(cuts, len(class_names))
