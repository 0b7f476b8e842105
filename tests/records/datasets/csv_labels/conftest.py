"""A folder of small WFDB records, and a csv in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vqecg.records.record import RecordTable

HEADER = "{name} 2 250 10\n{name}.dat 16 1000/mV 16 0 0 0 0 I\n{name}.dat 16 1000/mV 16 0 0 0 0 II\n"


def write_records(root: Path, *names: str) -> None:
    """Headers and signals of zeros; the signals are not read where a table is made."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(path.name + ".hea").write_text(HEADER.format(name=path.name))
        path.with_name(path.name + ".dat").write_bytes(bytes(40))


@pytest.fixture
def read_csv(tmp_path: Path) -> Callable[..., RecordTable]:
    """The record table of a csv, from its header and rows; `records` names the records of the folder."""
    from vqecg.records.datasets.wfdb_folder import read_folder

    def read(
        *lines: str,
        records: int | tuple[str, ...] = 0,
        label_columns: tuple[str, ...] = (),
        empty_labels: str = "",
    ) -> RecordTable:
        names = records or len(lines) - 1
        write_records(tmp_path, *([f"r{number}" for number in range(names)] if isinstance(names, int) else names))
        file = tmp_path / "labels.csv"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return read_folder(tmp_path, file, label_columns, empty_labels)

    return read
