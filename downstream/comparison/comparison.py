"""Retrain a classifier for every arm and seed, score it on the real test part, and compare: resumable.

Folder: `<arm>-<seed>/` for every run (see runs.py), then test.parquet (patients and labels of the test part)
and comparison.json. With these it can be judged again.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vqecg.downstream.augmentation.plan import DUPLICATION, REAL_ONLY
from vqecg.downstream.classifiers.mixture import SHARE
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.comparison.arms.arm_data import Arm, ArmData, added_by, check_arms, name_of, trained_by
from vqecg.downstream.comparison.earlier import COMPARISON_FILE, TEST_FILE, beside_earlier
from vqecg.downstream.comparison.members import check_seeds, finish_runs, run_of, task_of
from vqecg.downstream.comparison.results import FORMAT, Analysis, ArmScores, Comparison, analyse, class_groups
from vqecg.downstream.comparison.runs import (
    FinishedRun,
    PreparedRuns,
    Run,
    check_parts,
    patient_ids,
    prepare_runs,
)
from vqecg.downstream.comparison.tuning_settings import TuningSettings
from vqecg.records.bounds import Checked, Seed
from vqecg.records.files.atomic import atomic_file, write_text
from vqecg.records.files.json_file import read_object, reading
from vqecg.records.labels import LabelTask
from vqecg.records.store.selection import RecordSelection
from vqecg.training.checkpoint import OMITTED_WHILE_DEFAULT, identifying


@dataclass(frozen=True)
class ComparisonSettings(Checked):
    """The training and the judgement of the classifiers of a comparison."""

    training: ClassifierSettings = field(default_factory=ClassifierSettings)  # of the classifiers
    analysis: Analysis = field(default_factory=Analysis)
    seeds: tuple[Seed, ...] = (0, 1, 2, 3, 4)  # one classifier for each, in every arm
    tuning: TuningSettings = field(default=TuningSettings(), metadata=OMITTED_WHILE_DEFAULT)  # for every arm alike

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds are {self.seeds}; expected at least one and none twice")
        if self.tuning.wanted and set(self.seeds) & set(self.tuning.seeds):
            raise ValueError(
                f"seeds are {self.seeds} and those of the tuning {self.tuning.seeds}; expected none in both: what is "
                "chosen by chance in training must not be judged by the same chance"
            )


@dataclass(frozen=True, eq=False)
class ReadyComparison:
    """A comparison whose arms are filled and checked, before anything is trained; can be sent to another process."""

    train: RecordSelection
    test: RecordSelection
    arms: Mapping[int, tuple[Arm | None, ...]]  # of each seed, in one order. None: real only; "duplication" next
    prepared: PreparedRuns
    target_classes: tuple[str, ...]
    settings: ComparisonSettings
    remarks: tuple[str, ...] = ()  # what a reader must know of it, in sentences
    ways: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # way to train -> its tuned settings
    candidates: tuple[Mapping[str, Any], ...] = ()  # that these were chosen from, see `Comparison.candidates`

    @property
    def runs(self) -> list[Run]:
        """The classifiers to train, arm by arm, a seed each."""
        training = self.settings.training
        return [
            run_of(self.prepared, arm, seed, training.changed(self.ways.get(name_of(trained_by(arm)), {})))
            for of_seeds in zip(*self.arms.values(), strict=True)
            for seed, arm in zip(self.arms, of_seeds, strict=True)
        ]

    def scores(self, runs: Sequence[FinishedRun]) -> list[ArmScores]:
        """The scores of each arm from the finished runs, in the order of `runs`."""
        count = len(self.arms)
        return [
            arm_scores(of_seeds, runs[number * count : (number + 1) * count], len(self.train))
            for number, of_seeds in enumerate(zip(*self.arms.values(), strict=True))
        ]


def get_ready(
    train: RecordSelection,
    validation: RecordSelection,
    test: RecordSelection,
    arms: Mapping[int, Sequence[Arm]],
    task: LabelTask,
    target_classes: Sequence[str],
    settings: ComparisonSettings,
    remarks: Sequence[str] = (),
) -> ReadyComparison:
    """Reads all signals once and checks everything that `compare` refuses; `arms` are those of each seed."""
    for of_seed in arms.values():
        check_arms(of_seed, task.class_names)
    named = {tuple(arm.name for arm in of_seed) for of_seed in arms.values()}
    if set(arms) != set(settings.seeds) or len(named) != 1:
        raise ValueError(
            f"got the arms {sorted(named)} for the seeds {list(arms)}; expected the same in all of {settings.seeds}"
        )
    (names,) = named
    further = (name for name in settings.analysis.against if name != REAL_ONLY)  # all are compared with that anyway
    for needed in (DUPLICATION, settings.analysis.main_arm, *further):
        if needed not in names:
            raise ValueError(f"no arm is named {needed!r} (there are {list(names)}); add it to compare")
    class_groups(task.class_names, target_classes)
    check_seeds(settings.seeds, arms)
    check_parts(train, validation, test)
    prepared = prepare_runs(train, validation, test, arms, task)
    ordered = {seed: (None, *sorted(arms[seed], key=lambda arm: arm.name != DUPLICATION)) for seed in settings.seeds}
    ready = ReadyComparison(train, test, ordered, prepared, tuple(target_classes), settings, tuple(remarks))
    for run in ready.runs:
        run.check()
    return ready


def compare(
    train: RecordSelection,
    validation: RecordSelection,
    test: RecordSelection,
    arms: Sequence[Arm],
    task: LabelTask,
    target_classes: Sequence[str],
    settings: ComparisonSettings,
    folder: Path,
    overwrite: bool = False,
    progress: bool = True,
    workers: int = 1,
    remarks: Sequence[str] = (),
) -> Comparison:
    """Trains on `train` alone and by each arm, the same arms in every seed, and compares on `test`.

    A run that `folder` holds is not trained again if its settings and data are the same. All classifiers of a seed
    start from the same weights and take the same number of steps. Synthetic records enter training only. Several
    `workers` are new processes of one thread each.

    Raises ValueError when the arms add different numbers of records of a class, when "duplication" or the main arm is
    missing, when validation or test are not parts of a store, share a patient with training, or contain a record that
    some arm trains on, and when `folder` holds a run of other settings (unless `overwrite`).
    """
    of_seeds = dict.fromkeys(settings.seeds, arms)
    ready = get_ready(train, validation, test, of_seeds, task, target_classes, settings, remarks)
    return compare_ready(ready, Path(folder), overwrite, progress, workers)


def compare_ready(
    ready: ReadyComparison, folder: Path, overwrite: bool = False, progress: bool = True, workers: int = 1
) -> Comparison:
    """Trains, compares and writes, once everything is checked, and tuned where that is wanted."""
    alone = progress and workers == 1
    if ready.settings.tuning.wanted and not ready.candidates:
        raise ValueError("this comparison is to be tuned: give it to `tuned` (comparison/tuning.py) first")
    tasks = {run.slug: task_of(run, folder, False, overwrite, alone) for run in ready.runs}
    finished = finish_runs(tasks, workers, progress)
    write_test_table(folder / TEST_FILE, ready)
    comparison = judge([ready], [[finished[run.slug] for run in ready.runs]])
    return write_comparison(folder, comparison)


def judge(ready: Sequence[ReadyComparison], runs: Sequence[Sequence[FinishedRun]]) -> Comparison:
    """The verdicts on the finished runs of each draw, in the order of its `runs`; ValueError as `joined_draws`."""
    first, settings = ready[0], ready[0].settings
    comparison = analyse(
        joined_draws(ready, runs),
        first.prepared.test.labels,
        patient_ids(first.test),
        first.prepared.class_names,
        first.target_classes,
        settings.seeds,
        "; ".join(dict.fromkeys(of_draw[0].threshold_policy for of_draw in runs)),
        identifying(settings.training),
        settings.analysis,
        draws=len(ready),
    )
    remarks = tuple(dict.fromkeys(line for one in ready for line in one.remarks))
    return dataclasses.replace(comparison, remarks=remarks, candidates=candidates_of(ready))


def candidates_of(ready: Sequence[ReadyComparison]) -> tuple[Mapping[str, Any], ...]:
    """The candidates of each draw; a row says of which, counted from 1, where there are several."""
    if len(ready) == 1:
        return ready[0].candidates
    return tuple({**row, "draw": draw} for draw, one in enumerate(ready, 1) for row in one.candidates)


def joined_draws(ready: Sequence[ReadyComparison], runs: Sequence[Sequence[FinishedRun]]) -> list[ArmScores]:
    """The scores of each arm, the networks of the first draw first; records are counted as means over draws.

    Raises ValueError for draws that are not tested on the same records.
    """
    if len({one.prepared.digests["test"] for one in ready}) > 1:
        raise ValueError("the draws are not tested on the same records and labels; expected one test part for all")
    of_draws = [one.scores(of_draw) for one, of_draw in zip(ready, runs, strict=True)]
    return [
        dataclasses.replace(
            described_together(draws, "draw"),
            scores=np.concatenate([one.scores for one in draws]),
            thresholds=np.concatenate([one.thresholds for one in draws]),
        )
        for draws in zip(*of_draws, strict=True)
    ]


def described_together(parts: Sequence[ArmScores], kind: str) -> ArmScores:
    """The first of several parts of one arm, with the records of all as means; `kind` is "draw" or "fold"."""
    differs = any(part.note != parts[0].note for part in parts)
    return dataclasses.replace(
        parts[0],
        note=parts[0].note + (f" (in the first {kind})" if differs else ""),
        real_records=round(np.mean([part.real_records for part in parts])),
        synthetic_records=round(np.mean([part.synthetic_records for part in parts])),
    )


def write_comparison(folder: Path, comparison: Comparison) -> Comparison:
    """Writes comparison.json, which `read_comparison` reads; verdicts that it had on the same scores go beside."""
    path = folder / COMPARISON_FILE
    comparison = beside_earlier(comparison, read_object(path) if path.is_file() else None)
    write_text(path, json.dumps(comparison.to_dict(), indent=2) + "\n")
    return comparison


def write_test_table(path: Path, ready: ReadyComparison) -> None:
    """Writes record_id, patient_id and a column of labels per class for the test part, whole or not at all."""
    rows = ready.test.table[["record_id", "patient_id"]].reset_index(drop=True)
    labels = pd.DataFrame(ready.prepared.test.labels, columns=list(ready.prepared.class_names))
    with atomic_file(path) as aside:
        pd.concat([rows, labels], axis=1).to_parquet(aside)


def is_comparison(folder: Path) -> bool:
    """True where `folder` holds a comparison that `read_comparison` reads."""
    path = Path(folder) / COMPARISON_FILE
    return path.is_file() and read_object(path).get("format") == FORMAT


def read_comparison(folder: Path) -> Comparison:
    """The comparison kept in `folder`. Raises ValueError when it holds none."""
    path = Path(folder) / COMPARISON_FILE
    if not path.is_file():
        raise ValueError(f"{folder} holds no {COMPARISON_FILE}; expected the folder of a finished comparison")
    with reading(path):
        return Comparison.from_dict(read_object(path))


def arm_scores(arms: Sequence[Arm | None], runs: Sequence[FinishedRun], real_records: int) -> ArmScores:
    """The runs of one arm, one per seed, put together; records are counted as means over seeds."""
    adding = added_by(arms)
    added = round(np.mean([len(arm.labels) for arm in adding])) if adding else 0
    synthetic = round(np.mean([len(arm.labels) - arm.copies for arm in adding])) if adding else 0
    arm = arms[0]
    note = "" if arm is None else f" and {arm.note}" if isinstance(arm, ArmData) else f", {arm.note}"
    if isinstance(arm, ArmData) and arm.stream:
        note = f" and, as {arm.changes[SHARE]:g} of every batch, {arm.note}"
    if any(other.note != adding[0].note for other in adding):
        note += " (with the first seed)"
    return ArmScores(
        name=REAL_ONLY if arm is None else arm.name,
        note=f"the real training records{note}",
        real_records=real_records + added - synthetic,
        synthetic_records=synthetic,
        scores=np.stack([run.test_scores for run in runs]),
        thresholds=np.stack([run.thresholds for run in runs]),
    )
