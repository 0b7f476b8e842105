"""A grid of comparisons: shared runs, going on, pooled folds, and generators that have seen too much."""

import json
import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vqecg.downstream.augmentation.methods.registry import AugmentationSettings
from vqecg.downstream.augmentation.stream import StreamSettings
from vqecg.downstream.classifiers.settings import CLASSIFIER_FIT, ClassifierSettings
from vqecg.downstream.comparison.cells import Cell, GridCell, grid_cells, rotated
from vqecg.downstream.comparison.comparison import read_comparison
from vqecg.downstream.comparison.design import Design
from vqecg.downstream.comparison.grid import check_even, run_grid
from vqecg.downstream.comparison.results import Analysis
from vqecg.downstream.comparison.runs import is_run
from vqecg.downstream.comparison.tuning_settings import TuningSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainedOn, TrainingSubset
from vqecg.records.unknown_labels import with_unknown_column
from vqecg.reports.comparison.grid_page import write_grid_page
from vqecg.reports.comparison.page import write_comparison_page

ROTATED = (1, 2, 3, 4)
FOLDS = FoldSplit((1, 2, 3, 4, 5, 6), (7, 8), (9, 10))
BASE = Design(
    arms=("prior samples", "mixup"),
    target_classes=("HYP",),
    folds=FOLDS,
    seeds=(0,),
    training=ClassifierSettings(fit=replace(CLASSIFIER_FIT, steps=2, batch_size=8, warmup_steps=1, evaluate_every=2)),
    augmentation=AugmentationSettings(least=1, attempts=1),
    analysis=Analysis(replicates=20),
)


@dataclass(frozen=True)
class Loader:
    """Gives the tiny generator, trained on what its folder's name says; can be sent to another process."""

    generator: Path
    store: str

    def __call__(self, folder: Path) -> ECGGenerator:
        made = ECGGenerator.from_pretrained(self.generator)
        if folder.name.startswith("without-"):
            test = tuple(map(int, folder.name.removeprefix("without-").split("-")))
            seen = next(split for split in rotated(ROTATED, len(test)) if split.test == test)
        else:
            seen = FOLDS
        subset = TrainingSubset("NORM", 10) if folder.name == "norm-10" else TrainingSubset()
        if folder.name.startswith("half-"):
            subset = TrainingSubset(fraction=0.5, seed=int(folder.name.removeprefix("half-")))
        told = TrainedOn(self.store, seen, subset)
        made.trained_on = {} if folder.name == "silent" else {"prior": told, "tokenizer": told}
        return made


@pytest.fixture(scope="module")
def load(
    simulated_store: RecordStore, tiny_generator: ECGGenerator, tmp_path_factory: pytest.TempPathFactory
) -> Loader:
    folder = tmp_path_factory.mktemp("grid") / "generator"
    tiny_generator.save_pretrained(folder)
    return Loader(folder, simulated_store.fingerprint)


@pytest.mark.slow
def test_rotating_folds_are_tuned_each_on_its_own_validation_fold(
    simulated_store: RecordStore, load: Loader, tmp_path: Path
) -> None:
    tuning = TuningSettings(steps=(1, 2), shares=(0.0, 0.5), seeds=(9,))
    analysis = replace(BASE.analysis, against=("mixture",))
    design = replace(BASE, arms=("prior samples", "mixture"), ratio=2.0, tuning=tuning, analysis=analysis)
    design = replace(design, stream=StreamSettings(times=0.05))
    cell = Cell("tuned", design, rotate=ROTATED, together=2, generator="without-{test_fold}")
    run = partial(run_grid, cells(cell), simulated_store.folder, tmp_path, load, allow_other=True, progress=False)
    comparison = run()["tuned"]
    assert {row["folds"] for row in comparison.candidates} == {"1-2", "3-4"}
    chosen = [(row["arm"], row["folds"]) for row in comparison.candidates if row["chosen"]]
    assert sorted(chosen) == sorted(set(chosen)) and len(chosen) == 2 * 4
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*") if path.name != "grid.csv"}
    assert json.dumps(run()["tuned"].to_dict()) == json.dumps(comparison.to_dict())
    assert {path: path.stat().st_mtime_ns for path in written} == written


def cells(*given: Cell) -> tuple[GridCell, ...]:
    return grid_cells(given)


def designed(**changes: Any) -> Design:
    return replace(BASE, **changes)


FEW = TrainingSubset("NORM", 10)
THREE = cells(
    Cell("low", designed(ratio=0.5), generator="all"),
    Cell("high", designed(ratio=0.8), generator="all"),
    Cell("scarce", designed(subset=FEW, ratio=1.5, target_classes=("NORM",)), generator="norm-10"),
)


def run(given: tuple[GridCell, ...], store: RecordStore, folder: Path, load: Loader, **more):
    pages = partial(write_comparison_page, date="1 May 2030")
    found = run_grid(given, store.folder, folder, load, progress=False, write_page=pages, **more)
    write_grid_page(found, folder / "grid.html", store.description, "1 May 2030")
    return found


def times(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def finished(simulated_store: RecordStore, load: Loader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    found = run(THREE, simulated_store, folder, load)
    assert list(found) == ["low", "high", "scarce"]
    return folder


@pytest.mark.slow
def test_cells_share_what_is_the_same_and_nothing_else(finished: Path):
    runs = sorted(path.name.rsplit("-", 1)[0] for path in (finished / "runs").iterdir())
    one = ["duplication-0", "mixup-0", "prior-samples-0", "real-only-0"]
    assert runs == sorted([*one, *one, "duplication-0", "prior-samples-0"]), "two cells share what adds nothing"
    table = pd.read_csv(finished / "grid.csv")
    assert set(table["cell"]) == {"low", "high", "scarce"} and set(table["of"]) >= {"scarce classes", "HYP"}
    page = (finished / "grid.html").read_text(encoding="utf-8")
    assert 'href="cells/low/comparison.html"' in page and (finished / "cells/low/comparison.html").is_file()


@pytest.mark.slow
def test_a_grid_skips_what_is_done_and_goes_on_where_it_stopped(
    finished: Path, simulated_store: RecordStore, load: Loader, tmp_path: Path
):
    folder = tmp_path / "grid"
    shutil.copytree(finished, folder)
    before = times(folder)
    run(THREE, simulated_store, folder, load)
    again = {name for name, time in times(folder).items() if before.get(name) != time}
    assert again == {"grid.csv", "grid.html"}, "nothing is trained or made again"
    gone = next(path for path in (folder / "runs").iterdir() if path.name.startswith("prior-samples-0"))
    shutil.rmtree(gone)
    shutil.rmtree(folder / "cells" / "high")
    before = times(folder)
    run(THREE, simulated_store, folder, load)
    done = {Path(name).parts[:2] for name, time in times(folder).items() if before.get(name) != time}
    assert done == {("grid.csv",), ("grid.html",), ("runs", gone.name), ("cells", "high")}
    for place in ("low", "high", "scarce"):
        kept = [json.loads((root / "cells" / place / "comparison.json").read_text()) for root in (finished, folder)]
        assert kept[0] == kept[1]


@pytest.mark.slow
def test_a_cell_is_judged_before_the_next_one_is_trained(finished: Path):
    judged = (finished / "cells" / "low" / "comparison.json").stat().st_mtime_ns
    trained = [path.stat().st_mtime_ns for path in (finished / "runs").glob("*/run.json")]
    assert min(trained) < judged < max(trained)


@pytest.mark.slow
def test_a_run_whose_content_is_not_what_its_name_says_is_refused(
    finished: Path, simulated_store: RecordStore, load: Loader, tmp_path: Path
):
    folder = tmp_path / "grid"
    shutil.copytree(finished, folder)
    place = next((folder / "runs").glob("mixup-0-*"))
    about = json.loads((place / "run.json").read_text())
    about["identity"]["classifier"]["fit"]["steps"] = 3
    (place / "run.json").write_text(json.dumps(about))
    with pytest.raises(ValueError, match=r"classifier.fit.steps 3 there, 2 asked for"):
        run(THREE, simulated_store, folder, load)


@pytest.mark.slow
def test_another_analysis_of_a_cell_uses_the_trained_classifiers(
    finished: Path, simulated_store: RecordStore, load: Loader, tmp_path: Path
):
    folder = tmp_path / "grid"
    shutil.copytree(finished, folder)
    before = times(folder)
    other = cells(Cell("low", designed(analysis=Analysis(replicates=30)), generator="all"))
    told = "JUDGED BEFORE by another analysis or other seeds (main_arm prior samples, primary_metric auroc"
    assert not any("JUDGED BEFORE" in caution for caution in read_comparison(folder / "cells" / "low").cautions)
    for _ in range(2):  # the second time as it was kept
        found = run(other, simulated_store, folder, load)["low"]
        assert found.analysis.replicates == 30 and [told in caution for caution in found.cautions].count(True) == 1
    assert told in (folder / "grid.html").read_text(encoding="utf-8")
    file = folder / "cells" / "low" / "cell.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**content, "earlier": [*content["earlier"], content["judged"]]}))
    found = run(other, simulated_store, folder, load)["low"]  # taken for another analysis once, by mistake
    assert ["JUDGED BEFORE" in caution for caution in found.cautions].count(True) == 1
    assert json.loads(file.read_text(encoding="utf-8")) == content
    changed = {Path(name).parts[0] for name, time in times(folder).items() if before.get(name) != time}
    assert changed == {"cells", "grid.csv", "grid.html"}


@pytest.mark.slow
def test_a_cell_says_that_seeds_were_added_after_it_had_been_judged(
    finished: Path, simulated_store: RecordStore, load: Loader, tmp_path: Path
):
    folder = tmp_path / "grid"
    shutil.copytree(finished, folder)
    more = cells(Cell("low", designed(seeds=(0, 1)), generator="all"))
    found = run(more, simulated_store, folder, load)["low"]
    assert found.seeds == (0, 1)
    assert any("JUDGED BEFORE" in caution and "seeds [0])" in caution for caution in found.cautions)


def test_a_generator_that_has_seen_too_much_is_refused_before_anything_is_made(
    simulated_store: RecordStore, load: Loader, tmp_path: Path
):
    rotating = Cell("folds", BASE, ROTATED, generator="without-3")
    scarce = Cell("scarce", designed(subset=TrainingSubset("NORM", 10)), generator="all")
    silent = Cell("silent", BASE, generator="silent")
    for cell, told in (
        (rotating, r"cell 'folds', test folds \[1\].*seen the test folds \[1\]"),
        (scarce, "all training records, not NORM cut to 10 .*--subset .*--allow-other-training"),
        (silent, "does not say which records its tokenizer and prior were trained on"),
    ):
        with pytest.raises(ValueError, match=told):
            run(cells(cell), simulated_store, tmp_path / "grid", load)
    assert not (tmp_path / "grid").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("together", "tested_on"), [(1, ("1", "2", "3", "4")), (2, ("1-2", "3-4"))])
def test_rotating_folds_are_pooled_in_one_or_several_processes_and_test_every_record_once(
    simulated_store: RecordStore, load: Loader, tmp_path: Path, together: int, tested_on: tuple[str, ...]
):
    design = designed(arms=("prior samples",), ratio=1.0)
    given = Cell("folds", design, ROTATED, together, generator="without-{test_fold}")
    found = run(cells(given), simulated_store, tmp_path, load, workers=together)["folds"]  # with one and with two
    tested = simulated_store.table["fold"].isin(ROTATED).to_numpy()
    assert found.folds == tested_on and found.test_records == tested.sum()
    assert len([place for place in (tmp_path / "runs").iterdir() if is_run(place)]) == 3 * len(tested_on)
    totals = simulated_store.labels(simulated_store.task("superdiagnostic"))[tested].sum(0)
    positives = found.per_class.drop_duplicates("class_name")["test_positives"].to_numpy()
    np.testing.assert_array_equal(positives, totals)
    assert found.remarks == () and found.normalised
    folds = pd.read_csv(tmp_path / "cells" / "folds" / "folds.csv")
    assert set(folds["arm"]) == set(found.arms["arm"]) and folds["folds"].max() == len(tested_on)


@pytest.mark.slow
def test_draws_have_their_training_records_and_generators_and_one_test_part(
    simulated_store: RecordStore, load: Loader, tmp_path: Path
):
    design = designed(arms=("prior samples",), ratio=1.0, subset=TrainingSubset(fraction=0.5))
    given = cells(Cell("drawn", design, draws=3, generator="half-{draw}"))
    found = run(given, simulated_store, tmp_path, load)["drawn"]
    assert (found.draws, found.seeds, found.test_records) == (
        3,
        (0,),
        simulated_store.table["fold"].isin((9, 10)).sum(),
    )
    assert (found.differences["draws"] == 3).all() and (found.scores["seeds"] == 3).all()
    runs = [json.loads((place / "run.json").read_text())["identity"] for place in (tmp_path / "runs").iterdir()]
    assert len({one["data"]["real only"] for one in runs}) == 3 and {one["seed"] for one in runs} == {0, 1, 2}
    assert sum("fraction" in remark or "of the training patients" in remark for remark in found.remarks) == 3
    assert "in each of 3 draws" in (tmp_path / "cells" / "drawn" / "comparison.html").read_text()
    again = times(tmp_path / "cells")
    run(given, simulated_store, tmp_path, load)
    assert times(tmp_path / "cells") == again


def test_a_class_too_uneven_for_ranks_within_the_fold_is_refused_before_anything_is_made(
    simulated_store: RecordStore, load: Loader, tmp_path: Path
):
    names = simulated_store.task("superdiagnostic").class_names
    column = simulated_store.labels(simulated_store.task("superdiagnostic"))[:, names.index("NORM")] > 0
    table = simulated_store.table.assign(fold=np.where(column, 1, simulated_store.table["fold"].clip(2, 4)))
    store = replace(simulated_store, table=table)
    cell = Cell("folds", designed(ratio=1.0), ROTATED, generator="all")
    with pytest.raises(
        ValueError, match=r"cell 'folds': NORM has \d+ positives in fold 1, expected about .*raw-scores"
    ):
        check_even(cells(cell)[0], store)
    raw = designed(ratio=1.0, analysis=Analysis(replicates=20, pool_raw_scores=True))
    check_even(cells(replace(cell, design=raw))[0], store)


def test_a_test_record_without_a_label_of_the_task_does_not_count_in_the_look_at_prevalence(
    simulated_store: RecordStore,
):
    row = int(np.flatnonzero(simulated_store.table["fold"] == ROTATED[0])[0])
    unknown, statements = [()] * len(simulated_store), [*simulated_store.table["statements"]]
    unknown[row], statements[row] = tuple(simulated_store.task("superdiagnostic").members), {}
    table = with_unknown_column(simulated_store.table.assign(statements=statements), unknown)
    store = replace(simulated_store, table=table)
    check_even(cells(Cell("folds", designed(ratio=1.0), ROTATED, generator="all"))[0], store)


@pytest.mark.slow
def test_an_allowed_other_training_is_a_caution_on_every_page(
    simulated_store: RecordStore, load: Loader, tmp_path: Path
):
    scarce = replace(THREE[2], parts=(replace(THREE[2].parts[0], generator=Path("all")),))
    found = run((scarce,), simulated_store, tmp_path, load, allow_other=True)["scarce"]
    assert any("CAUTION, OTHER TRAINING" in caution for caution in found.cautions)
    for page in ("grid.html", "cells/scarce/comparison.html"):
        assert "CAUTION, OTHER TRAINING" in (tmp_path / page).read_text(encoding="utf-8")
