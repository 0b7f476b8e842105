"""The plan of a grid of comparisons: cells, what differs between them, and the folds that rotate."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vqecg.downstream.augmentation.plan import slug
from vqecg.downstream.classifiers.settings import recipe
from vqecg.downstream.comparison.design import Design
from vqecg.records.bounds import Checked, Count, CountOrNone
from vqecg.records.folds import FoldSplit, folds_name


@dataclass(frozen=True)
class Cell(Checked):
    """One comparison of a grid."""

    name: str = ""  # of the cell; none = made from what it holds. Cells of one name that differ in folds are pooled
    design: Design = field(default_factory=Design)
    rotate: tuple[Count, ...] = ()  # folds of which each is tested on in turn, the next one validates, the others train
    together: Count = 1  # folds of `rotate` tested on at once: fewer generators to train, of fewer records each
    model: str = ""  # classifier, trained by its recipe; none = as the design says
    steps: CountOrNone = 0  # of the classifier; 0 = as the recipe, or the design, says
    draws: Count = 1  # of the records left or labelled (subset.seed), generator and additions; seeds are others in each
    generator: str = ""  # folder; {test_fold}, {draw}, {scarce_class}, {scarce_records} and {fraction} are filled in

    def with_folds(self, folds: FoldSplit) -> "Cell":
        """The same of these folds, which do not rotate."""
        return replace(self, design=replace(self.design, folds=folds), rotate=(), together=1)

    def of_draw(self, draw: int) -> "Cell":
        """The same of one draw, numbered from 0: with another subset, and other seeds, so with other additions too."""
        design, moved = self.design, draw * (max(self.design.seeds) + 1)
        subset = replace(design.subset, seed=design.subset.seed + draw)
        seeds = tuple(seed + moved for seed in design.seeds)
        return replace(self, design=replace(design, subset=subset, seeds=seeds), draws=1)


@dataclass(frozen=True)
class CellPart:
    """A design, with its generator where one is named: a cell, or one test fold of it, in one draw."""

    design: Design
    generator: Path | None  # None where no arm needs one
    draw: int = 0


@dataclass(frozen=True)
class GridCell:
    """The parts of one comparison: one per draw and test fold (or few folds together), which are pooled.

    The parts of the first draw come first; every draw has the same folds in the same order.
    """

    name: str
    parts: tuple[CellPart, ...]

    @property
    def slug(self) -> str:
        """The name of its folder."""
        return slug(self.name)

    @property
    def pooled(self) -> bool:
        """True where its parts are folds."""
        return len(self.turns) > 1

    @property
    def draws(self) -> int:
        """The number of draws of training records, generator and additions."""
        return self.parts[-1].draw + 1

    @property
    def turns(self) -> tuple[CellPart, ...]:
        """The parts of the first draw: one per test fold, or a single one."""
        return tuple(part for part in self.parts if part.draw == 0)


def rotated(folds: Sequence[int], together: int = 1) -> list[FoldSplit]:
    """Each fold as the test fold, the next one (after the last the first) for validation, the others for training.

    `together` folds at once are tested on by the same classifiers. Raises ValueError where none would be left to train
    on, or none to rotate.
    """
    if not 1 <= together < len(folds) - 1:
        raise ValueError(
            f"rotate is {list(folds)}, {together} tested on together; expected at least one fold to test on, another "
            "for validation and a third for training"
        )
    splits = []
    for start in range(0, len(folds), together):
        test = tuple(folds[start : start + together])
        validation = folds[(start + len(test)) % len(folds)]
        splits.append(FoldSplit(tuple(fold for fold in folds if fold not in (*test, validation)), (validation,), test))
    return splits


def grid_cells(cells: Sequence[Cell]) -> tuple[GridCell, ...]:
    """The comparisons that a plan's cells give.

    Raises ValueError for no cell, for one that has `together` without `rotate`, and for two of one name that differ in
    more than folds, or share a test fold.
    """
    if not cells:
        raise ValueError("the plan has no cell; expected a list `cells:` with at least one")
    named: dict[str, list[Cell]] = {}
    for cell in cells:
        name = cell.name or name_of(cell)
        if cell.together != 1 and not cell.rotate:
            raise ValueError(f"cell {name!r} has together, but no folds to rotate")
        splits = rotated(cell.rotate, cell.together) if cell.rotate else [cell.design.folds]
        named.setdefault(name, []).extend(cell.with_folds(folds) for folds in splits)
    for name, same in named.items():
        alike = {cell.with_folds(FoldSplit()) for cell in same}
        tested = [fold for cell in same for fold in cell.design.folds.test]
        if len(alike) > 1 or len(set(tested)) < len(tested):
            raise ValueError(
                f"{len(same)} cells are named {name!r}; expected cells of one name to differ only in their folds, "
                "with other test folds each: give them names of their own"
            )
    slugs = [slug(name) for name in named]
    if len(set(slugs)) < len(slugs):
        raise ValueError(f"the cells' names {list(named)} are not different enough to be the names of folders")
    return tuple(
        GridCell(name, tuple(part_of(cell, draw) for draw in range(same[0].draws) for cell in same))
        for name, same in named.items()
    )


def name_of(cell: Cell) -> str:
    """A name made from what most often differs."""
    design = cell.design
    words = [design.task, str(design.subset) if design.subset.reduces else "", f"ratio {design.ratio:g}"]
    words += [f"companions {design.companions:g}" if design.companions else ""]
    turns = f"rotating folds{f', {cell.together} at once' if cell.together > 1 else ''}"
    words += ["+".join(design.target_classes), cell.model, turns if cell.rotate else ""]
    words += [f"{cell.draws} draws" if cell.draws > 1 else ""]
    return ", ".join(filter(None, words))


def part_of(cell: Cell, draw: int = 0) -> CellPart:
    """One draw of a cell of fixed folds with its generator.

    Raises ValueError for an unknown model, arm or place holder, and for several draws of nothing but seeds.
    """
    if cell.draws > 1 and not cell.design.subset.reduces and "{draw}" not in cell.generator:
        raise ValueError(
            f"draws is {cell.draws}, but each has all training records and one generator ({cell.generator!r}): cut the "
            "records (subset), or put {draw} into the generator's folder; more seeds alone are named by --seeds"
        )
    design = cell.of_draw(draw).design
    subset = design.subset
    training = recipe(cell.model) if cell.model else design.training
    if cell.steps:
        training = training.of_steps(cell.steps)
    design = replace(design, training=training)
    design.check()
    known = {
        "test_fold": folds_name(design.folds.test),
        "scarce_class": subset.scarce_class,
        "scarce_records": subset.scarce_records,
        "fraction": f"{subset.fraction:g}",
        "draw": draw,
    }
    try:
        return CellPart(design, Path(cell.generator.format(**known)) if cell.generator else None, draw)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(
            f"generator is {cell.generator!r}; expected a folder, in which {{{'}, {'.join(known)}}} are filled in"
        ) from error
