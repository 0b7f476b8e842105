"""Every command killed, run twice at once, and on a full disk: the same bits in the end, or one line that says why not.

    python tests/interruptions.py FOLDER [--small-disk FOLDER] [--only COMMAND ...]

Simulates 300 recordings, makes what the commands read, and then treats each command in turn, with one thread:

- killed: SIGKILL at 40, 60 and 80 % of the time that it takes, then the same command again until it ends; its output
  has the bits of one that was never killed, and nothing is left beside it;
- twice: two processes on one folder at once; the later one is refused in one line, or finds the work done;
- full disk (with --small-disk, a file system of a few megabytes, for instance a tmpfs): room for half of what it
  writes; it ends in one line, and goes on to the same bits when there is room again.

Prints a table in Markdown. The status is 1 where anything else happened.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

COMPARED = {".npy", ".safetensors", ".dat", ".hea", ".csv", ".parquet", ".npz", ".mat"}
KILLED_AT = (0.4, 0.6, 0.8)  # of the seconds that the command takes
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONHASHSEED": "0"}
FIT = {"steps": 12, "batch_size": 8, "warmup_steps": 1, "evaluate_every": 2}
FOLDS = {"train": [1, 2, 3, 4, 5], "validation": [6], "test": [7, 8, 9, 10]}
TOKENIZER = {"width": 16, "encoder_blocks": 1, "decoder_blocks": 1, "dimension": 16, "levels": 3, "codebook_size": 32}
SHORT = {"steps": 12, "batch_size": 16, "warmup_steps": 2}
CONFIGS: dict[str, dict[str, Any]] = {
    "tokenizer": {"preset": "tiny", "training": {"model": TOKENIZER, "fit": FIT}, "folds": FOLDS},
    "prior": {
        "preset": "tiny",
        "training": {
            "model": {"width": 32, "layers": 2, "heads": 2},
            "variants": 1,
            "fit": FIT,
            "sketch": SHORT,
            "detail": SHORT,
        },
        "folds": FOLDS,
    },
    "classifier": {"preset": "tiny", "training": {"fit": FIT}, "folds": FOLDS},
    "folds": {"folds": FOLDS},
    "augment": {"classifier": {"fit": FIT}, "folds": FOLDS},
    "compare": {
        "preset": "tiny",
        "seeds": [0, 1],
        "target_classes": ["HYP"],
        "training": {"fit": FIT},
        "analysis": {"replicates": 99},
        "folds": FOLDS,
    },
    "assess": {
        "preset": "tiny",
        "seeds": [0],
        "families": ["resnet"],
        "replicates": 50,
        "training": {"fit": FIT},
        "folds": FOLDS,
    },
}
CONFIGS["run"] = {
    "preset": "tiny",
    "settings": {
        "tokenizer": CONFIGS["tokenizer"]["training"],
        "prior": CONFIGS["prior"]["training"],
        "classifier": {"fit": FIT},
        "seeds": [0, 1],
    },
    "target_classes": ["HYP"],
    "synthetic": 40,
    "folds": FOLDS,
}


@dataclass(frozen=True)
class Command:
    """One command line; `{out}` stands for the folder of its output, other names for inputs."""

    words: str
    config: str = ""  # a name of CONFIGS

    @property
    def name(self) -> str:
        """The subcommand."""
        return self.words.split()[0]


COMMANDS = (
    Command("simulate --out {out} --records 300"),
    Command("prepare --data {data} --out {out}"),
    Command("train-tokenizer --store {store} --out {out}", "tokenizer"),
    Command("encode --store {store} --tokenizer {tokenizer} --out {out}"),
    Command("train-prior --store {store} --tokenizer {tokenizer} --out {out}", "prior"),
    Command("generate --generator {prior} --out {out} --count 300 --force --against {store}", "folds"),
    Command("interpolate --store {store} --tokenizer {tokenizer} --out {out} --label NORM --count 40 --force", "folds"),
    Command(
        "augment --store {store} --generator {prior} --out {out} --target-classes HYP --ratio .6 --no-gate --force",
        "augment",
    ),
    Command("train-classifier --store {store} --out {out}", "classifier"),
    Command("compare --store {store} --generator {prior} --out {out}", "compare"),
    Command("assess {generated} --against {store} --out {out}", "assess"),
    Command("run --data {data} --out {out}", "run"),
)
INPUTS = {"data": 0, "store": 1, "tokenizer": 2, "prior": 4, "generated": 5}  # name -> place in COMMANDS


class Job:
    """The folder with the inputs, and how a command runs there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in CONFIGS.items():
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")

    def start(self, command: Command, out: Path) -> subprocess.Popen[str]:
        """The command as a process of its own."""
        places = {name: self.folder / name for name in INPUTS} | {"out": out}
        words = [word.format(**places) for word in command.words.split()]
        config = ["--config", str(self.folder / f"{command.config}.yaml")] if command.config else []
        line = [sys.executable, "-m", "vqecg", *words, *config]
        return subprocess.Popen(line, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def run(self, command: Command, out: Path) -> tuple[int, str]:
        """Status and last line of what it wrote to stderr; a traceback counts as status 99."""
        process = self.start(command, out)
        _, errors = process.communicate()
        return 99 if "Traceback" in errors else process.returncode, last_line(errors)

    def make_inputs(self) -> None:
        """What the commands read, once."""
        for name, place in INPUTS.items():
            status, line = self.run(COMMANDS[place], self.folder / name)
            if status:
                raise SystemExit(f"{COMMANDS[place].name} ended with status {status}: {line}")


def last_line(text: str) -> str:
    """The last line that is not empty."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file whose bits are promised, by its path."""
    hashes = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix not in COMPARED or not path.is_file() or path.name == "SHA256SUMS.txt":
            continue
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                content = b"".join(name.encode() + arrays[name].tobytes() for name in sorted(arrays))
        else:
            content = path.read_bytes()
        hashes[str(path.relative_to(folder))] = hashlib.sha256(content).hexdigest()
    return hashes


def beside(out: Path) -> list[str]:
    """What lies beside an output and belongs to it."""
    return [path.name for path in out.parent.iterdir() if path != out and out.name in path.name]


def differs(out: Path, wanted: dict[str, str]) -> str:
    """In words, what of an output is not as wanted; "" where all is."""
    there = contents(out)
    different = [name for name in sorted({*there, *wanted}) if there.get(name) != wanted.get(name)]
    if different:
        return f"{len(different)} of {len(wanted)} files differ, such as {different[0]}"
    return f"left beside it: {beside(out)}" if beside(out) else ""


def killed(job: Job, command: Command, out: Path, wanted: dict[str, str], seconds: float) -> str:
    """SIGKILL up to three times, then to the end."""
    kills = 0
    for share in KILLED_AT:
        process = job.start(command, out)
        try:
            _, errors = process.communicate(timeout=share * seconds)
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
    if kills == 0:
        return "it ended before it could be killed"
    status, line = (process.returncode, last_line(errors)) if kills < len(KILLED_AT) else job.run(command, out)
    return f"status {status}: {line}" if status else differs(out, wanted)


def twice(job: Job, command: Command, out: Path, wanted: dict[str, str], seconds: float) -> str:
    """Two at once, the second a moment later."""
    first = job.start(command, out)
    time.sleep(0.5)
    second = job.start(command, out)
    ends = [process.communicate()[1] for process in (first, second)]
    statuses = [first.returncode, second.returncode]
    if any("Traceback" in end for end in ends):
        return "a traceback"
    if statuses == [1, 1] or not set(statuses) <= {0, 1}:
        return f"statuses {statuses}: {[last_line(end) for end in ends]}"
    return differs(out, wanted)


def full_disk(job: Job, command: Command, disk: Path, reference: Path, wanted: dict[str, str]) -> str:
    """Room for half of the output, then for all of it."""
    for path in disk.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    size = sum(path.stat().st_size for path in reference.rglob("*") if path.is_file())
    room = shutil.disk_usage(disk).free - size // 2
    if room <= 0:
        return f"the small disk has less than half of {size:,} bytes"
    with (disk / "filler").open("wb") as filler:
        filler.write(bytes(room))
    status, line = job.run(command, disk / "out")
    (disk / "filler").unlink()
    if status != 1 or not any(word in line.lower() for word in ("no space", "disk", "room")):
        return f"status {status}: {line}"
    status, line = job.run(command, disk / "out")
    return f"afterwards status {status}: {line}" if status else differs(disk / "out", wanted)


def treat(job: Job, command: Command, disk: Path | None) -> dict[str, str]:
    """What went wrong with a command, by what was done to it; "" where nothing did."""
    place = job.folder / command.name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    began = time.monotonic()
    status, line = job.run(command, place / "reference")
    seconds = time.monotonic() - began
    if status:
        return {"reference": f"status {status}: {line}"}
    wanted = contents(place / "reference")
    faults = {
        "killed": killed(job, command, place / "killed", wanted, seconds),
        "twice": twice(job, command, place / "twice", wanted, seconds),
    }
    if disk is not None:
        faults["full disk"] = full_disk(job, command, disk, place / "reference", wanted)
    return faults


def main() -> int:
    """Treats every command and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, help="for inputs and outputs")
    parser.add_argument("--small-disk", type=Path, help="an empty folder on a file system of a few megabytes")
    parser.add_argument("--only", nargs="*", default=[], help="these commands alone")
    arguments = parser.parse_args()
    job = Job(arguments.folder.resolve())
    job.make_inputs()
    bad = False
    print("| command | " + " | ".join(("killed", "twice", "full disk")) + " |\n|---|---|---|---|", flush=True)
    for command in COMMANDS:
        if arguments.only and command.name not in arguments.only:
            continue
        faults = treat(job, command, arguments.small_disk)
        bad |= any(faults.values())
        cells = [
            faults.get("reference") or faults.get(name, "-") or "good" for name in ("killed", "twice", "full disk")
        ]
        print(f"| {command.name} | " + " | ".join(cells) + " |", flush=True)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
