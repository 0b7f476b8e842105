"""Files written whole or not at all."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vqecg.records.files.atomic import atomic_file, atomic_folder, write_text


def test_a_text_that_cannot_be_written_leaves_the_old_one(tmp_path: Path):
    path = tmp_path / "note.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new \ud800")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["note.txt"]


def test_a_file_appears_when_the_block_ends_and_not_after_an_error(tmp_path: Path):
    path = tmp_path / "table.csv"
    with atomic_file(path) as aside:
        assert aside.suffix == ".csv" and aside.parent == tmp_path
        aside.write_text("a")
        assert not path.exists()
    assert path.read_text() == "a"
    with pytest.raises(KeyboardInterrupt), atomic_file(path) as aside:
        aside.write_text("b")
        raise KeyboardInterrupt
    assert path.read_text() == "a" and os.listdir(tmp_path) == ["table.csv"]


KILLED = """
import os, signal, sys
from pathlib import Path
from vqecg.records.files.atomic import atomic_file, atomic_folder
place = Path(sys.argv[1])
with atomic_folder(place / "out", Path.is_dir) as folder, atomic_file(place / "file.txt") as file:
    (folder / "half").write_text("half")
    file.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def left_over(tmp_path: Path) -> set[str]:
    """The names of what a process left that was killed while it wrote a folder and a file."""
    assert subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False).returncode == -signal.SIGKILL
    names = {path.name for path in tmp_path.iterdir()}
    assert len(names) == 2 and all(".partial-" in name for name in names)
    return names


def test_the_next_run_removes_what_a_killed_one_left(tmp_path: Path, left_over: set[str]):
    write_text(tmp_path / "another.txt", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["another.txt"]


def test_a_folder_removes_it_too(tmp_path: Path, left_over: set[str]):
    with atomic_folder(tmp_path / "another", Path.is_dir) as folder:
        (folder / "file").write_text("text")
    assert [path.name for path in tmp_path.iterdir()] == ["another"]


def test_what_others_write_stays(tmp_path: Path, left_over: set[str]):
    """Of a living process, another machine, or a name that only looks alike."""
    mine, elsewhere = f".partial-{os.getpid()}", ".partial-1234567-00000000-12345678-a"
    for name in left_over:  # the same names by a process that lives, and by one of another machine
        pid, place = re.search(r"partial-(\d+)-([0-9a-f]{8})", name).groups()
        (tmp_path / name.replace(pid, str(os.getpid()))).mkdir()
    others = {elsewhere, mine, ".partial-notes.txt", ".out.partial-old", f".partial-{pid}-{place}", "partial-1.txt"}
    for name in others:
        (tmp_path / name).write_text("text")
    write_text(tmp_path / "another.txt", "text")
    names = {path.name for path in tmp_path.iterdir()}
    assert others <= names and not left_over & names and len(names) == len(others) + 3


def test_a_folder_that_was_about_to_be_replaced_comes_back(tmp_path: Path, left_over: set[str]):
    pid, place = re.search(r"partial-(\d+)-([0-9a-f]{8})", min(left_over)).groups()
    for name in ("lost", "there"):
        (tmp_path / f".{name}.replaced-{pid}-{place}-12345678").mkdir()
        (tmp_path / f".{name}.replaced-{pid}-{place}-12345678" / "old").write_text("text")
    (tmp_path / "there").mkdir()
    write_text(tmp_path / "another.txt", "text")
    assert {path.name for path in tmp_path.iterdir()} == {"another.txt", "lost", "there"}
    assert (tmp_path / "lost" / "old").is_file() and not (tmp_path / "there" / "old").exists()
