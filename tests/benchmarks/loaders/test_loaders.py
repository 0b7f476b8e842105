"""The check of other packages' loaders: the one that needs no package of its own runs here, on a small set."""

import sys
from pathlib import Path

import numpy as np

from benchmarks.loaders.loaders import compare, run_loader, write_set


def test_the_utilities_of_the_ptbxl_benchmark_read_what_was_written(tmp_path: Path):
    write_set(tmp_path / "ptbxl", 6)
    result = run_loader(Path(sys.executable), "ptbxl_benchmark", tmp_path / "ptbxl", tmp_path / "result.npz")
    agreement = compare(tmp_path / "ptbxl", result)
    assert (agreement.records, agreement.labels, agreement.described) == (6, 6, 6)
    assert agreement.shape == (12, 5000) and max(agreement.differences) < 1e-6


def test_other_signals_and_labels_are_seen(tmp_path: Path):
    write_set(tmp_path / "ptbxl", 6)
    result = run_loader(Path(sys.executable), "ptbxl_benchmark", tmp_path / "ptbxl", tmp_path / "result.npz")
    swapped = result | {"described": np.roll(result["described"], 1), "signals_500": result["signals_500"] + 0.25}
    agreement = compare(tmp_path / "ptbxl", swapped)
    assert agreement.labels < 6 and agreement.described < 6
    assert np.isclose(agreement.differences[0], 0.25) and agreement.differences[1] < 1e-6
