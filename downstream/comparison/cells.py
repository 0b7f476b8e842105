"""The plan of a grid of comparisons: cells, what differs between them, and the folds that rotate."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vqecg.downstream.augmentation.plan import slug
from vqecg.downstream.classifiers.settings import recipe
from vqecg.downstream.comparison.design import Design
from vqecg.records.folds import FoldSplit, folds_name
from vqecg.records.store.subset import TrainingSubset


@dataclass(frozen=True)
class Cell:
    """One comparison of a grid; what the plan does not name is as the command line says."""

    name: str = ""  # of the cell; none = made from what it holds. Cells of one name that differ in folds are pooled
    arms: tuple[str, ...] = ()
    task: str = "superdiagnostic"
    target_classes: tuple[str, ...] = ()
    ratio: float = 0.5
    companions: float = 0.0
    folds: FoldSplit = field(default_factory=FoldSplit)
    rotate: tuple[int, ...] = ()  # folds of which each is tested on in turn, the next one validates, the others train
    together: int = 1  # folds of `rotate` tested on at once: fewer generators to train, of fewer training records each
    subset: TrainingSubset = field(default_factory=TrainingSubset)
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    model: str = ""  # classifier, trained by its recipe; none = the command's --training
    steps: int = 0  # of the classifier; 0 = as the recipe, or --training, says
    generator: str = ""  # folder; {test_fold}, {scarce_class}, {scarce_records} and {fraction} are filled in


@dataclass(frozen=True)
class CellPart:
    """A design with its generator: a cell, or one test fold of it."""

    design: Design
    generator: Path


@dataclass(frozen=True)
class GridCell:
    """What gives one comparison: one part, or one for every test fold (or few of them together), which are pooled."""

    name: str
    parts: tuple[CellPart, ...]

    @property
    def slug(self) -> str:
        """The name of its folder."""
        return slug(self.name)

    @property
    def pooled(self) -> bool:
        """Whether its parts are folds."""
        return len(self.parts) > 1


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


def grid_cells(cells: Sequence[Cell], base: Design) -> tuple[GridCell, ...]:
    """What is run, with everything that a cell does not name from `base`.

    Raises ValueError for no cell, for one that has both `rotate` and folds of its own or `together` without `rotate`,
    and for two of one name that differ in more than folds, or share a test fold.
    """
    if not cells:
        raise ValueError("the plan has no cell; expected a list `cells:` with at least one")
    named: dict[str, list[tuple[Cell, CellPart]]] = {}
    for cell in cells:
        if cell.rotate and cell.folds not in (base.folds, FoldSplit()):
            raise ValueError(f"cell {cell.name or name_of(cell)!r} has rotate and folds: name one of them")
        if cell.together != 1 and not cell.rotate:
            raise ValueError(f"cell {cell.name or name_of(cell)!r} has together, but no folds to rotate")
        for folds in rotated(cell.rotate, cell.together) if cell.rotate else [cell.folds]:
            own = replace(cell, folds=folds, rotate=(), together=1)
            named.setdefault(cell.name or name_of(cell), []).append((own, part_of(own, base)))
    for name, found in named.items():
        alike = {replace(cell, folds=FoldSplit()) for cell, _ in found}
        tested = [fold for cell, _ in found for fold in cell.folds.test]
        if len(alike) > 1 or len(set(tested)) < len(tested):
            raise ValueError(
                f"{len(found)} cells are named {name!r}; expected cells of one name to differ only in their folds, "
                "with other test folds each: give them names of their own"
            )
    slugs = [slug(name) for name in named]
    if len(set(slugs)) < len(slugs):
        raise ValueError(f"the cells' names {list(named)} are not different enough to be the names of folders")
    return tuple(GridCell(name, tuple(part for _, part in found)) for name, found in named.items())


def name_of(cell: Cell) -> str:
    """A name made from what most often differs."""
    words = [cell.task, str(cell.subset) if cell.subset.reduces else "", f"ratio {cell.ratio:g}"]
    words += [f"companions {cell.companions:g}" if cell.companions else ""]
    turns = f"rotating folds{f', {cell.together} at once' if cell.together > 1 else ''}"
    words += ["+".join(cell.target_classes), cell.model, turns if cell.rotate else ""]
    return ", ".join(filter(None, words))


def part_of(cell: Cell, base: Design) -> CellPart:
    """A cell of fixed folds as a design. Raises ValueError for an unknown model or place holder."""
    classifier = recipe(cell.model) if cell.model else base.classifier
    if cell.steps:
        classifier = classifier.of_steps(cell.steps)
    design = replace(
        base,
        arms=cell.arms or base.arms,
        task=cell.task,
        target_classes=cell.target_classes,
        ratio=cell.ratio,
        companions=cell.companions,
        folds=cell.folds,
        subset=cell.subset,
        seeds=cell.seeds,
        classifier=classifier,
    )
    known = {
        "test_fold": folds_name(cell.folds.test),
        "scarce_class": cell.subset.scarce_class,
        "scarce_records": cell.subset.scarce_records,
        "fraction": f"{cell.subset.fraction:g}",
    }
    try:
        return CellPart(design, Path(cell.generator.format(**known)))
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(
            f"generator is {cell.generator!r}; expected a folder, in which {{{'}, {'.join(known)}}} are filled in"
        ) from error
