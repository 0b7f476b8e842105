"""The benchmark of the sketch, at tiny size."""

from pathlib import Path

import pytest

from benchmarks.sampling import sketch
from vqecg.records.store.record_store import RecordStore

FOLDS = ("--train", "1", "2", "3", "4", "5", "6", "7", "8", "--validation", "9", "--test", "10")


@pytest.mark.slow
def test_the_sketch_is_read_for_labels_and_drawn_for_them(
    simulated_store: RecordStore, tiny_generator, tmp_path: Path, run
):
    tiny_generator.save_pretrained(tmp_path / "generator")
    folders = ("--store", str(simulated_store.folder), "--generator", str(tmp_path / "generator"))
    sizes = ("--train", *FOLDS[1:9], "--test", "9", "10", "--records", "40", "--seeds", "0", "1")
    printed = run(sketch, *folders, *sizes).splitlines()
    assert any("superclasses, macro" in line and "whole sketch" not in line for line in printed)
    above = [float(line.split()[2]) for line in printed if ": score" in line][:5]
    assert all(0.3 <= share <= 0.5 for share in above)  # of training records with a label, above their own median
    assert {line.split()[-4] for line in printed[-6:]} == {"1.00"}  # relative to themselves
