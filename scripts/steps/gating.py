"""The gate of a command against the records that a generator was trained on, whichever store it is given."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vqecg.downstream.augmentation.generator_training import in_words, unknown_training
from vqecg.prior.copies.gate import CopyGate, GateSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.records.bounds import Checked
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainedOn, TrainingSubset


@dataclass(frozen=True)
class GateRecords(Checked):
    """The records that a gate compares generated ones with, and how near they may come."""

    against: Path | None = None  # store of the training: records too near to a training record are drawn anew
    folds: FoldSplit = field(
        default_factory=FoldSplit
    )  # of the training; the default stands for what the generator says
    subset: TrainingSubset = field(default_factory=TrainingSubset)  # of the training, likewise
    allow_other_training: bool = False  # compare with another store than that of the training; the README says so
    gate: GateSettings = field(default_factory=GateSettings)

    def fit(self, generator: ECGGenerator) -> CopyGate | None:
        """The gate against all records that tokenizer or prior were trained on; None where no store is given.

        With default `folds` and `subset` nothing is claimed of the training; others have to be those of it. Where the
        generator does not say, or with `allow_other_training`, the gate has the rows of `folds` and `subset` (of
        another store by default all), and its `doubt` says that these may be others. Raises ValueError for a store,
        folds or subset of another training, a store of another rate or length, and as `CopyGate.fit`.
        """
        if self.against is None:
            return None
        store = RecordStore.open(self.against)
        given = TrainedOn(store.fingerprint, self.folds, self.subset)
        claimed = given if self.subset.reduces or self.folds != FoldSplit() else None
        others = self.other_training(generator, given, claimed)
        checked = [] if others else [seen.train_rows(store) for seen in generator.trained_on.values()]
        if checked:
            rows = np.unique(np.concatenate(checked))
        else:
            rows = np.arange(len(store)) if others and claimed is None else given.train_rows(store)
        gate = CopyGate(store, rows, 0.0, self.gate)
        gate.check_fits(generator.tokenizer.config.sampling_rate, generator.samples)
        return CopyGate.fit(store, rows, self.gate, "; ".join([*others, *unknown_training(generator.trained_on)]))

    def other_training(self, generator: ECGGenerator, given: TrainedOn, claimed: TrainedOn | None) -> list[str]:
        """Clauses on what the generator was trained on that is not what is given. Raises ValueError as `fit`."""
        seen = generator.trained_on
        same = {part: TrainedOn(given.store, on.folds, on.subset) for part, on in seen.items()}
        others = in_words({part: on.training_differences(claimed or same[part]) for part, on in seen.items()})
        if others and not self.allow_other_training:
            folds = {f"--folds.train {' '.join(map(str, on.folds.train))}, {on.subset}" for on in seen.values()}
            raise ValueError(
                f"{self.against} is not what the generator was trained on: {'; '.join(others)}. Give --against the "
                f"store of its training ({'; '.join(sorted(folds))}); --allow-other-training compares with this one, "
                "and the data set then says that it was not checked against the training records"
            )
        return others
