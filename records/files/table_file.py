"""Tables that a command writes as .csv or .parquet."""

from pathlib import Path

import pandas as pd

from vqecg.records.files.atomic import atomic_file

TABLE_ENDINGS = (".csv", ".parquet")


def check_table_name(path: Path) -> None:
    """Raises ValueError for a file of another ending than TABLE_ENDINGS."""
    if path.suffix not in TABLE_ENDINGS:
        raise ValueError(f"cannot write a table as {path.name!r}: the name must end in {' or '.join(TABLE_ENDINGS)}")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Writes a table as .csv or .parquet, by the ending of its path, whole or not at all."""
    with atomic_file(path) as aside:
        if path.suffix == ".csv":
            table.to_csv(aside, index=False)
        else:
            table.to_parquet(aside, index=False)
