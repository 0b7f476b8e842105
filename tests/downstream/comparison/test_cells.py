"""The plan of a grid: what a cell takes over, folds that rotate, cells that are pooled, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vqecg.downstream.classifiers.settings import CLASSIFIER_FIT, ClassifierSettings
from vqecg.downstream.comparison.cells import Cell, grid_cells, rotated
from vqecg.downstream.comparison.design import Design
from vqecg.records.folds import FoldSplit
from vqecg.records.store.subset import TrainingSubset

BASE = Design()
ROTATING = Cell(rotate=(1, 2, 3, 4), generator="folds/{test_fold}/prior")


def design(**changes: Any) -> Design:
    return replace(BASE, **changes)


def test_every_fold_is_tested_on_once_and_never_trained_on_then():
    splits = rotated((1, 2, 5, 9))
    assert [split.test for split in splits] == [(1,), (2,), (5,), (9,)]
    assert [split.validation for split in splits] == [(2,), (5,), (9,), (1,)]
    assert all(sorted((*split.train, *split.validation, *split.test)) == [1, 2, 5, 9] for split in splits)
    with pytest.raises(ValueError, match="a third for training"):
        rotated((1, 2))


@pytest.mark.parametrize(("folds", "together"), [(4, 2), (9, 3), (7, 3), (9, 4), (9, 7)])
def test_folds_tested_on_together_are_tested_on_once_too(folds: int, together: int):
    splits = rotated(range(1, folds + 1), together)
    assert [fold for split in splits for fold in split.test] == list(range(1, folds + 1))
    assert {len(split.test) for split in splits[:-1]} <= {together} and len(splits) == -(-folds // together)
    for split in splits:
        assert split.train and len(split.validation) == 1
        assert sorted((*split.train, *split.validation, *split.test)) == list(range(1, folds + 1))


def test_rotating_folds_are_one_cell_with_a_generator_for_each():
    (cell,) = grid_cells([ROTATING])
    assert cell.pooled and [part.generator for part in cell.parts] == [Path(f"folds/{n}/prior") for n in (1, 2, 3, 4)]
    assert [part.design.folds.test for part in cell.parts] == [(1,), (2,), (3,), (4,)]


def test_cells_that_differ_only_in_test_folds_are_pooled():
    splits = [FoldSplit((1, 2), (3,), (4,)), FoldSplit((3, 4), (1,), (2,))]
    (cell,) = grid_cells([Cell(design=design(folds=split), generator="g") for split in splits])
    assert cell.pooled and [part.design.folds for part in cell.parts] == splits


def test_folds_together_have_one_generator_and_a_name_of_their_own():
    cell, single = grid_cells([replace(ROTATING, together=2), ROTATING])
    assert [part.generator for part in cell.parts] == [Path("folds/1-2/prior"), Path("folds/3-4/prior")]
    assert [part.design.folds.test for part in cell.parts] == [(1, 2), (3, 4)]
    assert cell.name.endswith("rotating folds, 2 at once") and single.name.endswith("rotating folds")


def test_fewer_steps_than_the_warm_up_shorten_it():
    (cell,) = grid_cells([Cell(steps=20, generator="g")])
    assert (cell.parts[0].design.training.fit.steps, cell.parts[0].design.training.fit.warmup_steps) == (20, 10)


def test_a_comparison_that_could_only_fail_later_is_refused_when_it_is_named():
    with pytest.raises(ValueError, match="the main arm is 'real only'"):
        design(analysis=replace(BASE.analysis, main_arm="real only")).check()
    with pytest.raises(ValueError, match="classifier 'vgg' is unknown"):
        ClassifierSettings(model="vgg")
    with pytest.raises(ValueError, match="steps"):
        ClassifierSettings(fit=replace(CLASSIFIER_FIT, steps=-5))


def test_a_cell_takes_over_what_it_does_not_name_and_fills_in_its_generators_path():
    subset = TrainingSubset("HYP", 50)
    given = Cell(
        design=design(arms=("mixup", "prior samples"), subset=subset, ratio=1.0, only_able=True),
        model="bi-lstm",
        steps=7,
        generator="g/{scarce_class}-{scarce_records}",
    )
    (cell,) = grid_cells([given])
    (part,) = cell.parts
    assert part.generator == Path("g/HYP-50") and not cell.pooled
    assert part.design.subset == subset and part.design.only_able and part.design.ratio == 1.0
    assert part.design.training.model == "bi-lstm" and part.design.training.fit.steps == 7
    assert cell.name == "superdiagnostic, HYP cut to 50 (seed 0), ratio 1, bi-lstm"
    assert cell.slug == "superdiagnostic-hyp-cut-to-50-seed-0-ratio-1-bi-lstm"


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (lambda: [], "the plan has no cell"),
        (lambda: [Cell(), Cell()], "2 cells are named 'superdiagnostic, ratio 0.5'.*give them names"),
        (
            lambda: [Cell("a", design(ratio=1.0)), Cell("a", design(folds=FoldSplit((1,), (2,), (3,))))],
            "differ only in their folds",
        ),
        (lambda: [Cell("a b"), Cell("a-b")], "not different enough"),
        (lambda: [Cell(model="vgg")], "classifier 'vgg' is unknown"),
        (lambda: [Cell(design=design(arms=("smote",)))], "arm 'smote' is unknown"),
        (
            lambda: [Cell(design=design(arms=("mixup",)))],
            "the main arm is 'prior samples', the arms are real only, duplication, mixup",
        ),
        (lambda: [Cell(generator="folds/{fold}")], "in which .*test_fold.* are filled in"),
        (lambda: [Cell(rotate=(1,))], "a third for training"),
        (
            lambda: [Cell("a", design(folds=FoldSplit((1,), (2,), (3, n)))) for n in (4, 5)],
            "other test folds each",
        ),
        (lambda: [Cell(together=2)], "together, but no folds to rotate"),
        (lambda: [Cell(rotate=(1, 2, 3), together=2)], "2 tested on together"),
        (lambda: [Cell(rotate=(1, 2, 3), together=0)], "together is 0"),
        (lambda: [Cell(design=design(folds=FoldSplit((1,), (2,), ())))], "one to test on"),
        (lambda: [Cell(design=design(seeds=(0, 0)))], "none twice"),
        (lambda: [Cell(model="label-correlation")], "'asymmetric loss' trains as all arms do"),
        (lambda: [Cell(generator="folds/{test_fold.first}")], "in which .*test_fold.* are filled in"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(cells: Callable[[], list[Cell]], told: str):
    with pytest.raises(ValueError, match=told):
        grid_cells(cells())


def test_every_draw_has_its_subset_seeds_and_generator_and_all_folds():
    subset = TrainingSubset(fraction=0.2, seed=4)
    given = Cell("few", design(subset=subset, seeds=(0, 2)), (1, 2, 3), draws=3, generator="{draw}/{test_fold}")
    (cell,) = grid_cells([given])
    assert (cell.draws, len(cell.parts), cell.pooled) == (3, 9, True)
    assert [str(part.generator) for part in cell.parts] == [f"{draw}/{fold}" for draw in range(3) for fold in (1, 2, 3)]
    assert [part.design.subset.seed for part in cell.parts[::3]] == [4, 5, 6]
    assert [part.design.seeds for part in cell.parts[::3]] == [(0, 2), (3, 5), (6, 8)]
    assert cell.turns == cell.parts[:3]
    once = grid_cells([replace(given, draws=1)])[0]
    assert once.parts == cell.turns and once.draws == 1, "the first draw is what one draw is"
    assert "3 draws" in grid_cells([replace(given, name="")])[0].name


@pytest.mark.bad_input("draws of nothing")
def test_draws_in_which_only_seeds_would_differ_are_refused():
    with pytest.raises(ValueError, match="draws is 2, but each has all training records and one generator"):
        grid_cells([Cell("same", BASE, draws=2, generator="one")])
    assert grid_cells([Cell("same", BASE, draws=2, generator="one-{draw}")])[0].draws == 2
