"""The benchmark of writing, at tiny size."""

from benchmarks.data import writing


def test_writing_compares_with_wfdb_and_measures_every_layout(run):
    printed = run(writing, "--records", "3", "--rounds", "1")
    assert "wfdb.wrsamp" in printed and "ptbxl, 100 and 500 Hz" in printed
    assert "challenge, 500 Hz" in printed and "npz, 100 Hz" in printed and "parquet, 100 and 500 Hz" in printed
