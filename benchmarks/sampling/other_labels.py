"""The labels of other records in place of the right ones: what the right ones add to a recording's likelihood."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.measuring import Cell, cell
from vqecg.prior.conditioning import Condition
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.likelihood import BATCH, EncodedRecords
from vqecg.records.store.selection import RecordSelection

PARTS = ("traits", "beats")
Table = tuple[tuple[str, ...], list[Sequence[Cell]]]


def another_for_each(count: int) -> np.ndarray:
    """For each of `count` records, two or more, another one, each once: (count,) int64."""
    order, others = np.random.default_rng(0).permutation(count), np.zeros(count, np.int64)
    others[order] = np.roll(order, 1)
    return others


@torch.inference_mode()
def likelihood_rows(generator: ECGGenerator, records: RecordSelection) -> Table:
    """For each part of the sketch, what the right labels, age and sex add to the likelihood of a real record."""
    gains: dict[str, list[np.ndarray]] = {part: [] for part in PARTS}
    others = another_for_each(len(records))
    for start in range(0, len(records), BATCH):
        rows = np.arange(start, min(start + BATCH, len(records)))
        right, wrong = (
            EncodedRecords.of_records(generator, RecordSelection(records.store, records.rows[part]))
            for part in (rows, others[rows])
        )
        given = losses_by_part(generator, right, right.condition)
        swapped = losses_by_part(generator, right, wrong.condition)
        for part in PARTS:
            gains[part].append((swapped[part] - given[part]).numpy())
    table: list[Sequence[Cell]] = []
    for part, values in gains.items():
        gain = np.concatenate(values)
        table.append((part, cell(float(np.median(gain)), 2, signed=True), cell(float((gain > 0).mean()), 2)))
    return ("", "median record", "records that the right ones make likelier"), table


def losses_by_part(generator: ECGGenerator, records: EncodedRecords, condition: Condition) -> dict[str, Tensor]:
    """Negative log-likelihoods of records under a condition, (batch,) nats for each of PARTS."""
    drawn = generator.prior.sketch(records.sketch, condition)
    return {"traits": drawn.traits, "beats": drawn.beats}
