"""A layout for those who have pandas, polars or DuckDB and no WFDB: one parquet table per rate, a row per record."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vqecg.records.attributes import ATTRIBUTES
from vqecg.records.export.layouts import LAYOUTS, DatasetLayout, Description, likelihoods, plain_columns
from vqecg.records.export.origins import MANIFEST
from vqecg.records.export.record_stream import RecordStream
from vqecg.records.export.wfdb_writing import GAIN
from vqecg.records.leads import LEADS

GROUP = 128  # records of a row group: 8 MB of signals at 100 Hz


@LAYOUTS.register("parquet", rank=30)
class ParquetLayout(DatasetLayout):
    """records_100hz.parquet and so on: a row per record, a column of lists for every lead."""

    help = "a parquet table, a row per record"

    def holds(self, folder: Path) -> bool:
        """True where there are a manifest and files with names such as ours."""
        return (folder / MANIFEST).is_file() and any(folder.glob("records_*hz.parquet"))

    def write(self, folder: Path, records: RecordStream, statement_table: pd.DataFrame) -> Description:
        """Write a row group for every GROUP records."""
        columns, rows, schema = plain_columns(records), likelihoods(records), _schema()
        stream, start = iter(records), 0
        with ExitStack() as stack:
            writers = {
                rate: stack.enter_context(
                    pq.ParquetWriter(folder / f"records_{rate}hz.parquet", schema.with_metadata(_metadata(rate)))
                )
                for rate in records.rates
            }
            while group := list(islice(stream, GROUP)):
                stop = start + len(group)
                described = {name: values[start:stop] for name, values in columns.items()}
                for rate, writer in writers.items():
                    signals = [record.microvolts[rate] for record in group]
                    writer.write_table(_table(described, rows[start:stop], signals, rate, writer.schema))
                start = stop
        names = ", ".join(f"`records_{rate}hz.parquet`" for rate in records.rates)
        return Description(
            (
                f"{names}: one row per record, with {', '.join(f'`{name}`' for name in columns)}, `labels` (a list), "
                "their `likelihoods` in percent (0 = unknown), `sampling_rate` (Hz), and for every lead (`I` to `V6`) "
                "a list of samples in mV.",
            )
        )


def _schema() -> pa.Schema:
    """The columns and their types."""
    attributes = [
        (name, pa.float64() if attribute.is_number else pa.string(), attribute) for name, attribute in ATTRIBUTES
    ]
    return pa.schema(
        [
            pa.field("ecg_id", pa.int64()),
            pa.field("patient_id", pa.string()),
            pa.field("strat_fold", pa.int64()),
            *(pa.field(name, kind, metadata={"unit": attribute.unit}) for name, kind, attribute in attributes),
            pa.field("labels", pa.list_(pa.string())),
            pa.field("likelihoods", pa.list_(pa.float64()), metadata={"unit": "percent, 0 = unknown"}),
            pa.field("sampling_rate", pa.int64(), metadata={"unit": "Hz"}),
            *(pa.field(lead, pa.list_(pa.float32()), metadata={"unit": "mV"}) for lead in LEADS),
        ]
    )


def _metadata(rate: int) -> dict[str, str]:
    """The metadata of the file."""
    return {"sampling_rate_hz": str(rate), "unit": "mV"}


def _table(
    columns: Mapping[str, Sequence[Any]],
    rows: Sequence[Mapping[str, float]],
    signals: Sequence[np.ndarray],
    rate: int,
    schema: pa.Schema,
) -> pa.Table:
    """The rows of some records; `signals` are (12, samples) microvolt each."""
    millivolts = np.stack(signals).astype(np.float32) / np.float32(GAIN)
    count, _, samples = millivolts.shape
    offsets = pa.array(np.arange(count + 1, dtype=np.int32) * samples)
    arrays = {
        **columns,
        "labels": [list(row) for row in rows],
        "likelihoods": [list(row.values()) for row in rows],
        "sampling_rate": [rate] * count,
    }
    given = {name: pa.array(values, schema.field(name).type, from_pandas=True) for name, values in arrays.items()}
    leads = {
        lead: pa.ListArray.from_arrays(offsets, pa.array(millivolts[:, place].reshape(-1)))
        for place, lead in enumerate(LEADS)
    }
    return pa.Table.from_arrays([(given | leads)[name] for name in schema.names], schema=schema)
