"""The benchmark of growing numbers of records, at tiny size."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.data import scale


def test_the_records_all_differ_and_a_larger_set_is_as_long_as_asked():
    pool = np.random.default_rng(0).standard_normal((4, 8, 100)).astype(np.float32)
    chunks = list(scale.mixtures(pool, 1200))
    assert [len(chunk) for chunk in chunks] == [500, 500, 200]
    signals = np.concatenate(chunks)
    assert signals.shape == (1200, 8, 100) and len(np.unique(signals.reshape(1200, -1), axis=0)) == 1200


@pytest.mark.slow
def test_prepare_and_encode_are_timed_and_watched(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = ["--records", "20", "40", "--pool", "4", "--workers", "1", "--folder", str(tmp_path)]
    scale.main(words)
    printed = capsys.readouterr().out
    assert printed.startswith("machine: ") and "CPU ms per record" in printed
    rows = [line.split() for line in printed.splitlines() if line.startswith(("  prepare", "  encode"))]
    assert [row[:2] for row in rows] == [["prepare", "20"], ["encode", "20"], ["prepare", "40"], ["encode", "40"]]
    assert all(float(row[4].replace(",", "")) > 20 for row in rows), "MiB that a Python with numpy takes"
    assert list(tmp_path.iterdir()) == []
