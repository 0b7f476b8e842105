"""A simulated recording with its truth as the marks that a cardiologist would set in LUDB."""

import numpy as np
import pandas as pd

from vqecg.records.datasets.ludb import POINTS, WAVE_COLUMNS, LUDBRecord
from vqecg.records.simulation.dataset import plan_records
from vqecg.records.simulation.simulator import SimulatedRecord, simulate_record

MARKS = 3  # stream of random numbers: 2 is that of data sets
_TRUTH = {  # columns of a simulated record's beats
    "P": ("p_onset", "p_peak", "p_offset"),
    "QRS": ("qrs_onset", "r_peak", "qrs_offset"),
    "T": ("t_onset", "t_peak", "t_offset"),
}


def simulated_marks(simulated: SimulatedRecord) -> LUDBRecord:
    """A simulated recording with its truth as the marks of every lead: what LUDB would be of a heart that is known."""
    record = simulated.record
    truth = simulated.beats
    tables = []
    for wave, names in _TRUTH.items():
        points = (truth[list(names)].dropna() * record.sampling_rate).set_axis(list(POINTS), axis=1)
        points = points[(points["onset"] >= 0) & (points["offset"] < record.signal.shape[1])]
        tables.append(points.assign(wave=wave))
    one = pd.concat(tables).sort_values("onset")
    waves = pd.concat([one.assign(lead=lead) for lead in record.leads], ignore_index=True)[list(WAVE_COLUMNS)]
    return LUDBRecord(record, waves, tuple(record.statements))


def simulated_records(count: int, seed: int) -> list[LUDBRecord]:
    """Simulated recordings of statements in about PTB-XL's proportions, with their truth as marks.

    The patients are those of `vqecg simulate` with the same seed, their recordings others.
    """
    return [
        simulated_marks(
            simulate_record(
                plan.statements,
                np.random.default_rng([seed, MARKS, number]),
                patient=plan.patient,
                record_id=f"simulated-{number}",
            )
        )
        for number, plan in enumerate(plan_records(count, seed))
    ]
