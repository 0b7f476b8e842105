"""A grid of comparisons in one folder: goes on where it stopped, shares what is the same, never mixes settings.

Folder: additions/ (what arms add), runs/ (a folder a classifier), each named after a digest of all that it depends on,
so that cells share them; cells/<name>/ (comparison.json and page); grid.csv and grid.html over all cells.
"""

import dataclasses
import datetime
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vqecg.downstream.arms import ArmData
from vqecg.downstream.comparison import (
    COMPARISON_FILE,
    ReadyComparison,
    arm_scores,
    finish_runs,
    judge,
    read_comparison,
    write_comparison,
)
from vqecg.downstream.comparison_page import write_comparison_page
from vqecg.downstream.comparison_results import FORMAT, Comparison
from vqecg.downstream.comparison_runs import FinishedRun, RunTask
from vqecg.downstream.design import LABELS, check_generator, fill_design, plan_design, plan_of_labels
from vqecg.downstream.grid_page import grid_table, write_grid_page
from vqecg.downstream.out_of_fold import FoldedArm, FoldScores, analyse_folds
from vqecg.downstream.plan import CellPart, GridCell
from vqecg.downstream.worker_pool import run_tasks
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store import RecordStore
from vqecg.training.checkpoint import write_text

CELL_FILE = "cell.json"


@dataclass(frozen=True)
class FillTask:
    """Makes what the arms of one part add; can be sent to another process."""

    part: CellPart
    store: Path
    additions: Path
    load: Callable[[Path], ECGGenerator]
    allow_other: bool

    def __call__(self) -> ReadyComparison:
        """The comparison, ready to run. Raises ValueError for a generator of other training records."""
        store, generator = RecordStore.open(self.store), self.load(self.part.generator)
        design = self.part.design
        remarks = check_generator(generator, design.trained_on(store), self.allow_other)
        return fill_design(design, plan_design(design, store, generator), self.additions, remarks)


def run_grid(
    cells: Sequence[GridCell],
    store: Path,
    folder: Path,
    load: Callable[[Path], ECGGenerator],
    workers: int = 1,
    allow_other: bool = False,
    progress: bool = True,
    started: Callable[[], None] = lambda: None,
) -> Mapping[str, Comparison]:
    """Runs every cell and writes the table and the page over them; returns cell -> comparison.

    `load` reads a generator's folder. Every generator is looked at before anything is made; then `started` is called.
    Raises ValueError for one that has seen other records (unless `allow_other`, which becomes a remark), and as
    `compare`.
    """
    check_all_generators(cells, store, load, allow_other)
    started()
    parts = [part for cell in cells for part in cell.parts]
    fill = [FillTask(part, store, folder / "additions", load, allow_other) for part in parts]
    # parts may share the classifiers that check labels: several processes would train and write the same ones
    several = 1 if any(LABELS in part.design.checks for part in parts) else workers
    ready = dict(zip(parts, run_tasks(fill, several, "additions", "cell", progress), strict=True))
    tasks = {
        run.keyed_slug: RunTask(run, folder / "runs" / run.keyed_slug) for own in ready.values() for run in own.runs
    }
    runs = finish_runs(tasks, workers, progress)
    described = RecordStore.open(store).description
    found = {}
    for cell in cells:
        own = [ready[part] for part in cell.parts]
        found[cell.name] = finish_cell(cell, own, runs, folder / "cells" / cell.slug, described)
    write_text(folder / "grid.csv", grid_table(found).to_csv(index=False))
    write_grid_page(found, folder / "grid.html", described, datetime.date.today().isoformat())
    return found


def check_all_generators(
    cells: Sequence[GridCell], store: Path, load: Callable[[Path], ECGGenerator], allow_other: bool
) -> None:
    """Raises ValueError, naming the cell, before hours of work.

    That is for a generator that cannot be used, and for folds to be pooled that would fill up other classes each.
    """
    opened = RecordStore.open(store)
    seen: dict[Path, ECGGenerator] = {}
    for cell in cells:
        for part in cell.parts:
            try:
                if part.generator not in seen:
                    seen[part.generator] = load(part.generator)
                check_generator(seen[part.generator], part.design.trained_on(opened), allow_other)
            except ValueError as error:
                raise ValueError(f"cell {cell.name!r}, test folds {list(part.design.folds.test)}: {error}") from error
        if cell.pooled:
            check_targets({plan_of_labels(part.design, opened).target_classes for part in cell.parts}, cell.name)


def check_targets(targets: set[tuple[str, ...]], name: str) -> None:
    """Raises ValueError when folds that are pooled have other target classes."""
    if len(targets) > 1:
        raise ValueError(
            f"the folds of cell {name!r} would fill up other classes each ({sorted(targets)}): name target_classes"
        )


def finish_cell(
    cell: GridCell, ready: Sequence[ReadyComparison], runs: Mapping[str, FinishedRun], folder: Path, described: str
) -> Comparison:
    """The comparison of a cell: read if it is there and of the same runs and analysis, else done and written."""
    identity = cell_identity(ready)
    kept = folder / CELL_FILE
    if (folder / COMPARISON_FILE).is_file() and kept.is_file():
        if json.loads(kept.read_text(encoding="utf-8")) == identity:
            return read_comparison(folder)
        kept.unlink()  # what follows replaces the cell: half of each must not look finished
    own = [[runs[run.keyed_slug] for run in one.runs] for one in ready]
    found = pool(ready, own) if cell.pooled else judge(ready[0], own[0])
    folder.mkdir(parents=True, exist_ok=True)
    write_comparison(folder, found)
    write_comparison_page(found, folder / "comparison.html", described, datetime.date.today().isoformat())
    write_text(kept, json.dumps(identity, indent=2) + "\n")
    return found


def cell_identity(ready: Sequence[ReadyComparison]) -> dict[str, Any]:
    """What a cell's comparison depends on: its runs, in order, whom they are tested on, and how they are judged."""
    runs = "".join(run.keyed_slug for one in ready for run in one.runs)
    return {
        "format": FORMAT,
        "runs": hashlib.sha256(runs.encode()).hexdigest(),
        "tested": hashlib.sha256("".join(tested_on(one) for one in ready).encode()).hexdigest(),
        "analysis": dataclasses.asdict(ready[0].settings.analysis),
        "target_classes": list(ready[0].target_classes),
        "remarks": [remark for one in ready for remark in one.remarks],
    }


def tested_on(ready: ReadyComparison) -> str:
    """Records, patients and folds of the test part, as text."""
    return ready.test.store.table.iloc[ready.test.indices][["record_id", "patient_id", "fold"]].to_csv(index=False)


def pool(ready: Sequence[ReadyComparison], runs: Sequence[Sequence[FinishedRun]]) -> Comparison:
    """The folds of a cell as one comparison on out-of-fold scores."""
    first, count = ready[0], len(ready[0].settings.seeds)
    arms = []
    for number, arm in enumerate(first.arms):
        part = slice(number * count, (number + 1) * count)
        scores = [
            arm_scores(one.arms[number], own[part], len(one.train.indices))
            for one, own in zip(ready, runs, strict=True)
        ]
        note = scores[0].note if not isinstance(arm, ArmData) else f"{scores[0].note} (in the first fold)"
        real, made = (
            round(np.mean([getattr(one, name) for one in scores])) for name in ("real_records", "synthetic_records")
        )
        folds = tuple(
            fold_scores(one, score.scores, score.thresholds) for one, score in zip(ready, scores, strict=True)
        )
        arms.append(FoldedArm(scores[0].name, note, real, made, folds))
    settings = first.settings
    found = analyse_folds(
        arms,
        first.prepared.class_names,
        first.target_classes,
        settings.seeds,
        "; ".join(dict.fromkeys(own[0].threshold_policy for own in runs)),
        dataclasses.asdict(settings.classifier),
        settings.analysis,
    )
    remarks = tuple(dict.fromkeys(remark for one in ready for remark in one.remarks))
    return dataclasses.replace(found, remarks=remarks)


def fold_scores(ready: ReadyComparison, scores: np.ndarray, thresholds: np.ndarray) -> FoldScores:
    """What the classifiers of one part say of its test folds."""
    table = ready.test.store.table.iloc[ready.test.indices]
    folds, records = tuple(sorted(set(table["fold"].tolist()))), tuple(table["record_id"].astype(str))
    return FoldScores(folds, scores, thresholds, ready.test.labels, ready.test.patient_ids, records)
