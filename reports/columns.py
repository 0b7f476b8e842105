"""A check of the tables that a page is made from."""

from collections.abc import Mapping, Sequence


def check_columns(section: object, tables: Mapping[str, Sequence[str]]) -> None:
    """Raises ValueError if a table of the section lacks a column; `tables` maps field name -> columns."""
    for name, columns in tables.items():
        table = getattr(section, name)
        missing = [column for column in columns if table is not None and column not in table.columns]
        if missing:
            raise ValueError(
                f"{type(section).__name__}.{name} lacks the columns {missing}, it has {list(table.columns)}; "
                f"expected {list(columns)}"
            )
