"""A grid of comparisons in one folder: goes on where it stopped, shares what is the same, never mixes settings.

Folder: additions/ (what arms add), runs/ (a folder a classifier), each named after a digest of all that it depends on,
so that cells share them; cells/<name>/ (comparison.json and page); grid.csv and grid.html over all cells.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from vqecg.downstream.augmentation.generator_training import check_generator
from vqecg.downstream.comparison.comparison import (
    COMPARISON_FILE,
    ReadyComparison,
    candidates_of,
    described_together,
    joined_draws,
    judge,
    read_comparison,
    write_comparison,
)
from vqecg.downstream.comparison.design import LABELS, fill_design, plan_design, plan_of_labels
from vqecg.downstream.comparison.members import finish_runs, read_runs, task_of
from vqecg.downstream.comparison.out_of_fold import FoldedArm, FoldScores, analyse_folds, check_prevalence, fold_metrics
from vqecg.downstream.comparison.results import FORMAT, Comparison
from vqecg.downstream.comparison.runs import FinishedRun, RunTask, patient_ids
from vqecg.downstream.comparison.tuning import tuned
from vqecg.records.files.atomic import write_text
from vqecg.records.files.reuse import as_json, kept_identity
from vqecg.records.files.worker_pool import run_tasks
from vqecg.records.folds import folds_name
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainingSubset, split_rows
from vqecg.training.checkpoint import identifying

if TYPE_CHECKING:
    from vqecg.downstream.comparison.cells import CellPart, GridCell
    from vqecg.prior.generator import ECGGenerator

CELL_FILE, FOLDS_FILE, PAGE_FILE = "cell.json", "folds.csv", "comparison.html"
FIGURES = ("estimate", "low", "high", "p", "verdict", "smallest_detectable")
COLUMNS = ("arm", "against", "metric", *FIGURES, "seeds", "patients")


class WritePage(Protocol):
    """Writes the page of a comparison to a path; `described` is the data in words."""

    def __call__(self, comparison: Comparison, path: Path, described: str) -> None: ...


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
        store, design = RecordStore.open(self.store), self.part.design
        if self.part.generator is None:
            return fill_design(design, plan_design(design, store, None), self.additions)
        generator = self.load(self.part.generator)
        remarks = check_generator(generator, store, design.trained_on(store), self.allow_other)
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
    write_page: WritePage | None = None,
) -> Mapping[str, Comparison]:
    """Runs every cell and writes the table over them; returns cell -> comparison.

    `load` reads a generator's folder; all are looked at before anything is made, then `started` is called. `write_page`
    gets the comparison of each cell that is judged anew, the path of its page, and the data's description. ValueError
    for a generator that has seen other records (unless `allow_other`, which becomes a remark), and as `compare`.
    """
    check_all_generators(cells, store, load, allow_other)
    started()
    parts = [part for cell in cells for part in cell.parts]
    fill = [FillTask(part, store, folder / "additions", load, allow_other) for part in parts]
    # parts may share the classifiers that check labels: several processes would train and write the same ones
    several = 1 if any(LABELS in part.design.checks for part in parts) else workers
    ready = dict(zip(parts, run_tasks(fill, several, "additions", "cell", progress), strict=True))
    described = RecordStore.open(store).description
    trained = folder / "runs"
    for one in ready.values():
        if not one.settings.tuning.wanted:
            read_runs(tasks_of([one], trained))  # what is on disk is refused before hours of work
    comparisons = {}
    for cell in cells:  # each is judged before the next one is trained: a grid that is stopped has the first ones
        parts_ready = [tuned(ready[part], trained, workers, progress) for part in cell.parts]
        runs = finish_runs(tasks_of(parts_ready, trained), workers, progress, cell.name)
        place = folder / "cells" / cell.slug
        page = None if write_page is None else partial(write_page, path=place / PAGE_FILE, described=described)
        comparisons[cell.name] = finish_cell(cell, parts_ready, runs, place, page)
    write_text(folder / "grid.csv", grid_table(comparisons).to_csv(index=False))
    return comparisons


def tasks_of(ready: Sequence[ReadyComparison], folder: Path) -> dict[str, RunTask]:
    """The runs of some comparisons by their keys, with their places in `folder`."""
    return {run.keyed_slug: task_of(run, folder, by_key=True) for one in ready for run in one.runs}


def grid_table(cells: Mapping[str, Comparison]) -> pd.DataFrame:
    """Every difference of every cell: cell, of (a group or a class), COLUMNS; the p-value of a class is Holm's."""
    parts = []
    for name, comparison in cells.items():
        groups = comparison.differences.assign(of=comparison.differences["group"])
        classes = comparison.class_differences
        classes = classes.assign(of=classes["class_name"], p=classes["p_holm"])
        for rows in (groups, classes):
            parts.append(rows.assign(cell=name)[["cell", "of", *COLUMNS]])
    return pd.concat(parts, ignore_index=True)


def check_all_generators(
    cells: Sequence[GridCell], store: Path, load: Callable[[Path], ECGGenerator], allow_other: bool
) -> None:
    """Raises ValueError, naming the cell, before hours of work.

    That is for a generator that cannot be used, and for folds to be pooled that would fill up other classes each, or
    in which a class is too uneven for ranks within the fold.
    """
    opened = RecordStore.open(store)
    seen: dict[Path, ECGGenerator] = {}
    for cell in cells:
        for part in cell.parts:
            try:
                if part.generator is not None:
                    seen[part.generator] = seen.get(part.generator) or load(part.generator)
                    check_generator(seen[part.generator], opened, part.design.trained_on(opened), allow_other)
            except ValueError as error:
                raise ValueError(f"cell {cell.name!r}, test folds {list(part.design.folds.test)}: {error}") from error
        if len(cell.parts) > 1:
            plans = [plan_of_labels(part.design, opened) for part in cell.parts]
            check_targets({plan.target_classes for plan in plans}, cell.name)
        if cell.pooled:
            check_even(cell, opened)


def check_targets(targets: set[tuple[str, ...]], name: str) -> None:
    """Raises ValueError when folds that are pooled, or draws, have other target classes."""
    if len(targets) > 1:
        raise ValueError(
            f"the folds or draws of cell {name!r} would fill up other classes each ({sorted(targets)}): name "
            "target_classes"
        )


def check_even(cell: GridCell, store: RecordStore) -> None:
    """Raises ValueError where scores are to be ranked within folds and a class is too uneven over them for that."""
    designs = [part.design for part in cell.turns]
    if designs[0].analysis.pool_raw_scores:
        return
    task = store.task(designs[0].task)
    folds = {
        folds_name(design.folds.test): store.labels(task, split_rows(store, design.folds, TrainingSubset(), task).test)
        for design in designs
    }
    try:
        check_prevalence(folds, task.class_names)
    except ValueError as error:
        raise ValueError(f"cell {cell.name!r}: {error}") from error


def finish_cell(
    cell: GridCell,
    ready: Sequence[ReadyComparison],
    runs: Mapping[str, FinishedRun],
    folder: Path,
    write_page: Callable[[Comparison], None] | None = None,
) -> Comparison:
    """The comparison of a cell: read if it is there and of the same runs and analysis, else done and written."""
    identity = as_json(cell_identity(ready))  # as it comes back from the file
    file, earlier = folder / CELL_FILE, list[dict[str, Any]]()
    there = kept_identity(folder, CELL_FILE)
    if there is not None:
        kept = there.pop("earlier", [])
        judgements = [*kept, *([there["judged"]] if "judged" in there else [])]
        earlier = [judged for judged in judgements if judged != identity["judged"]]
        # a cell that names its own analysis among the earlier ones was judged again by mistake: its page says so still
        if there == identity and earlier == kept and (folder / COMPARISON_FILE).is_file():
            return read_comparison(folder)
        # what follows replaces the cell: half of each must not look finished
        write_text(file, json.dumps({"earlier": earlier}, indent=2) + "\n")
    folder.mkdir(parents=True, exist_ok=True)
    of_parts = [[runs[run.keyed_slug] for run in one.runs] for one in ready]
    turns = len(cell.turns)
    by_turn = [(ready[turn::turns], of_parts[turn::turns]) for turn in range(turns)]  # of each, its draws
    comparison = pool(by_turn, folder) if cell.pooled else judge(*by_turn[0])
    comparison = dataclasses.replace(
        comparison, remarks=(*comparison.remarks, *(judged_before(one) for one in earlier))
    )
    comparison = write_comparison(folder, comparison)
    if write_page is not None:
        write_page(comparison)
    write_text(file, json.dumps({**identity, "earlier": earlier}, indent=2) + "\n")
    return comparison


def judged_before(judged: Mapping[str, Any]) -> str:
    """A caution: what is named, or added, after scores were seen may have been picked by them."""
    analysis = ", ".join(f"{name} {value}" for name, value in judged.items())
    return f"JUDGED BEFORE by another analysis or other seeds ({analysis}): a gain by this one may have been picked."


def cell_identity(ready: Sequence[ReadyComparison]) -> dict[str, Any]:
    """All that a cell's comparison depends on: its runs, in order, whom they are tested on, and how they are judged."""
    runs = "".join(run.keyed_slug for one in ready for run in one.runs)
    candidates = [row for one in ready for row in one.candidates]
    return {
        "format": FORMAT,
        "runs": hashlib.sha256(runs.encode()).hexdigest(),
        "tested": hashlib.sha256("".join(tested_on(one) for one in ready).encode()).hexdigest(),
        "judged": identifying(ready[0].settings.analysis) | {"seeds": list(ready[0].settings.seeds)},
        "target_classes": list(ready[0].target_classes),
        "remarks": [remark for one in ready for remark in one.remarks],
        **({"candidates": candidates} if candidates else {}),
    }


def tested_on(ready: ReadyComparison) -> str:
    """Records, patients and folds of the test part, as text."""
    return ready.test.table[["record_id", "patient_id", "fold"]].to_csv(index=False)


Draws = tuple[Sequence[ReadyComparison], Sequence[Sequence[FinishedRun]]]  # of one part of the folds, with their runs


def pool(turns: Sequence[Draws], folder: Path) -> Comparison:
    """The folds of a cell as one comparison on out-of-fold scores; folds.csv in `folder` has the mean over folds."""
    every = [one for ready, _ in turns for one in ready]
    arms, settings, names = folded_arms(turns), every[0].settings, every[0].prepared.class_names
    ranked = not settings.analysis.pool_raw_scores
    table = pd.concat([fold_metrics(arm.parts, names, ranked).assign(arm=arm.name) for arm in arms])
    write_text(folder / FOLDS_FILE, table.to_csv(index=False))
    comparison = analyse_folds(
        arms,
        names,
        every[0].target_classes,
        settings.seeds,
        "; ".join(dict.fromkeys(of_draw[0].threshold_policy for _, runs in turns for of_draw in runs)),
        identifying(settings.training),
        settings.analysis,
        ranked,
        len(turns[0][0]),
    )
    remarks = tuple(dict.fromkeys(line for one in every for line in one.remarks))
    candidates = tuple(
        {**row, "folds": folds_name(tested_folds(ready[0]))} for ready, _ in turns for row in candidates_of(ready)
    )
    return dataclasses.replace(comparison, remarks=remarks, candidates=candidates)


def tested_folds(ready: ReadyComparison) -> tuple[int, ...]:
    """The folds that a part is tested on."""
    return tuple(sorted(set(ready.test.table["fold"].tolist())))


def folded_arms(turns: Sequence[Draws]) -> list[FoldedArm]:
    """Every arm with what its classifiers, of all draws, say of the folds, a part after the other."""
    arms = []
    for scores in zip(*(joined_draws(*draws) for draws in turns), strict=True):
        about = described_together(scores, "fold")
        folds = tuple(
            fold_scores(ready[0], score.scores, score.thresholds)
            for (ready, _), score in zip(turns, scores, strict=True)
        )
        arms.append(FoldedArm(about.name, about.note, about.real_records, about.synthetic_records, folds))
    return arms


def fold_scores(ready: ReadyComparison, scores: np.ndarray, thresholds: np.ndarray) -> FoldScores:
    """The scores of the classifiers of one part on its test folds."""
    records = tuple(ready.test.table["record_id"].astype(str))
    return FoldScores(
        tested_folds(ready), scores, thresholds, ready.prepared.test.labels, patient_ids(ready.test), records
    )
