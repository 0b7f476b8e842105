"""`vqecg` itself: usage, exit statuses, and one line for an error."""

import importlib
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from vqecg.scripts.cli.main import COMMANDS, main, take_extensions

CHECKOUT = Path(__file__).resolve().parents[3]


def test_every_command_has_its_file_and_every_file_of_a_command_is_named():
    files = {path.stem for path in (CHECKOUT / "scripts" / "commands").glob("*.py")} - {"__init__"}
    assert files == {name.replace("-", "_") for name in COMMANDS}
    for name in files:
        module = importlib.import_module(f"vqecg.scripts.commands.{name}")
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
    assert "unknown command 'trian-prior'; expected one of run, simulate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (ValueError("no such label"), 1, "vqecg simulate: no such label\n"),
        (OSError(28, "No space left on device"), 1, "vqecg simulate: [Errno 28] No space left on device\n"),
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
    done = run_elsewhere(tmp_path, "generate", "--extensions=mine.py", "--help")
    assert "--bmi FLOAT" in done.stdout, done.stderr


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


def test_an_error_of_the_program_itself_is_not_hidden(monkeypatch: pytest.MonkeyPatch):
    def run(arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(importlib.import_module("vqecg.scripts.commands.simulate"), "run", run)
    with pytest.raises(ZeroDivisionError):
        main(["simulate", "--out", "x"])
