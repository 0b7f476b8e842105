"""Progress: lines where nothing can be drawn over, a bar on a terminal."""

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from vqecg.records.files import progress
from vqecg.records.files.progress import Progress

SOURCES = Path(__file__).resolve().parents[3]
ROOMS = ("vqecg", "records", "training", "tokenizer", "prior", "evaluation", "downstream", "reports", "scripts", "docs")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines from the beginning on, not after two seconds."""
    monkeypatch.setattr(progress, "DELAY", 0.0)


def test_a_file_gets_a_line_for_every_tenth_at_most(at_once: None, capsys: pytest.CaptureFixture[str]):
    assert list(Progress(range(1000), "reading", "batch")) == list(range(1000))
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert printed.out == "" and "\r" not in printed.err and len(lines) == 10
    assert lines[0].startswith("reading: 10 % of 1,000 batches, ") and lines[0].endswith(" left")
    assert lines[-1].startswith("reading: 100 % of 1,000 batches, ") and lines[-1].endswith(" passed")


def test_work_that_goes_on_counts_what_is_done_already(at_once: None, capsys: pytest.CaptureFixture[str]):
    with Progress[None](total=40, initial=30, description="training", unit="step") as steps:
        for _ in range(10):
            steps.update(note="loss 0.5")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == [f"training: {share} % of 40 steps" for share in (80, 90, 100)]
    assert all(line.endswith(", loss 0.5") for line in lines)


def test_few_units_get_a_line_each(at_once: None, capsys: pytest.CaptureFixture[str]):
    assert list(Progress("abc", "measuring", "set")) == ["a", "b", "c"]
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_work_of_unknown_length_gets_a_line_each_time_that_its_time_has_doubled(capsys: pytest.CaptureFixture[str]):
    work = Progress[int]((number for number in range(5)), "filling")
    for passed in (1.0, 3.0, 5.0, 9.0, 11.0):
        work.began = progress.time.monotonic() - passed
        work.update()
    assert capsys.readouterr().err.splitlines() == [
        "filling: 3 records, 00:05 passed",
        "filling: 5 records, 00:11 passed",
    ]


def test_a_single_unit_shows_nothing(at_once: None, capsys: pytest.CaptureFixture[str]):
    assert list(Progress([1], "measuring")) == [1]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("shown", [True, False])
def test_short_or_silent_work_shows_nothing(shown: bool, capsys: pytest.CaptureFixture[str]):
    assert list(Progress(range(100), shown=shown)) == list(range(100))
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar():
    code = (
        "from vqecg.records.files import progress; progress.DELAY = 0\n"
        "for _ in progress.Progress(range(3), 'reading', 'file'): pass"
    )
    reading, writing = pty.openpty()
    termios.tcsetwinsize(writing, (40, 80))
    subprocess.run([sys.executable, "-c", code], stderr=writing, check=True)
    drawn = os.read(reading, 10_000).decode()
    os.close(writing)
    os.close(reading)
    assert "\rreading: " in drawn and "3/3" in drawn


def test_all_bars_of_the_package_go_through_here():
    sources = [path for room in ROOMS for path in (SOURCES / room).rglob("*.py")]
    others = [path for path in sources if "tqdm" in path.read_text(encoding="utf-8")]
    rooms = {path.relative_to(SOURCES).parts[0] for path in others}
    assert rooms == {"records"}
