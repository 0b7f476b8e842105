"""One classifier of a comparison: what it is trained and tested on, and its folder, with run.json (settings and data of
the run), scores.npz (validation and test scores) and model/."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vqecg.downstream.augmentation.plan import REAL_ONLY, slug
from vqecg.downstream.classifiers.pretraining.registry import Pretraining
from vqecg.downstream.classifiers.pretraining.shared import SharedPretraining
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.signals import JoinedSignals, data_digest, record_digests
from vqecg.downstream.classifiers.training import (
    LabelledSignals,
    classifier_card,
    model_config,
    predict,
    train_classifier,
)
from vqecg.downstream.comparison.arms.arm_data import Arm, ArmData, added_by, trained_by
from vqecg.downstream.comparison.withheld import pretraining_digest, training_digest
from vqecg.records.files.atomic import atomic_folder, write_text
from vqecg.records.files.json_file import read_object, reading
from vqecg.records.files.reuse import as_json, reuse
from vqecg.records.labels import LabelTask
from vqecg.records.store.selection import RecordSelection
from vqecg.training.checkpoint import identifying
from vqecg.training.fit import arithmetic

RUN_FILE, SCORES_FILE, PRETRAINED = "run.json", "scores.npz", "pretrained"
TRAINING = 1  # raised when the same settings and data give other classifiers, so that old and new are never compared


@dataclass(frozen=True, eq=False)
class PreparedRuns:
    """The data that all runs of a comparison share."""

    train: LabelledSignals
    validation: LabelledSignals
    test: LabelledSignals
    class_names: tuple[str, ...]
    sampling_rate: int  # Hz
    digests: Mapping[str, str]  # of "real only", "validation" and "test"
    added: Mapping[tuple[int, str], str]  # seed and arm -> digest of what the arm adds for that seed
    pretrained: Mapping[tuple[int, str], str]  # seed and arm -> digest of the ECGs that its weights come from


def patient_ids(part: RecordSelection) -> tuple[str, ...]:
    """The patient of each record, "" where unknown."""
    return tuple(str(patient) for patient in part.table["patient_id"])


def check_parts(train: RecordSelection, validation: RecordSelection, test: RecordSelection) -> None:
    """Raises ValueError unless all three are records of stores, without a patient in two of them."""
    seen: dict[str, str] = {}
    for name, part in (("train", train), ("validation", validation), ("test", test)):
        if not isinstance(part, RecordSelection):
            raise ValueError(f"{name} is a {type(part).__name__}; expected a RecordSelection: real records of a store")
        patients = set(patient_ids(part)) - {""}
        shared = sorted(patient for patient in patients if patient in seen)
        if shared:
            raise ValueError(
                f"{len(shared)} patients are in {seen[shared[0]]} and in {name}, the first is {shared[0]!r}; "
                "expected every patient in one part: split by folds of patients"
            )
        seen.update(dict.fromkeys(patients, name))


def prepare_runs(
    train: RecordSelection,
    validation: RecordSelection,
    test: RecordSelection,
    arms: Mapping[int, Sequence[Arm]],
    task: LabelTask,
) -> PreparedRuns:
    """Reads all signals once: names them by a digest, and refuses a training record that is in validation or test.

    `arms` are those of each seed.
    """
    parts = {"validation": validation, "test": test, REAL_ONLY: train}
    data = {  # of training records, labels may be unknown
        name: LabelledSignals(part, part.labels(task, math.nan if name == REAL_ONLY else None))
        for name, part in parts.items()
    }
    held_out = {name: record_digests(data[name].signals) for name in ("validation", "test")}
    withheld = {digest for digests in held_out.values() for digest in digests}
    digests = {name: data_digest(held_out[name], data[name].labels) for name in held_out}
    digests[REAL_ONLY] = training_digest(REAL_ONLY, data[REAL_ONLY].signals, data[REAL_ONLY].labels, withheld)
    added: dict[tuple[int, str], str] = {}
    known: dict[int, str] = {}  # seeds may share an arm
    for seed, of_seed in arms.items():
        for arm in added_by(of_seed):
            if id(arm) not in known:
                known[id(arm)] = training_digest(arm.name, arm.signals, arm.labels, withheld)
            added[seed, arm.name] = known[id(arm)]
    pretrained = {
        (seed, arm.name): pretraining_digest(arm.name, arm.pretraining, withheld)
        for seed, of_seed in arms.items()
        for arm in map(trained_by, of_seed)
        if arm is not None and arm.pretraining is not None
    }
    rate = int(train.store.spec.sampling_rate)
    parted = (data[REAL_ONLY], data["validation"], data["test"])
    return PreparedRuns(*parted, task.class_names, rate, digests, added, pretrained)


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """The results of one trained classifier."""

    test_scores: np.ndarray  # (test records, classes) in 0..1
    validation_scores: np.ndarray  # (validation records, classes) in 0..1
    thresholds: np.ndarray  # (classes,)
    threshold_policy: str


@dataclass(frozen=True, eq=False)
class Run:
    """The classifier of one arm (None: real only) and seed; can be sent to another process and trained there."""

    prepared: PreparedRuns
    arm: Arm | None
    seed: int
    classifier: ClassifierSettings  # of the comparison; the arm's changes are not in it
    added: tuple[int, str] | None = None  # key of `PreparedRuns.added`; None = by its seed and name

    @property
    def name(self) -> str:
        """The arm's name."""
        return REAL_ONLY if self.arm is None else self.arm.name

    @property
    def settings(self) -> ClassifierSettings:
        """The training of this classifier."""
        return self.classifier.changed(self.changes)

    @property
    def changes(self) -> Mapping[str, Any]:
        """Of the settings of the comparison, by dotted names."""
        trained = trained_by(self.arm)
        return {} if trained is None else trained.changes

    @property
    def pretraining(self) -> Pretraining | None:
        """The training of the initial weights before anything else."""
        trained = trained_by(self.arm)
        return None if trained is None else trained.pretraining

    def check(self) -> None:
        """Raises ValueError for an arm whose changes change nothing."""
        check_changes(self.name, self.classifier, self.changes)

    @property
    def identity(self) -> dict[str, Any]:
        """All that the classifier depends on, as plain JSON."""
        digests, key = dict(self.prepared.digests), self.added or (self.seed, self.name)
        digests |= {self.name: self.prepared.added[key]} if key in self.prepared.added else {}
        about = {
            "training": TRAINING,
            "arithmetic": arithmetic(self.settings.fit),
            "arm": self.name,
            "seed": self.seed,
            "class_names": list(self.prepared.class_names),
            "sampling_rate": self.prepared.sampling_rate,
            "classifier": identifying(self.settings),
            "model": model_config(self.settings.model, self.prepared.class_names, self.prepared.sampling_rate),
            "data": digests,
        }
        if self.pretraining is not None:
            about["pretraining"] = {"signals": self.prepared.pretrained[key], **self.pretraining.identity}
        return as_json(about)

    @property
    def slug(self) -> str:
        """Arm and seed as a folder's name."""
        return f"{slug(self.name)}-{self.seed}"

    @property
    def keyed_slug(self) -> str:
        """The same with a digest of the identity, so that runs of other settings lie beside it."""
        return keyed(self.slug, self.identity)


def keyed(slug: str, identity: Mapping[str, Any]) -> str:
    """A slug with a digest of an identity behind it."""
    return f"{slug}-{hashlib.blake2b(json.dumps(identity, sort_keys=True).encode(), digest_size=6).hexdigest()}"


def check_changes(name: str, classifier: ClassifierSettings, changes: Mapping[str, Any]) -> None:
    """Raises ValueError when an arm's changes of the settings, if there are any, change nothing."""
    if changes and classifier.changed(changes) == classifier:
        raise ValueError(f"the arm {name!r} trains as all arms do ({dict(changes)}): leave it out of the comparison")


@dataclass(frozen=True, eq=False)
class RunTask:
    """A run and its folder; calling it reads or trains."""

    run: Run
    place: Path
    overwrite: bool = False
    progress: bool = False

    @property
    def is_done(self) -> bool:
        """True where the folder holds the run. Raises ValueError for another run that must not be replaced."""
        return is_run(self.place) and reuse(self.place, self.run.identity, RUN_FILE, "identity", self.overwrite)

    def __call__(self) -> FinishedRun:
        """The run: read from its folder if it is there, else trained and written."""
        return read_run(self.place) if self.is_done else self.train()

    def train(self) -> FinishedRun:
        """Trains the classifier and writes its folder, whole or not at all."""
        run, prepared = self.run, self.run.prepared
        train, stream = training_data(run), stream_of(run)
        trained = train_classifier(
            train,
            run.settings,
            prepared.class_names,
            run.seed,
            prepared.validation,
            prepared.sampling_rate,
            progress=self.progress,
            description=f"{run.name}, seed {run.seed}",
            real_labels=prepared.train.labels,
            stream=stream,
            pretraining=self.pretraining,
        )
        model: Any = trained.model
        test, validation = (predict(model, part.signals) for part in (prepared.test, prepared.validation))
        chosen = trained.thresholds
        finished = FinishedRun(test, validation, np.array(chosen.values), chosen.policy)
        with self.writing(finished, dataclasses.asdict(chosen) | dataclasses.asdict(trained.fit)) as partial:
            records = len(train.labels) + (0 if stream is None else len(stream.labels))
            model.save_pretrained(partial / "model", classifier_card(trained, run.name, records))
        return finished

    @property
    def pretraining(self) -> SharedPretraining | None:
        """That of the run, done once for all runs that begin with the same weights; they lie beside the runs."""
        if self.run.pretraining is None:
            return None
        about = {name: self.run.identity[name] for name in ("pretraining", "arithmetic", "model")}
        return SharedPretraining(self.run.pretraining, self.place.parent.parent / PRETRAINED, about)

    @contextmanager
    def writing(self, finished: FinishedRun, about: Mapping[str, Any]) -> Iterator[Path]:
        """A folder to write more into, which takes its place with scores and run.json in it, whole or not at all."""
        with atomic_folder(self.place, is_run, self.overwrite) as partial:
            yield partial
            np.savez(
                partial / SCORES_FILE,
                test=finished.test_scores,
                validation=finished.validation_scores,
                thresholds=finished.thresholds,
            )
            write_text(partial / RUN_FILE, json.dumps({"identity": self.run.identity, **about}, indent=2) + "\n")


def training_data(run: Run) -> LabelledSignals:
    """The real training records, and what the arm adds to them."""
    train, arm = run.prepared.train, run.arm
    if not isinstance(arm, ArmData) or arm.stream:
        return train
    return LabelledSignals(JoinedSignals((train.signals, arm.signals)), np.concatenate([train.labels, arm.labels]))


def stream_of(run: Run) -> LabelledSignals | None:
    """The records of an arm that are a stream beside the real ones; None for another arm, and where its share is 0."""
    arm = run.arm
    if not isinstance(arm, ArmData) or not arm.stream or not run.settings.mixture.share:
        return None
    return LabelledSignals(arm.signals, arm.labels, unlabelled=run.settings.consistency.weight > 0)


def is_run(folder: Path) -> bool:
    """True where it holds a finished run."""
    return (folder / RUN_FILE).is_file() and (folder / SCORES_FILE).is_file()


def read_run(folder: Path) -> FinishedRun:
    """The run in `folder`."""
    advice = f"the run is damaged: delete {folder}, and the same command trains it again"
    with reading(folder / RUN_FILE, advice):
        policy = str(read_object(folder / RUN_FILE)["policy"])
    with reading(folder / SCORES_FILE, advice), (folder / SCORES_FILE).open("rb") as file, np.load(file) as scores:
        run = FinishedRun(scores["test"], scores["validation"], scores["thresholds"], policy)
        if run.test_scores.dtype.kind != "f" or not np.isfinite(run.test_scores).all():
            raise ValueError("scores that are NaN or no numbers")
        return run
