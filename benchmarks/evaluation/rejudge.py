"""Stored comparisons judged again by this version: the verdict that each had beside the new one. Trains nothing.

    python -m benchmarks.evaluation.rejudge runs/comparison runs/other-comparison

A folder is one that `vqecg compare` wrote, by any version. It stays as it is; the same command as before writes the new
verdicts there. A grid is judged again when its command is given again.
"""

import argparse
from pathlib import Path

import pandas as pd

from benchmarks.measuring import Cell, Report, benchmark_parser, cell
from vqecg.downstream.comparison.earlier import COMPARISON_FILE, judged_again
from vqecg.downstream.comparison.results import Comparison
from vqecg.reports.results import METRIC_TITLES

HEADS = ("arm against, of", "before", "now", "bootstrap", "difference", "p", "p (bootstrap)")


def main(arguments: list[str] | None = None) -> None:
    """Judges and prints."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="of comparisons")
    parser.add_argument("--all-metrics", action="store_true", help="not the primary one of each comparison alone")
    options = parser.parse_args(arguments)
    report = Report(__spec__.name, __doc__, arguments, options)
    changed = judged = 0
    for folder in options.folders:
        comparison = judged_again(folder if (folder / COMPARISON_FILE).is_file() else folder / "runs")
        lines = differences(comparison, options)
        title = f"{folder.name}: {len(comparison.seeds)} seeds, {comparison.test_patients:,} test patients"
        report.table(title, HEADS, [row(line) for _, line in lines.iterrows()], scope=folder.name)
        before = lines[lines["earlier_verdict"] != ""]
        judged, changed = judged + len(before), changed + int((before["earlier_verdict"] != before["verdict"]).sum())
    print(f"\n{changed} of {judged} verdicts are other ones")
    report.write({"verdicts": judged, "other verdicts": changed})


def differences(comparison: Comparison, options: argparse.Namespace) -> pd.DataFrame:
    """The differences of groups and classes in one table, their subject in the column `of`."""
    groups = comparison.differences.assign(of=comparison.differences["group"])
    classes = comparison.class_differences
    classes = classes.assign(of=classes["class_name"], p=classes["p_holm"])
    both = pd.concat([groups, classes], ignore_index=True)
    both = both[both["estimate"].notna()]
    return both if options.all_metrics else both[both["metric"] == comparison.analysis.primary_metric]


def row(line: pd.Series) -> list[Cell]:
    """One difference; the p-value of a class is Holm's, the bootstrap's that of the class alone."""
    subject = f"{line['arm']} against {line['against']}, {METRIC_TITLES[line['metric']]} of {line['of']}"
    verdicts = [line["earlier_verdict"] or "-", line["verdict"], line["bootstrap_verdict"]]
    difference = cell(line["estimate"], 4, "", line["low"], line["high"], signed=True)
    return [subject, *verdicts, difference, cell(line["p"], 4), cell(line["bootstrap_p"], 4)]


if __name__ == "__main__":
    main()
