"""The benchmark of the gate, at tiny size."""

import pytest

from benchmarks.sampling import gate
from vqecg.records.store.record_store import RecordStore


@pytest.mark.slow
def test_the_gate_catches_copies_in_disguise(simulated_store: RecordStore, tiny_tokenizer, tmp_path, run):
    tiny_tokenizer.save_pretrained(tmp_path)
    folders = ("--store", str(simulated_store.folder), "--tokenizer", str(tmp_path))
    printed = run(gate, *folders, "--test", "9", "10", "--copies", "8", "--pairs", "2").splitlines()
    caught = {name: line.split()[-2] for line in printed for name in ("copies moved", "copies times") if name in line}
    assert set(caught.values()) == {"100.0"}
    assert float(next(line for line in printed if "real records" in line).split()[-2]) < 30
    assert any("levels" in line for line in printed) and any("of the second parent" in line for line in printed)
    assert [line.split()[3] for line in printed[-2:]] == ["waveform", "beat"]
