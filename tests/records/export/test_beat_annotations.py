"""Beats as they were asked for, beside the records and in the manifest."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb

from vqecg.records.export.beat_annotations import AskedBeats, write_beats
from vqecg.records.export.layouts import OutputSettings
from vqecg.records.export.synthetic_dataset import write_synthetic
from vqecg.records.labels import LabelTask

BEATS = [AskedBeats((0.51, 1.3, 9.99), (False, True, False)), AskedBeats((), ())]


def written(folder: Path, layout: str, rates: tuple[int, ...]) -> pd.DataFrame:
    task = LabelTask.named("superdiagnostic")
    labels = np.eye(len(task.class_names), dtype=np.float32)[:2]
    signals = np.random.default_rng(0).normal(0, 0.2, (2, 8, 1000)).astype(np.float32)
    output = OutputSettings(layout=layout, rates=rates)
    write_synthetic(folder, [signals], labels, {}, task, 100, pd.DataFrame(index=range(2)), output, beats=BEATS)
    return pd.read_parquet(folder / "manifest.parquet")


def test_annotations_stand_beside_every_file_at_its_rate(tmp_path: Path):
    manifest = written(tmp_path / "set", "ptbxl", (100, 500))
    assert [list(one) for one in manifest["r_peaks_s"]] == [[0.51, 1.3, 9.99], []]
    assert [list(one) for one in manifest["other_beats"]] == [[False, True, False], []]
    for rate in (100, 500):
        (path,) = (tmp_path / "set").glob(f"records{rate}/*/*.atr")  # of a record without beats there is none
        found = wfdb.rdann(str(path.with_suffix("")), "atr")
        assert found.sample.tolist() == [round(second * rate) for second in BEATS[0].seconds]
        assert found.symbol == ["N", "Q", "N"] and found.fs == rate
    assert "Nobody has looked at them" in (tmp_path / "set" / "README.md").read_text(encoding="utf-8")


def test_the_layout_of_the_challenge_has_annotations_and_arrays_have_the_manifest(tmp_path: Path):
    write_beats(tmp_path, "last", AskedBeats((9.99,), (False,)), 50, 500)
    assert wfdb.rdann(str(tmp_path / "last"), "atr").sample.tolist() == [499]  # rounds to 500, which is past the end
    written(tmp_path / "challenge", "challenge", ())
    assert len(list((tmp_path / "challenge").glob("*.atr"))) == 1
    manifest = written(tmp_path / "npz", "npz", ())
    assert len(manifest["r_peaks_s"][0]) == 3 and not list((tmp_path / "npz").rglob("*.atr"))


@pytest.mark.parametrize("seconds", [(0.0,), (0.0, 60.0)])
def test_beats_far_apart_and_at_the_very_start_are_read_back(tmp_path: Path, seconds: tuple[float, ...]):
    write_beats(tmp_path, "one", AskedBeats(seconds, (False,) * len(seconds)), 500, 50_000)
    assert wfdb.rdann(str(tmp_path / "one"), "atr").sample.tolist() == [round(second * 500) for second in seconds]
