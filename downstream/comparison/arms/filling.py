"""From the plan of additions to the records that an arm adds, in files that are used again."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from vqecg.downstream.augmentation.additions import ALL, DRAWN, Additions
from vqecg.downstream.augmentation.methods.registry import AugmentationMethod, Ingredients, find_method
from vqecg.downstream.augmentation.plan import DUPLICATION, REAL_ONLY, AdditionPlan, slug
from vqecg.downstream.augmentation.stream import StreamSettings
from vqecg.downstream.classifiers.pretraining.registry import PRETRAININGS, Pretraining
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.signals import JoinedSignals, SelectedSignals, Signals
from vqecg.downstream.comparison.arms.arm_data import Arm, ArmData
from vqecg.downstream.comparison.arms.control_settings import ControlSettings
from vqecg.downstream.comparison.arms.pretraining_records import pretraining_records
from vqecg.downstream.reading.measuring import Measured, measure_parts
from vqecg.records.files.atomic import atomic_file
from vqecg.records.files.progress import Progress
from vqecg.records.store.selection import RecordSelection
from vqecg.training.checkpoint import fingerprint, identifying

MAKING = 2  # raised when the same settings and data give other records, so that files of before are not used


@dataclass(frozen=True)
class StoredSignals:
    """Added records in a file, read once they are asked for; another process is sent the path only."""

    path: Path

    @property
    def additions(self) -> Additions:
        """All that the file holds."""
        return read_additions(self.path)

    def __len__(self) -> int:
        return len(self.additions)

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        return self.additions.signal[indices]


@lru_cache(maxsize=4)
def read_additions(path: Path) -> Additions:
    """A file of additions; the last few stay in memory, however many cells a grid has."""
    return Additions.read(path)


@dataclass(frozen=True, eq=False)
class FilledRows:
    """The records of one method for a plan."""

    signals: Signals  # one for each row of the plan
    copied: np.ndarray  # (records,) bool: a copy stands in
    note: str


@dataclass(frozen=True, eq=False)
class FilledStream:
    """The records of one method that are a stream beside the real ones."""

    signals: Signals
    labels: np.ndarray  # (records, classes) float32
    note: str
    copies: int = 0  # how many are copies of real training records


@dataclass(frozen=True, eq=False)
class Filling:
    """The plan that all arms are filled from, what their records are made of, and the folder that keeps them."""

    ingredients: Ingredients
    plan: AdditionPlan
    folder: Path
    checked: str = ""  # names the settings of the ingredients' check, which by itself has no name
    stream: StreamSettings = field(default_factory=StreamSettings)
    stream_seed: int = 0  # of the draws of streams, which seeds of the classifiers may share
    training: ClassifierSettings = field(default_factory=ClassifierSettings)  # of the comparison's classifiers
    controls: ControlSettings = field(default_factory=ControlSettings)
    held_out: Mapping[str, np.ndarray] = field(default_factory=dict)  # "validation" and "test": rows, for readers

    def pretraining(self, name: str) -> Pretraining:
        """The pretraining of that name on all training records. Raises ValueError as it does, or for another name."""
        records = pretraining_records(self.ingredients, self.training, self.controls.pretraining, self.folder)
        return PRETRAININGS.get(name)(records)

    def additions(self, name: str, methods: Sequence[str]) -> ArmData:
        """The arm `name` with the records of one method, or half of the records of each of two."""
        parts = [self.rows(find_method(method)) for method in methods]
        note = "; ".join(part.note for part in parts)
        if len(parts) == 1:
            return ArmData(name, parts[0].signals, self.plan.labels, note, int(parts[0].copied.sum()))
        first = halves(self.plan.labels)
        rows = [np.flatnonzero(first), np.flatnonzero(~first)]
        chosen = zip(parts, rows, strict=True)
        signals = JoinedSignals(tuple(SelectedSignals(part.signals, half) for part, half in chosen))
        copies = sum(int(part.copied[half].sum()) for part, half in zip(parts, rows, strict=True))
        return ArmData(name, signals, self.plan.labels[np.concatenate(rows)], f"half of each: {note}", copies)

    def rows(self, method: AugmentationMethod, plan: AdditionPlan | None = None) -> FilledRows:
        """A method's record for each row of the plan (or another one); a copy of the planned record where it cannot
        make one, or none passed, so that all arms add the same number of every class.

        Raises ValueError when the method can make none at all.
        """
        plan, ingredients = plan or self.plan, self.ingredients
        rows = np.flatnonzero(method.can_make(ingredients, plan))
        if not len(rows):
            raise ValueError(
                f"{method.name} can make none of the {len(plan)} planned records: leave the arm out, or choose other "
                "target classes"
            )
        part = replace(plan, source_indices=plan.source_indices[rows], labels=plan.labels[rows])
        stored = self.stored(method, part)
        passed = stored.additions.passed
        numbers = np.arange(len(plan))
        places = len(rows) + numbers  # of the copies
        places[rows[passed]] = np.flatnonzero(passed)
        copied = np.ones(len(plan), bool)
        copied[rows[passed]] = False
        copies = RecordSelection(ingredients.store, ingredients.sources(plan, numbers))
        signals = SelectedSignals(JoinedSignals((stored, copies)), places)
        return FilledRows(signals, copied, note_of(stored.additions, len(plan)))

    def measured(self, reader: str) -> Measured:
        """The measures of a reader on training, validation and test records; their labels are not looked at.

        Raises ValueError where no records are held out, and as `measure_parts`.
        """
        if not self.held_out:
            raise ValueError(f"{reader} reads validation and test records, of which there are none here")
        ingredients = self.ingredients
        rows = {"train": ingredients.rows, **self.held_out}
        parts = {name: RecordSelection(ingredients.store, part) for name, part in rows.items()}
        return measure_parts(reader, ingredients.generator, parts, ingredients.task, self.folder)

    @cached_property
    def stream_ingredients(self) -> Ingredients:
        """The ingredients of streams: those of the additions with the seed of streams."""
        settings = self.ingredients.settings
        if settings.seed == self.stream_seed:
            return self.ingredients
        return replace(self.ingredients, settings=replace(settings, seed=self.stream_seed))

    def streamed(self, method: AugmentationMethod) -> FilledStream:
        """A method's records for a stream; those that it cannot make are left out, and no copies stand in.

        Raises ValueError where it can make none.
        """
        ingredients, targets = self.stream_ingredients, self.plan.target_classes
        labels = ingredients.store.labels(ingredients.task, ingredients.rows, math.nan)
        able = method.eligible(ingredients)
        whole = self.stream.plan(labels, ingredients.task.class_names, targets, self.stream_seed, able)
        stored = self.stored(method, whole, ingredients)
        passed = np.flatnonzero(stored.additions.passed)
        if not len(passed):
            raise ValueError(f"none of {len(whole)} records of {method.name} passed: leave the arm out, or the checks")
        copies = len(passed) if method.name == DUPLICATION else 0
        note = note_of(stored.additions.only(passed), len(passed))
        return FilledStream(SelectedSignals(stored, passed), whole.labels[passed], note, copies)

    def stored(
        self, method: AugmentationMethod, plan: AdditionPlan, ingredients: Ingredients | None = None
    ) -> StoredSignals:
        """A method's records for a plan: from the file named after all they depend on, or made and written there."""
        ingredients = ingredients or self.ingredients
        identity = {
            "version": MAKING,
            "method": method.manifest_name,
            "store": ingredients.store.fingerprint,
            "generator": ingredients.generator.fingerprint,
            "tokenizer": fingerprint(ingredients.generator.tokenizer),
            "task": ingredients.task.to_dict(),
            "settings": identifying(ingredients.settings),
            "checked": self.checked,
        }
        digest = hashlib.blake2b(json.dumps(identity, sort_keys=True).encode(), digest_size=8)
        digest.update(ingredients.rows.tobytes() + plan.source_indices.tobytes() + plan.labels.tobytes())
        hidden = ingredients.store.hidden
        if hidden.some_labels:  # the rows do not tell of these, nor does the store's fingerprint
            digest.update(hidden.some_labels + repr(hidden.statements).encode())
        path = self.folder / f"{slug(method.manifest_name)}-{digest.hexdigest()}.npz"
        if not path.is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            with atomic_file(path) as aside:
                aside.write_bytes(method.make(ingredients, plan).to_bytes())
        return StoredSignals(path)


class Fillable(Protocol):
    """An arm of the registry."""

    @property
    def name(self) -> str: ...

    def fill(self, filling: Filling) -> Arm: ...


def fill_arms(arms: Sequence[Fillable], filling: Filling, progress: bool = False) -> list[Arm]:
    """Fills all arms but "real only" from one plan; what lies in the folder already is not made again."""
    adding = [arm for arm in arms if arm.name != REAL_ONLY]
    return [arm.fill(filling) for arm in Progress(adding, "additions", unit="arm", shown=progress)]


def halves(labels: np.ndarray) -> np.ndarray:
    """True for the records that the first of two methods makes, half of each combination of labels: (records,) bool."""
    order = np.lexsort(labels.T)
    first = np.zeros(len(labels), bool)
    first[order[::2]] = True
    return first


def note_of(additions: Additions, planned: int) -> str:
    """The additions in words, with the draws that were rejected and the records that copies stand in for."""
    counts = additions.rejected[additions.rejected["class_name"] == ALL].set_index("reason")["count"]
    rejected, passed = int(counts.drop(DRAWN, errors="ignore").sum()), int(additions.passed.sum())
    note = f"{passed:,} {additions.note}"
    note += f", {rejected:,} of {int(counts.get(DRAWN, 0)):,} draws rejected" if rejected else ""
    return note + (f", and {planned - passed:,} copies where none could be made" if passed < planned else "")
