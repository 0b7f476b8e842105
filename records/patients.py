"""Patients as keys: records of one patient belong together, a record of unknown patient stands alone."""

from collections.abc import Iterable, Sequence

import numpy as np


def patient_keys(patient_ids: Sequence[str] | Iterable[str], record_ids: Iterable[object] | None = None) -> np.ndarray:
    """One key per record, (records,) object: the patient, or the record itself where `patient_ids` has "" (unknown).

    `record_ids` names the records, by their numbers from 0 if it is not given.
    """
    ids = list(patient_ids)
    names = range(len(ids)) if record_ids is None else record_ids
    keys = [f"patient {patient}" if patient else f"record {name}" for patient, name in zip(ids, names, strict=True)]
    return np.array(keys, object)


def patient_parts(patients: np.ndarray, parts: int, seed: int) -> np.ndarray:
    """A part for each record, the same for all of a patient: (records,) int64. ValueError: too few patients."""
    names, patient = np.unique(patients.astype(str), return_inverse=True)
    if len(names) < parts:
        raise ValueError(f"{len(names)} patients; expected at least {parts}, one a part")
    return (np.random.default_rng(seed).permutation(len(names)) % parts)[patient]
