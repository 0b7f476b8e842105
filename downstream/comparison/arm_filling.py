"""From an arm's name and the plan of additions to the records that it adds, kept on disk."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from vqecg.downstream.augmentation.additions import ALL, DRAWN, Additions
from vqecg.downstream.augmentation.methods import DUPLICATION, METHODS, MIXING, PRIOR, Ingredients, eligible
from vqecg.downstream.augmentation.plan import (
    REAL_ONLY,
    AdditionPlan,
    Arm,
    ArmData,
    TrainingArm,
    draw_evenly,
    duplicate,
    slug,
)
from vqecg.downstream.classifiers.signals import JoinedSignals, SelectedSignals, Signals, StoreSignals
from vqecg.downstream.comparison.arm_catalogue import CatalogueArm
from vqecg.records.files.atomic import atomic_file
from vqecg.training.checkpoint import fingerprint

MAKING = 1  # raised when the same settings and data give other records, so that kept ones of before are not used


@dataclass(frozen=True)
class KeptSignals:
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


def fill_arms(
    arms: Sequence[CatalogueArm],
    own: Ingredients,
    plan: AdditionPlan,
    folder: Path,
    checked: str = "",
    progress: bool = False,
) -> list[Arm]:
    """Fills all arms but "real only" from one plan; what is made lies in `folder` and is not made twice.

    `checked` names the settings of `own.check`, which by itself has no name.
    """
    adding = [arm for arm in arms if arm.name != REAL_ONLY]
    bar = tqdm(adding, "additions", unit="arm", disable=not progress, delay=2)
    return [fill_arm(arm, own, plan, folder, checked) for arm in bar]


def fill_arm(arm: CatalogueArm, own: Ingredients, plan: AdditionPlan, folder: Path, checked: str = "") -> Arm:
    """One arm, see `fill_arms`."""
    if not arm.methods:
        return TrainingArm(arm.name, arm.training, arm.what)
    added = add_records(arm, own, plan, folder, checked)
    if not arm.training:
        return added
    told = ", ".join(f"{name.removesuffix('.name')} {value}" for name, value in arm.training.items())
    return replace(added, changes=arm.training, note=f"{added.note}, trained with {told}")


def add_records(arm: CatalogueArm, own: Ingredients, plan: AdditionPlan, folder: Path, checked: str) -> ArmData:
    """What an arm adds."""
    if arm.methods == (DUPLICATION,):
        return replace(duplicate(StoreSignals(own.store, own.rows), plan), name=arm.name)
    asked = another_plan(own, plan) if arm.shuffled else plan
    made = [make_records(method, own, asked, folder, checked) for method in arm.methods]
    told = "; ".join(part.note for part in made)
    if arm.shuffled:
        labels = plan.labels[np.random.default_rng(own.settings.seed).permutation(len(plan))]
        shuffled = f"{told}, with the labels of other records"
        return ArmData(arm.name, made[0].signals, labels, shuffled, int(made[0].copied.sum()))
    if len(made) == 1:
        return ArmData(arm.name, made[0].signals, plan.labels, told, int(made[0].copied.sum()))
    first = halves(plan.labels)
    rows = [np.flatnonzero(first), np.flatnonzero(~first)]
    signals = JoinedSignals(tuple(SelectedSignals(part.signals, half) for part, half in zip(made, rows, strict=True)))
    copies = sum(int(part.copied[half].sum()) for part, half in zip(made, rows, strict=True))
    return ArmData(arm.name, signals, plan.labels[np.concatenate(rows)], f"half of each: {told}", copies)


@dataclass(frozen=True, eq=False)
class FilledRows:
    """What one method made for a plan."""

    signals: Signals  # one for each row of the plan
    copied: np.ndarray  # (records,) bool: a copy stands in
    note: str


def make_records(method: str, own: Ingredients, plan: AdditionPlan, folder: Path, checked: str) -> FilledRows:
    """A method's record for each row of the plan; a copy of the planned record where it cannot make one, or none
    passed, so that all arms add the same number of every class. Raises ValueError when it can make none at all."""
    rows = np.flatnonzero(can_make(method, own, plan))
    if not len(rows):
        raise ValueError(
            f"{method} can make none of the {len(plan)} planned records: leave the arm out, or choose other target "
            "classes"
        )
    part = replace(plan, source_indices=plan.source_indices[rows], labels=plan.labels[rows])
    kept = keep_additions(method, own, part, folder, checked)
    passed = kept.additions.passed
    numbers = np.arange(len(plan))
    places = len(rows) + numbers  # of the copies
    places[rows[passed]] = np.flatnonzero(passed)
    copied = np.ones(len(plan), bool)
    copied[rows[passed]] = False
    copies = StoreSignals(own.store, own.sources(plan, numbers))
    signals = SelectedSignals(JoinedSignals((kept, copies)), places)
    return FilledRows(signals, copied, note_of(kept.additions, len(plan)))


def can_make(method: str, own: Ingredients, plan: AdditionPlan) -> np.ndarray:
    """Which rows of the plan a method can try to make: (records,) bool.

    Mixing needs two parents with the labels, of which the planned record need not be one.
    """
    able = eligible(own, method)
    if method not in MIXING:
        return able[plan.source_indices]
    labels = own.store.labels(own.task)[own.rows]
    known = {row.tobytes() for row in labels[able]}
    return np.array([row.tobytes() in known for row in plan.labels], bool)


def another_plan(own: Ingredients, plan: AdditionPlan) -> AdditionPlan:
    """As many records of any labels, drawn from all training records that the prior knows.

    Permuting the labels of the added records alone would change nothing for a lone target class: all of them have it.
    """
    able = np.flatnonzero(eligible(own, PRIOR))
    if not len(able):
        raise ValueError(
            "the prior can make none of the training records' labels: leave the shuffled arm out, or give a generator "
            "of these labels"
        )
    rows = draw_evenly(able, len(plan), np.random.default_rng([own.settings.seed, len(plan)]))
    return replace(plan, source_indices=rows, labels=own.store.labels(own.task)[own.rows[rows]])


def halves(labels: np.ndarray) -> np.ndarray:
    """Which records one of two methods makes: (records,) bool, half of those with each combination of labels."""
    order = np.lexsort(labels.T)
    first = np.zeros(len(labels), bool)
    first[order[::2]] = True
    return first


def keep_additions(method: str, own: Ingredients, plan: AdditionPlan, folder: Path, checked: str = "") -> KeptSignals:
    """What a method adds for a plan: from the file that is named after all it depends on, or made and written there."""
    known = {
        "version": MAKING,
        "method": method,
        "store": own.store.fingerprint,
        "generator": own.generator.fingerprint,
        "tokenizer": fingerprint(own.generator.tokenizer),
        "task": own.task.to_dict(),
        "settings": asdict(own.settings),
        "checked": checked,
    }
    digest = hashlib.blake2b(json.dumps(known, sort_keys=True).encode(), digest_size=8)
    digest.update(own.rows.tobytes() + plan.source_indices.tobytes() + plan.labels.tobytes())
    path = folder / f"{slug(method)}-{digest.hexdigest()}.npz"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        content = METHODS[method](own, plan, 0).to_bytes()
        with atomic_file(path) as aside:
            aside.write_bytes(content)
    return KeptSignals(path)


def note_of(made: Additions, planned: int) -> str:
    """What was added, with the draws that were rejected and the records that copies stand in for."""
    counts = made.rejected[made.rejected["class_name"] == ALL].set_index("reason")["count"]
    rejected, passed = int(counts.drop(DRAWN, errors="ignore").sum()), int(made.passed.sum())
    told = f"{passed:,} {made.note}"
    told += f", {rejected:,} of {int(counts.get(DRAWN, 0)):,} draws rejected" if rejected else ""
    return told + (f", and {planned - passed:,} copies where none could be made" if passed < planned else "")
