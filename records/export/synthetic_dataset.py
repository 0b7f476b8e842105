"""Synthetic records as a data set: labels become statements, records and patients get numbers of their own."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from vqecg.records.attributes import ATTRIBUTES
from vqecg.records.export.beat_annotations import AskedBeats, beat_columns
from vqecg.records.export.dataset import write_dataset
from vqecg.records.export.layouts import OutputSettings
from vqecg.records.folds import TRAINING_FOLD
from vqecg.records.label_tables import table_with
from vqecg.records.labels import LabelTask

FIRST_RECORD = 1_000_000  # synthetic records are numbered from here, far from PTB-XL's, and so are their patients
CERTAIN = 100.0  # likelihood in percent of the statement that a label becomes


def write_synthetic(
    folder: Path,
    chunks: Iterable[np.ndarray],
    labels: np.ndarray,
    attributes: Mapping[str, np.ndarray],
    task: LabelTask,
    sampling_rate: int,
    manifest: pd.DataFrame,
    output: OutputSettings,
    statements: Sequence[Mapping[str, float]] | None = None,
    note: str = "",
    copies: bool = False,
    beats: Sequence[AskedBeats] | None = None,
) -> str:
    """Writes synthetic records as a data set; the folder appears when all is written, or not at all.

    Args:
        folder: of the data set.
        chunks: signals (k, 8, samples) float32 mV, some at a time, in the order of `labels`.
        labels: (records, classes) of 0 and 1, of `task`; they are columns of the manifest, and the statements if no
            others are given.
        attributes: (records,) by name, numbers or categories.
        sampling_rate: Hz.
        manifest: how every record was made, one row per record.
        output: layout and rates, whether to replace an earlier data set, and to write private/.
        statements: statement -> likelihood in percent, one mapping per record.
        note: the last paragraph of README.md.
        copies: the records are recordings again, or nearly.
        beats: of each record, where its R peaks were asked for: columns of the manifest, annotations in WFDB layouts.

    Returns:
        Something that the user should know of what the layout cannot hold, or "".

    Raises:
        ValueError: as `write_dataset`, and for labels other than 0 and 1: no layout says of a label that it is open.
    """
    if odd := int((~np.isin(labels, (0, 1))).any(axis=1).sum()):
        raise ValueError(
            f"{odd:,} of {len(labels):,} synthetic records have labels other than 0 and 1, such as unknown ones (NaN), "
            "which a data set would show as absent; expected records whose labels are all known: leave the others out"
        )
    names = [task.names(row) for row in labels]
    if statements is None:
        statements = [dict.fromkeys(classes, CERTAIN) for classes in names]
    columns = {
        name: np.asarray(values, np.float64) if ATTRIBUTES.get(name).is_number else values
        for name, values in attributes.items()
    }
    rows = pd.DataFrame(
        {
            "ecg_id": np.arange(len(labels)) + FIRST_RECORD,
            "patient_id": [str(FIRST_RECORD + number) for number in range(len(labels))],
            "fold": TRAINING_FOLD,
            **columns,
            "statements": statements,
        }
    )
    manifest = manifest.assign(labels=["+".join(classes) for classes in names], **columns)
    if beats is not None:
        rows["beats"] = pd.Series(list(beats), dtype=object)
        manifest = pd.concat([manifest.reset_index(drop=True), beat_columns(beats)], axis=1)
    meanings = table_with(name for row in statements for name in row)
    rates = output.all_rates(sampling_rate)
    form = (output.overwrite, rates, note, copies, output.layout, not output.no_origins)
    return write_dataset(folder, chunks, sampling_rate, rows, meanings, manifest, *form)
