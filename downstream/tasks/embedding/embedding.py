"""The embeddings of a store's recordings, a few at a time."""

from collections.abc import Iterator, Sequence

import numpy as np

from vqecg.downstream.tasks.embedding.registry import PARTS
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore

BATCH = 64  # recordings at a time
STORE_KEY, GENERATOR_KEY = "vqecg.store", "vqecg.generator"  # metadata of a file of vectors: what they are of and from


def embed_signals(generator: ECGGenerator, signal: np.ndarray, parts: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Recordings (records, 8, samples) float32 mV, at the generator's rate and length -> the named parts, or all.

    Each part is (records, width) float32, NaN where a recording shows no such number. Raises ValueError for an unknown
    part, and recordings of another length.
    """
    if signal.ndim != 3 or signal.shape[2] != generator.samples:
        raise ValueError(
            f"got recordings of shape {signal.shape}; expected (records, {len(generator.tokenizer.config.leads)}, "
            f"{generator.samples}), the length of the generator's training"
        )
    names = list(parts) or list(PARTS.names())
    return {name: PARTS.get(name)().embed(generator, signal).astype(np.float32) for name in names}


def embed_store(
    generator: ECGGenerator, store: RecordStore, parts: Sequence[str] = ()
) -> Iterator[dict[str, np.ndarray]]:
    """`embed_signals` of all records of a store, in its order, BATCH at a time.

    Raises ValueError for a store of another sampling rate, too.
    """
    generator.tokenizer.check_sampling_rate(store.spec.sampling_rate)
    for start in range(0, len(store), BATCH):
        yield embed_signals(generator, store.signals(slice(start, start + BATCH)), parts)
