"""Ways to make records for the rows of an `AdditionPlan`: their base, what they work with, and all of them by name.

`vqecg augment` and the arms of `vqecg compare` add what these make, from training records only. The first parent of a
derived record is the real record whose labels the plan copies, so that methods differ in nothing else. To add one: a
file in this folder, or an extension anywhere, with a subclass of `AugmentationMethod`, registered here under its name,
which is that of its arm too.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from vqecg.downstream.augmentation.additions import Additions
from vqecg.downstream.augmentation.generator_training import NO_GENERATOR
from vqecg.downstream.augmentation.plan import AdditionPlan, slug
from vqecg.downstream.augmentation.verdict import Check
from vqecg.prior.config import SamplingSettings
from vqecg.prior.editing.pairing import Parents, parents_of
from vqecg.prior.editing.settings import SHARED, SUPPORTED, InfillingSettings, InterpolationSettings
from vqecg.prior.synthetic_records import SyntheticRecords
from vqecg.records.bounds import Checked, Count, CountOrNone, Seed
from vqecg.records.labels import LabelTask
from vqecg.records.registry import Registry
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection

if TYPE_CHECKING:
    from vqecg.prior.copies.gate import CopyGate
    from vqecg.prior.generator import ECGGenerator


@dataclass(frozen=True)
class AugmentationSettings(Checked):
    """Settings of all methods; seeds and attempts of the parts are taken from here."""

    interpolation: InterpolationSettings = field(default_factory=InterpolationSettings)
    infilling: InfillingSettings = field(default_factory=InfillingSettings)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    least: CountOrNone = 20  # training records with a statement, or the prior is not asked for it
    attempts: Count = 10  # draws for a record until one passes gate and check
    seed: Seed = 0  # of all draws

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.interpolation.pairing not in (SUPPORTED, SHARED):
            raise ValueError(
                f"pairing is {self.interpolation.pairing!r}; expected {SUPPORTED!r} or {SHARED!r}: records are written "
                "with the statements that both parents have, and these must give the labels"
            )

    @classmethod
    def of_comparison(cls, sampling: SamplingSettings) -> AugmentationSettings:
        """The making of records for a comparison: the prior is asked for statements of few records, as classes need."""
        return cls(sampling=sampling, least=5)


@dataclass(frozen=True, eq=False)
class Ingredients:
    """The records, models and checks that added records are made with."""

    store: RecordStore
    rows: np.ndarray  # (records,) int64, the training records, in the order of the plan's source_indices
    task: LabelTask  # of the plan's labels
    given: ECGGenerator | None  # None where no arm or method needs a generator
    settings: AugmentationSettings = field(default_factory=AugmentationSettings)
    check: Check | None = None  # fitted on the training records
    gate: CopyGate | None = None  # against the training records
    unlabelled: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # training rows without known labels

    @property
    def generator(self) -> ECGGenerator:
        """The generator. Raises ValueError where there is none."""
        if self.given is None:
            raise ValueError(f"{NO_GENERATOR}; expected one for records or measures that are made by it")
        return self.given

    @property
    def every_row(self) -> np.ndarray:
        """The training rows, labelled or not, in row order: (all records,) int64."""
        return np.sort(np.concatenate([self.rows, self.unlabelled]))

    @cached_property
    def parents(self) -> Parents:
        """The records that may be mixed with each other."""
        mixing = self.settings.interpolation
        return parents_of(self.generator.tokenizer, self.store, self.rows, self.task, mixing)

    def sources(self, plan: AdditionPlan, rows: np.ndarray) -> np.ndarray:
        """Rows of the store whose labels some rows of the plan copy: (rows,) int64."""
        return self.rows[plan.source_indices[rows]]

    def statements(self, rows: np.ndarray) -> list[dict[str, float]]:
        """Of rows of the store."""
        return [dict(names) for names in self.store.table["statements"].iloc[rows]]

    @cached_property
    def can_be_asked_for(self) -> np.ndarray:
        """True for the records whose labels the prior can be told: (records,) bool.

        All of them known, or the prior has learned from unknown ones. A check judges what is known alone.
        """
        if self.generator.prior.config.unknown_labels and self.check is None:
            return np.ones(len(self.rows), bool)
        labels = RecordSelection(self.store, self.rows).labels(self.generator.task, math.nan)
        return np.asarray(np.isfinite(labels).all(axis=1))

    def derived(
        self,
        signal: np.ndarray,
        first: np.ndarray,
        second: np.ndarray | None = None,
        weight: np.ndarray | None = None,
        statements: list[dict[str, float]] | None = None,
        valid: np.ndarray | None = None,
    ) -> SyntheticRecords:
        """Records with parents (rows of the store); attributes, and statements unless given, are the first's."""
        names = self.generator.attributes
        parents = RecordSelection(self.store, first)
        return SyntheticRecords.derived(signal, parents, self.task, names, second, weight, statements, valid)


class AugmentationMethod(ABC):
    """A way to make records for the rows of a plan."""

    help: ClassVar[str] = ""  # the method, and its arm, in a line
    noun: ClassVar[str] = ""  # its records in a sentence, "generated ECGs"; empty: as its name says
    aliases: ClassVar[tuple[str, ...]] = ()  # other names; the first of them stands in manifests
    places: ClassVar[Mapping[str, float]] = {}  # kind of comparison -> place among the arms where none is named
    copies: ClassVar[bool] = False  # makes copies of training records by design: neither gate nor check applies

    def __init__(self, name: str) -> None:
        """`name` is the one that the method is registered under."""
        self.name = name

    @property
    def manifest_name(self) -> str:
        """The method in manifests and in the names of files."""
        return self.aliases[0] if self.aliases else self.name

    def eligible(self, ingredients: Ingredients) -> np.ndarray:
        """True for the training records that the method can make records of the same labels for: (records,) bool."""
        return np.ones(len(ingredients.rows), bool)

    def invents(self, ingredients: Ingredients) -> tuple[str, ...]:
        """Classes that the method can make records of without a training record that has them; none for most."""
        return ()

    def can_make(self, ingredients: Ingredients, plan: AdditionPlan) -> np.ndarray:
        """True for the rows of a plan that the method can try to make: (rows,) bool."""
        return self.eligible(ingredients)[plan.source_indices]

    @abstractmethod
    def make(self, ingredients: Ingredients, plan: AdditionPlan, first: int = 0) -> Additions:
        """A record for each row of the plan; `first` is the number of its first row in the whole set, for the seeds."""


METHODS: Registry[type[AugmentationMethod]] = Registry("augmentation method", "vqecg.downstream.augmentation.methods")


def all_methods() -> tuple[AugmentationMethod, ...]:
    """Every method, in the order in which arms are listed."""
    return tuple(kind(name) for name, kind in METHODS)


def find_method(name: str) -> AugmentationMethod:
    """The method of that name or alias ("prior samples", "prior-samples", "prior"), in any case.

    Raises ValueError, with the names there are, for another.
    """
    for method in all_methods():
        if slug(name) in map(slug, (method.name, *method.aliases)):
            return method
    return METHODS.get(name)(name)  # which says what there is


def method_help() -> str:
    """Every method in a line: "duplication: copies of the planned records; ..."."""
    return "; ".join(f"{slug(method.name)}: {method.help}" for method in all_methods())
