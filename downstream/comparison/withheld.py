"""Names for what classifiers are trained on, and the refusal of records that are withheld for validation or test."""

from collections.abc import Set

import numpy as np

from vqecg.downstream.classifiers.pretraining.registry import Pretraining
from vqecg.downstream.classifiers.signals import Signals, data_digest, record_digests


def training_digest(name: str, signals: Signals, labels: np.ndarray, withheld: Set[bytes]) -> str:
    """A name for training data with its labels (records, classes).

    `withheld` are digests of records. Raises ValueError for one of them among `signals`.
    """
    digests = record_digests(signals)
    copies = sum(digest in withheld for digest in digests)
    if copies:
        raise ValueError(
            f"{copies} training records of {name!r} are in validation or test (to the microvolt), expected none: "
            "make additions from the training part only"
        )
    return data_digest(digests, labels)


def pretraining_digest(name: str, pretraining: Pretraining, withheld: Set[bytes]) -> str:
    """A name for the ECGs of an arm's pretraining. Raises ValueError as `training_digest`."""
    signals = pretraining.signals
    return training_digest(f"{name}, pretraining", signals, np.empty((len(signals), 0)), withheld)
