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
from vqecg.training.processes import (
    by_main,
    check_device,
    is_main_process,
    leave_job,
    on_device,
    own_device,
    process_count,
)

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


def test_the_device_that_is_asked_for_holds_for_all_that_begins_meanwhile(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    before = dict(os.environ)
    with on_device("cpu"):
        assert own_device() == torch.device("cpu") and os.environ["ACCELERATE_USE_CPU"] == "true"
        look = "from vqecg.training.processes import own_device; print(own_device())"
        worker = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
        assert worker.stdout == "cpu\n"
    with on_device("cuda:1"):
        assert own_device() == torch.device("cuda", 1) and os.environ["ACCELERATE_TORCH_DEVICE"] == "cuda:1"
    with on_device("auto"):
        assert own_device() == torch.device("cuda", 0)
    assert dict(os.environ) == before


@pytest.mark.bad_input("options")
def test_a_device_that_is_not_there_is_refused_in_plain_words(
    simulated_store: RecordStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "tokenizer"
    words = ["train-tokenizer", "--store", str(simulated_store.folder), "--out", str(out), *TINY, "--device"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main([*words, "cuda"]) == 1 and not out.exists()
    assert re.search(r"torch sees no GPU here.*: ask for --device cpu or auto", capsys.readouterr().err)
    with pytest.raises(SystemExit) as ended:
        main([*words, "gpu"])
    assert ended.value.code == 2 and "device is 'gpu'; expected cpu, cuda" in capsys.readouterr().err
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match="the GPUs here are cuda:0 to cuda:1: ask for one of these"):
        check_device("cuda:2")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="for 2 processes, of which each has its own: ask for cuda"):
        check_device("cuda:1")


@pytest.mark.slow
def test_a_device_that_is_the_usual_one_changes_nothing_that_is_written(simulated_store: RecordStore, tmp_path: Path):
    words = ["train-tokenizer", "--store", str(simulated_store.folder), *TINY, "--device", "cpu", "--out"]
    usual, asked = tmp_path / "usual", tmp_path / "asked"
    assert main([one for one in words if one not in ("--device", "cpu")] + [str(usual)]) == 0
    assert main([*words, str(asked)]) == 0
    settings = [json.loads((folder / "stage.json").read_text())["settings"] for folder in (usual, asked)]
    assert settings[0] == settings[1]
    assert (usual / "model.safetensors").read_bytes() == (asked / "model.safetensors").read_bytes()
    assert main([*words, str(usual)]) == 0  # done already, whatever the device
