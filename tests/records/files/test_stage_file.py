"""stage.json is read, and a step that is missing, unfinished or damaged is named."""

import json
from pathlib import Path

import pytest

from vqecg.records.files.stage_file import STAGE_FILE, finished_stage, read_stage


def test_a_finished_step_is_read(tmp_path: Path):
    content = {"command": "prepare", "settings": {"seed": 0}, "figures": {"records": 3}}
    (tmp_path / STAGE_FILE).write_text(json.dumps(content))
    assert read_stage(tmp_path) == finished_stage(tmp_path) == content


def test_a_step_that_is_missing_or_unfinished_is_named(tmp_path: Path):
    assert read_stage(tmp_path) is None
    with pytest.raises(ValueError, match="holds no step of vqecg"):
        finished_stage(tmp_path)
    (tmp_path / STAGE_FILE).write_text(json.dumps({"command": "prepare", "settings": {}}))
    with pytest.raises(ValueError, match="an unfinished `vqecg prepare`"):
        finished_stage(tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path):
    (tmp_path / STAGE_FILE).write_text('{"command": "prep')
    with pytest.raises(ValueError, match="no valid JSON"):
        read_stage(tmp_path)
