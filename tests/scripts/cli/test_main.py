"""`vqecg` itself: usage, exit statuses, and one line for an error."""

import importlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vqecg import __version__
from vqecg.records.files.lock import lock_beside, locked
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.arguments import parse
from vqecg.scripts.cli.main import COMMANDS, main, module_of, take_extensions

CHECKOUT = Path(__file__).resolve().parents[3]


def test_every_command_has_its_file_and_every_file_of_a_command_is_named():
    folder = CHECKOUT / "scripts" / "commands"
    paths = [path.relative_to(folder) for path in folder.rglob("*.py") if path.name != "__init__.py"]
    names = ["-".join(path.with_suffix("").parts) for path in paths]
    assert sorted(name.removeprefix("tasks-") for name in names) == sorted(COMMANDS)
    for name in COMMANDS:
        module = importlib.import_module(module_of(name))
        assert callable(module.run) and module.Arguments.__doc__


def test_the_package_installs_the_command():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"vqecg": "vqecg.scripts.cli.main:main"}


@pytest.mark.parametrize(("words", "status"), [([], 2), (["--help"], 0), (["-h"], 0), (["help"], 0)])
def test_usage_lists_every_command(words: list[str], status: int, capsys: pytest.CaptureFixture[str]):
    assert main(words) == status
    printed = capsys.readouterr().out
    assert all(f"\n  {name} " in printed for name in COMMANDS) and "not for diagnosis" in printed
    assert max(map(len, printed.splitlines())) <= 120


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]):
    assert main(["trian-prior"]) == 2
    told = capsys.readouterr().err
    assert "unknown command 'trian-prior' (did you mean train-prior?); expected one of run, simulate" in told
    assert main(["zzz"]) == 2
    assert "unknown command 'zzz'; expected one of run" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"vqecg {__version__}\n"


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (ValueError("no such label"), 1, "vqecg simulate: no such label\n"),
        (
            OSError(28, "No space left on device"),
            1,
            "vqecg simulate: the disk is full ([Errno 28] No space left on device): free some space, then the same "
            "command goes on\n",
        ),
        (
            MemoryError("24 GB"),
            1,
            "vqecg simulate: not enough memory (24 GB): make batches or models smaller, or use fewer --workers\n",
        ),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 byte\n"),
            1,
            "vqecg simulate: not enough memory ([enforce fail] DefaultCPUAllocator: can't allocate memory: you tried "
            "to allocate 1 byte): make batches or models smaller, or use fewer --workers\n",
        ),
        (
            KeyError("label"),
            70,
            "vqecg simulate: KeyError: 'label' (a fault of vqecg: please report it; VQECG_TRACEBACK=1 shows where)\n",
        ),
        (KeyboardInterrupt(), 130, "\nvqecg simulate: interrupted; give the same command again to go on\n"),
    ],
)
def test_errors_become_one_line_and_a_status(
    error: BaseException, status: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def run(arguments: object) -> None:
        raise error

    monkeypatch.setattr(importlib.import_module("vqecg.scripts.commands.simulate"), "run", run)
    assert main(["simulate", "--out", "x"]) == status
    assert capsys.readouterr().err == told


EXTENSION = """
from vqecg.records.attributes import ATTRIBUTES, Attribute
from vqecg.records.datasets.reader import READERS, DatasetReader


@READERS.register("mine")
class MyReader(DatasetReader):
    layout = "files of mine"

    def detect(self, root):
        return (root / "mine.txt").is_file()

    def read_table(self, root, options):
        raise ValueError("read by my reader")


ATTRIBUTES.register("bmi")(Attribute("bmi", unit="kg/m2", highest=100.0))
"""


def run_elsewhere(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vqecg", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_an_extension_is_there_before_the_command_is(tmp_path: Path):
    (tmp_path / "mine.py").write_text(EXTENSION, encoding="utf-8")
    (tmp_path / "mine.txt").touch()
    done = run_elsewhere(tmp_path, "prepare", "--extensions", "mine.py", "--help")
    assert done.returncode == 0 and "challenge, mine, folder" in " ".join(done.stdout.replace("│", "").split())
    done = run_elsewhere(tmp_path, "prepare", "--data", ".", "--out", "store", "--extensions", "mine.py")
    assert (done.returncode, done.stderr) == (1, "vqecg prepare: read by my reader\n")
    done = run_elsewhere(tmp_path, "generate", "--extensions=mine.py", "--help-all")
    assert "--bmi NUMBER" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "no such file; expected a .py file or the name of a module"),
        ("import not_there_at_all", "cannot be imported (No module named 'not_there_at_all')"),
        ("x = 1\nx.y", "fails as it is imported, in line 2 of"),
        ("x = (", "fails as it is imported"),
    ],
)
def test_a_bad_extension_is_one_line(tmp_path: Path, text: str | None, told: str, refused: Callable[..., str]):
    place = tmp_path / f"bad_extension_{len(text or '')}.py"
    if text is not None:
        place.write_text(text, encoding="utf-8")
    message = refused("simulate", "--out", tmp_path / "new", "--extensions", place)
    assert told in message and place.name in message and message.count("\n") == 1
    assert not (tmp_path / "new").exists() and not os.environ.get("VQECG_EXTENSIONS")


def test_extensions_without_a_value_are_refused(refused: Callable[..., str]):
    assert "--extensions needs a value" in refused("simulate", "--extensions", "--out", "x")


def test_extensions_end_at_the_next_option():
    given = ["--data", "d", "--extensions", "a.py", "pack.b", "--out", "o", "--extensions=c,d.e"]
    places, words = take_extensions(given)
    assert words == ["--data", "d", "--out", "o"]
    assert places == [str(Path("a.py").resolve()), "pack.b", "c", "d.e"]


def vqecg(folder: Path, *words: str, **how: Any) -> subprocess.CompletedProcess[str]:
    """`vqecg` as a process of its own."""
    line = [sys.executable, "-m", "vqecg", *words]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False, **how)


@pytest.mark.bad_input("options")
def test_an_unexpected_error_is_shown_whole_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    def run(arguments: object) -> None:
        raise KeyError("label")

    monkeypatch.setattr(importlib.import_module("vqecg.scripts.commands.simulate"), "run", run)
    monkeypatch.setenv("VQECG_TRACEBACK", "1")
    with pytest.raises(KeyError):
        main(["simulate", "--out", "x"])


@pytest.mark.bad_input("output that nobody reads")
@pytest.mark.parametrize("words", ["--help", "help"])
def test_output_that_nobody_reads_any_more_ends_in_silence(words: str, tmp_path: Path):
    reading, writing = os.pipe()
    os.close(reading)
    line = [sys.executable, "-m", "vqecg", words]
    done = subprocess.run(line, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.slow
@pytest.mark.bad_input("full disk")
def test_a_full_device_for_the_output_is_one_line(tmp_path: Path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "vqecg", "--help"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1 and b"Traceback" not in done.stderr and b"disk is full" in done.stderr


PLACES = {
    "a file in place of a folder": "file",
    "below a file": "file/out",
    "a device": "/dev/null",
    "below a device": "/dev/null/out",
    "where nothing can be made": "/proc/out",
    "a name too long": "x" * 300,
    "a path too long": "/".join(["y" * 200] * 30),
    "somebody's folder": "theirs",
    "a link to itself": "loop",
}


@pytest.mark.bad_input("options")
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_an_output_that_cannot_be_written_is_one_line(
    place: str, refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.tex").write_text("mine")
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    told = refused("simulate", "--out", place, "--records", 20)
    assert told.count("\n") == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == before
    assert (tmp_path / "file").read_text() == (tmp_path / "theirs" / "thesis.tex").read_text() == "mine"


@pytest.mark.bad_input("options")
def test_a_count_without_room_on_the_disk_is_refused_with_figures(refused: Callable[..., str], tmp_path: Path):
    told = refused("simulate", "--out", tmp_path / "out", "--records", 10**9)
    assert "1,000,000,000 records need 26,000.0 GB" in told and "GB free" in told
    assert not list(tmp_path.iterdir())


@pytest.mark.bad_input("two processes on one folder")
def test_a_second_process_on_an_output_is_refused(refused: Callable[..., str], tmp_path: Path):
    hold = (
        "import sys; from pathlib import Path; from vqecg.records.files.lock import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    place = tmp_path / "out"
    line = [sys.executable, "-c", hold, str(place)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        told = refused("simulate", "--out", place, "--records", 20)
        assert f"another process (pid {other.pid}) is writing {place}" in told
        other.kill()
        other.wait()
    assert lock_beside(place).is_file()  # stale, and harmless
    assert main(["simulate", "--out", str(place), "--records", "20"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.bad_input("two processes on one folder")
def test_what_killed_processes_left_is_removed_by_the_next_one(tmp_path: Path):
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    mark = f"{int(gone.stdout)}-0123abcd"
    left = [tmp_path / f".out.partial-{mark}", tmp_path / f".out.replaced-{mark}"]
    for folder in left:
        folder.mkdir()
    place = tmp_path / "out"
    place.mkdir()
    (place / f".partial-{mark}-stage.json").write_text("{")
    mine = tmp_path / f".out.partial-{os.getpid()}-0123abcd"
    mine.mkdir()
    with locked(place):
        assert sorted(path.name for path in tmp_path.rglob("*")) == sorted([".out.lock", mine.name, "out"])
    place.rmdir()
    left[1].mkdir()
    (left[1] / "content").touch()
    with locked(place):  # killed between two renames: the old output comes back
        assert (place / "content").is_file()


@pytest.mark.bad_input("options")
def test_a_file_is_not_overwritten_in_silence(
    refused: Callable[..., str], tmp_path: Path, simulated_store: RecordStore
):
    words = ["plot", "--data", simulated_store.folder.parent / "data", "--record", 1, "--out", tmp_path / "ecg.svg"]
    (tmp_path / "ecg.svg").write_text("mine")
    assert "is there already: give another path, or --overwrite" in refused(*words)
    assert (tmp_path / "ecg.svg").read_text() == "mine"
    assert main([*map(str, words), "--overwrite"]) == 0
    assert (tmp_path / "ecg.svg").read_text() != "mine"


NUMBERS = {
    "simulate --out o --records -5": "records is -5",
    "simulate --out o --seed 99999999999999999999": "seed is 99999999999999999999",
    "simulate --out o --seconds nan": "seconds is nan",
    "simulate --out o --seconds 1e400": "seconds is inf",
    "generate --generator g --out o --count 0": "count is 0",
    "generate --generator g --out o --count 1e9": "invalid",
    "generate --generator g --out o --workers 10000": "workers is 10000",
    "generate --generator g --out o --sampling.temperature nan": "temperature is nan",
    "generate --generator g --out o --sampling.trait-guidance 1e30": "trait_guidance is 1e+30",
    "train-tokenizer --store s --out o --training.model.width 0": "width is 0",
    "train-tokenizer --store s --out o --training.model.width 1000000000": "width is 1000000000",
    "train-tokenizer --store s --out o --training.fit.learning-rate nan": "learning_rate is nan",
    "train-prior --store s --tokenizer t --out o --training.model.heads 0": "heads is 0",
    "train-prior --store s --tokenizer t --out o --training.model.dropout 1.5": "dropout is 1.5",
}


@pytest.mark.bad_input("options")
@pytest.mark.parametrize(("line", "told"), NUMBERS.items(), ids=NUMBERS)
def test_a_number_that_cannot_be_is_wrong_usage(line: str, told: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert ended.value.code == 2
    printed = " ".join(re.sub("[│╭╮╰╯─]", " ", capsys.readouterr().err).split())
    assert told in printed and "Traceback" not in printed


CONFIGS: dict[str, bytes] = {
    "tab": b"\tout: x",
    "no UTF-8": b"\xff\xfe",
    "UTF-16": "out: x".encode("utf-16"),
    "key twice": b"out: x\nout: y",
    "date for a switch": b"overwrite: 2020-01-01",
    "date for a number": b"records: 2020-01-01",
    "NaN": b"records: .nan",
    "infinite": b"seed: .inf",
    "octal": b"records: 0o20",
    "sexagesimal": b"records: 1:30",
    "text": b"records: many",
    "list": b"records: [20]",
    "list of options": b"- out: x",
    "nothing": b"",
    "unknown option": b"recods: 20",
    "number as option": b"20: 20",
    "deep": b"records: " + b"[" * 20_000 + b"]" * 20_000,
    "bomb": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 108)),
    "holds itself": b"records: &a [*a]",
    "python": b"out: !!python/object/apply:os.system [ls]",
    "binary": b"seed: !!binary aGVsbG8=",
    "two documents": b"out: x\n---\nout: y",
    "NUL": b"out: \x00",
    "unknown alias": b"out: *a",
}


@pytest.mark.bad_input("options")
@pytest.mark.parametrize("content", CONFIGS.values(), ids=CONFIGS)
def test_a_config_that_cannot_be_used_is_one_line(content: bytes, refused: Callable[..., str], tmp_path: Path):
    (tmp_path / "options.yaml").write_bytes(content)
    told = refused("simulate", "--out", tmp_path / "out", "--config", tmp_path / "options.yaml")
    assert "options.yaml" in told and told.count("\n") == 1 and len(told) < 1000
    assert not (tmp_path / "out").exists()


def test_whole_numbers_of_a_config_are_decimal_and_exact(tmp_path: Path):
    (tmp_path / "options.yaml").write_text("out: x\nrecords: 020\nseed: 9007199254740993")
    module = importlib.import_module("vqecg.scripts.commands.simulate")
    read = parse(module.Arguments, "vqecg simulate", "x", ["--config", str(tmp_path / "options.yaml")])
    assert (read.records, read.seed) == (20, 2**53 + 1)
