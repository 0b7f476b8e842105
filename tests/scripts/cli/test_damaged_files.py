"""Files of a finished run that are damaged: the commands that read them say so in one line, and delete nothing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vqecg.downstream.comparison.comparison import read_comparison
from vqecg.downstream.comparison.runs import read_run
from vqecg.records.files.reuse import kept_identity
from vqecg.records.files.stage_file import read_stage
from vqecg.scripts.cli.stage import begin, seconds_before

BYTES: dict[str, bytes] = {
    "empty": b"",
    "cut": b'{"command": "train-tok',
    "null": b"null",
    "list": b"[1, 2]",
    "number": b"7",
    "text": b'"done"',
    "no UTF-8": b"\xff\xfe\x00",
    "nested": b"[" * 100_000,
    "key twice": b'{"command": "x", "command": "y", "settings": {}}',
}
STAGES: dict[str, Any] = {
    "nothing in it": {},
    "no settings": {"command": "train-tokenizer"},
    "no command": {"settings": {}},
    "settings a list": {"command": "train-tokenizer", "settings": []},
    "settings null": {"command": "train-tokenizer", "settings": None},
    "command a number": {"command": 3, "settings": {}},
    "figures a list": {"command": "train-tokenizer", "settings": {}, "figures": [1]},
    "figures text": {"command": "train-tokenizer", "settings": {}, "figures": "good"},
    "seconds text": {"command": "train-tokenizer", "settings": {}, "figures": {}, "seconds": "long"},
    "seconds NaN": {"command": "train-tokenizer", "settings": {}, "figures": {}, "seconds": float("nan")},
}


@pytest.mark.bad_input("stage files")
@pytest.mark.parametrize("content", BYTES.values(), ids=BYTES)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_stage_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes, overwrite: bool):
    (tmp_path / "stage.json").write_bytes(content)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    for read in (read_stage, lambda folder: begin(folder, "train-tokenizer", {}, overwrite)):
        with pytest.raises(ValueError, match=r"stage\.json"):
            read(tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == b"weights"


@pytest.mark.bad_input("stage files")
@pytest.mark.parametrize("content", STAGES.values(), ids=STAGES)
def test_a_stage_file_with_odd_values_is_refused_and_nothing_moves(tmp_path: Path, content: Any):
    folder = tmp_path / "step"
    folder.mkdir()
    (folder / "stage.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"stage\.json"):
        begin(folder, "train-tokenizer", {"seed": 1}, overwrite=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["step", "stage.json"]


@pytest.mark.bad_input("stage files")
@pytest.mark.parametrize("content", [b"{}", b'{"seconds": "x"}', b'{"seconds": null}', b"[]", b"\xff"])
def test_damaged_parts_of_an_unfinished_step_are_refused(tmp_path: Path, content: bytes):
    (tmp_path / "training" / "last").mkdir(parents=True)
    (tmp_path / "training" / "last" / "state.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"state\.json"):
        seconds_before(tmp_path)


@pytest.mark.bad_input("stage files")
@pytest.mark.parametrize("content", BYTES.values(), ids=BYTES)
def test_an_identity_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "identity.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"identity\.json"):
        kept_identity(tmp_path, key="inputs")


@pytest.mark.bad_input("results")
@pytest.mark.parametrize(
    "content",
    [*BYTES.values(), b"{}", b'{"format": 3}', b'{"format": "3"}', b'{"format": 3, "arms": 1, "scores": []}'],
)
def test_a_comparison_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "comparison.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"comparison\.json|has format"):
        read_comparison(tmp_path)


@pytest.mark.slow
@pytest.mark.bad_input("results")
@pytest.mark.parametrize("wrong", [None, 7, "x", [], {}, [None], [{"a": 1}]], ids=str)
def test_results_with_odd_values_are_read_or_refused(finished_run: Path, tmp_path: Path, wrong: Any):
    content = json.loads((finished_run / "comparison" / "runs" / "comparison.json").read_text())
    for name in content:
        (tmp_path / "comparison.json").write_text(json.dumps(content | {name: wrong}))
        try:
            read_comparison(tmp_path)
        except ValueError as error:
            assert str(error)


RUNS: dict[str, Callable[[Path], object]] = {
    "scores empty": lambda run: (run / "scores.npz").write_bytes(b""),
    "scores cut": lambda run: (run / "scores.npz").write_bytes((run / "scores.npz").read_bytes()[:100]),
    "scores no zip": lambda run: (run / "scores.npz").write_bytes(b"x" * 200),
    "scores a pickle": lambda run: (run / "scores.npz").write_bytes(b"\x80\x04N."),
    "run empty": lambda run: (run / "run.json").write_bytes(b""),
    "run without policy": lambda run: (run / "run.json").write_text("{}"),
    "run a list": lambda run: (run / "run.json").write_text("[]"),
}


@pytest.mark.slow
@pytest.mark.bad_input("results")
@pytest.mark.parametrize("damage", RUNS.values(), ids=RUNS)
def test_a_damaged_run_of_a_comparison_is_refused(finished_run: Path, tmp_path: Path, damage: Callable[[Path], object]):
    run = Path(shutil.copytree(finished_run / "comparison" / "runs" / "duplication-0", tmp_path / "run"))
    damage(run)
    with pytest.raises(ValueError, match="the run is damaged"):
        read_run(run)


@pytest.mark.slow
@pytest.mark.bad_input("results")
@pytest.mark.parametrize("name", ["tokenizer", "prior", "comparison"])
def test_a_finished_step_whose_figures_are_gone_is_one_line(
    finished_run: Path, tmp_path: Path, name: str, refused: Callable[..., str]
):
    folder = Path(shutil.copytree(finished_run, tmp_path / "run"))
    about = json.loads((folder / name / "stage.json").read_text())
    (folder / name / "stage.json").write_text(json.dumps(about | {"figures": {}}))
    told = refused(about["command"], "--config", folder / name / "settings.yaml", "--out", folder / name)
    assert "stage.json" in told
