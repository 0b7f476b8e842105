"""Write a simulated data set in PTB-XL's layout, with the truth beside it: `truth.parquet`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from vqecg.records.bounds import Count, Hertz, Seconds, Seed, check_value
from vqecg.records.export.dataset import write_dataset
from vqecg.records.files.atomic import atomic_folder
from vqecg.records.files.checksums import write_checksums
from vqecg.records.files.disk import check_room
from vqecg.records.files.progress import Progress
from vqecg.records.folds import assign_folds
from vqecg.records.label_tables import statement_table
from vqecg.records.leads import INDEPENDENT_ROWS
from vqecg.records.simulation.heart import Patient, draw_patient
from vqecg.records.simulation.simulator import SIMULATED_STATEMENTS, SimulatorSettings, simulate_record

# What a patient has for good, and how often; sums to 1. Proportions are roughly PTB-XL's.
DIAGNOSES: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.470, ("NORM",)),
    (0.055, ("IMI",)), (0.010, ("IMI", "1AVB")), (0.012, ("IMI", "NDT")), (0.010, ("IMI", "LAFB")),
    (0.048, ("ASMI",)), (0.014, ("ASMI", "IMI")), (0.012, ("ASMI", "LAFB")),
    (0.026, ("AMI",)), (0.012, ("AMI", "ISC_")),
    (0.034, ("LVH",)), (0.020, ("LVH", "ISC_")), (0.018, ("LVH", "NDT")), (0.010, ("LVH", "LAFB")),
    (0.024, ("CLBBB",)), (0.005, ("CLBBB", "1AVB")),
    (0.018, ("CRBBB",)), (0.008, ("CRBBB", "LAFB")), (0.006, ("CRBBB", "1AVB")), (0.005, ("CRBBB", "IMI")),
    (0.032, ("IRBBB",)), (0.026, ("LAFB",)), (0.015, ("1AVB",)),
    (0.045, ("NDT",)), (0.020, ("NST_",)), (0.022, ("ISC_",)), (0.012, ("ISC_", "STD_")), (0.011, ("NST_", "STD_")),
)  # fmt: skip
RECORDS_PER_PATIENT = (0.88, 0.09, 0.03)  # probability of one, two, three records


@dataclass(frozen=True)
class PlannedRecord:
    """The patient and the statements of a record of the data set."""

    patient: Patient
    statements: tuple[str, ...]


def plan_records(records: int, seed: int) -> list[PlannedRecord]:
    """Patients with one to three records each, their statements and rhythms in realistic proportions.

    Every patient is drawn from the seed and its own number, so a larger set begins with the smaller one's records.
    """
    planned: list[PlannedRecord] = []
    chances = np.array([chance for chance, _ in DIAGNOSES])
    number = 0
    while len(planned) < records:
        number += 1
        rng = np.random.default_rng([seed, 1, number])
        diagnosis = DIAGNOSES[rng.choice(len(DIAGNOSES), p=chances / chances.sum())][1]
        normal = diagnosis == ("NORM",)
        age = float(np.clip(np.round(rng.normal(51, 17) if normal else rng.normal(67, 12)), 18, 95))
        male = rng.uniform() < (0.68 if {"IMI", "AMI", "ASMI"} & set(diagnosis) else 0.48)
        patient = draw_patient(rng, patient_id=str(number), age=age, sex="male" if male else "female")
        fibrillates = not normal and "1AVB" not in diagnosis and rng.uniform() < 0.11 * (age - 40) / 27
        for _ in range(int(rng.choice(3, p=RECORDS_PER_PATIENT)) + 1):
            statements = (*diagnosis, *_draw_rhythm(normal, fibrillates, rng))
            planned.append(PlannedRecord(patient, tuple(s for s in SIMULATED_STATEMENTS if s in statements)))
    return planned[:records]


def _draw_rhythm(normal: bool, fibrillates: bool, rng: np.random.Generator) -> tuple[str, ...]:
    """The rhythm of one record and its premature beats, PTB-XL's names."""
    chance = rng.uniform(size=3)
    if fibrillates:
        return ("AFIB", "PVC") if chance[1] < 0.06 else ("AFIB",)
    rates = (("SBRAD", 0.045), ("SARRH", 0.045), ("STACH", 0.02 if normal else 0.06))
    edges = np.cumsum([rate for _, rate in rates])
    rhythm = next((name for (name, _), edge in zip(rates, edges, strict=True) if chance[0] < edge), "SR")
    often = 0.2 if normal else 1.0
    extra = [name for name, c, rate in (("PVC", chance[1], 0.07), ("PAC", chance[2], 0.035)) if c < often * rate]
    return (rhythm, *extra)


def simulate_dataset(
    folder: str | Path,
    records: int,
    seed: int,
    sampling_rate: int = 100,
    seconds: float = 10.0,
    overwrite: bool = False,
    progress: bool = True,
) -> None:
    """Write `records` simulated records into `folder`: PTB-XL's files, `manifest.parquet` and `truth.parquet`.

    The truth has one row per beat: `ecg_id` and TRUTH_COLUMNS of simulator.py, times in s. Folds 1-10 keep each
    patient's records together. Likelihoods are PTB-XL's way, 100 for diagnostic statements and 0 for form and rhythm.
    The same arguments write the same bytes of signal. The folder appears when all is written, or not at all.

    Args:
        records: how many; at least 20, so that ten folds get patients.
        seed: any non-negative integer.
        sampling_rate: Hz.
        seconds: length of a record, at least 10 s (premature beats need room).
        overwrite: replace an earlier simulated data set; another folder's content is never replaced.

    Raises:
        ValueError: the folder holds something, or a number is out of range.
    """
    asked = (
        ("records", records, Count),
        ("seed", seed, Seed),
        ("seconds", seconds, Seconds),
        ("rate", sampling_rate, Hertz),
    )
    for name, value, kind in asked:
        check_value(name, value, kind)
    if records < 20 or seconds < 10 or sampling_rate < 50:
        raise ValueError(
            f"{records} records, seed {seed}, {seconds:g} s at {sampling_rate} Hz; expected at least 20 records, "
            "a seed of 0 or more, at least 10 s and 50 Hz"
        )
    check_room(Path(folder), records, round(seconds * sampling_rate))
    with atomic_folder(Path(folder), _is_simulated, overwrite) as partial:
        planned = plan_records(records, seed)
        rows = pd.DataFrame(
            {
                "record_id": [str(number) for number in range(1, records + 1)],
                "patient_id": [plan.patient.patient_id for plan in planned],
                "age": [plan.patient.age for plan in planned],
                "sex": [plan.patient.sex for plan in planned],
                "statements": [{name: SIMULATED_STATEMENTS[name] for name in plan.statements} for plan in planned],
            }
        )
        rows = assign_folds(rows, seed=seed)
        manifest = pd.DataFrame({"method": "simulator", "seed": seed, "sampling_rate": sampling_rate}, index=rows.index)
        truth: list[pd.DataFrame] = []
        signals = simulated_signals(planned, seed, SimulatorSettings(seconds, sampling_rate), truth, progress)
        write_dataset(partial, signals, sampling_rate, rows, statement_table(), manifest)
        pd.concat(truth, ignore_index=True).to_parquet(partial / "truth.parquet")
        write_checksums(partial)


def _is_simulated(folder: Path) -> bool:
    return (folder / "truth.parquet").is_file() and (folder / "manifest.parquet").is_file()


def simulated_signals(
    planned: list[PlannedRecord], seed: int, settings: SimulatorSettings, truth: list[pd.DataFrame], progress: bool
) -> Iterator[np.ndarray]:
    """A (1, 8, samples) chunk per record; each record's beats are appended to `truth` as it is made."""
    for number, plan in enumerate(Progress(planned, "simulating", unit="record", shown=progress), start=1):
        rng = np.random.default_rng([seed, 2, number])
        simulated = simulate_record(plan.statements, rng, settings, plan.patient, record_id=str(number))
        truth.append(simulated.beats.assign(ecg_id=number)[["ecg_id", *simulated.beats.columns]])
        yield simulated.record.signal[None, INDEPENDENT_ROWS]
