"""The folder of a step: begun, gone on with, refused, marked as done, and gone when nothing came of it."""

import json
from pathlib import Path

import pytest

from vqecg.records.files.stage_file import read_stage
from vqecg.scripts.cli.stage import Stage, begin, seconds_before

SETTINGS = {"steps": 3, "fit": {"rate": 0.1}, "folds": (1, 2)}
OTHER = SETTINGS | {"fit": {"rate": 0.2}}


def fail(stage: Stage, error: BaseException) -> None:
    with stage:
        raise error


def test_a_new_step_is_written_down_and_not_finished(tmp_path: Path):
    stage = begin(tmp_path / "new" / "step", "train-prior", SETTINGS, overwrite=False)
    assert stage.figures is None and stage.seconds == 0
    kept = read_stage(tmp_path / "new" / "step")
    assert kept == {"command": "train-prior", "settings": {"steps": 3, "fit": {"rate": 0.1}, "folds": [1, 2]}}
    assert (tmp_path / "new" / "step" / "settings.yaml").read_text().startswith("steps: 3")


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_finished_step_with_the_same_settings_is_never_done_again(tmp_path: Path, overwrite: bool):
    begin(tmp_path, "compare", SETTINGS, False).finish({"auroc": 0.9})
    (tmp_path / "model").touch()
    stage = begin(tmp_path, "compare", SETTINGS, overwrite)
    assert stage.figures == {"auroc": 0.9} and stage.seconds > 0 and stage.content["peak_memory_mb"] > 0
    assert (tmp_path / "model").exists()


def finished(folder: Path) -> None:
    """A finished step with a model in it."""
    begin(folder, "compare", SETTINGS, False).finish({"auroc": 0.9})
    (folder / "model").touch()


def test_other_settings_are_refused_and_named(tmp_path: Path):
    finished(tmp_path)
    with pytest.raises(
        ValueError, match=r"other settings or inputs \(fit\.rate 0\.1 there, 0\.2 asked for\).*--overwrite"
    ):
        begin(tmp_path, "compare", OTHER, False)
    assert (tmp_path / "model").exists()


def test_what_is_overwritten_goes_when_the_new_step_is_finished_and_not_before(tmp_path: Path):
    finished(tmp_path / "step")
    with begin(tmp_path / "step", "compare", OTHER, True) as stage:
        assert stage.figures is None and not (tmp_path / "step" / "model").exists()
        assert (tmp_path / ".step.replaced" / "model").exists()
        stage.finish({})
    assert [path.name for path in tmp_path.iterdir()] == ["step"]
    assert begin(tmp_path / "step", "compare", OTHER, False).figures == {}


def test_what_was_to_be_overwritten_comes_back_when_the_new_step_fails_early(tmp_path: Path):
    finished(tmp_path / "step")
    with pytest.raises(KeyboardInterrupt):
        fail(begin(tmp_path / "step", "compare", OTHER, True), KeyboardInterrupt())
    assert begin(tmp_path / "step", "compare", SETTINGS, False).figures == {"auroc": 0.9}
    assert (tmp_path / "step" / "model").exists() and [path.name for path in tmp_path.iterdir()] == ["step"]


def test_after_a_later_interruption_either_step_can_be_had(tmp_path: Path):
    folder = tmp_path / "step"
    for settings, figures in ((OTHER, None), (SETTINGS, {"auroc": 0.9})):
        if not folder.exists():
            finished(folder)
        stage = begin(folder, "compare", OTHER, True)
        (folder / "training").mkdir(exist_ok=True)  # a checkpoint
        with pytest.raises(KeyboardInterrupt):
            fail(stage, KeyboardInterrupt())
        assert begin(folder, "compare", settings, True).figures == figures
    assert (folder / "model").exists() and [path.name for path in tmp_path.iterdir()] == ["step"]


def test_a_step_that_was_killed_between_moving_aside_and_beginning_is_found_again(tmp_path: Path):
    finished(tmp_path / "step")
    (tmp_path / "step").rename(tmp_path / ".step.replaced")
    assert begin(tmp_path / "step", "compare", SETTINGS, False).figures == {"auroc": 0.9}


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_another_command_or_somebody_else_made_is_never_touched(tmp_path: Path, overwrite: bool):
    begin(tmp_path / "prior", "train-prior", SETTINGS, False).finish({})
    with pytest.raises(ValueError, match="holds the output of `vqecg train-prior`: give --out another folder"):
        begin(tmp_path / "prior", "compare", SETTINGS, overwrite)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(ValueError, match="holds something else: give --out another folder"):
        begin(tmp_path / "mine", "compare", SETTINGS, overwrite)
    with pytest.raises(ValueError, match="holds something else"):
        begin(tmp_path / "mine" / "thesis.tex", "compare", SETTINGS, overwrite)
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        *("mine", "prior", "settings.yaml", "stage.json", "thesis.tex")
    ]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_a_step_that_fails_before_any_result_leaves_no_folder(tmp_path: Path, error: BaseException):
    with pytest.raises(type(error)):
        fail(begin(tmp_path / "step", "compare", SETTINGS, False), error)
    assert not (tmp_path / "step").exists()


def test_a_step_that_fails_after_a_checkpoint_keeps_it_and_its_seconds(tmp_path: Path):
    stage = begin(tmp_path / "step", "train-prior", SETTINGS, False)
    last = tmp_path / "step" / "training" / "last"
    last.mkdir(parents=True)
    (last / "state.json").write_text(json.dumps({"seconds": 100.0}))
    with pytest.raises(KeyboardInterrupt):
        fail(stage, KeyboardInterrupt())
    assert seconds_before(tmp_path / "step") == 100
    finished = begin(tmp_path / "step", "train-prior", SETTINGS, False).finish({})
    assert 100 < finished.seconds < 110, "the sitting before counts too"


def test_a_damaged_mark_is_named(tmp_path: Path):
    (tmp_path / "stage.json").write_text('{"command": "comp')
    with pytest.raises(ValueError, match=r"stage\.json is no valid JSON"):
        begin(tmp_path, "compare", SETTINGS, True)
