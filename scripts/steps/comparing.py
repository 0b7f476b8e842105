"""From recordings and a generator to a comparison of arms, or from a plan to a grid of comparisons."""

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from vqecg.downstream.augmentation.generator_training import check_generator
from vqecg.downstream.classifiers.settings import recipe
from vqecg.downstream.comparison.arms.registry import QUICK, arms_of
from vqecg.downstream.comparison.cells import Cell, GridCell, grid_cells
from vqecg.downstream.comparison.class_counts import ClassCounts, outside_task
from vqecg.downstream.comparison.comparison import compare_ready, is_comparison, read_comparison
from vqecg.downstream.comparison.design import Design, fill_design, plan_design, plan_of_labels
from vqecg.downstream.comparison.grid import run_grid
from vqecg.downstream.comparison.results import Comparison
from vqecg.downstream.comparison.tuning import tuned
from vqecg.prior.generator import ECGGenerator
from vqecg.records.bounds import Checked, Workers
from vqecg.records.files.atomic import write_text
from vqecg.records.files.lock import locked
from vqecg.records.files.stage_file import STAGE_FILE
from vqecg.records.files.yaml_file import read_yaml
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import split_rows
from vqecg.reports.comparison.experiment import comparison_experiment
from vqecg.reports.comparison.grid_page import write_grid_page
from vqecg.reports.comparison.page import write_comparison_page
from vqecg.reports.results import write_experiment
from vqecg.scripts.cli.arguments import build, options_of, plain
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.presets import SMALL
from vqecg.scripts.cli.stage import Stage, alone, begin, described
from vqecg.scripts.steps.designing import design_of

PAGE, PLAN_FILE = "comparison.html", "plan.yaml"
QUICK_SEEDS, QUICK_STEPS = 2, 600  # 12 classifiers of the preset small: about 8 minutes on one core


@dataclass(frozen=True)
class ComparingStep(Checked):
    """Recordings and generator, the folder of the comparison, and what is compared how."""

    store: Path  # folder that `vqecg prepare` wrote: the real recordings
    out: Path  # folder of the comparison, or of the grid; the same command goes on where it stopped
    generator: Path | None = None  # folder that `vqecg train-prior` wrote, where an arm needs one; a plan may name it
    quick: bool = False  # six arms (unless --arms), two seeds and 600 steps at most: a look, not a conclusion
    design: Annotated[Design, tyro.conf.arg(name="")] = field(default_factory=lambda: design_of(SMALL))
    allow_other_training: bool = False  # compare with a generator of other training records; the report says so
    workers: Workers = 1  # processes that train classifiers, one thread each
    overwrite: bool = False  # start anew where --out holds a comparison of other settings

    @property
    def comparison(self) -> Design:
        """The design, cut down where only a quick look is wanted."""
        if not self.quick:
            return replace(self.design, arms=self.design.arms or arms_of())
        training = self.design.training
        return replace(
            self.design,
            arms=self.design.arms or arms_of(QUICK),
            seeds=self.design.seeds[:QUICK_SEEDS],
            training=training.changed({"fit.steps": min(training.fit.steps, QUICK_STEPS)}),
        )


@dataclass(frozen=True)
class PlannedCell(Cell):
    """A cell in a plan's file, where the options of its design stand beside the others."""

    design: Annotated[Design, tyro.conf.arg(name="")] = field(default_factory=Design)


@alone
def comparison_stage(step: ComparingStep) -> Stage:
    """Fills the arms, trains what is not trained yet, and draws the conclusion."""
    design = step.comparison
    store = design.subset.known_labels(RecordStore.open(step.store), design.folds)
    generator = None if step.generator is None else ECGGenerator.from_pretrained(step.generator)
    remarks: tuple[str, ...] = ()
    if generator is not None:
        remarks = check_generator(generator, store, design.trained_on(store), step.allow_other_training)
    print("\n".join(remarks), end="\n" if remarks else "")
    task = store.task(design.task)
    if outside := outside_task(store, task):
        print(outside)
    planned = plan_design(design, store, generator)
    targets = planned.plan.target_classes
    counts = ClassCounts(store, task, planned.rows)
    print("\n".join(filter(None, (planned.rows.unlabelled_text(), counts.describe(targets)))))
    names = [arm.name for arm in design.catalogue]
    mark = None if generator is None else generator.fingerprint
    identity = {"store": store.fingerprint, "generator": mark, "remarks": remarks}
    identity |= plain(design) | {"arms": names, "target_classes": targets}
    stage = begin(step.out, "compare", identity, step.overwrite, plain(step))
    if stage.figures is None or not is_comparison(step.out / "runs"):
        with stage:
            ready = fill_design(design, planned, step.out / "additions", remarks, progress=True)
            runs, again = step.out / "runs", step.overwrite
            comparison = compare_ready(tuned(ready, runs, step.workers), runs, again, workers=step.workers)
            today = datetime.date.today().isoformat()
            write_comparison_page(comparison, step.out / PAGE, store.description, today)
            added, number = planned.plan.counts, len(planned.plan)
            figures = {"added": added, "added_records": number, "target_classes": targets}
            stage = stage.finish(figures | {"class_counts": counts.table.to_dict("records")})
    return stage


def comparison_of(folder: Path) -> Comparison:
    """The finished comparison in the folder of `vqecg compare`."""
    return read_comparison(folder / "runs")


def run_plan(step: ComparingStep, plan: Path) -> Outcome:
    """Runs the cells of a plan. Returns, for each, what the arms did."""
    if step.overwrite:
        raise ValueError("a grid keeps what it has and trains what is new: drop --overwrite, or name another --out")
    cells = read_plan(step, plan)
    out = step.out
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not (out / PLAN_FILE).is_file():
        held = "a single comparison" if (out / STAGE_FILE).is_file() else "something else than a grid"
        raise ValueError(f"{out} holds {held}: give --out another folder")
    for cell in cells:
        print(describe_cell(cell, RecordStore.open(step.store)))
    where = (step.store, out, ECGGenerator.from_pretrained)
    today = datetime.date.today().isoformat()
    with locked(out):
        comparisons = run_grid(
            cells,
            *where,
            step.workers,
            step.allow_other_training,
            started=lambda: keep(plan, out),
            write_page=partial(write_comparison_page, date=today),
        )
    write_grid_page(comparisons, out / "grid.html", RecordStore.open(step.store).description, today)
    conclusions = [f"\n{name}\n{comparison.conclusion()}" for name, comparison in comparisons.items()]
    text = "\n".join([*conclusions, f"\n{len(comparisons)} cells; {out / 'grid.html'}, {out / 'grid.csv'}"])
    return Outcome({"out": out, "cells": {name: figures_of(one) for name, one in comparisons.items()}}, text)


def describe_cell(cell: GridCell, store: RecordStore) -> str:
    """The patients of a cell's target classes; where folds rotate, all that are tested on, and the first turn's others.

    Raises ValueError, naming the cell, as `plan_of_labels` and `outside_task`.
    """
    try:
        design = cell.turns[0].design
        task, targets = store.task(design.task), plan_of_labels(design, store).target_classes
        views = [part.design.subset.known_labels(store, part.design.folds) for part in cell.turns]
        splits = [
            split_rows(view, part.design.folds, part.design.subset, task)
            for view, part in zip(views, cell.turns, strict=True)
        ]
        rows = replace(splits[0], test=np.concatenate([rows.test for rows in splits]))
        counts = ClassCounts(views[0], task, rows).describe(targets)
        lines = (f"{cell.name}:", outside_task(store, task), rows.unlabelled_text(), counts)
    except ValueError as error:
        raise ValueError(f"cell {cell.name!r}: {error}") from error
    return "\n".join(filter(None, lines))


def keep(plan: Path, folder: Path) -> None:
    """Writes the plan into the folder of the grid."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / PLAN_FILE, plan.read_text(encoding="utf-8"))


def read_plan(step: ComparingStep, path: Path) -> tuple[GridCell, ...]:
    """The cells of a plan, each over the options of the command line.

    Raises ValueError for a file without `cells:`, an unknown option of a cell, and as `grid_cells`.
    """
    values = read_yaml(path, "--plan")
    if set(values) != {"cells"} or not isinstance(values["cells"], list):
        raise ValueError(f"--plan {path}: expected a mapping with a list `cells:` and nothing else")
    defaults = options_of(step.comparison) | {"generator": str(step.generator or "")}
    cells = []
    for number, one in enumerate(values["cells"], 1):
        if not isinstance(one, dict):
            raise ValueError(f"--plan {path}: cell {number} is {one!r}; expected options by name")
        origin = f"--plan {path}: cell {number}"
        if "rotate" in one and "folds" in one:
            raise ValueError(f"{origin} has rotate and folds: name one of them")
        cell: Cell = build(PlannedCell, one, defaults, origin)
        if step.quick and cell.model:
            cell = replace(cell, steps=min(cell.steps or recipe(cell.model).fit.steps, QUICK_STEPS))
        cells.append(cell)
    return grid_cells(cells)


def write_results(folder: Path, result: Path, command: str, cells: Sequence[str] = ()) -> list[Path]:
    """Writes the figures of a finished comparison to `result`, or those of these cells of a grid beside it.

    The file of a cell, which is given by the name of its folder, has the cell's name after that of `result`. The grid's
    folder may hold cells of other plans too. Returns the paths.
    """
    names = {cell: f"{result.stem}-{'-'.join(re.findall('[a-z0-9]+', cell.lower()))}" for cell in cells}
    comparisons = {names[cell]: read_comparison(folder / "cells" / cell) for cell in cells}
    comparisons = comparisons or {result.stem: comparison_of(folder)}
    experiments = [comparison_experiment(one, name, command) for name, one in comparisons.items()]
    return [write_experiment(experiment, result.parent) for experiment in experiments]


def figures_of(comparison: Comparison) -> dict[str, Any]:
    """The arms of a comparison, their scores, and the verdicts on them."""
    return {
        "main_arm": comparison.analysis.main_arm,
        "primary_metric": comparison.analysis.primary_metric,
        "seeds": comparison.seeds,
        "test_records": comparison.test_records,
        "test_patients": comparison.test_patients,
        "arms": comparison.arms,
        "scores": comparison.scores,
        "differences": comparison.differences,
        "class_differences": comparison.class_differences,
        "candidates": comparison.candidates,
        "cautions": comparison.cautions,
    }


def outcome(stage: Stage) -> Outcome:
    """The comparison in figures and in words."""
    return Outcome.of_stage(stage, summary(stage), **figures_of(comparison_of(stage.folder)))


@described
def summary(stage: Stage) -> str:
    """Scores of the arms and the verdicts."""
    figures, comparison = stage.figures or {}, comparison_of(stage.folder)
    counts = ", ".join(f"{name} {count:,}" for name, count in figures["added"].items() if count)
    every = comparison.scores[comparison.scores["group"] == "all classes"]
    table = every.pivot(index="arm", columns="metric", values="mean").loc[list(comparison.arms["arm"])]
    return "\n".join(
        (
            f"each adding arm adds {figures['added_records']:,} training records ({counts}) with the first of "
            f"{len(comparison.seeds)} seeds",
            table.round(4).to_string(),
            f"F1 at thresholds by {comparison.threshold_policy}",
            comparison.conclusion(),
            f"{stage.seconds / 60:.1f} minutes; {stage.folder}",
        )
    )
