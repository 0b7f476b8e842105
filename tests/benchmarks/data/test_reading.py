"""The benchmark of reading, at tiny size."""

from benchmarks.data import reading


def test_reading_compares_with_wfdb(run):
    sizes = ("--records", "20", "--sampling-rates", "100", "--batch", "4", "--rounds", "1")
    printed = run(reading, *sizes)
    assert "vqecg" in printed and "wfdb" in printed and "example_physionet.py" in printed
