"""Write a data set in any layout, with its manifest and README.md, whole or not at all."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from vqecg.records.export.layouts import LAYOUTS, PTBXL, check_rates, is_dataset
from vqecg.records.export.origins import MANIFEST, PRIVATE_FOLDER, split_origins, write_origins
from vqecg.records.export.readme import readme_text
from vqecg.records.export.record_stream import RecordStream
from vqecg.records.files.atomic import atomic_folder
from vqecg.records.files.checksums import write_checksums
from vqecg.records.files.verification import VERIFIERS, Verifier, sum_faults


def write_dataset(
    folder: Path,
    signals8: np.ndarray | Iterable[np.ndarray],
    sampling_rate: int,
    rows: pd.DataFrame,
    statement_table: pd.DataFrame,
    manifest: pd.DataFrame,
    overwrite: bool = False,
    rates: Sequence[int] = (),
    note: str = "",
    copies: bool = False,
    layout: str = PTBXL,
    origins: bool = True,
) -> str:
    """Write synthetic records as a data set; the folder appears when all is written, or not at all.

    Args:
        signals8: (n, 8, samples) mV in the order of INDEPENDENT_LEADS, or an iterable of such chunks, (k, 8, samples)
            each, which are written as they come, so that a large set needs no memory.
        sampling_rate: Hz, of `signals8`.
        rows: one row per record, in the order of the signals: patient_id (text, "" unknown), fold (1-10), statements
            (dict), attributes by name (age in years, sex; unknown where there is no such column); and ecg_id (integers,
            each once), or the records are numbered from 1; and beats (`AskedBeats`), where they are known.
        statement_table: what the statements mean, in PTB-XL's form. A statement that it lacks is added when it is a
            superclass or subclass of the table, or a Challenge abbreviation of one of its statements.
        manifest: one row per record, any columns; ecg_id is added. Columns that name recordings (PRIVATE_COLUMNS of
            origins.py) go to private/origins.parquet.
        overwrite: replace an earlier data set of this package; anything else is never replaced.
        rates: Hz, at which every record is written, resampled; none = `sampling_rate` alone.
        note: a last paragraph for README.md.
        copies: the records are recordings again, or nearly; README.md and headers say so in place of "synthetic".
        layout: a name of LAYOUTS.
        origins: write private/, where anything names recordings.

    Returns:
        Something that the user should know of what the layout cannot hold, or "".

    Raises:
        ValueError: a column or value of `rows` that does not fit, a statement without meaning, rates that cannot be,
            signals of another shape or number, nan, samples beyond +-32.767 mV, or a folder that must not be replaced.
        OSError: the disk is full, for instance; nothing is left behind then either.
    """
    check_rates((sampling_rate,))
    check_rates(rates)
    if len(manifest) != len(rows):
        raise ValueError(f"manifest of {len(manifest)} rows for {len(rows)} records, expected one row per record")
    writer = LAYOUTS.get(layout)()
    rates = writer.all_rates(sampling_rate, rates or (sampling_rate,))
    records = RecordStream(signals8, sampling_rate, rates, rows, copies)
    with atomic_folder(Path(folder), is_dataset, overwrite) as partial:
        description = writer.write(partial, records, statement_table)
        shared, named = split_origins(manifest)
        if private := origins and not named.columns.empty:
            write_origins(partial, records.ecg_ids, named)
        numbered(shared, records.ecg_ids).to_parquet(partial / MANIFEST)
        (partial / "README.md").write_text(readme_text(records, layout == PTBXL, description, private, note), "utf-8")
        if private:
            write_checksums(partial / PRIVATE_FOLDER)  # of its own: it is taken out before the set is shared
        write_checksums(partial)
    return description.remark


def numbered(manifest: pd.DataFrame, ecg_ids: Sequence[int]) -> pd.DataFrame:
    """The manifest with the number of each record as its first column."""
    rows = manifest.drop(columns="ecg_id", errors="ignore").reset_index(drop=True)
    rows.insert(0, "ecg_id", ecg_ids)
    return rows


@VERIFIERS.register("data set", rank=5)
class DatasetVerifier(Verifier):
    """A data set that `write_dataset` wrote, in any layout."""

    def holds(self, folder: Path) -> bool:
        """True for such a data set, and for what was one."""
        return (folder / MANIFEST).exists()

    def verify(self, folder: Path) -> tuple[str, list[str]]:
        """Reads all of its files."""
        summary, faults = sum_faults(folder)
        records = "" if faults else f"{len(pd.read_parquet(folder / MANIFEST)):,} records, "
        return f"{records}{summary}", faults
