"""The check that a synthetic record is about as likely under the prior as training records are.

A record much likelier than any real one is the prior's average, and adds nothing; one much less likely is no ECG that
the training records know. Both ends come from the training folds alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vqecg.downstream.augmentation.verdict import Verdict
from vqecg.prior.likelihood import BATCH, EncodedRecords, losses_of_records
from vqecg.prior.synthetic_records import SyntheticRecords
from vqecg.records.bounds import Checked, Count, Percentile, Seed
from vqecg.records.store.selection import RecordSelection

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator

UNLIKELY, TOO_LIKELY = "unlikely", "too likely"  # reasons of a rejection


@dataclass(frozen=True)
class LikelihoodSettings(Checked):
    """The range of likelihood that a synthetic record may have."""

    low: Percentile = 0.5  # percentile of the training records' nats; a record below it is likelier than they are
    high: Percentile = 99.5  # percentile; a record above it is less likely
    sample: Count = 1000  # training records, at most, that the percentiles are taken from
    seed: Seed = 0  # of the sample

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.low < self.high:
            raise ValueError(f"low is {self.low} and high {self.high}; expected percentiles with low below high")


@dataclass(frozen=True, eq=False)
class LikelihoodCheck:
    """Rejects a record whose likelihood under the prior is out of the training records' range; made with `fit`."""

    generator: ECGGenerator
    lowest: float  # nats per record
    highest: float

    @classmethod
    def fit(
        cls, generator: ECGGenerator, training: RecordSelection, settings: LikelihoodSettings | None = None
    ) -> LikelihoodCheck:
        """Percentiles over training records whose labels are known.

        Raises ValueError for records at another sampling rate, and where no record's labels are known.
        """
        settings = settings or LikelihoodSettings()
        known = np.isfinite(training.labels(generator.task, math.nan)).all(axis=1)
        if not known.any():
            raise ValueError("of no training record all labels are known: the likelihood check has nothing to go by")
        training = training.only(known)
        losses = losses_of_records(generator, training.sample(settings.sample, settings.seed))
        lowest, highest = np.percentile(losses, (settings.low, settings.high))
        return cls(generator, float(lowest), float(highest))

    def describe(self) -> str:
        """The demands on a record, in a sentence."""
        return (
            f"A record passed when the prior gave it {self.lowest:.1f} to {self.highest:.1f} nats, as it gives "
            "training records."
        )

    def judge(self, records: SyntheticRecords) -> list[Verdict]:
        """Encodes the signals again and asks the prior how likely they are, given what they are meant to be."""
        if not len(records):
            return []
        losses = np.concatenate([
            EncodedRecords.of(
                self.generator,
                records.signal[part],
                records.statements[part],
                {name: values[part] for name, values in records.attributes.items()},
            ).losses(self.generator)
            for part in (slice(start, start + BATCH) for start in range(0, len(records), BATCH))
        ])  # fmt: skip
        return [
            Verdict(UNLIKELY) if loss > self.highest else Verdict(TOO_LIKELY) if loss < self.lowest else Verdict()
            for loss in losses
        ]
