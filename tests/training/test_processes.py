"""Several processes of one job: the main one alone writes and prints, and no failure leaves another waiting."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import main
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import fingerprint
from vqecg.training.processes import by_main, is_main_process, leave_job, own_device, process_count

TINY = ["--preset", "tiny", "--training.fit.steps", "4", "--training.fit.batch-size", "8"]
TINY += ["--training.model.width", "8", "--training.model.levels", "2", "--training.model.codebook-size", "16"]
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


def names(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


def test_a_process_by_itself_is_the_main_one_and_does_the_work_as_it_is():
    assert process_count() == 1 and is_main_process()
    thing = object()
    assert by_main(lambda: thing) is thing
    with pytest.raises(ZeroDivisionError):
        by_main(lambda: 1 // 0)
    leave_job()


def start_together(*words: object) -> subprocess.Popen[str]:
    """Starts a command as two processes on the processor, by the launcher that docs/quickstart.md names."""
    launch = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    command = [sys.executable, "-m", *launch, "-m", "vqecg.scripts.cli.main", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def together(*words: object) -> tuple[int, str, str]:
    """Runs a command as two processes; returns the exit status and what they print, to both outputs."""
    launched = start_together(*words)
    printed, told = launched.communicate(timeout=600)
    return launched.returncode, printed, told


def by_themselves(*words: object) -> tuple[list[int], str, str]:
    """The same two processes without a launcher, which would end one after the other's failure; a status of each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    job = {**os.environ, **place, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true", "WORLD_SIZE": "2"}
    command = [sys.executable, "-m", "vqecg.scripts.cli.main", *map(str, words)]
    started = [
        subprocess.Popen(
            command,
            env={**job, "LOCAL_WORLD_SIZE": "2", "RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    said = [process.communicate(timeout=600) for process in started]
    printed, told = ("".join(one) for one in zip(*said, strict=True))
    return [process.returncode for process in started], printed, told


@pytest.mark.slow
def test_two_processes_train_together_and_one_of_them_writes(simulated_store: RecordStore, tmp_path: Path):
    store = simulated_store.folder
    given = ["--store", store, "--out", tmp_path / "tokenizer", *TINY, "--training.fit.evaluate-every", 2]
    status, printed, told = together("train-tokenizer", *given)
    assert status == 0, told[-3000:]
    assert len(re.findall("tokenizer [0-9a-f]{16}:", printed)) == 1
    again, printed, told = by_themselves("train-tokenizer", *given)  # nothing to do but to say so, once
    assert again == [0, 0], told[-3000:]
    assert len(re.findall("tokenizer [0-9a-f]{16}:", printed)) == 1
    files = ["README.md", "SHA256SUMS.txt", "config.json", "model.safetensors", "settings.yaml", "stage.json"]
    assert names(tmp_path / "tokenizer") == files
    kept = json.loads((tmp_path / "tokenizer" / "stage.json").read_text())
    assert len(kept["figures"]["history"]) == 2
    weights = fingerprint(ECGTokenizer.from_pretrained(tmp_path / "tokenizer"))
    assert weights == kept["figures"]["fingerprint"]
    given = ["--store", store, "--out", tmp_path / "classifier", *SHORT]
    both, printed, told = by_themselves("train-classifier", *given)
    assert both == [0, 0] and printed.count("tested on real ones") == 1, told[-3000:]
    assert names(tmp_path) == ["classifier", "tokenizer"]


@pytest.mark.slow
def test_a_failure_of_one_process_or_of_all_ends_all_and_leaves_nothing(simulated_store: RecordStore, tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    given = ["train-tokenizer", "--store", simulated_store.folder, *TINY]
    both, _, told = by_themselves(*given, "--out", tmp_path / "mine")
    assert all(both) and told.count("vqecg train-tokenizer: ") == told.count("holds something else") == 1, told
    both, _, told = by_themselves(*given, "--out", tmp_path / "new", "--folds.validation")
    assert all(both) and "no validation records" in told
    assert names(tmp_path) == ["mine"] and names(tmp_path / "mine") == ["thesis.tex"]


@pytest.mark.slow
def test_one_killed_process_ends_the_job_and_the_same_command_goes_on(simulated_store: RecordStore, tmp_path: Path):
    given = ["train-tokenizer", "--store", simulated_store.folder, *TINY, "--out", tmp_path / "tokenizer"]
    given += ["--training.fit.steps", 160, "--training.fit.evaluate-every", 20]
    launched, until = start_together(*given), time.monotonic() + 300
    try:
        while not (tmp_path / "tokenizer" / "training" / "last").exists() and launched.poll() is None:
            assert time.monotonic() < until, "training did not start"
            time.sleep(0.05)
        ranks = {own.environ().get("RANK"): own for own in psutil.Process(launched.pid).children(recursive=True)}
        ranks["1"].kill()
        launched.communicate(timeout=120)
    finally:
        if launched.poll() is None:  # none outlives the test, whatever happened
            for process in [*psutil.Process(launched.pid).children(recursive=True), launched]:
                process.kill()
    assert launched.returncode != 0 and (tmp_path / "tokenizer" / "training" / "last" / "state.json").is_file()
    both, printed, told = by_themselves(*given)
    assert both == [0, 0] and "tokenizer" in printed, told[-3000:]
    kept = json.loads((tmp_path / "tokenizer" / "stage.json").read_text())
    assert [row["step"] for row in kept["figures"]["history"]] == list(range(20, 161, 20))


@pytest.mark.parametrize("command", ["prepare", "encode", "generate", "run", "compare"])
def test_commands_that_several_processes_cannot_share_say_so_once(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main([command]) == 1
    told = capsys.readouterr().err
    assert told.startswith(
        f"vqecg {command}: started as 2 processes, expected one: only train-tokenizer, train-prior, "
    )
    monkeypatch.setenv("RANK", "1")
    assert main([command]) == 1 and capsys.readouterr().err == ""


def test_the_models_of_a_process_lie_on_its_own_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert own_device() == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert own_device() == torch.device("cuda", 0)
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert own_device() == torch.device("cuda", 3)
