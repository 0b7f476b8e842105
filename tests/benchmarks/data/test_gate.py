"""The benchmark of the gate of recordings, at tiny size."""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.data import gate
from vqecg.records.leads import LEADS
from vqecg.records.simulation.simulator import SimulatorSettings, simulate_record
from vqecg.reports.results import read_experiment


def test_simulated_records_pass_and_their_faults_are_noticed(run, tmp_path: Path):
    file = tmp_path / "recording-gate.json"
    printed = run(gate, "--records", "20", "--every", "10", "--result", str(file))
    assert "not there: LUDB" in printed
    experiment = read_experiment(file)
    known, all_sets = (experiment.value(of, "records").value for of in (gate.WITH_FAULTS, gate.ALL))
    assert known == all_sets == 20 and experiment.value(gate.ALL, "refused").value == 0
    assert experiment.value(gate.ALL, "limb leads differ by, largest").value < 2  # %
    assert experiment.counts["records with faults"] == 2
    for fault, tried in (("two leads swapped", 30), ("one lead upside down", 12), ("each lead z-scored", 2)):
        assert experiment.value(fault, "tried").value == tried
        assert experiment.value(fault, "noticed").value == 100
        assert experiment.value(fault, "cause named, of those noticed").value > 80


def test_a_limit_is_compared_with_what_its_check_lets_through():
    frame = pd.DataFrame({"reason": [None, "flat lead", "clipped", "leads disagree", "duplicate signal"]})
    assert gate.through(frame, "clipped").index.tolist() == [0, 3, 4]
    assert gate.through(frame, "wrong unit").index.tolist() == [0, 1, 2, 3, 4]


def test_a_fault_changes_what_it_names():
    record = simulate_record(["SR"], np.random.default_rng(0), SimulatorSettings(sampling_rate=100)).record
    for _, cause, signal in gate.faults(record.signal, 100):
        changed = {lead for lead, old, new in zip(LEADS, record.signal, signal, strict=True) if (old != new).any()}
        assert len(changed) == 12 if "each" in cause else changed == set(LEADS) & set(cause.split())
