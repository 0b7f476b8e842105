"""Retrain a classifier for every arm and seed, score it on the real test part, and compare: resumable.

Folder: `<arm>-<seed>/` (run.json: settings and data of the run; scores.npz: validation and test scores; model/), then
test.parquet (patients and labels of the test part) and comparison.json. With these the bootstrap can be done again.
"""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from vqecg.downstream.arms import DUPLICATION, REAL_ONLY, ArmData, check_arms
from vqecg.downstream.comparison_results import Analysis, ArmScores, Comparison, analyse, class_groups
from vqecg.downstream.signals import JoinedSignals, StoreSignals, data_digest, record_digests
from vqecg.downstream.training import ClassifierSettings, LabelledSignals, classifier_card, predict, train_classifier
from vqecg.records.atomic_folder import atomic_folder
from vqecg.records.store import RecordStore
from vqecg.training.checkpoint import write_text

RUN_FILE, SCORES_FILE = "run.json", "scores.npz"


@dataclass(frozen=True)
class ComparisonSettings:
    """What is trained and how it is judged."""

    classifier: ClassifierSettings = field(default_factory=ClassifierSettings)
    analysis: Analysis = field(default_factory=Analysis)
    seeds: tuple[int, ...] = (0, 1, 2)  # one classifier for each, in every arm

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds are {self.seeds}; expected at least one and none twice")


@dataclass(frozen=True, eq=False)
class RealPart:
    """A part of a store of real records: the only thing that validation and test are taken as."""

    store: RecordStore
    indices: np.ndarray  # (records,) int64, rows of the store
    labels: np.ndarray  # (records, classes) float32 0/1, of these rows

    @property
    def data(self) -> LabelledSignals:
        """Signals and labels, read from the store when asked for."""
        return LabelledSignals(StoreSignals(self.store, self.indices), self.labels)

    @property
    def patient_ids(self) -> tuple[str, ...]:
        """One a record, "" where unknown."""
        return tuple(str(patient) for patient in self.store.table["patient_id"].to_numpy()[self.indices])


@dataclass(frozen=True, eq=False)
class PreparedRuns:
    """What all runs of a comparison share."""

    train: LabelledSignals
    validation: LabelledSignals
    test: LabelledSignals
    class_names: tuple[str, ...]
    sampling_rate: int  # Hz
    digests: Mapping[str, str]  # of "train", "validation", "test" and of every arm


def compare(
    train: RealPart,
    validation: RealPart,
    test: RealPart,
    arms: Sequence[ArmData],
    class_names: Sequence[str],
    target_classes: Sequence[str],
    settings: ComparisonSettings,
    folder: Path,
    overwrite: bool = False,
    progress: bool = True,
) -> Comparison:
    """Trains on `train` alone and with each arm, once a seed, and compares on `test`.

    A run that `folder` holds is not trained again if its settings and data are the same. All classifiers of a seed
    start from the same weights and take the same number of steps. Synthetic records enter training only.

    Raises ValueError when the arms add different numbers of records of a class, when "duplication" or the main arm is
    missing, when validation or test are not parts of a store, share a patient with training, or contain a record that
    some arm trains on, and when `folder` holds a run of other settings (unless `overwrite`).
    """
    check_arms(arms, class_names)
    for needed in (DUPLICATION, settings.analysis.main_arm):
        if needed not in [arm.name for arm in arms]:
            raise ValueError(f"no arm is named {needed!r} (there are {[arm.name for arm in arms]}); add it to compare")
    class_groups(class_names, target_classes)
    check_parts(train, validation, test)
    prepared = prepare_runs(train, validation, test, arms, class_names)
    folder = Path(folder)
    every_arm: list[ArmData | None] = [None, *sorted(arms, key=lambda arm: arm.name != DUPLICATION)]
    bar = tqdm(
        total=len(every_arm) * len(settings.seeds), desc="classifiers", unit="run", disable=not progress, delay=2
    )
    found: list[ArmScores] = []
    policy = ""
    with bar:
        for arm in every_arm:
            runs = []
            for seed in settings.seeds:
                runs.append(one_run(prepared, arm, seed, settings.classifier, folder, overwrite, progress))
                bar.update()
            policy = runs[0].threshold_policy
            found.append(arm_scores(arm, runs, len(train.indices)))
    write_test_table(folder / "test.parquet", test, class_names)
    comparison = analyse(
        found,
        test.labels,
        test.patient_ids,
        class_names,
        target_classes,
        settings.seeds,
        policy,
        dataclasses.asdict(settings.classifier),
        settings.analysis,
    )
    write_text(folder / "comparison.json", json.dumps(comparison.to_dict(), indent=2) + "\n")
    return comparison


def write_test_table(path: Path, test: RealPart, class_names: Sequence[str]) -> None:
    """Writes record_id, patient_id and a column of labels a class for the test part, whole or not at all."""
    rows = test.store.table.iloc[test.indices][["record_id", "patient_id"]].reset_index(drop=True)
    table = pd.concat([rows, pd.DataFrame(test.labels, columns=list(class_names))], axis=1)
    aside = path.with_name(f".{path.name}.partial")
    try:
        table.to_parquet(aside)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def read_comparison(folder: Path) -> Comparison:
    """The comparison kept in `folder`. Raises ValueError when it holds none."""
    path = Path(folder) / "comparison.json"
    if not path.is_file():
        raise ValueError(f"{folder} holds no comparison.json; expected the folder of a finished comparison")
    return Comparison.from_dict(json.loads(path.read_text(encoding="utf-8")))


def check_parts(train: RealPart, validation: RealPart, test: RealPart) -> None:
    """Raises ValueError unless all three are parts of stores, without a patient in two of them."""
    seen: dict[str, str] = {}
    for name, part in (("train", train), ("validation", validation), ("test", test)):
        if not isinstance(part, RealPart):
            raise ValueError(f"{name} is a {type(part).__name__}; expected a RealPart: real records of a store")
        patients = {patient for patient in part.patient_ids if patient}
        shared = sorted(patient for patient in patients if patient in seen)
        if shared:
            raise ValueError(
                f"{len(shared)} patients are in {seen[shared[0]]} and in {name}, the first is {shared[0]!r}; "
                "expected every patient in one part: split by folds of patients"
            )
        seen.update(dict.fromkeys(patients, name))


def prepare_runs(
    train: RealPart, validation: RealPart, test: RealPart, arms: Sequence[ArmData], class_names: Sequence[str]
) -> PreparedRuns:
    """Reads all signals once: names them by a digest, and refuses a training record that is in validation or test."""
    held_out = {name: record_digests(part.data.signals) for name, part in (("validation", validation), ("test", test))}
    kept_back = {digest for digests in held_out.values() for digest in digests}
    digests = {
        name: data_digest(held_out[name], part.labels) for name, part in (("validation", validation), ("test", test))
    }
    sources = {REAL_ONLY: train.data} | {arm.name: LabelledSignals(arm.signals, arm.labels) for arm in arms}
    for name, data in sources.items():
        own = record_digests(data.signals)
        copies = sum(digest in kept_back for digest in own)
        if copies:
            raise ValueError(
                f"{copies} training records of {name!r} are in validation or test (to the microvolt), expected none: "
                "make additions from the training part only"
            )
        digests[name] = data_digest(own, data.labels)
    rate = int(train.store.spec.sampling_rate)
    return PreparedRuns(train.data, validation.data, test.data, tuple(class_names), rate, digests)


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """What is kept of one trained classifier."""

    test_scores: np.ndarray  # (test records, classes) in 0..1
    thresholds: np.ndarray  # (classes,)
    threshold_policy: str


def one_run(
    prepared: PreparedRuns,
    arm: ArmData | None,
    seed: int,
    settings: ClassifierSettings,
    folder: Path,
    overwrite: bool,
    progress: bool,
) -> FinishedRun:
    """The run of one arm (None: real only) and seed: read from its folder if it is there, else trained and written."""
    name = REAL_ONLY if arm is None else arm.name
    identity: dict[str, Any] = {
        "arm": name,
        "seed": seed,
        "class_names": list(prepared.class_names),
        "sampling_rate": prepared.sampling_rate,
        "classifier": dataclasses.asdict(settings),
        "data": {part: prepared.digests[part] for part in dict.fromkeys((REAL_ONLY, "validation", "test", name))},
    }
    place = folder / f"{name.replace(' ', '-')}-{seed}"
    if is_run(place) and not (overwrite and is_other(place, identity)):
        return read_run(place, identity)
    train = prepared.train
    if arm is not None:
        train = LabelledSignals(JoinedSignals((train.signals, arm.signals)), np.concatenate([train.labels, arm.labels]))
    trained = train_classifier(
        train,
        settings,
        prepared.class_names,
        seed,
        prepared.validation,
        prepared.sampling_rate,
        progress=progress,
        description=f"{name}, seed {seed}",
    )
    model: Any = trained.model
    thresholds = np.array(trained.thresholds.values)
    scores = predict(model, prepared.test.signals)
    with atomic_folder(place, is_run, overwrite) as partial:
        model.save_pretrained(partial / "model", classifier_card(trained, identity["arm"], len(train.labels)))
        validation_scores = predict(model, prepared.validation.signals)
        np.savez(partial / SCORES_FILE, test=scores, validation=validation_scores, thresholds=thresholds)
        about = {"identity": identity, **dataclasses.asdict(trained.thresholds), **dataclasses.asdict(trained.fit)}
        write_text(partial / RUN_FILE, json.dumps(about, indent=2) + "\n")
    return FinishedRun(scores, thresholds, trained.thresholds.policy)


def is_run(folder: Path) -> bool:
    """Whether `folder` holds a finished run."""
    return (folder / RUN_FILE).is_file() and (folder / SCORES_FILE).is_file()


def is_other(folder: Path, identity: Mapping[str, Any]) -> bool:
    """Whether the run kept in `folder` was trained with other settings or data than `identity`."""
    there = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))["identity"]
    return there != json.loads(json.dumps(identity))


def read_run(folder: Path, identity: Mapping[str, Any]) -> FinishedRun:
    """The run kept in `folder`. Raises ValueError when it was trained with other settings or data than `identity`."""
    about = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    there, wanted = flattened(about["identity"]), flattened(json.loads(json.dumps(identity)))
    other = [name for name in {**there, **wanted} if there.get(name) != wanted.get(name)]
    if other:
        told = "; ".join(f"{name} {there.get(name)} there, {wanted.get(name)} asked for" for name in other)
        raise ValueError(f"{folder} holds a run of other settings or data ({told}): use another folder, or overwrite")
    with np.load(folder / SCORES_FILE) as kept:
        return FinishedRun(kept["test"], kept["thresholds"], about["policy"])


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings with dotted names: {"data": {"test": 1}} -> {"data.test": 1}."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= flattened(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return flat


def arm_scores(arm: ArmData | None, runs: Sequence[FinishedRun], real_records: int) -> ArmScores:
    """The runs of one arm, one a seed, put together."""
    added = 0 if arm is None else len(arm.labels)
    synthetic = added if arm is not None and arm.synthetic else 0
    return ArmScores(
        name=REAL_ONLY if arm is None else arm.name,
        note="the real training records" if arm is None else f"the real training records and {arm.note}",
        real_records=real_records + added - synthetic,
        synthetic_records=synthetic,
        scores=np.stack([run.test_scores for run in runs]),
        thresholds=np.stack([run.thresholds for run in runs]),
    )
