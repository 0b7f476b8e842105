"""`vqecg embed`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vqecg.downstream.tasks.embedding.embedding import BATCH, GENERATOR_KEY, STORE_KEY, embed_store
from vqecg.downstream.tasks.embedding.registry import PARTS
from vqecg.prior.generator import ECGGenerator
from vqecg.records.files.atomic import atomic_file, check_file
from vqecg.records.files.progress import Progress
from vqecg.records.registry import Choices
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.cli.stage import alone

SUFFIX = ".parquet"
COLUMNS = ("record_id", "patient_id", "fold")  # of the store's table, beside the parts


HELP = ShortHelp(
    example="vqecg embed --store runs/ptbxl/store --generator runs/ptbxl/prior --out vectors.parquet",
    options=("parts", "overwrite", "device"),
)


@dataclass(frozen=True)
class Arguments(OnDevice):
    """Options of `vqecg embed`."""

    store: Path  # folder that `vqecg prepare` wrote
    generator: Path  # folder that `vqecg train-prior` wrote
    out: Path  # file to write, .parquet: a row per record, a column of vectors for each part
    parts: Annotated[tuple[str, ...], Choices("of the vector; none = all", PARTS.listing)] = ()
    overwrite: bool = False  # replace the file --out


@alone
def run(arguments: Arguments) -> Outcome:
    """Writes the table."""
    if arguments.out.suffix != SUFFIX:
        raise ValueError(f"cannot write a table as {arguments.out.name!r}: the name must end in {SUFFIX}")
    check_file(arguments.out, arguments.overwrite)
    for name in arguments.parts:
        PARTS.get(name)
    store, generator = RecordStore.open(arguments.store), ECGGenerator.from_pretrained(arguments.generator)
    batches = embed_store(generator, store, arguments.parts)
    start, total, writer = 0, -(-len(store) // BATCH), None
    with atomic_file(arguments.out) as aside:
        try:
            for vectors in Progress(batches, description="embedding", unit="batch", total=total):
                count = len(next(iter(vectors.values())))
                table = as_table(store.table.iloc[start : start + count], vectors)
                table = table.replace_schema_metadata(origin_of(store, generator))
                writer = writer or pq.ParquetWriter(aside, table.schema)
                writer.write_table(table)
                start += count
        finally:
            if writer is not None:
                writer.close()
    widths = ", ".join(f"{name} {part.shape[1]}" for name, part in vectors.items())
    figures = {"out": arguments.out, "records": start}
    figures |= {"widths": {name: part.shape[1] for name, part in vectors.items()}}
    return Outcome(figures, f"vectors of {start:,} records are in {arguments.out}: {widths}")


def origin_of(store: RecordStore, generator: ECGGenerator) -> dict[str, str]:
    """The fingerprints of store and generator, for those who read the file."""
    return {STORE_KEY: store.fingerprint, GENERATOR_KEY: generator.fingerprint}


def as_table(rows: pd.DataFrame, vectors: Mapping[str, np.ndarray]) -> pa.Table:
    """Rows of the store's table with a column of vectors for each part."""
    columns = {name: pa.array(rows[name].tolist()) for name in COLUMNS}
    for name, part in vectors.items():
        columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(part.ravel()), part.shape[1])
    return pa.table(columns)
