"""`vqecg` itself: usage, exit statuses, and one line for an error."""

import importlib
import tomllib
from pathlib import Path

import pytest

from vqecg.scripts.cli.main import COMMANDS, main

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


def test_an_error_of_the_program_itself_is_not_hidden(monkeypatch: pytest.MonkeyPatch):
    def run(arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(importlib.import_module("vqecg.scripts.commands.simulate"), "run", run)
    with pytest.raises(ZeroDivisionError):
        main(["simulate", "--out", "x"])
