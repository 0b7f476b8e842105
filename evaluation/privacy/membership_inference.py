"""Membership inference: the likelihood of training records beside that of held-out ones, and repeated codes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from vqecg.evaluation.statistics.intervals import percentile_interval
from vqecg.evaluation.statistics.resampling import BootstrapSettings, draw_patients
from vqecg.prior.likelihood import losses_of_records
from vqecg.prior.requests import join_labels
from vqecg.prior.synthetic_records import code_digest
from vqecg.records.store.selection import RecordSelection

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator

BATCH = 64  # records encoded together
FEW_PAIRS = 1_000_000  # pairs of records compared at a time


@dataclass(frozen=True)
class Membership:
    """Training records distinguished from held-out ones by the scores of an attack."""

    matched: bool  # True: records are only compared with those of exactly the same labels
    auc: float  # 0.5 = not at all, 1 = without error
    low: float  # of the interval, bootstrap over patients
    high: float
    members: int  # training records
    others: int  # held-out records


@dataclass(frozen=True, eq=False)
class MembershipScores:
    """Scores of an attack on some records: the lower, the likelier it is that a record was trained on."""

    scores: np.ndarray  # (records,)
    labels: np.ndarray  # (records,) str, the class names joined
    patients: np.ndarray  # (records,) str

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True)
class Duplicates:
    """Synthetic records whose whole sequence of codes occurs elsewhere."""

    synthetic: int  # records
    among_synthetic: int  # records that repeat an earlier synthetic one
    in_training: int  # records that repeat a training record (as it is: not a jittered variant)


def membership_auc(
    members: MembershipScores,
    others: MembershipScores,
    matched: bool = False,
    bootstrap: BootstrapSettings | None = None,
) -> Membership:
    """The chance that a training record has a lower score than a held-out one, ties counted half.

    The interval is of a bootstrap over the patients of either side. NaN when no two records can be compared.
    """
    bootstrap = bootstrap or BootstrapSettings()
    generator = np.random.default_rng(bootstrap.seed)
    member_weights, other_weights = (
        patient_weights(side.patients, bootstrap.replicates, generator) for side in (members, others)
    )
    wins, pairs = np.zeros(len(member_weights)), np.zeros(len(member_weights))
    step = max(1, FEW_PAIRS // max(len(others), 1))
    for start in range(0, len(members), step):
        window = slice(start, start + step)
        score, rival = members.scores[window, None], others.scores[None]
        won = (score < rival) + 0.5 * (score == rival)
        comparable = np.ones(won.shape)
        if matched:
            comparable = (members.labels[window, None] == others.labels[None]).astype(np.float64)
        wins += np.einsum("rm,rm->r", member_weights[:, window], other_weights @ (won * comparable).T)
        pairs += np.einsum("rm,rm->r", member_weights[:, window], other_weights @ comparable.T)
    auc = np.divide(wins, pairs, out=np.full(len(wins), np.nan), where=pairs > 0)
    low, high = percentile_interval(auc[1:], bootstrap.confidence)
    return Membership(matched, float(auc[0]), low, high, len(members), len(others))


def patient_weights(patients: np.ndarray, replicates: int, generator: np.random.Generator) -> np.ndarray:
    """Times that each record's patient is drawn: (1 + replicates, records); row 0 is the sample itself."""
    counts, patient_of = draw_patients(patients.astype(str), replicates, generator)
    return np.vstack([np.ones((1, len(patients))), counts[:, patient_of]])


def likelihoods(generator: ECGGenerator, records: RecordSelection) -> MembershipScores:
    """The prior's loss, in nats, sketch and codes together, on real records whose labels are known, given their whole
    condition.

    Raises ValueError when the store has other classes than the generator, and when no record's labels are known.
    """
    task = generator.task
    class_names = records.store.same_task(task).class_names
    if class_names != generator.class_names:
        raise ValueError(
            f"the store has the labels {class_names} of task {task.name!r}, the generator {generator.class_names}: "
            "give the store of its training"
        )
    labels = records.labels(task, math.nan)
    known = np.isfinite(labels).all(axis=1)
    if not known.any():
        raise ValueError(
            f"of no record all labels of {task.name} are known: membership inference has nothing to compare"
        )
    records, names = records.only(known), [join_labels(task.names(row)) for row in labels[known]]
    return MembershipScores(losses_of_records(generator, records), np.array(names, object), records.patients)


@torch.inference_mode()
def real_digests(generator: ECGGenerator, records: RecordSelection) -> list[str]:
    """`code_digest` of real records as they are, at the levels that the prior writes."""
    tokenizer, levels = generator.tokenizer, generator.prior.config.levels
    device = next(tokenizer.parameters()).device
    parts = (part for chunk in records.chunks() for part in torch.from_numpy(chunk).split(BATCH))
    return [code_digest(codes.cpu().numpy()) for part in parts for codes in tokenizer.encode(part.to(device), levels)]


def find_duplicates(synthetic: Sequence[str], training: Sequence[str]) -> Duplicates:
    """Counts repeated digests of codes."""
    known = set(training)
    return Duplicates(
        len(synthetic), len(synthetic) - len(set(synthetic)), sum(digest in known for digest in synthetic)
    )
