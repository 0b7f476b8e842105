"""Ten folds by patient for corpora that come without, and the split of folds into training, validation and test."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from vqecg.records.bounds import Checked
from vqecg.records.patients import patient_keys
from vqecg.records.unknown_labels import without_labels

MAX_FOLD = 10
TRAINING_FOLD = 1  # of synthetic records: they are for training only


def assign_folds(records: pd.DataFrame, folds: int = 10, seed: int = 0) -> pd.DataFrame:
    """Give every record a fold from 1 to `folds`: whole patients, statements spread as evenly as they go.

    Greedy stratification after Sechidis et al. (ECML 2011), on patients: those with the rarest statements first, each
    to the fold that lacks most of the patient's rarest statement, then to the emptiest. The result depends on the
    records and the seed only, not on the order of the rows. A record of unknown patient is a patient of its own.

    Args:
        records: a table with the columns record_id, patient_id and statements (dicts).
        folds: 2 to 10.
        seed: another seed, another draw.

    Returns:
        A copy of `records` with the column fold (int64) replaced.

    Raises:
        ValueError: fewer patients than folds, or a number of folds out of range.
    """
    if not 2 <= folds <= MAX_FOLD:
        raise ValueError(f"folds is {folds}, expected 2 to {MAX_FOLD}")
    keys = patient_keys(records["patient_id"], records["record_id"])
    patients = pd.Series(keys, index=records.index, dtype=object)
    counts = _statement_counts(patients, records["statements"])
    if len(counts) < folds:
        raise ValueError(
            f"{len(counts)} patients for {folds} folds; expected at least one patient per fold: ask for fewer"
        )
    totals: dict[str, int] = {}
    for statements in counts.values():
        for statement, count in statements.items():
            totals[statement] = totals.get(statement, 0) + count
    sizes = patients.value_counts()
    fold_of = _place(counts, totals, {str(key): int(size) for key, size in sizes.items()}, folds, seed)
    placed = records.copy()
    placed["fold"] = patients.map(fold_of).astype(np.int64)
    return placed


def folds_name(folds: Sequence[int]) -> str:
    """A fold, such as "4", or several together: "1-2-3"."""
    return "-".join(map(str, folds))


def folds_text(folds: Sequence[int]) -> str:
    """Folds as readers write them: "1-8", "1, 3, 5", or "none"."""
    if len(folds) > 2 and list(folds) == list(range(folds[0], folds[-1] + 1)):
        return f"{folds[0]}-{folds[-1]}"
    return ", ".join(map(str, folds)) or "none"


def _statement_counts(patients: pd.Series, statements: pd.Series) -> dict[str, dict[str, int]]:
    """Patient -> statement -> records of the patient that carry it."""
    counts: dict[str, dict[str, int]] = {}
    for patient, carried in zip(patients, statements, strict=True):
        of_patient = counts.setdefault(patient, {})
        for statement in carried:
            of_patient[statement] = of_patient.get(statement, 0) + 1
    return counts


def _place(
    counts: Mapping[str, Mapping[str, int]],
    totals: Mapping[str, int],
    sizes: Mapping[str, int],
    folds: int,
    seed: int,
) -> dict[str, int]:
    """Patient -> fold, 1 to `folds`; see `assign_folds`."""
    # Python's own hash() differs between runs; sha256 does not.
    drawn = {patient: hashlib.sha256(f"{seed}:{patient}".encode()).hexdigest() for patient in counts}
    rarest = {
        patient: min(statements, key=lambda statement: (totals[statement], statement), default="")
        for patient, statements in counts.items()
    }
    largest = sum(sizes.values()) + 1  # patients without statements come last
    order = sorted(counts, key=lambda patient: (totals.get(rarest[patient], largest), rarest[patient], drawn[patient]))
    held = [dict.fromkeys(totals, 0) for _ in range(folds)]
    filled = [0] * folds
    fold_of: dict[str, int] = {}
    for patient in order:
        statement = rarest[patient]
        tie = int(drawn[patient], 16) % folds
        fold = min(range(folds), key=lambda f: (held[f].get(statement, 0), filled[f], (f - tie) % folds))
        fold_of[patient] = fold + 1
        filled[fold] += sizes[patient]
        for carried, count in counts[patient].items():
            held[fold][carried] += count
    return fold_of


@dataclass(frozen=True, eq=False)
class SplitIndices:
    """Rows of a table by part, int64 arrays in row order; a part whose folds are () is empty.

    A record without any known label is never validated or tested on.
    """

    train: np.ndarray  # records with a known label
    validation: np.ndarray
    test: np.ndarray
    unlabelled: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # of the training folds
    left_out: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # unlabelled, of the other folds

    @property
    def every_training_row(self) -> np.ndarray:
        """Labelled and unlabelled records of the training folds, in row order: what uses no labels learns from all."""
        return np.sort(np.concatenate([self.train, self.unlabelled]))

    def unlabelled_text(self) -> str:
        """A line on the records without labels; "" where there are none."""
        parts = [f"{len(self.unlabelled):,} training records have no known label"] if len(self.unlabelled) else []
        if len(self.left_out):
            parts.append(f"{len(self.left_out):,} without any are left out of the validation and test folds")
        return "; ".join(parts)


@dataclass(frozen=True)
class FoldSplit(Checked):
    """The folds that train, validate and test; PTB-XL's own recommendation (Wagner et al. 2020) is the default."""

    train: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8)  # folds to learn from
    validation: tuple[int, ...] = (9,)  # folds to choose on
    test: tuple[int, ...] = (10,)  # folds for the last measurement

    def __post_init__(self) -> None:
        """Raises ValueError for a fold that has two parts, no training fold, or a fold outside 1-10."""
        super().__post_init__()
        every = [*self.train, *self.validation, *self.test]
        if not self.train:
            raise ValueError("no training folds; expected at least one of 1-10 in train")
        outside = sorted(set(every) - set(range(1, MAX_FOLD + 1)))
        if outside:
            raise ValueError(f"folds {outside} do not exist, expected numbers from 1 to {MAX_FOLD}")
        if len(every) != len(set(every)):
            twice = sorted({fold for fold in every if every.count(fold) > 1})
            raise ValueError(
                f"folds {twice} are named twice; expected every fold in one part of train, validation, test"
            )

    def indices(self, table: pd.DataFrame) -> SplitIndices:
        """The rows of every part of a table with the columns fold and patient_id; where labels are unknown, statements.

        A table without any known label is split by folds alone: only what uses no labels can learn from it.

        Raises:
            ValueError: a wanted fold has no record (the message lists the folds that have; of validation and test,
            none with a label), or a known patient has records in two parts.
        """
        fold, unlabelled = table["fold"].to_numpy(), without_labels(table)
        unlabelled &= not unlabelled.all()
        there, judged = sorted(set(fold.tolist())), set(fold[~unlabelled].tolist())
        self._check_labelled([number for number in (*self.validation, *self.test) if number in there], judged)
        empty = [number for number in (*self.train, *self.validation, *self.test) if number not in there]
        if empty:
            raise ValueError(
                f"folds {empty} have no record; the table has folds {there} (0: unknown, use assign_folds). "
                "Choose train, validation and test from these"
            )
        parts = {name: np.flatnonzero(np.isin(fold, getattr(self, name))) for name in ("train", "validation", "test")}
        _check_patients(table["patient_id"].to_numpy(), parts)
        known = {name: rows[~unlabelled[rows]].astype(np.int64) for name, rows in parts.items()}
        learned, judged_on = parts["train"], np.sort(np.concatenate([parts["validation"], parts["test"]]))
        return SplitIndices(
            **known,
            unlabelled=learned[unlabelled[learned]].astype(np.int64),
            left_out=judged_on[unlabelled[judged_on]].astype(np.int64),
        )

    @staticmethod
    def _check_labelled(folds: Sequence[int], judged: Collection[int]) -> None:
        """Refuse folds to validate or test on in which no record has a label."""
        without = [number for number in folds if number not in judged]
        if without:
            raise ValueError(
                f"no record of the folds {without} has a known label, and unlabelled records are neither validated nor "
                f"tested on; expected some of the folds {sorted(judged)} for validation and test"
            )


def _check_patients(patient: np.ndarray, parts: Mapping[str, np.ndarray]) -> None:
    """Refuse a split in which a known patient is in two parts."""
    seen: dict[str, str] = {}
    for name, rows in parts.items():
        patients = {str(value) for value in patient[rows] if value}
        shared = sorted(value for value in patients if value in seen)
        if shared:
            raise ValueError(
                f"{len(shared)} patients are in {name} and in {seen[shared[0]]}, the first is {shared[0]!r}; "
                "expected every patient in one part: give the table folds by patient with assign_folds"
            )
        seen.update(dict.fromkeys(patients, name))
