"""The tables of a comparison, from the replicated metrics of its arms: scores, differences of groups and of classes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from vqecg.downstream.augmentation.plan import DUPLICATION, REAL_ONLY
from vqecg.evaluation.statistics.bootstrap import (
    METRICS,
    PairedDifference,
    ReplicatedMetric,
    paired_difference,
    verdict,
)
from vqecg.evaluation.statistics.resampling import BootstrapDraw
from vqecg.evaluation.statistics.significance import holm

LEAST_PATIENTS = 5  # with a class, and without: of 1 or 2 a bootstrap calls chance a gain or a harm far too often
ALL_CLASSES, SCARCE_CLASSES, COMMON_CLASSES = "all classes", "scarce classes", "common classes"
Replicated = Mapping[tuple[str, str], ReplicatedMetric]  # (arm, metric) -> its values on every draw


def class_groups(class_names: Sequence[str], target_classes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """All classes, the scarce ones that were filled up, and the rest, if any. ValueError for an unknown target."""
    unknown = sorted(set(target_classes) - set(class_names))
    if unknown or not target_classes:
        raise ValueError(f"target classes {list(target_classes)} are not all among the classes {list(class_names)}")
    common = tuple(name for name in class_names if name not in target_classes)
    groups = {ALL_CLASSES: tuple(class_names), SCARCE_CLASSES: tuple(n for n in class_names if n in target_classes)}
    return groups | ({COMMON_CLASSES: common} if common else {})


def unjudged_classes(labels: np.ndarray, patients: np.ndarray, class_names: Sequence[str]) -> tuple[str, ...]:
    """Classes that fewer than LEAST_PATIENTS test patients have, or lack.

    `labels` (records, classes) 0/1, `patients` (records,) names or numbers, of the test records.

    Of arms that do not differ 71, 26 and 14 % have an interval clear of 0 where 1, 2 and 3 of 400 patients have the
    class, and 8 or 9 % with 5 to 20: benchmarks/evaluation/few_positives.py.
    """
    present = np.asarray(labels) > 0.5
    counts = [(len(set(patients[column])), len(set(patients[~column]))) for column in present.T]
    return tuple(name for name, count in zip(class_names, counts, strict=True) if min(count) < LEAST_PATIENTS)


def compared(replicated: Replicated) -> list[tuple[str, str, str]]:
    """(arm, against, metric): every arm against "real only", and all but the references against "duplication"."""
    return [
        (arm, against, metric)
        for against in (REAL_ONLY, DUPLICATION)
        for arm, metric in replicated
        if arm not in (REAL_ONLY, against)
    ]


def difference_table(
    replicated: Replicated,
    draw: BootstrapDraw,
    groups: Mapping[str, Sequence[str]],
    class_names: Sequence[str],
    confidence: float,
    unjudged: Sequence[str] = (),
) -> pd.DataFrame:
    """`Comparison.differences`: the groups come from the settings, and their verdicts are not corrected."""
    rows = []
    for arm, against, metric in compared(replicated):
        for group, classes in groups.items():
            difference = paired_difference(
                replicated[arm, metric], replicated[against, metric], draw, class_names, classes, confidence, unjudged
            )
            keys = {"arm": arm, "against": against, "group": group}
            rows.append(keys | difference_row(difference) | {"verdict": verdict(difference)})
    return pd.DataFrame(rows)


def class_difference_table(
    replicated: Replicated,
    draw: BootstrapDraw,
    groups: Mapping[str, Sequence[str]],
    labels: np.ndarray,
    class_names: Sequence[str],
    confidence: float,
    unjudged: Sequence[str] = (),
) -> pd.DataFrame:
    """`Comparison.class_differences`: Holm's correction is over the classes of one arm, reference and metric."""
    scarce, rows = groups[SCARCE_CLASSES], []
    for arm, against, metric in compared(replicated):
        differences = [
            paired_difference(
                replicated[arm, metric], replicated[against, metric], draw, class_names, [name], confidence, unjudged
            )
            for name in class_names
        ]
        adjusted = holm(np.array([difference.p for difference in differences]))
        tests = int((~np.isnan(adjusted)).sum())
        for column, (name, difference) in enumerate(zip(class_names, differences, strict=True)):
            keys = {
                "arm": arm,
                "against": against,
                "group": SCARCE_CLASSES if name in scarce else COMMON_CLASSES,
                "class_name": name,
                "test_positives": int(labels[:, column].sum()),
            }
            figures = difference_row(difference, max(tests, 1)) | {"p_holm": float(adjusted[column]), "tests": tests}
            del figures["classes"], figures["skipped"]
            rows.append(keys | figures | {"verdict": verdict(difference, float(adjusted[column]))})
    return pd.DataFrame(rows)


def difference_row(difference: PairedDifference, tests: int = 1) -> dict[str, Any]:
    """The columns that come from one difference; `tests` is the number that its verdict is corrected for."""
    return asdict(difference) | {
        "skipped": ", ".join(difference.skipped),
        "smallest_detectable": difference.smallest_detectable(tests=tests),
    }


def score_table(
    replicated: Replicated,
    groups: Mapping[str, Sequence[str]],
    class_names: Sequence[str],
    unjudged: Sequence[str] = (),
) -> pd.DataFrame:
    """`Comparison.scores`: macro averages over the classes of each group that the test part defines, but `unjudged`."""
    rows = []
    for (arm, metric), values in replicated.items():
        for group, classes in groups.items():
            judged = set(classes) - set(unjudged)
            columns = [column for column, name in enumerate(class_names) if name in judged]
            sample = values.values[0][:, columns]
            known = ~np.isnan(sample).any(axis=0)
            macro = sample[:, known].mean(axis=1) if known.any() else np.full(len(sample), math.nan)
            std = float(macro.std(ddof=1)) if len(macro) > 1 else math.nan
            row = {"arm": arm, "group": group, "metric": metric, "mean": float(macro.mean()), "std": std}
            rows.append(row | {"seeds": len(macro)})
    return pd.DataFrame(rows)


def class_table(replicated: Replicated, labels: np.ndarray, class_names: Sequence[str]) -> pd.DataFrame:
    """`Comparison.per_class`."""
    arms = dict.fromkeys(arm for arm, _ in replicated)
    return pd.DataFrame(
        {
            "class_name": name,
            "test_positives": int(labels[:, column].sum()),
            "arm": arm,
            **{metric: float(replicated[arm, metric].values[0][:, column].mean()) for metric in METRICS},
        }
        for column, name in enumerate(class_names)
        for arm in arms
    )


def findings(differences: pd.DataFrame, class_differences: pd.DataFrame | None, wanted: str) -> list[str]:
    """Groups and classes of the verdict `wanted`, groups first, as "common classes (against real only, duplication)".

    Both tables hold one arm and one metric.
    """
    tables = [(differences, "group")] + ([] if class_differences is None else [(class_differences, "class_name")])
    lines = []
    for table, kind in tables:
        hits = table[table["verdict"] == wanted]
        for name, rows in hits.groupby(kind, sort=False):
            lines.append(f"{name} (against {', '.join(rows['against'])})")
    return lines


def choice_line(row: Mapping[str, Any]) -> str:
    """What was chosen for an arm on the validation part, in words, by a row of `Comparison.candidates`."""
    share = "" if row["share"] is None else f", share {row['share']:g}"
    share += "" if row["records"] is None else f" of {row['records']:,} synthetic records"
    share += " (on validation nothing synthetic is best)" if row["share"] == 0 else ""
    fold = f", tested on {row['folds']}" if row.get("folds") else ""
    return (
        f"{row['arm']}{fold}, chosen on validation: {row['steps']:,} steps{share} (macro {row['metric']} "
        f"{row['score']:.4f}, {row['seeds']} seeds)"
    )
