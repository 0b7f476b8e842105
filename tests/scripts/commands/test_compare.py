"""`vqecg compare`: arms by name, a subset, generators of other training, a plan; and what is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from vqecg.downstream.comparison.arms.registry import QUICK, arms_of
from vqecg.downstream.comparison.design import Design
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import main
from vqecg.scripts.steps import comparing
from vqecg.scripts.steps.comparing import ComparingStep

SHORT = [
    "--preset",
    "tiny",
    "--training.fit.steps",
    "2",
    "--training.fit.batch-size",
    "8",
    "--training.fit.warmup-steps",
    "1",
]
FEW = ["--seeds", "0", "--analysis.replicates", "20", "--augmentation.least", "1"]
SUBSET = ["--subset.scarce-class", "NORM", "--subset.scarce-records", "12"]
TOKENIZER = ["--training.model.width", "8", "--training.model.levels", "2", "--training.model.codebook-size", "16"]
PRIOR = [
    "--training.model.width",
    "16",
    "--training.model.layers",
    "1",
    "--training.model.heads",
    "2",
    "--training.variants",
    "1",
]
PRIOR += ["--training.sketch.steps", "4", "--training.detail.steps", "4"]
FIT = ["--training.fit.steps", "4", "--training.fit.batch-size", "8", "--training.fit.evaluate-every", "2"]


@pytest.fixture(scope="module")
def store(simulated_store: RecordStore) -> Path:
    return simulated_store.folder


@pytest.fixture(scope="module")
def generator(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator of a subset, trained by the commands; its tokenizer is of the same subset."""
    folder = tmp_path_factory.mktemp("subset")
    given = ["--store", str(store), "--preset", "tiny", *FIT, *SUBSET, "--out"]
    assert main(["train-tokenizer", *given, str(folder / "tokenizer"), *TOKENIZER]) == 0
    words = ["train-prior", *given, str(folder / "prior"), "--tokenizer", str(folder / "tokenizer"), *PRIOR]
    assert main([*words, "--task", "superdiagnostic"]) == 0
    return folder / "prior"


def words(store: Path, generator: Path, out: Path, *more: object) -> list[str]:
    given = ["compare", "--store", store, "--generator", generator, "--out", out, *SHORT, *FEW, *more]
    return [str(word) for word in given]


def test_a_mixture_is_tuned_beside_all_other_arms(
    store: Path, generator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    given = words(store, generator, tmp_path / "new", *SUBSET, "--arms", "mixture", "--analysis.main-arm", "mixture")
    given += [
        "--ratio",
        "1",
        "--stream.times",
        "0.1",
        "--tuning.steps",
        "1",
        "2",
        "--tuning.shares",
        "0",
        "0.5",
        "--tuning.seeds",
        "9",
    ]
    assert main(given) == 0
    printed = capsys.readouterr().out
    for arm in ("real only", "duplication", "mixture"):
        assert f"{arm}, chosen on validation: " in printed
    stage = json.loads((tmp_path / "new" / "stage.json").read_text())
    assert stage["settings"]["tuning"]["shares"] == [0.0, 0.5] and stage["settings"]["stream"]["times"] == 0.1
    assert "All candidates" in (tmp_path / "new" / "comparison.html").read_text(encoding="utf-8")
    assert main(given) == 0
    assert capsys.readouterr().out.splitlines()[:-1] == printed.splitlines()[:-1], "read again, not trained again"


def test_a_generator_keeps_what_its_parts_were_trained_on(generator: Path, store: Path):
    seen = ECGGenerator.from_pretrained(generator).trained_on
    assert set(seen) == {"prior", "tokenizer"} and seen["prior"] == seen["tokenizer"]
    assert seen["prior"].subset.scarce_records == 12 and seen["prior"].store == RecordStore.open(store).fingerprint
    kept = json.loads((generator / "stage.json").read_text())["settings"]["subset"]
    assert kept["scarce_class"] == "NORM"


def test_a_generator_that_does_not_say_what_it_was_trained_on_is_taken_as_it_is(generator: Path, tmp_path: Path):
    copy = tmp_path / "generator"
    shutil.copytree(generator / "generator", copy)
    about = json.loads((copy / "config.json").read_text())
    del about["config"]["trained_on"]
    (copy / "config.json").write_text(json.dumps(about))
    assert ECGGenerator.from_pretrained(copy).trained_on == {}


@pytest.mark.slow
def test_a_scarce_class_is_filled_up_compared_and_told(
    store: Path, generator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
):
    arms = ["--arms", "mixup", "prior-samples", "prior-samples+reconstructions", "shuffled-labels", "--ratio", 1.5]
    given = words(store, generator, tmp_path / "comparison", *arms, *SUBSET)
    assert main(given) == 0
    printed = capsys.readouterr().out
    found = comparing.comparison_of(tmp_path / "comparison")
    assert found.group_classes["scarce classes"] == ("NORM",)
    assert list(found.arms["arm"]) == [
        *("real only", "duplication", "mixup", "prior samples", "prior samples + reconstructions", "shuffled labels")
    ]
    table = found.arms.set_index("arm")
    records = (table["real_records"] + table["synthetic_records"]).to_dict()
    assert records.pop("mixup") == records.pop("real only") < min(records.values()) == max(records.values())
    assert "Training records were taken away on purpose: NORM cut to 12 (seed 0)." in printed
    assert "HARM from prior samples" in printed and (tmp_path / "comparison" / "comparison.html").is_file()
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}
    old = tmp_path / "comparison" / "runs" / "comparison.json"
    for content in (old.read_text(encoding="utf-8"), "{}"):  # as it is, and as of another version
        old.write_text(content, encoding="utf-8")
        assert main(given) == 0
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")} == written
        assert comparing.comparison_of(tmp_path / "comparison").conclusion() == found.conclusion()
    told = refused(*given, "--ratio", 2)
    assert "ratio 1.5 there, 2.0 asked for" in told


def test_a_generator_that_may_have_seen_what_is_held_back_is_refused_or_told_of(
    store: Path, generator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
):
    arms = ["--arms", "prior-samples", "--target-classes", "HYP", "--ratio", 1]
    fewer = ["--subset.scarce-class", "NORM", "--subset.scarce-records", 8]
    given = words(store, generator, tmp_path / "comparison", *arms, *fewer)
    told = refused(*given)
    assert (
        "its tokenizer and prior were trained on other records: NORM cut to 12" in told
        and "--allow-other-training" in told
    )
    told = refused(*given, "--folds.validation", 10, "--folds.test", 9)
    assert "it has seen the test folds [9]" in told
    assert not (tmp_path / "comparison").exists()
    assert main([*given, "--allow-other-training"]) == 0
    assert capsys.readouterr().out.count("CAUTION, OTHER TRAINING") == 2, "at once, and in the conclusion"
    assert "CAUTION, OTHER TRAINING" in (tmp_path / "comparison" / "comparison.html").read_text(encoding="utf-8")


def test_a_generator_of_fewer_of_the_same_records_is_used_and_the_comparison_says_so(
    store: Path, generator: Path, tmp_path: Path, refused: Callable[..., str]
):
    arms = ["--arms", "prior-samples", "--target-classes", "HYP"]
    assert main(words(store, generator, tmp_path / "comparison", *arms)) == 0
    found = comparing.comparison_of(tmp_path / "comparison").cautions
    result = ("--result", tmp_path / "result.json")
    assert "no class is judged" in refused(*words(store, generator, tmp_path / "comparison", *arms, *result))
    told = [f"The generator's {part} was trained on fewer" for part in ("tokenizer", "prior")]
    assert [caution.split(" of these")[0] for caution in found][:2] == told


def test_quick_is_few_arms_seeds_and_steps_and_the_default_is_every_arm(tmp_path: Path):
    here = Path("x")
    quick = ComparingStep(here, here, here, quick=True).comparison
    assert quick.arms == arms_of(QUICK) and quick.seeds == (0, 1) and quick.training.fit.steps == 600
    assert ComparingStep(here, here, here, True, Design(arms=("mixup", "prior samples"))).comparison.arms[0] == "mixup"
    (tmp_path / "plan.yaml").write_text("cells: [{model: resnet18}, {steps: 7, ratio: 1.0}]", encoding="utf-8")
    cells = comparing.read_plan(ComparingStep(here, here, here, quick=True), tmp_path / "plan.yaml")
    assert [cell.parts[0].design.training.fit.steps for cell in cells] == [600, 7]
    whole = ComparingStep(here, here, here).comparison
    assert whole.arms == arms_of() and len(whole.seeds) == 5


@pytest.mark.slow
def test_a_plan_is_a_grid_that_is_gone_on_with(
    store: Path, generator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
):
    plan = tmp_path / "plan.yaml"
    subset = {"scarce_class": "NORM", "scarce_records": 12}
    cell = {"subset": subset, "arms": ["prior samples"], "generator": str(generator)}
    plan.write_text(yaml.safe_dump({"cells": [cell | {"name": "one", "ratio": 1.5}, cell | {"ratio": 2}]}))
    given = words(store, generator, tmp_path / "grid", "--plan", plan)
    assert main(given) == 0
    printed = capsys.readouterr().out
    assert "\none\n" in printed and "superdiagnostic, NORM cut to 12 (seed 0), ratio 2\n" in printed
    assert set(pd.read_csv(tmp_path / "grid" / "grid.csv")["cell"]) == {
        *("one", "superdiagnostic, NORM cut to 12 (seed 0), ratio 2")
    }
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "grid").rglob("*.npz")}
    assert main(given) == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "grid").rglob("*.npz")} == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    assert "holds something else than a grid" in refused(*words(store, generator, tmp_path / "other", "--plan", plan))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("cells: 3", "expected a mapping with a list `cells:`"),
        ("cells: []\nstore: x", "expected a mapping with a list `cells:`"),
        ("cells: []", "the plan has no cell"),
        (
            "cells: [{number: 3}]",
            "cell 1: unknown options ['number']; expected some of name, training, analysis, ",
        ),
        ("cells: [{rotate: [1, 2, 3], folds: {test: [4]}}]", "cell 1 has rotate and folds: name one of them"),
        ("cells: [3]", "cell 1 is 3; expected options by name"),
        ("cells: [{arms: [smote]}]", "arm 'smote' is unknown"),
        ("cells: [{ratio: [1]}]", "cell 1: ratio is [1]; expected a number"),
        ("cells: {", "is no valid YAML"),
    ],
)
def test_a_plan_that_cannot_be_read_is_refused(
    content: str, told: str, tmp_path: Path, store: Path, refused: Callable[..., str]
):
    (tmp_path / "plan.yaml").write_text(content)
    given = words(store, Path("g"), tmp_path / "grid", "--plan", tmp_path / "plan.yaml")
    assert told in refused(*given)
    assert "drop --overwrite" in refused(*given, "--overwrite")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.yaml"]


def test_a_comparison_without_a_generator_and_an_unknown_arm_are_refused(
    store: Path, generator: Path, tmp_path: Path, refused: Callable[..., str]
):
    told = refused("compare", "--store", store, "--out", tmp_path / "new")
    assert "no generator is named; expected --generator" in told
    assert "arm 'smote' is unknown" in refused(*words(store, generator, tmp_path / "new", "--arms", "smote"))
    told = refused(*words(store, generator, tmp_path / "new", "--arms", "mixup"))
    assert "the main arm is 'prior samples'" in told and "--analysis.main-arm" in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_run_takes_the_subset_in_every_step_and_says_so(store: Path, run_settings: Path, tmp_path: Path):
    folder = tmp_path / "run"
    given = ["run", "--data", str(store.parent / "data"), "--out", str(folder), "--config", str(run_settings), *SUBSET]
    assert (
        main([*given, "--synthetic", "8", "--settings.seeds", "0", "--target-classes", "NORM", "--ratio", "1.5"]) == 0
    )
    seen = ECGGenerator.from_pretrained(folder / "prior").trained_on
    assert {part: str(one.subset) for part, one in seen.items()} == {
        "prior": "NORM cut to 12 (seed 0)",
        "tokenizer": "NORM cut to 12 (seed 0)",
    }
    found = comparing.comparison_of(folder / "comparison")
    assert found.remarks == ("Training records were taken away on purpose: NORM cut to 12 (seed 0).",)
    assert found.remarks[0] in (folder / "report.html").read_text(encoding="utf-8")


def test_arms_of_no_generator_are_compared_without_one(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
):
    few = [*SHORT, *FEW, "--target-classes", "MI"]
    given = ["compare", "--store", store, *few, "--analysis.main-arm", "two networks", "--arms"]
    out = tmp_path / "new"
    assert main([str(word) for word in (*given, "real only", "duplication", "two networks", "--out", out)]) == 0
    assert "two networks" in capsys.readouterr().out
    plan = {"name": "no generator", "analysis": {"main_arm": "two networks"}, "seeds": [0, 1]}
    cells = [plan | {"arms": ["real only", "duplication", "two networks"]}]
    (tmp_path / "plan.yaml").write_text(json.dumps({"cells": cells}), "utf-8")
    grid = ["compare", "--store", store, *few, "--plan", tmp_path / "plan.yaml", "--out", tmp_path / "grid"]
    assert main([str(word) for word in grid]) == 0
    assert (tmp_path / "grid" / "cells" / "no-generator" / "comparison.html").is_file()
    for arm in ("prior samples", "masked-code pretraining", "reading", "resampled beats"):
        told = refused(*given, "real only", "duplication", "two networks", arm, "--out", tmp_path / "other")
        assert f"arm '{arm}' is of a generator, and no generator is named; expected --generator" in told
    assert not (tmp_path / "other").exists()
