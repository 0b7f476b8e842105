"""The benchmark of delineation on simulated recordings whose waves are known, without any peer installed."""

import ast
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.tasks import delineation
from vqecg.evaluation.waves.delineation_errors import point_errors, wave_errors
from vqecg.evaluation.waves.segmenter import WaveSegmenter, WaveSegmenterConfig
from vqecg.records.datasets.ludb import POINTS, LUDBRecord
from vqecg.records.simulation.marks import simulated_marks
from vqecg.records.simulation.simulator import simulate_record
from vqecg.reports.results import read_experiment

BENCHMARKS = Path(delineation.__file__).parent


def marked(number: int) -> LUDBRecord:
    """A simulated recording that has the number of a record of LUDB."""
    one = simulated_marks(simulate_record(("NORM", "SR"), np.random.default_rng(number)))
    return replace(one, record=replace(one.record, record_id=str(number), patient_id=str(number)))


@pytest.fixture(scope="module")
def records() -> list[LUDBRecord]:
    return [marked(number) for number in range(1, 12)]


@pytest.fixture
def segmenter(tmp_path: Path) -> Path:
    """The folder of a segmenter that has learned nothing."""
    torch.manual_seed(0)
    WaveSegmenter(WaveSegmenterConfig(widths=(8, 8))).save_pretrained(tmp_path / "segmenter")
    return tmp_path / "segmenter"


def truth(record: LUDBRecord, late: float = 0.0) -> pd.DataFrame:
    """The marks of a record in s, moved by `late` s."""
    waves = record.waves.copy()
    waves[list(POINTS)] = waves[list(POINTS)] / record.record.sampling_rate + late
    return waves


def test_the_tolerance_decides_what_is_found(records: list[LUDBRecord]):
    exact = wave_errors(records[:2], [truth(record) for record in records[:2]], 0.04)
    assert (exact["sensitivity"] == 1).all() and (exact["ppv"] == 1).all() and (exact["sd"] < 1e-6).all()
    late = [truth(record, 0.045) for record in records[:2]]
    assert (wave_errors(records[:2], late, 0.05)["mean"].round(6) == 45).all()
    missed = wave_errors(records[:2], late, 0.04)
    assert (missed["sensitivity"] == 0).all() and (missed["ppv"] == 0).all()


def test_a_point_that_is_not_found_is_missed_and_not_wrong(records: list[LUDBRecord]):
    waves = truth(records[0])
    waves.loc[waves["wave"] == "P", "onset"] = np.nan
    errors = point_errors(records[0], waves[waves["lead"] != "V1"])
    assert len(errors["P", "onset"].errors) == errors["P", "onset"].false == 0 < errors["P", "onset"].marks
    assert 11 * errors["T", "offset"].marks == 12 * len(errors["T", "offset"].errors)
    with pytest.raises(ValueError, match="1 tables of waves for 2 records"):
        wave_errors(records[:2], [waves])


def test_f1_is_that_of_sensitivity_and_ppv(records: list[LUDBRecord]):
    found = [truth(record) for record in records]
    found[0] = found[0][found[0]["lead"] != "II"]
    found[1] = truth(records[1], 0.06)
    count = delineation.counted(records, found)["QRS", "onset", 0.04]
    weights = delineation.drawn(records, np.ones(len(records), bool))
    both = 2 * count.sensitivity * count.ppv / (count.sensitivity + count.ppv)
    assert 0 < count.ppv < 1 and count.f1(weights)[0] == pytest.approx(both)
    assert np.isnan(count.f1(np.zeros((1, len(records))))[0])


def test_segmenters_are_measured_at_both_rates(
    records: list[LUDBRecord], segmenter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(delineation, "read_ludb", lambda folder: records)
    other, result = tmp_path / "other", tmp_path / "delineation.json"
    WaveSegmenter.from_pretrained(segmenter).save_pretrained(other)
    words = ["--ludb", "ludb", "--segmenter", str(segmenter), str(other), "--result", str(result)]
    delineation.main(words)
    experiment = read_experiment(result)
    figures = {(one.of, one.measure): one.value for one in experiment.figures}
    assert experiment.counts == {"records": 3, "new to openecg": 1}  # 1, 6 and 11
    for rate in ("500 Hz", "100 Hz"):
        of = f"each: {rate}, other, T offset, 100 ms"
        assert figures[of, "F1"].value == figures[of.replace("other", "segmenter"), "F1"].value
        assert figures[of, "minus the first's"].value == 0
        assert figures[f"six: {rate}, segmenter", "all leads"].low is not None
    assert not [of for of, _ in figures if "openecg" in of or "neurokit2" in of]


def test_segmenters_that_saw_the_records_or_share_a_name_are_refused(records: list[LUDBRecord], segmenter: Path):
    with pytest.raises(ValueError, match="two segmenters are named"):
        delineation.read_segmenters([segmenter, segmenter], records)
    stage = segmenter / "stage.json"
    stage.write_text(json.dumps({"figures": {"held_out": ["1", "6", "11"]}}))
    assert list(delineation.read_segmenters([segmenter], [records[0]])) == ["segmenter"]
    with pytest.raises(ValueError, match="trained on 1 of the 2 records"):
        delineation.read_segmenters([segmenter], records[:2])


def test_a_peer_is_given_the_recordings_at_its_rate_and_its_waves_are_read(records: list[LUDBRecord], tmp_path: Path):
    script = tmp_path / "peer.py"
    script.write_text(
        "import sys\nimport numpy as np\n"
        "way, signals, result = sys.argv[1:]\n"
        "given = np.load(signals)\n"
        "if way != 'known': raise SystemExit('no such way')\n"
        "points = np.array([[0.1, np.nan, 0.2], [given['signals'].shape[2], 0, int(given['rate'])]], float)\n"
        "np.savez(result, places=np.array([[1, 0], [0, 11]]), waves=np.array(['P', 'QRS']), points=points)\n"
    )
    peer = delineation.Peer("none", "known", 250)
    first, second = delineation.peer_waves(Path(sys.executable), script, peer, records[:2], 100, tmp_path)
    assert first.to_numpy().tolist() == [["V6", "QRS", 2500, 0, 250]]
    assert second[["lead", "wave", "onset", "offset"]].to_numpy().tolist() == [["I", "P", 0.1, 0.2]]
    with pytest.raises(ValueError, match=r"peer\.py unknown failed.*no such way"):
        delineation.peer_waves(Path(sys.executable), script, replace(peer, way="unknown"), records[:2], 100, tmp_path)


@pytest.mark.parametrize("name", delineation.ENVIRONMENTS)
def test_a_peers_script_imports_nothing_of_vqecg_which_its_environment_lacks(name: str):
    tree = ast.parse((BENCHMARKS / f"delineation_{name}.py").read_text("utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert name in imported
    assert not {module.split(".")[0] for module in imported} & {"benchmarks", "vqecg"}
