"""The gate of samples against the records that their generator says it was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vqecg.prior.config import PARTS
from vqecg.prior.copies.gate import CopyGate, GateSettings
from vqecg.records.store.record_store import RecordStore

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


def training_gate(generator: ECGGenerator, against: RecordStore | str | Path) -> CopyGate:
    """The gate against all training records of prior and tokenizer, in the store of the training.

    Raises ValueError for a store of another training, a generator that does not say what it was trained on, and as
    `CopyGate.fit`.
    """
    store = against if isinstance(against, RecordStore) else RecordStore.open(Path(against))
    seen = generator.trained_on
    silent = [part for part in PARTS if part not in seen]
    if silent:
        raise ValueError(
            f"the generator does not say which records its {' and '.join(silent)} saw in training, so that there is "
            "nothing to compare with; `vqecg generate --against STORE` compares with all of a store, and says so"
        )
    others = [part for part, on in seen.items() if on.store != store.fingerprint]
    if others:
        raise ValueError(
            f"{store.folder} is not the store that the generator's {' and '.join(others)} was trained on: give that "
            "one, or `vqecg generate --against STORE --allow-other-training`, which compares with this one and says so"
        )
    rows = np.unique(np.concatenate([on.train_rows(store) for on in seen.values()]))
    return CopyGate.fit(store, rows, GateSettings())
