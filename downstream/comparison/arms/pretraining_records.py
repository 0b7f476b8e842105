"""The records that the pretraining of an arm learns from: all training records, labelled or not."""

import hashlib
import json
import math
from functools import partial
from pathlib import Path

import numpy as np
import torch

from vqecg.downstream.augmentation.methods.registry import Ingredients
from vqecg.downstream.classifiers.pretraining.registry import PretrainingRecords
from vqecg.downstream.classifiers.pretraining.settings import PretrainingSettings
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.signals import in_batches
from vqecg.records.files.kept_array import kept_array
from vqecg.records.store.selection import RecordSelection
from vqecg.tokenizer.encoding import BATCH, code_type
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import fingerprint


def pretraining_records(
    ingredients: Ingredients, classifier: ClassifierSettings, settings: PretrainingSettings, folder: Path
) -> PretrainingRecords:
    """All training records; codes are made where they are asked for, and stay in `folder`; none without a generator."""
    records = RecordSelection(ingredients.store, ingredients.every_row)
    tokenizer = None if ingredients.given is None else ingredients.given.tokenizer
    return PretrainingRecords(
        signals=records,
        labels=records.labels(ingredients.task, math.nan),
        patients=records.patients,
        sampling_rate=ingredients.store.spec.sampling_rate,
        task=ingredients.task,
        classifier=classifier,
        settings=settings,
        first_codes=None if tokenizer is None else partial(first_codes, records, tokenizer, folder),
        hop_length=0 if tokenizer is None else tokenizer.hop_length,
    )


def first_codes(records: RecordSelection, tokenizer: ECGTokenizer, folder: Path) -> np.ndarray:
    """(records, frames) codes of the tokenizer's first level: from a file in `folder`, or made and written there.

    Raises ValueError for records at another sampling rate than the tokenizer's, and for a damaged file.
    """
    tokenizer.check_sampling_rate(records.store.spec.sampling_rate)
    about = json.dumps([records.store.fingerprint, fingerprint(tokenizer)])
    digest = hashlib.blake2b(about.encode() + records.rows.tobytes(), digest_size=8).hexdigest()
    shape = (len(records), tokenizer.frames(records.store.spec.samples))
    make = partial(encoded, records, tokenizer)
    return np.array(kept_array(folder / f"first-codes-{digest}.npy", shape, code_type(tokenizer.codebook_size), make))


@torch.inference_mode()
def encoded(records: RecordSelection, tokenizer: ECGTokenizer) -> np.ndarray:
    """(records, frames) codes of the first level."""
    device = next(tokenizer.parameters()).device
    parts = [
        tokenizer.encode(torch.from_numpy(batch).to(device), 1)[..., 0].cpu() for batch in in_batches(records, BATCH)
    ]
    return torch.cat(parts).numpy()
