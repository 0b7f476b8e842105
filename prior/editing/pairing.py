"""The choice of two real records as parents of a mixture, by labels, patients, rhythms and likeness."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from vqecg.prior.copies.feature_index import embedding_moments, median_beats
from vqecg.prior.editing.settings import BEATS, EXACT, PAIRINGS, SHARED, SPACES, InterpolationSettings
from vqecg.records.label_tables import ptbxl_names, rhythm_bound
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.records.unknown_labels import unknown_of

if TYPE_CHECKING:
    from vqecg.tokenizer.modeling import ECGTokenizer

SINUS_RHYTHMS = frozenset({"SR", "SARRH", "STACH", "SBRAD"})


@dataclass(frozen=True)
class Pair:
    """Two parents, as rows of the store."""

    first: int  # gives rhythm and R times
    second: int
    weight: float  # of the second, 0 to 1


@dataclass(frozen=True, eq=False)
class Parents:
    """Rows of a store among which parents are paired."""

    store: RecordStore
    labels: np.ndarray  # (records of the store, classes) float32, NaN = unknown
    rows: np.ndarray  # (parents,) int64, of training folds only
    pairing: str = EXACT  # one of PAIRINGS
    task: LabelTask | None = None  # of the labels; only "exact" goes without
    features: Tensor | None = None  # (parents, d) in which nearness counts, NaN = unknown; None: any partner will do

    def __post_init__(self) -> None:
        if self.pairing not in PAIRINGS:
            raise ValueError(f"pairing is {self.pairing!r}; expected one of {', '.join(PAIRINGS)}")
        if self.pairing != EXACT and self.task is None:
            raise ValueError(f"pairing by {self.pairing!r} statements needs the task of the labels; give one")

    @cached_property
    def statements(self) -> np.ndarray:
        """(records of the store,) dicts."""
        return self.store.table["statements"].to_numpy()

    @cached_property
    def patients(self) -> np.ndarray:
        """(records of the store,) names; a record of unknown patient is a patient of its own."""
        return RecordSelection(self.store, np.arange(len(self.store))).patients

    @cached_property
    def places(self) -> dict[int, int]:
        """Row of the store -> place in `rows`."""
        return {row: place for place, row in enumerate(self.rows.tolist())}

    @cached_property
    def unbound(self) -> np.ndarray:
        """The rows whose statements are all known and none bound to its rhythm: (parents,) bool."""
        unknown = unknown_of(self.store.table)  # one of these may be a rhythm
        return np.array([not unknown[row] and self.agree(row, row) for row in self.rows], bool)

    @cached_property
    def bound(self) -> Mapping[str, bool]:
        """True for statements that are bound to their rhythm, by the tables and the store's own."""
        return rhythm_bound(self.store.statement_table)

    def agree(self, first: int, second: int) -> bool:
        """True where `may_interpolate` has nothing against the statements of two rows."""
        return may_interpolate(self.statements[first], self.statements[second], self.bound) is None

    def candidates(self, asked: np.ndarray) -> np.ndarray:
        """The rows that may be a parent of a record with the labels `asked` (classes,), partner or not."""
        labels = self.labels[self.rows]
        fits = (labels >= asked).all(1) if self.pairing == SHARED else (labels == asked).all(1)
        return self.rows[fits & self.unbound]

    def may_join(self, first: int, second: int, asked: np.ndarray) -> bool:
        """True for two candidates that go together: different patients, rhythms that agree, and the labels' rule."""
        names, others = self.statements[first], self.statements[second]
        if self.patients[first] == self.patients[second] or not self.agree(first, second):
            return False
        if self.pairing == EXACT or self.task is None:
            return True
        return bool((self.task.encode([shared_statements(names, others)])[0] == asked).all())

    def able(self) -> np.ndarray:
        """True for rows that have a partner for exactly their own labels: (parents,) bool."""
        able = np.zeros(len(self.rows), bool)
        labels = self.labels[self.rows]
        for asked in np.unique(labels, axis=0):
            candidates = self.candidates(asked)
            for place in np.flatnonzero((labels == asked).all(1) & self.unbound):
                able[place] = any(self.may_join(self.rows[place], other, asked) for other in candidates)
        return able

    def partner(self, first: int, asked: np.ndarray, neighbours: int, generator: np.random.Generator) -> int | None:
        """A partner for row `first`, drawn from its nearest ones (0 neighbours, or no features: from all); or None."""
        candidates = self.candidates(asked)
        candidates = candidates[self.patients[candidates] != self.patients[first]]
        if self.features is None or neighbours == 0:
            order = generator.permutation(candidates)
            return next((int(other) for other in order if self.may_join(first, int(other), asked)), None)
        nearest = candidates[self.distances(self.features, first, candidates).argsort(kind="stable")]
        fitting = (int(other) for other in nearest if self.may_join(first, int(other), asked))
        partners = list(islice(fitting, neighbours))
        return partners[int(generator.integers(len(partners)))] if partners else None

    def distances(self, features: Tensor, first: int, others: np.ndarray) -> np.ndarray:
        """From row `first` to other rows: (others,), infinite where the features of either are unknown."""
        difference = features[[self.places[row] for row in others.tolist()]] - features[self.places[first]]
        return difference.norm(dim=1).nan_to_num(nan=torch.inf).numpy()


def parents_of(
    tokenizer: ECGTokenizer, store: RecordStore, rows: np.ndarray, task: LabelTask, settings: InterpolationSettings
) -> Parents:
    """Those of the rows that can be parents, with what is needed to pair them."""
    labels = store.labels(task, unknown=math.nan)  # NaN equals nothing: a record with an unknown label has no partner
    everyone = Parents(store, labels, np.asarray(rows, np.int64), settings.pairing, task)
    # with shared statements a record may be second parent of others, though no first of its own labels
    able = everyone.rows[everyone.unbound if settings.pairing == SHARED else everyone.able()]
    features = partner_features(store, able, settings.space, tokenizer) if settings.neighbours else None
    return Parents(store, everyone.labels, able, settings.pairing, task, features)


def partner_features(store: RecordStore, rows: np.ndarray, space: str, tokenizer: ECGTokenizer) -> Tensor:
    """The features of each row in a space of SPACES: (rows, d) float32, NaN where a record shows no beat.

    "beats": the median beat of the eight leads at length 1, whatever its rate and rhythm. "latent": mean and deviation
    over the frames of the tokenizer's embedding, standardised by these rows. No label enters either.
    """
    if space not in SPACES:
        raise ValueError(f"space is {space!r}; expected one of {', '.join(SPACES)}")
    if not len(rows):
        return torch.zeros(0, 1)
    chunks = RecordSelection(store, rows).chunks()
    if space == BEATS:
        return torch.cat([median_beats(store.spec.sampling_rate, chunk).float() for chunk in chunks])
    moments = torch.cat([embedding_moments(tokenizer, chunk) for chunk in chunks])
    return (moments - moments.mean(0)) / moments.std(0, correction=0).clamp_min(1e-9)


def shared_statements(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    """The statements that both parents have, each at the lower likelihood (0, unknown, if either is)."""
    return {name: min(value, second[name]) for name, value in first.items() if name in second}


def may_interpolate(
    first: Mapping[str, float] | Collection[str],
    second: Mapping[str, float] | Collection[str],
    bound: Mapping[str, bool] | None = None,
) -> str | None:
    """The reason why two records with these statements must not be interpolated, or None when they may.

    No statement that is `bound` to its rhythm on either side (label_tables.rhythm_bound: an irregular or blocked rhythm
    does not survive another's timing; the prior makes those), none that the tables do not know, and no two different
    sinus rhythms (which label would the mixture carry?). SR on one side and no rhythm statement on the other is no
    contradiction. Names may be PTB-XL's, the Challenge's or CPSC2018's.
    """
    bound = rhythm_bound() if bound is None else bound
    for parent, statements in (("first", first), ("second", second)):
        unknown = sorted(set(statements) - bound.keys())
        if unknown:
            return f"the label tables do not know {', '.join(unknown)}, so it is not interpolated"
        tied = sorted(name for name in statements if bound[name])
        if tied:
            return f"the {parent} record is {', '.join(tied)}: its timing is its meaning, and alignment replaces it"
    ptbxl = ptbxl_names()
    rhythm, other = (SINUS_RHYTHMS & {ptbxl.get(name, name) for name in statements} for statements in (first, second))
    if rhythm and other and rhythm != other:
        return f"their rhythms differ: {', '.join(sorted(rhythm))} and {', '.join(sorted(other))}"
    return None
