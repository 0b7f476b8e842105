"""stage.json is read, and a step that is missing, unfinished or damaged is named."""

import json
from pathlib import Path

import pytest

from vqecg.records.files.stage_file import STAGE_FILE, finished_stage, read_stage, stage_text
from vqecg.records.files.verification import verified_parts


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


@pytest.mark.bad_input("damaged stores")
@pytest.mark.parametrize("part", [0.0, 0.2, 0.5, 0.65, 0.8, 0.999])
def test_a_flipped_bit_in_the_record_of_a_step_is_noticed(tmp_path: Path, part: float):
    done = {"command": "compare", "settings": {}, "figures": {"auroc": 0.875, "n": [1, None]}}
    (tmp_path / STAGE_FILE).write_text(stage_text(done))
    (step,) = verified_parts(tmp_path)
    assert step.faults == [] and step.summary == "vqecg compare, figures as written"
    data = bytearray((tmp_path / STAGE_FILE).read_bytes())
    data[int(part * len(data))] ^= 1
    (tmp_path / STAGE_FILE).write_bytes(bytes(data))
    (step,) = verified_parts(tmp_path)
    assert len(step.faults) == 1 and str(tmp_path / STAGE_FILE) in step.faults[0]
