"""Ways to make records for the rows of an `AdditionPlan`: one function a method, all with the same signature.

What an arm of `vqecg compare` adds and what `vqecg augment` writes is made here, from training records only. The first
parent of a derived record is the real record whose labels the plan copies, so that methods differ in nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch

from vqecg.downstream.augmentation.additions import Additions, fill
from vqecg.downstream.augmentation.label_check import Check
from vqecg.downstream.augmentation.plan import AdditionPlan
from vqecg.prior.config import SamplingSettings
from vqecg.prior.copies.gate import CopyGate
from vqecg.prior.editing.infilling import InfillingSettings, infill
from vqecg.prior.editing.interpolation import InterpolationSettings, draw_pair, mix, parents_of
from vqecg.prior.editing.pairing import SHARED, SUPPORTED, Pair, Parents, shared_statements
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.requests import Requests
from vqecg.prior.sampling import another_seed
from vqecg.prior.synthetic_records import SyntheticRecords
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection

DUPLICATION, RECONSTRUCTION, PRIOR, INFILLING = "duplication", "reconstruction", "prior", "infilling"
INTERPOLATION, NAIVE_MIXING, SIGNAL_MIXING = "interpolation", "naive mixing", "signal mixing"
MIXING = (INTERPOLATION, NAIVE_MIXING, SIGNAL_MIXING)


@dataclass(frozen=True)
class AugmentationSettings:
    """How added records are made; seeds and attempts of the parts are taken from here."""

    interpolation: InterpolationSettings = field(default_factory=InterpolationSettings)
    infilling: InfillingSettings = field(default_factory=InfillingSettings)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    least: int = 20  # training records with a statement, or the prior is not asked for it
    attempts: int = 10  # draws for a record until one passes gate and check
    seed: int = 0  # of all draws

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.least < 0:
            raise ValueError(f"got {self}; expected attempts of at least 1 and least of at least 0")
        if self.interpolation.pairing not in (SUPPORTED, SHARED):
            raise ValueError(
                f"pairing is {self.interpolation.pairing!r}; expected {SUPPORTED!r} or {SHARED!r}: records are written "
                "with the statements that both parents have, and these must give the labels"
            )


@dataclass(frozen=True, eq=False)
class Ingredients:
    """What added records are made from, and what judges them."""

    store: RecordStore
    rows: np.ndarray  # (records,) int64, the training records, in the order of the plan's source_indices
    task: LabelTask  # of the plan's labels
    generator: ECGGenerator
    settings: AugmentationSettings = field(default_factory=AugmentationSettings)
    check: Check | None = None  # fitted on the training records
    gate: CopyGate | None = None  # against the training records

    @cached_property
    def parents(self) -> Parents:
        """Who may be mixed with whom."""
        mixing = self.settings.interpolation
        return parents_of(self.generator.tokenizer, self.store, self.rows, self.task, mixing)

    def sources(self, plan: AdditionPlan, rows: np.ndarray) -> np.ndarray:
        """Rows of the store whose labels some rows of the plan copy: (rows,) int64."""
        return self.rows[plan.source_indices[rows]]

    def statements(self, rows: np.ndarray) -> list[dict[str, float]]:
        """Of rows of the store."""
        return [dict(names) for names in self.store.table["statements"].iloc[rows]]

    def derived(
        self,
        signal: np.ndarray,
        first: np.ndarray,
        second: np.ndarray | None = None,
        weight: np.ndarray | None = None,
        statements: list[dict[str, float]] | None = None,
        made: np.ndarray | None = None,
    ) -> SyntheticRecords:
        """Records with parents (rows of the store); attributes, and statements unless given, are the first's."""
        names = self.generator.attributes
        parents = RecordSelection(self.store, first)
        return SyntheticRecords.derived(signal, parents, self.task, names, second, weight, statements, made)


def duplication(own: Ingredients, plan: AdditionPlan, first: int = 0) -> Additions:
    """The planned records themselves, once more: the control that a method must beat."""

    def make(rows: np.ndarray, attempt: int) -> SyntheticRecords:
        sources = own.sources(plan, rows)
        return own.derived(own.store.signals(sources), sources)

    return fill(DUPLICATION, plan, own.task, make, "copies of real training records")


def reconstruction(own: Ingredients, plan: AdditionPlan, first: int = 0) -> Additions:
    """The planned records through the tokenizer and back, all levels: the control of what the codec alone does."""
    tokenizer = own.generator.tokenizer
    device = next(tokenizer.parameters()).device

    @torch.inference_mode()
    def make(rows: np.ndarray, attempt: int) -> SyntheticRecords:
        sources = own.sources(plan, rows)
        parts = torch.from_numpy(own.store.signals(sources)).split(64)
        decoded = [tokenizer.decode(tokenizer.encode(part.to(device)), part.shape[2]).cpu() for part in parts]
        return own.derived(torch.cat(decoded).numpy(), sources)

    tokenizer.check_sampling_rate(own.store.spec.sampling_rate)
    return fill(RECONSTRUCTION, plan, own.task, make, "real training records through the tokenizer and back")


def prior(own: Ingredients, plan: AdditionPlan, first: int = 0) -> Additions:
    """Samples of the prior for the statements, age and sex of the planned records: the joint distribution of these."""
    settings = own.settings

    def make(rows: np.ndarray, attempt: int) -> SyntheticRecords:
        table = own.store.table.iloc[own.sources(plan, rows)]
        labels = known_labels(own.generator, table["statements"].tolist(), settings.least)
        asked = Requests.like(labels, table, own.generator.attributes)
        seed = settings.seed if attempt == 0 else another_seed(settings.seed, attempt)
        return own.generator.generate(asked, seed, settings.sampling, first + int(rows[0])).for_task(own.task)

    note = "samples of the prior for the statements, age and sex of real training records"
    return fill(PRIOR, plan, own.task, make, note, settings.attempts, own.check, own.gate)


def infilling(own: Ingredients, plan: AdditionPlan, first: int = 0) -> Additions:
    """The planned records with part of their codes drawn anew by the prior."""
    settings = replace(own.settings.infilling, seed=own.settings.seed)

    def make(rows: np.ndarray, attempt: int) -> SyntheticRecords:
        sources = own.sources(plan, rows)
        parents = RecordSelection(own.store, sources)
        made = infill(own.generator, parents, settings, own.settings.sampling, first + rows, attempt)
        return made.for_task(own.task)

    note = (
        f"real training records of which {settings.kept:.0%} is kept, in {settings.unit}, and the prior wrote the rest"
    )
    return fill(INFILLING, plan, own.task, make, note, own.settings.attempts, own.check, own.gate)


def interpolation(own: Ingredients, plan: AdditionPlan, first: int = 0) -> Additions:
    """Latent interpolation, beats aligned."""
    return mixing(INTERPOLATION, "latent interpolations, beats aligned", own, plan, first)


def naive_mixing(own: Ingredients, plan: AdditionPlan, first: int = 0) -> Additions:
    """The same pairs mixed in latent space as they are (Liu et al. 2020): the control of the alignment."""
    return mixing(NAIVE_MIXING, "latent interpolations, beats as they fall", own, plan, first)


def signal_mixing(own: Ingredients, plan: AdditionPlan, first: int = 0) -> Additions:
    """The same pairs, aligned, mixed in mV: the control that the codec must beat."""
    return mixing(SIGNAL_MIXING, "mixtures of two signals, beats aligned", own, plan, first)


def mixing(method: str, note: str, own: Ingredients, plan: AdditionPlan, first: int) -> Additions:
    """Mixtures of two parents, the planned record and a partner; after a rejection of any two with the labels."""
    settings = replace(own.settings.interpolation, seed=own.settings.seed, aligned=method != NAIVE_MIXING)
    tokenizer = own.generator.tokenizer
    tokenizer.check_sampling_rate(own.store.spec.sampling_rate)

    def one(row: int, attempt: int) -> tuple[Pair, np.ndarray | None]:
        stream = np.random.default_rng([settings.seed, first + row, attempt])
        source = int(own.rows[plan.source_indices[row]])
        chosen = source if attempt == 0 and source in own.parents.places else None
        pair = draw_pair(own.parents, plan.labels[row], settings, stream, chosen)
        if pair is None:
            return Pair(source, -1, float("nan")), None
        return pair, mix(tokenizer, own.store, pair, settings, stream, method == SIGNAL_MIXING)

    def make(rows: np.ndarray, attempt: int) -> SyntheticRecords:
        found = [one(int(row), attempt) for row in rows]
        pairs = [pair for pair, _ in found]
        nothing = np.zeros((len(tokenizer.config.leads), own.store.spec.samples), np.float32)
        signal = np.stack([nothing if mixed is None else mixed for _, mixed in found])
        firsts, seconds = (np.array([getattr(pair, name) for pair in pairs], np.int64) for name in ("first", "second"))
        theirs = zip(own.statements(firsts), own.statements(np.maximum(seconds, 0)), strict=True)
        return own.derived(
            signal,
            firsts,
            seconds,
            np.array([pair.weight for pair in pairs]),
            [shared_statements(*both) for both in theirs],
            np.array([mixed is not None for _, mixed in found]),
        )

    return fill(method, plan, own.task, make, note, own.settings.attempts, own.check, own.gate)


METHODS: dict[str, Callable[[Ingredients, AdditionPlan, int], Additions]] = {
    DUPLICATION: duplication,
    RECONSTRUCTION: reconstruction,
    PRIOR: prior,
    INFILLING: infilling,
    INTERPOLATION: interpolation,
    NAIVE_MIXING: naive_mixing,
    SIGNAL_MIXING: signal_mixing,
}


def known_labels(generator: ECGGenerator, statements: list[dict[str, float]], least: int) -> np.ndarray:
    """What the prior is asked for: (records, its classes) float32, without those of fewer than `least` records."""
    labels = generator.task.encode(statements)
    labels[:, [generator.class_names.index(name) for name in generator.rare_labels(least)]] = 0
    return labels


def eligible(own: Ingredients, method: str) -> np.ndarray:
    """Which training records a method can make records of the same labels for: (records,) bool.

    Mixing needs a partner; the prior must know statements that give the labels. Raises ValueError for another method.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; expected one of {', '.join(METHODS)}")
    if method in MIXING:
        return np.isin(own.rows, own.parents.rows[own.parents.able()])
    if method == PRIOR:
        asked = known_labels(own.generator, own.statements(own.rows), own.settings.least)
        given = own.task.encode([dict.fromkeys(own.generator.task.names(row), 100.0) for row in asked])
        return (given == own.store.labels(own.task)[own.rows]).all(1)
    return np.ones(len(own.rows), bool)
