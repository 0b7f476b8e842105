"""The labels of a stream: synthetic records beside the real ones, of which every batch of training has its share.

Unlike an `AdditionPlan` for scarce classes, a stream has the label combinations of all training records, each as often
as there, and any number of records: it changes what a class looks like to the classifier, not how common it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqecg.downstream.augmentation.plan import AdditionPlan, draw_evenly
from vqecg.records.bounds import Checked, PositiveFactor


@dataclass(frozen=True)
class StreamSettings(Checked):
    """The records of the streams that `mixture` arms train on; their share of a batch is the arm's."""

    times: PositiveFactor = 5.0  # synthetic records for each real training record
    targets_only: bool = False  # labels of records with a target class only; else of all training records
    anew: bool = False  # drawn anew for every seed of the classifiers; else one stream, drawn once, serves all seeds

    def plan(
        self,
        labels: np.ndarray,
        class_names: Sequence[str],
        target_classes: Sequence[str],
        seed: int,
        eligible: np.ndarray,
    ) -> AdditionPlan:
        """`times` as many rows as there are training `labels` (records, classes) 0/1, drawn evenly from the `eligible`
        (records,) bool. A label may be NaN, unknown, and stays so.

        With other `times` and the same seed the fewer are the first of the more. Raises ValueError where none is
        eligible.
        """
        names, able = tuple(class_names), np.asarray(eligible)
        if self.targets_only:
            able = able & (labels[:, [names.index(name) for name in target_classes]] > 0).any(axis=1)
        if not able.any():
            raise ValueError(
                f"no records can be made for the labels of any of the {len(labels)} training records"
                f"{' with a target class' if self.targets_only else ''}: leave the arm out, or give a generator that "
                "knows these labels"
            )
        count = max(1, round(self.times * len(labels)))
        rows = draw_evenly(np.flatnonzero(able), count, np.random.default_rng(seed))
        return AdditionPlan(names, tuple(target_classes), rows, np.asarray(labels, np.float32)[rows])
