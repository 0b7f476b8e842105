"""Memorisation: does a generator know its training records by heart?

Nearest neighbours: a generator that copies makes records nearer to the training records than held-out real records are
(Alaa et al. 2022), and nearer to them than to as many held-out ones (Yoon et al. 2020). Membership: one that overfits
gives its training records a greater likelihood than others (Yeom et al. 2018), and who has only the synthetic records
may tell who is behind them (released_set.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vqecg.evaluation.privacy.membership_inference import (
    Duplicates,
    Membership,
    find_duplicates,
    likelihoods,
    membership_auc,
    real_digests,
)
from vqecg.evaluation.privacy.released_set import EVERY, Candidates, ReleasedSetAttack, released_set_attacks
from vqecg.evaluation.statistics.intervals import percentile_interval
from vqecg.evaluation.statistics.resampling import BootstrapSettings
from vqecg.prior.copies.feature_index import FeatureIndex
from vqecg.prior.copies.gate import nearest_of
from vqecg.prior.copies.waveform_index import NearestNeighbours, NeighbourIndex, WaveformIndex
from vqecg.records.labels import LabelTask
from vqecg.records.store.selection import RecordSelection
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import json_values

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator

SPACES = ("waveform", "beat", "embedding")
EXACT = 0.01  # distance below which a record is the same
MISSED = 1e-4  # chance that none of the neighbours at hand is in a bootstrap's half of the reference records
MOST_MEMBERS = 3000  # training records whose likelihood is measured
MOST_CANDIDATES = 1000  # training records that an attacker with the synthetic records alone asks for


@dataclass(frozen=True)
class Nearness:
    """Distances to the nearest training record: of synthetic records beside those of held-out real ones."""

    space: str  # of SPACES: see prior/copies for their distances
    label: str  # records with this label, or "all"
    synthetic: int  # records
    held_out: int  # records
    synthetic_median: float
    held_out_median: float
    synthetic_first_percentile: float
    held_out_first_percentile: float
    below_held_out: float  # share of synthetic records below the held-out 1st percentile; 0.01 if they are like those
    near_copies: float  # share of synthetic records below half of that percentile
    exact_copies: float  # share of synthetic records nearer than 0.01


@dataclass(frozen=True)
class NearerToTraining:
    """The share of synthetic records whose nearest is a training record, among as many training and held-out ones.

    Of t training patients only the number h of the held-out ones is drawn, so that even copies give 0.5 + h / 2t.
    """

    space: str
    synthetic: int  # records
    patients: int  # of each of the two sides
    share: float  # 0.5 = no memorisation; mean over draws of training patients
    share_of_copies: float  # what a set of copies of training records would have, 0.5 + h / 2t
    low: float  # of the interval, bootstrap over patients of both sides and over synthetic records
    high: float


@dataclass(frozen=True)
class MemorisationReport:
    """All of it; `to_dict` gives JSON values."""

    training: int  # records that were compared with
    held_out: int  # records
    nearness: tuple[Nearness, ...]
    nearer: tuple[NearerToTraining, ...]
    released: tuple[ReleasedSetAttack, ...]  # membership from the synthetic records alone
    duplicates: Duplicates | None  # None: no codes known
    membership: tuple[Membership, ...]  # (): no generator given

    def to_dict(self) -> dict[str, Any]:
        """Plain values; None for NaN and infinity, which JSON does not know."""
        return json_values(asdict(self))


def memorisation(
    training: RecordSelection,
    held_out: RecordSelection,
    synthetic: RecordSelection,
    task: LabelTask,
    bootstrap: BootstrapSettings | None = None,
    tokenizer: ECGTokenizer | None = None,
    generator: ECGGenerator | None = None,
    code_digests: Sequence[str] | None = None,
) -> MemorisationReport:
    """Compares synthetic with training records, and held-out real ones with them too.

    The embedding distance needs a tokenizer (or the generator's), membership the generator, and duplicates besides the
    `code_digests` of the synthetic records (column codes_sha256 of manifest.parquet). Raises ValueError when one
    of the three has no record, or patients of the training records are held out.
    """
    bootstrap = bootstrap or BootstrapSettings()
    check_parts(training, held_out, synthetic)
    tokenizer = tokenizer if generator is None else generator.tokenizer
    nearness: list[Nearness] = []
    nearer: list[NearerToTraining] = []
    released: list[ReleasedSetAttack] = []
    candidates = Candidates.drawn(training, held_out, MOST_CANDIDATES, bootstrap.seed)
    for space in SPACES if tokenizer is not None else SPACES[:-1]:
        count = neighbours_needed(len(held_out), len(training))
        index = make_index(space, training, tokenizer)
        to_training = nearest_of(index, synthetic, count)
        real = nearest_of(index, held_out).distances[:, 0]
        nearness += compare_labels(space, to_training.distances[:, 0], synthetic, real, held_out, task)
        count = neighbours_needed(len(training), len(held_out))
        to_held_out = nearest_of(make_index(space, held_out, tokenizer, index), synthetic, count)
        nearer.append(share_nearer(space, to_training, to_held_out, training.patients, held_out.patients, bootstrap))
        of_synthetic, of_population = (
            make_index(space, part, tokenizer, index) for part in (synthetic, candidates.population)
        )
        released += released_set_attacks(space, candidates, of_synthetic, of_population, task, bootstrap)
    duplicates: Duplicates | None = None
    membership: tuple[Membership, ...] = ()
    if generator is not None:
        members = likelihoods(generator, training.sample(MOST_MEMBERS, bootstrap.seed))
        others = likelihoods(generator, held_out)
        membership = tuple(membership_auc(members, others, matched, bootstrap) for matched in (False, True))
        if code_digests is not None:
            duplicates = find_duplicates(code_digests, real_digests(generator, training))
    parts = (tuple(nearness), tuple(nearer), tuple(released))
    return MemorisationReport(len(training), len(held_out), *parts, duplicates, membership)


def check_parts(training: RecordSelection, held_out: RecordSelection, synthetic: RecordSelection) -> None:
    """Raises ValueError for a part without records, or patients on both sides."""
    if not (len(training) and len(held_out) and len(synthetic)):
        raise ValueError(
            f"{len(training)} training, {len(held_out)} held-out and {len(synthetic)} synthetic records; expected some "
            "of each"
        )
    both = set(training.patients) & set(held_out.patients)
    if both:
        raise ValueError(f"{len(both)} patients are in the training and in the held-out records; split them by patient")


def make_index(
    space: str, records: RecordSelection, tokenizer: ECGTokenizer | None, like: NeighbourIndex | None = None
) -> NeighbourIndex:
    """The records in a space of distances, standardised as in `like` if that is given."""
    if space == "embedding" and tokenizer is not None:
        tokenizer.check_sampling_rate(records.store.spec.sampling_rate)
        return FeatureIndex.of_embeddings(
            tokenizer, records.chunks(), records.patients, like if isinstance(like, FeatureIndex) else None
        )
    if space == "beat":
        return FeatureIndex.of_beats(records.store.spec.sampling_rate, records.chunks(), records.patients)
    return WaveformIndex(records.chunks(), records.store.spec.sampling_rate, records.patients)


def compare_labels(
    space: str,
    distances: np.ndarray,
    synthetic: RecordSelection,
    real: np.ndarray,
    held_out: RecordSelection,
    task: LabelTask,
) -> list[Nearness]:
    """One row for each label that occurs on both sides, and one for all records."""
    ours, theirs = synthetic.labels(task) > 0, held_out.labels(task) > 0
    rows = [
        compare(space, label, distances[ours[:, column]], real[theirs[:, column]])
        for column, label in enumerate(task.class_names)
        if ours[:, column].any() and theirs[:, column].any()
    ]
    return [*rows, compare(space, EVERY, distances, real)]


def compare(space: str, label: str, synthetic: np.ndarray, held_out: np.ndarray) -> Nearness:
    """Distances to the nearest training record of synthetic beside those of held-out records, some of them infinite."""
    percentile = float(np.percentile(held_out, 1, method="lower"))
    return Nearness(
        space=space,
        label=label,
        synthetic=len(synthetic),
        held_out=len(held_out),
        synthetic_median=float(np.median(synthetic)),
        held_out_median=float(np.median(held_out)),
        synthetic_first_percentile=float(np.percentile(synthetic, 1, method="lower")),
        held_out_first_percentile=percentile,
        below_held_out=float((synthetic < percentile).mean()),
        near_copies=float((synthetic < percentile / 2).mean()),
        exact_copies=float((synthetic < EXACT).mean()),
    )


def neighbours_needed(others: int, records: int) -> int:
    """Neighbours among `records` to look up, so that nearly every draw of as many as `others` holds one of them."""
    drawn = min(1.0, others / records) * (1 - math.exp(-1))
    return min(records, math.ceil(math.log(MISSED) / math.log1p(-drawn)))


def share_nearer(
    space: str,
    to_training: NearestNeighbours,
    to_held_out: NearestNeighbours,
    training_patients: np.ndarray,
    held_out_patients: np.ndarray,
    bootstrap: BootstrapSettings,
) -> NearerToTraining:
    """The share of synthetic records nearer to a training record than to any of as many held-out patients' records.

    Neighbours are lists, nearest first, of records of the two sides. A draw takes as many training patients as there
    are held-out ones, without replacement; the bootstrap then draws patients of either side with replacement.
    """
    generator = np.random.default_rng(bootstrap.seed)
    names, training_patient = np.unique(training_patients.astype(str), return_inverse=True)
    held_out_names, held_out_patient = np.unique(held_out_patients.astype(str), return_inverse=True)
    size = min(len(names), len(held_out_names))
    shares, plain_shares = np.zeros(bootstrap.replicates), np.zeros(bootstrap.replicates)
    synthetic = len(to_training.distances)
    for draw in range(bootstrap.replicates):
        ours = np.zeros(len(names), np.int64)
        theirs = np.zeros(len(held_out_names), np.int64)
        for counts in (ours, theirs):
            chosen = generator.choice(len(counts), size, replace=False)
            counts[chosen] = 1
        plain_shares[draw] = nearer_share(to_training, to_held_out, ours[training_patient], theirs[held_out_patient])
        for counts in (ours, theirs):
            counts[counts > 0] = generator.multinomial(size, np.full(size, 1 / size))
        weights = generator.multinomial(synthetic, np.full(synthetic, 1 / synthetic))
        shares[draw] = nearer_share(to_training, to_held_out, ours[training_patient], theirs[held_out_patient], weights)
    low, high = percentile_interval(shares, bootstrap.confidence)
    share, copies = float(plain_shares.mean()), 0.5 + size / len(names) / 2
    return NearerToTraining(space, synthetic, size, share, copies, low, high)


def nearer_share(
    to_training: NearestNeighbours,
    to_held_out: NearestNeighbours,
    training: np.ndarray,
    held_out: np.ndarray,
    weights: np.ndarray | None = None,
) -> float:
    """The weighted share, when only the records drawn (numbers above 0) are there; ties count half."""
    ours, theirs = (
        np.where(drawn[near.rows] > 0, near.distances, np.inf).min(1)
        for near, drawn in ((to_training, training), (to_held_out, held_out))
    )
    return float(np.average((ours < theirs) + 0.5 * (ours == theirs), weights=weights))
