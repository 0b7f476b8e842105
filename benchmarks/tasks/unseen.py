"""The refusal of test folds that a generator was trained on."""

from collections.abc import Sequence

from vqecg.prior.generator import ECGGenerator
from vqecg.records.folds import folds_text
from vqecg.records.store.record_store import RecordStore


def check_unseen(
    generator: ECGGenerator, store: RecordStore, test: Sequence[int], train: Sequence[int] | None = None
) -> None:
    """ValueError for a part of the generator that was trained on test folds, or on others than `train`, if given.

    A generator that does not say what it was trained on, or was trained on another store, passes: nothing is known.
    """
    for part, seen in generator.trained_on.items():
        if seen.store != store.fingerprint:
            continue
        if common := set(seen.folds.train) & set(test):
            raise ValueError(
                f"the {part} was trained on folds {folds_text(sorted(common))} of --test; expected folds that "
                "it never saw: choose others"
            )
        if train is not None and set(seen.folds.train) != set(train):
            raise ValueError(
                f"the {part} was trained on folds {folds_text(seen.folds.train)}, --train says {folds_text(train)}: "
                "name the folds of its training"
            )
