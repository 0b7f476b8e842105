"""The benchmark of other sampling rates, at tiny size."""

from pathlib import Path

import pytest

from benchmarks.codec import sampling_rate
from vqecg.records.datasets.registry import read_table
from vqecg.records.store.building import build_store
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.signal_spec import SignalSpec


@pytest.mark.slow
def test_a_tokenizer_is_measured_on_records_of_a_higher_rate(
    simulated_store: RecordStore, tiny_tokenizer, tmp_path: Path, run
):
    tiny_tokenizer.save_pretrained(tmp_path / "tokenizer")
    table = read_table(simulated_store.folder.parent / "data")
    build_store(table, SignalSpec(200), tmp_path / "store", progress=False)
    folders = ("--store", str(tmp_path / "store"), "--tokenizer", str(tmp_path / "tokenizer"))
    printed = run(sampling_rate, *folders, "--steps", "2", "--preset", "tiny", "--threads", "1")
    lines = [line.split() for line in printed.splitlines() if line.startswith(("  tokenizer", "  trained here"))]
    coded, alone = [float(line[-2]) for line in lines], [float(line[-1]) for line in lines]
    assert [line[-5] for line in lines] == ["100", "100", "200", "200"]
    assert alone[0] < 5 and alone[-1] == 0 and min(coded) > max(alone)
    with pytest.raises(SystemExit):
        sampling_rate.main(folders[:2])
