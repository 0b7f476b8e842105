"""Files written whole or not at all."""

import os
from pathlib import Path

import pytest

from vqecg.records.files.atomic import atomic_file, write_text


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
