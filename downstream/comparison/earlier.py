"""Verdicts of an earlier version on the same scores, set beside new ones."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vqecg.downstream.augmentation.plan import slug
from vqecg.downstream.comparison.results import FORMAT, Analysis, ArmScores, Comparison, analyse
from vqecg.downstream.comparison.runs import read_run
from vqecg.downstream.comparison.tables import SCARCE_CLASSES
from vqecg.records.files.json_file import read_object, reading

COMPARISON_FILE, TEST_FILE = "comparison.json", "test.parquet"

SAME = 1e-9  # two mean scores closer than that are of the same classifiers


def beside_earlier(comparison: Comparison, earlier: Mapping[str, Any] | None) -> Comparison:
    """The comparison with `earlier_verdict` filled in where an earlier judgement was of the same scores.

    `earlier` is the content of a comparison.json of any format, None for none. Arms whose mean scores differ from the
    earlier ones were trained anew or tested on other records, and another confidence gives other verdicts: they have no
    earlier verdict.
    """
    if earlier is None or earlier.get("analysis", {}).get("confidence") != comparison.analysis.confidence:
        return comparison
    arms = same_arms(comparison, earlier)
    column = "earlier_verdict" if earlier.get("format", 1) == FORMAT else "verdict"
    return replace(
        comparison,
        differences=filled(comparison.differences, earlier["differences"], arms, "group", column),
        class_differences=filled(
            comparison.class_differences, earlier["class_differences"], arms, "class_name", column
        ),
    )


def same_arms(comparison: Comparison, earlier: Mapping[str, Any]) -> set[str]:
    """The arms all of whose mean scores are those of the earlier judgement."""
    now = comparison.scores.set_index(["arm", "group", "metric"])["mean"]
    same: dict[str, bool] = {}
    for row in earlier["scores"]:
        key = (row["arm"], row["group"], row["metric"])
        if row["mean"] is not None:
            alike = key in now.index and abs(now[key] - row["mean"]) < SAME
            same[row["arm"]] = same.get(row["arm"], True) and bool(alike)
    return {arm for arm, alike in same.items() if alike}


def filled(table: pd.DataFrame, earlier: list[dict[str, Any]], arms: set[str], kind: str, column: str) -> pd.DataFrame:
    """A table of differences with its earlier verdicts; `kind` is "group" or "class_name", the subject of a row."""
    names = ["arm", "against", kind, "metric"]
    verdicts = {tuple(row[name] for name in names): row.get(column, "") for row in earlier}
    keys = table[names].itertuples(index=False, name=None)
    said = [verdicts.get(key, "") if {key[0], key[1]} <= arms else "" for key in keys]
    return table.assign(earlier_verdict=said)


def judged_again(folder: Path) -> Comparison:
    """The comparison in `folder`, of any format, judged by this version, with its own verdicts beside; trains nothing.

    Raises ValueError for a folder without comparison.json, test.parquet or scores: of a grid the cells share theirs, so
    the same command judges them again.
    """
    missing = [name for name in (COMPARISON_FILE, TEST_FILE) if not (folder / name).is_file()]
    if missing:
        raise ValueError(
            f"{folder} holds no {' and no '.join(missing)}; expected the folder of a finished comparison. A grid is "
            "judged again when its command is given again: what is trained stays"
        )
    with reading(folder / COMPARISON_FILE):
        earlier = read_object(folder / COMPARISON_FILE)
        names, seeds = earlier["class_names"], earlier["seeds"]
        arms = [stored_scores(folder, row, seeds) for row in earlier["arms"]]
        tested = pd.read_parquet(folder / TEST_FILE)
        comparison = analyse(
            arms,
            tested[names].to_numpy(),
            tested["patient_id"].astype(str).tolist(),
            names,
            earlier["group_classes"][SCARCE_CLASSES],
            seeds,
            earlier["threshold_policy"],
            earlier["settings"],
            Analysis.from_dict(earlier["analysis"]),
        )
    remarks, candidates = (tuple(earlier.get(name, ())) for name in ("remarks", "candidates"))
    return beside_earlier(replace(comparison, remarks=remarks, candidates=candidates), earlier)


def stored_scores(folder: Path, row: Mapping[str, Any], seeds: list[int]) -> ArmScores:
    """The scores of one arm, by its row of `Comparison.arms`."""
    runs = [read_run(folder / f"{slug(row['arm'])}-{seed}") for seed in seeds]
    return ArmScores(
        row["arm"],
        row["description"],
        row["real_records"],
        row["synthetic_records"],
        np.stack([run.test_scores for run in runs]),
        np.stack([run.thresholds for run in runs]),
    )
