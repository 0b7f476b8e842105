"""A reader by Bayes' rule: what a generator's likelihoods of a recording's sketch say of each of its labels.

The generator gives the density of a sketch under any combination of labels. Weighed by how often the combinations
occur in its training records, they give the odds of each class with all other labels left open. The densities of many
numbers that hang together are too sure of themselves, which a small weight of their logits makes up for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from scipy.special import expit, logsumexp

from vqecg.downstream.reading.registry import READERS, FittedReader, Reader, ReadRecords
from vqecg.prior.conditioning import Condition
from vqecg.prior.likelihood import BATCH
from vqecg.prior.requests import split_labels
from vqecg.records.labels import LabelTask
from vqecg.records.store.selection import RecordSelection

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator

FARTHEST = 30.0  # nats; odds further out count as that


def combinations_of(generator: ECGGenerator, task: LabelTask, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Common combinations of labels: as the generator's, the task's, and the logarithms of their shares.

    Shapes (combinations, generator's classes) 0/1, (combinations, classes) bool and (combinations,). The commonest one
    with each class of the task, and without, is among them, however rare; the commonest of all fill up to `most` where
    these are fewer. Raises ValueError where the generator's labels do not say whether a record has the classes.
    """
    members = generator.task_of(task.class_names)
    counts = generator.conditions.groupby("labels")["count"].sum().sort_values(ascending=False, kind="stable")
    named = [set(split_labels(row)) for row in counts.index]
    classes = np.array([[name in {members.get(one) for one in names} for name in task.class_names] for names in named])
    chosen = {int(side.argmax()) for column in classes.T for side in (column, ~column) if side.any()}
    chosen |= set(range(min(len(named), max(most - len(chosen), 0))))
    rows = sorted(chosen)
    labels = np.array([[name in named[row] for name in generator.class_names] for row in rows], np.float32)
    shares = counts.to_numpy(float)[rows]
    return labels, classes[rows], np.log(shares / shares.sum())


def log_ratios(joint: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Logarithms of the odds of each class: (records, classes) nats, NaN for one that all combinations have or lack.

    `joint` (records, combinations) are log densities of records under each combination plus the log of its share;
    `classes` (combinations, classes) bool.
    """
    odds = np.full((len(joint), classes.shape[1]), np.nan)
    for column, has in enumerate(classes.T):
        if has.any() and not has.all():
            odds[:, column] = logsumexp(joint[:, has], axis=1) - logsumexp(joint[:, ~has], axis=1)
    return odds


@READERS.register("likelihood of the sketch", rank=3)
class SketchLikelihood(Reader):
    """The log odds of each class by Bayes' rule, with the density of traits and R peaks: nothing is fitted."""

    help = "Bayes' rule with the generator's density of the sketch"
    measured = "likelihood of the sketch"
    most: ClassVar[int] = 32  # combinations of labels, those that show each class and its absence among them

    @torch.inference_mode()
    def measure(self, generator: ECGGenerator, records: RecordSelection, task: LabelTask) -> np.ndarray:
        """(records, classes) float32 nats."""
        generator.tokenizer.check_sampling_rate(records.store.spec.sampling_rate)
        labels, classes, shares = combinations_of(generator, task, self.most)
        model, rows = generator.prior.sketch, [np.zeros((0, classes.shape[1]))]
        device = next(model.parameters()).device
        for start in range(0, len(records), BATCH):
            sketch = model.measured(records.only(slice(start, start + BATCH)).signals).to(device)
            losses = [model(sketch, Condition.of(np.tile(row, (len(sketch), 1)), {}).to(device)) for row in labels]
            densities = torch.stack([-(one.traits + one.beats) for one in losses], dim=1)
            rows.append(log_ratios(densities.double().cpu().numpy() + shares, classes))
        return np.concatenate(rows).astype(np.float32)

    def fit(self, known: ReadRecords, seed: int) -> FittedReader:
        """The probability that the odds mean; .5 for a class of which the generator knows nothing."""

        def scores(measures: np.ndarray) -> np.ndarray:
            return expit(np.nan_to_num(measures.astype(np.float64), nan=0.0).clip(-FARTHEST, FARTHEST))

        return FittedReader(scores, tuple(np.flatnonzero(np.isnan(known.measures).all(axis=0)).tolist()))
