"""A layout for those who have numpy and no WFDB: one .npz file per rate, without pickled objects."""

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from vqecg.records.export.layouts import LAYOUTS, DatasetLayout, Description, likelihoods, plain_columns
from vqecg.records.export.origins import MANIFEST
from vqecg.records.export.record_stream import RecordStream
from vqecg.records.export.wfdb_writing import GAIN
from vqecg.records.leads import LEADS

SIGNALS = "signals"


@LAYOUTS.register("npz", rank=20)
class NpzLayout(DatasetLayout):
    """records_100hz.npz and so on: signals, labels, and a column for each thing that is known of the records."""

    help = "a .npz file of numpy arrays"

    def holds(self, folder: Path) -> bool:
        """True where there are a manifest and files with names such as ours."""
        return (folder / MANIFEST).is_file() and any(folder.glob("records_*hz.npz"))

    def write(self, folder: Path, records: RecordStream, statement_table: pd.DataFrame) -> Description:
        """Write the signals as they come, then the other arrays, into the file of every rate."""
        shared = _arrays(records)
        with ExitStack() as stack:
            archives = {
                rate: stack.enter_context(zipfile.ZipFile(folder / f"records_{rate}hz.npz", "w"))
                for rate in records.rates
            }
            with ExitStack() as writing:
                files: dict[int, IO[bytes]] = {}
                for record in records:
                    for rate, microvolts in record.microvolts.items():
                        if rate not in files:
                            shape = (len(records), *microvolts.shape)
                            files[rate] = writing.enter_context(_signals(archives[rate], shape))
                        files[rate].write((microvolts.astype("<f4") / GAIN).tobytes())
            for rate, archive in archives.items():
                for name, array in {**shared, "sampling_rate": np.array(rate)}.items():
                    with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as file:
                        np.lib.format.write_array(file, array, allow_pickle=False)
        names = ", ".join(f"`records_{rate}hz.npz`" for rate in records.rates)
        return Description(
            (
                f"{names}: `numpy.load` gives `signals` (records, 12, samples) in mV, `leads`, `sampling_rate` (Hz), "
                "`labels` (records, classes) of 0 and 1 with `label_names`, `likelihoods` in percent (0 = unknown, nan "
                "where the label is not there), and one array each of "
                f"{', '.join(f'`{name}`' for name in plain_columns(records))}.",
            )
        )


@contextmanager
def _signals(archive: zipfile.ZipFile, shape: tuple[int, ...]) -> Iterator[IO[bytes]]:
    """The entry of the signals, float32 of `shape`, after its header: what is written is one record after another."""
    with archive.open(zipfile.ZipInfo(f"{SIGNALS}.npy"), "w", force_zip64=True) as file:
        header: dict[str, Any] = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        yield file


def _arrays(records: RecordStream) -> Mapping[str, np.ndarray]:
    """Every array but the signals. Raises ValueError for an attribute that is named as one of the others is."""
    rows = likelihoods(records)
    names = sorted({name for row in rows for name in row})
    percent = np.full((len(rows), len(names)), np.nan, np.float32)
    for number, row in enumerate(rows):
        for name, value in row.items():
            percent[number, names.index(name)] = value
    arrays = {
        "leads": np.array(LEADS),
        "label_names": np.array(names, dtype=str),
        "labels": (~np.isnan(percent)).astype(np.uint8),
        "likelihoods": percent,
    }
    columns = {name: np.array(values) for name, values in plain_columns(records).items()}
    twice = sorted({*arrays, SIGNALS, "sampling_rate"} & set(columns))
    if twice:
        raise ValueError(f"the attribute {twice[0]!r} has the name of an array of the layout: give it another name")
    return arrays | columns
