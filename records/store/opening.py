"""The files of a store or a code store, checked as they are opened: without reading the signals."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from vqecg.records.attributes import ATTRIBUTES
from vqecg.records.files.json_file import read_object
from vqecg.records.label_tables import normal_statement_table
from vqecg.records.record import RecordTable, table_columns
from vqecg.records.unknown_labels import COLUMN, unknown_of, with_unknown_column

CONFIG_FILE, TABLE_FILE, STATEMENTS_FILE = "config.json", "table.parquet", "statements.csv"
EMPTY = "[]"  # the unknown statements of a record that has none, as the file holds them
AGAIN = "the file is damaged: copy the folder again, or make it anew"


def read_format(folder: Path) -> str | None:
    """The kind of output that the config.json of a folder names; None where there is none, or it is damaged."""
    try:
        name = read_object(folder / CONFIG_FILE).get("format")
    except ValueError:
        return None
    return name if isinstance(name, str) else None


def read_config(
    folder: Path, kind: str, version: int | tuple[int, ...], expected: Mapping[str, type], hint: str
) -> dict[str, Any]:
    """The config.json of a folder of this `kind` and `version` (one or several), once its keys have `expected` types.

    Raises ValueError for a folder without one, a damaged one, and one of another kind or version; `hint` says how such
    a folder is made.
    """
    path = folder / CONFIG_FILE
    if not path.exists():
        raise ValueError(f"{folder} holds no {kind.removeprefix('vqecg ')} (there is no {CONFIG_FILE}); {hint}")
    config = read_object(path)
    if config.get("format") != kind:
        raise ValueError(f"{folder} holds no {kind.removeprefix('vqecg ')}; {hint}")
    versions = (version,) if isinstance(version, int) else version
    if config.get("format_version") not in versions:
        listed = " or ".join(map(str, versions))
        raise ValueError(f"{folder} is of version {config.get('format_version')}, expected {listed}; {hint}")
    for key, wanted in expected.items():
        if key not in config:
            raise ValueError(f"{path} lacks {key!r}; {AGAIN}")
        value = config[key]
        # a bool is an int for Python, and a float may be written without a point
        right = isinstance(value, wanted) or (wanted is float and isinstance(value, int))
        if not right or (isinstance(value, bool) and wanted is not bool):
            raise ValueError(f"{path}: {key} is {str(value)[:60]!r}, expected {wanted.__name__}; {AGAIN}")
        if wanted in (int, float) and not 0 < value < 2**63:
            raise ValueError(f"{path}: {key} is {value}, expected more than 0; {AGAIN}")
    return config


def read_table(folder: Path, records: int) -> pd.DataFrame:
    """The table of records in a folder, its statements as dicts; attributes registered since are unknown in it.

    The column `unknown` (unknown_labels.py) is there where the file has it, tuples of names.

    Raises ValueError for a file that is missing or damaged, another number of rows than `records`, and columns or
    values that no record table has.
    """
    path = folder / TABLE_FILE
    if not path.is_file():
        raise ValueError(f"{path} is missing or no file; {AGAIN}")
    try:
        table = pd.read_parquet(path)
    except (ValueError, OSError, KeyError, TypeError, IndexError, NotImplementedError, MemoryError) as error:
        raise ValueError(
            f"{path} cannot be read ({str(error).splitlines()[0][:200] if str(error) else error!r}); {AGAIN}"
        ) from error
    if len(table) != records:
        raise ValueError(f"{path} has {len(table):,} rows for {records:,} records; {AGAIN}")
    wanted = [name for name in table_columns() if name != "path"]
    missing = [name for name in wanted if name not in table.columns and name not in ATTRIBUTES]
    if missing or table.columns.has_duplicates:
        raise ValueError(f"{path} has the columns {list(table.columns)}, expected {wanted}; {AGAIN}")
    statements = [_statements(text, row, path) for row, text in enumerate(table["statements"])]
    table["statements"] = pd.Series(statements, table.index, dtype=object)
    if COLUMN in table:
        table = with_unknown_column(table, [_unknown(text, row, path) for row, text in enumerate(table[COLUMN])])
    for name, attribute in ATTRIBUTES:
        if name not in table.columns:  # registered after the folder was made
            table.insert(table.columns.tolist().index("statements"), name, attribute.unknown)
    try:
        RecordTable(table.assign(path="")[[*table_columns(), *({COLUMN} & set(table.columns))]], "", "")
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error
    return table


def _statements(text: Any, row: int, path: Path) -> dict[str, float]:
    """The statements of one row. ValueError: no JSON object of likelihoods from 0 to 100."""
    try:
        content = json.loads(text)
        right = isinstance(content, dict) and all(
            isinstance(value, int | float) and math.isfinite(value) and 0 <= value <= 100 for value in content.values()
        )
    except (ValueError, TypeError, RecursionError):
        content, right = text, False
    if not right:
        raise ValueError(
            f"{path}: the statements of row {row} are {str(content)[:60]!r}, expected likelihoods from 0 to 100 "
            f"by name; {AGAIN}"
        )
    return content


def _unknown(text: Any, row: int, path: Path) -> tuple[str, ...]:
    """The unknown statements of one row. ValueError: no JSON list of names."""
    try:
        names = json.loads(text)
        right = isinstance(names, list) and all(isinstance(name, str) and name for name in names)
    except (ValueError, TypeError, RecursionError):
        names, right = text, False
    if not right:
        raise ValueError(
            f"{path}: the unknown statements of row {row} are {str(names)[:60]!r}, expected a list of names; {AGAIN}"
        )
    return tuple(names)


def table_file(table: pd.DataFrame) -> pd.DataFrame:
    """A table as its file holds it: statements as text; the column `unknown` only where something is unknown."""
    plain = table.drop(columns=COLUMN, errors="ignore")
    plain = plain.assign(statements=plain["statements"].map(statements_text))
    unknown = [json.dumps(sorted(set(names))) for names in unknown_of(table)]
    return plain if set(unknown) <= {EMPTY} else plain.assign(**{COLUMN: unknown})


def statements_text(statements: Mapping[str, float]) -> str:
    """Statements as text; the order is kept, numpy's numbers become plain ones."""
    return json.dumps({str(name): float(likelihood) for name, likelihood in statements.items()})


def read_statements(folder: Path) -> pd.DataFrame:
    """The statement table of a store. Raises ValueError for a file that is missing, damaged or no such table."""
    path = folder / STATEMENTS_FILE
    if not path.is_file():
        raise ValueError(f"{path} is missing or no file; {AGAIN}")
    try:
        return normal_statement_table(pd.read_csv(path, dtype=str, keep_default_na=False))
    except (ValueError, OSError, KeyError, IndexError, MemoryError) as error:
        raise ValueError(f"{path}: {str(error).splitlines()[0] if str(error) else error!r}; {AGAIN}") from error
