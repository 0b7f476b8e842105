"""The tables of a comparison, from the metrics of its arms: scores, differences of groups and of classes, in words too.

Estimate, interval, p-value and verdict come from the multi-reader analysis; the two-way bootstrap stands beside them as
a second opinion.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from vqecg.downstream.augmentation.plan import DUPLICATION, REAL_ONLY, SHUFFLED_LABELS
from vqecg.evaluation.statistics.bootstrap import (
    GAIN,
    VERDICTS,
    PairedDifference,
    ReplicatedMetric,
    paired_difference,
    verdict,
)
from vqecg.evaluation.statistics.jackknife import JackknifedMetric
from vqecg.evaluation.statistics.multi_reader import ReaderDesign, ReaderDifference, reader_difference
from vqecg.evaluation.statistics.resampling import BootstrapDraw
from vqecg.evaluation.statistics.significance import holm
from vqecg.evaluation.statistics.weighted_metrics import METRICS

LEAST_PATIENTS = 5  # with a class, and without: of 1 or 2 a bootstrap calls chance a gain or a harm far too often
ALL_CLASSES, SCARCE_CLASSES, COMMON_CLASSES = "all classes", "scarce classes", "common classes"
# alarms of the negative control
BROKEN = "THE INSTRUMENT IS BROKEN"
ADDED = (
    f"{BROKEN}: {SHUFFLED_LABELS}, with which records carry no information, show a gain in {{gains}}. "
    "Believe no verdict of this comparison before the reason is found. "
)
BESIDE = (
    "NOT BY THE LABELS: {arm}, whose synthetic records have the labels of others, shows a gain in {gains}. So a gain "
    "there does not prove that synthetic labels are right: training on noise, too, keeps a classifier from learning "
    "few real records by heart. Compare the arms with this one (--analysis.against). "
)
CHANCE = "Chance alone calls one group in {often:.0f} a gain, so repeat it with other seeds first."


@dataclass(frozen=True, eq=False)
class ArmMetrics:
    """The metrics of all arms on the test part, by (arm, metric): without each patient, and on bootstrap draws."""

    jackknifed: Mapping[tuple[str, str], JackknifedMetric]
    replicated: Mapping[tuple[str, str], ReplicatedMetric]
    design: ReaderDesign
    draw: BootstrapDraw
    class_names: tuple[str, ...]
    confidence: float  # of the intervals
    unjudged: tuple[str, ...] = ()  # classes that are left out
    further: tuple[str, ...] = ()  # arms that others are compared with beside the two references

    def difference(
        self, arm: str, against: str, metric: str, classes: Sequence[str]
    ) -> tuple[ReaderDifference, PairedDifference]:
        """The macro average over `classes` of one arm minus that of another, and the bootstrap's."""
        one, other = (arm, metric), (against, metric)
        names, sure, few = self.class_names, self.confidence, self.unjudged
        return (
            reader_difference(self.jackknifed[one], self.jackknifed[other], self.design, names, classes, sure, few),
            paired_difference(self.replicated[one], self.replicated[other], self.draw, names, classes, sure, few),
        )

    @property
    def compared(self) -> list[tuple[str, str, str]]:
        """(arm, against, metric): every arm against "real only", all but the references against the others."""
        return [
            (arm, against, metric)
            for against in dict.fromkeys((REAL_ONLY, DUPLICATION, *self.further))
            for arm, metric in self.jackknifed
            if arm not in (REAL_ONLY, against) and (against == REAL_ONLY or arm != DUPLICATION)
        ]


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


def difference_table(metrics: ArmMetrics, groups: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """`Comparison.differences`: the groups come from the settings, and their verdicts are not corrected."""
    rows = []
    for arm, against, metric in metrics.compared:
        for group, classes in groups.items():
            difference, second = metrics.difference(arm, against, metric, classes)
            keys = {"arm": arm, "against": against, "group": group}
            verdicts = {"verdict": verdict(difference), "bootstrap_verdict": verdict(second), "earlier_verdict": ""}
            rows.append(keys | difference_row(difference, second) | verdicts)
    return pd.DataFrame(rows)


def class_difference_table(
    metrics: ArmMetrics, groups: Mapping[str, Sequence[str]], labels: np.ndarray
) -> pd.DataFrame:
    """`Comparison.class_differences`: Holm's correction is over the classes of one arm, reference and metric."""
    scarce, rows = groups[SCARCE_CLASSES], []
    for arm, against, metric in metrics.compared:
        differences = [metrics.difference(arm, against, metric, [name]) for name in metrics.class_names]
        adjusted, second_adjusted = (holm(np.array([pair[which].p for pair in differences])) for which in (0, 1))
        tests = int((~np.isnan(adjusted)).sum())
        for column, (name, (difference, second)) in enumerate(zip(metrics.class_names, differences, strict=True)):
            keys = {
                "arm": arm,
                "against": against,
                "group": SCARCE_CLASSES if name in scarce else COMMON_CLASSES,
                "class_name": name,
                "test_positives": int(labels[:, column].sum()),
            }
            figures = difference_row(difference, second, max(tests, 1))
            figures |= {"p_holm": float(adjusted[column]), "tests": tests}
            del figures["classes"], figures["skipped"]
            verdicts = {
                "verdict": verdict(difference, float(adjusted[column])),
                "bootstrap_verdict": verdict(second, float(second_adjusted[column])),
                "earlier_verdict": "",
            }
            rows.append(keys | figures | verdicts)
    return pd.DataFrame(rows)


def difference_row(difference: ReaderDifference, second: PairedDifference, tests: int = 1) -> dict[str, Any]:
    """The columns that come from one difference; `tests` is the number that its verdict is corrected for."""
    return asdict(difference) | {
        "skipped": ", ".join(difference.skipped),
        "smallest_detectable": difference.smallest_detectable(tests=tests),
        "bootstrap_low": second.low,
        "bootstrap_high": second.high,
        "bootstrap_p": second.p,
        "replicates": second.replicates,
    }


def score_table(
    metrics: ArmMetrics,
    groups: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    """`Comparison.scores`: macro averages over the classes of each group that the test part defines, but `unjudged`."""
    rows = []
    for (arm, metric), values in metrics.jackknifed.items():
        for group, classes in groups.items():
            judged = set(classes) - set(metrics.unjudged)
            columns = [column for column, name in enumerate(metrics.class_names) if name in judged]
            sample = values.values[:, columns]
            known = ~np.isnan(sample).any(axis=0)
            macro = sample[:, known].mean(axis=1) if known.any() else np.full(len(sample), math.nan)
            std = float(macro.std(ddof=1)) if len(macro) > 1 else math.nan
            row = {"arm": arm, "group": group, "metric": metric, "mean": float(macro.mean()), "std": std}
            rows.append(row | {"seeds": len(macro)})
    return pd.DataFrame(rows)


def class_table(metrics: ArmMetrics, labels: np.ndarray) -> pd.DataFrame:
    """`Comparison.per_class`."""
    arms = dict.fromkeys(arm for arm, _ in metrics.jackknifed)
    return pd.DataFrame(
        {
            "class_name": name,
            "test_positives": int(labels[:, column].sum()),
            "arm": arm,
            **{metric: float(metrics.jackknifed[arm, metric].values[:, column].mean()) for metric in METRICS},
        }
        for column, name in enumerate(metrics.class_names)
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
    """The choice for an arm on the validation part, in words, by a row of `Comparison.candidates`."""
    share = "" if row["share"] is None else f", share {row['share']:g}"
    share += "" if row["records"] is None else f" of {row['records']:,} synthetic records"
    share += " (on validation nothing synthetic is best)" if row["share"] == 0 else ""
    fold = f", tested on {row['folds']}" if row.get("folds") else ""
    fold += f", draw {row['draw']}" if row.get("draw") else ""
    return (
        f"{row['arm']}{fold}, chosen on validation: {row['steps']:,} steps{share} (macro {row['metric']} "
        f"{row['score']:.4f}, {row['seeds']} {'seed' if row['seeds'] == 1 else 'seeds'})"
    )


def is_control(table: pd.DataFrame) -> pd.Series:
    """True for the rows of a table of differences that are about an arm of shuffled labels, added or a stream."""
    return table["arm"].str.contains(SHUFFLED_LABELS, regex=False)


def alarm_of(groups: pd.DataFrame, classes: pd.DataFrame, metric: str, confidence: float) -> str:
    """The alarm for each control that is called a gain over real records by a metric; "" for none.

    `groups` and `classes` are the tables of differences of a comparison. Records added with wrong labels can only do
    harm, so that their gain voids everything; a mixture, or a pretraining, with wrong labels also regularises.
    """
    tables = [
        table[is_control(table) & (table["against"] == REAL_ONLY) & (table["metric"] == metric)]
        for table in (groups, classes)
    ]
    alarms = []
    for arm in tables[0]["arm"].drop_duplicates():
        of_groups, of_classes = (table[table["arm"] == arm] for table in tables)
        if gains := ", ".join(findings(of_groups, of_classes, GAIN)):
            text = ADDED if arm.startswith(SHUFFLED_LABELS) else BESIDE
            alarms.append(text.format(arm=arm, gains=gains) + CHANCE.format(often=2 / (1 - confidence)))
    return " ".join(alarms)


def one_row(table: pd.DataFrame, keys: Mapping[str, str]) -> pd.Series:
    """The row of a table of differences with these values. Raises ValueError when there is none."""
    rows = table[np.logical_and.reduce([table[name] == value for name, value in keys.items()])]
    if rows.empty:
        raise ValueError(f"no difference for {dict(keys)}; there are the arms {sorted(set(table['arm']))}")
    return rows.iloc[0]


def group_line(row: pd.Series) -> str:
    """The difference of two arms in a group of classes, in words, by a row of `Comparison.differences`."""
    pair = f"{row['arm']} against {row['against']}, {row['group']}"
    if math.isnan(row["estimate"]):
        return f"{pair}: not judged, as too few test patients have, or lack, these classes"
    return (
        f"{pair}: {row['verdict']} (macro {row['metric']} {row['estimate']:+.4f}, "
        f"{row['confidence']:.0%} interval {row['low']:+.4f} to {row['high']:+.4f}, p {row['p']:.3g}; "
        f"{networks(row)}, {row['patients']} patients; a true difference below {row['smallest_detectable']:.4f} "
        "is missed in one run of five, or more)"
    )


def networks(row: pd.Series) -> str:
    """The number of seeds, and of draws where there are several, in words."""
    return f"{row['seeds']} seeds" + (f" in each of {row['draws']} draws" if row["draws"] > 1 else "")


def class_lines(rows: pd.DataFrame) -> list[str]:
    """A line per verdict: the classes that have it, with difference and adjusted p."""
    lines = []
    for wanted in VERDICTS:
        judged = [
            f"{row.class_name} ({row.estimate:+.4f}, p {row.p_holm:.3g})"
            for row in rows[(rows["verdict"] == wanted) & rows["p_holm"].notna()].itertuples()
        ]
        if judged:
            lines.append(f"  {wanted}: {', '.join(judged)}")
    return lines


def disagreements(tables: Iterable[tuple[pd.DataFrame, str]], column: str) -> list[str]:
    """The rows whose verdict in `column` is another one: "prior samples against real only, MI (harm, here gain)".

    `tables` are tables of differences with the column that names a row, "group" or "class_name".
    """
    return [
        f"{row['arm']} against {row['against']}, {row[kind]} ({row[column]}, here {row['verdict']})"
        for table, kind in tables
        for _, row in table[(table[column] != "") & (table[column] != table["verdict"])].iterrows()
    ]
