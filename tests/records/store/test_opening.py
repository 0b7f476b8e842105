"""A damaged store is refused as it is opened, by name of the file and cause; and codes likewise, by the same checks."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vqecg.records.store.record_store import RecordStore


@pytest.fixture
def folder(simulated_store: RecordStore, tmp_path: Path) -> Path:
    """A copy of a store, to be damaged."""
    return Path(shutil.copytree(simulated_store.folder, tmp_path / "store"))


def config_with(**values: Any) -> Callable[[Path], None]:
    """A change of config.json; a value of None takes the key out."""

    def damage(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text("utf-8")) | values
        kept = {key: value for key, value in config.items() if value is not None}
        (folder / "config.json").write_text(json.dumps(kept), "utf-8")

    return damage


def table_with(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    """A change of table.parquet."""

    def damage(folder: Path) -> None:
        change(pd.read_parquet(folder / "table.parquet")).to_parquet(folder / "table.parquet")

    return damage


def cell(column: str, value: Any) -> Callable[[Path], None]:
    """Another value in the fourth row of a column."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        table[column] = [value if row == 3 else old for row, old in enumerate(table[column])]
        return table

    return table_with(change)


def signals_with(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    """A change of signals.npy."""
    return lambda folder: np.save(folder / "signals.npy", change(np.load(folder / "signals.npy")), allow_pickle=True)


def content(name: str, data: bytes) -> Callable[[Path], None]:
    """A file of another content."""
    return lambda folder: (folder / name).write_bytes(data) and None


def cut(name: str, part: float) -> Callable[[Path], None]:
    """A file cut short."""

    def damage(folder: Path) -> None:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: int(part * len(data))])

    return damage


def longer(folder: Path) -> None:
    with (folder / "signals.npy").open("ab") as file:
        file.write(b"\0\0")


def a_folder(name: str) -> Callable[[Path], None]:
    """A folder in place of a file."""

    def damage(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return damage


SPEC = {"sampling_rate": 100, "seconds": 10.0}
LEADS = ["II", "I", "V1", "V2", "V3", "V4", "V5", "V6"]
DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "signals missing": (lambda folder: (folder / "signals.npy").unlink(), "signals.npy cannot be read"),
    "signals empty": (content("signals.npy", b""), "signals.npy"),
    "signals cut": (cut("signals.npy", 0.5), "instead of"),
    "signals longer": (longer, "instead of"),
    "signals a folder": (a_folder("signals.npy"), "signals.npy cannot be read"),
    "signals float": (signals_with(lambda array: array.astype(np.float32)), "float32; expected"),
    "signals of 32 bit": (signals_with(lambda array: array.astype(np.int32)), "int32; expected"),
    "signals big-endian": (signals_with(lambda array: array.astype(">i2")), ">i2; expected"),
    "signals unsigned": (signals_with(lambda array: array.astype(np.uint16)), "uint16; expected"),
    "signals by columns": (signals_with(np.asfortranarray), "by columns"),
    "signals of twelve leads": (signals_with(lambda array: np.repeat(array, 2, axis=1)[:, :12]), "12, 1000"),
    "signals of fewer samples": (signals_with(lambda array: array[:, :, :500]), "8, 500"),
    "signals transposed": (signals_with(lambda array: np.ascontiguousarray(array.transpose(0, 2, 1))), "1000, 8"),
    "signals of one record less": (signals_with(lambda array: array[1:]), "signals.npy holds"),
    "signals pickled": (signals_with(lambda array: np.array([{"a": 1}], object)), "object"),
    "signals an archive": (content("signals.npy", b"PK\x03\x04" + bytes(100)), "signals.npy"),
    "signals with a header that is code": (
        content("signals.npy", b"\x93NUMPY\x01\x00\x20\x00" + b"__import__('os').getpid()      \n"),
        "signals.npy",
    ),
    "signals of version 9": (content("signals.npy", b"\x93NUMPY\x09\x00\x20\x00" + bytes(64)), "signals.npy"),
    "config empty": (content("config.json", b""), "config.json"),
    "config cut": (cut("config.json", 0.7), "config.json"),
    "config a list": (content("config.json", b"[]"), "config.json"),
    "config nested": (content("config.json", b"[" * 100_000), "config.json"),
    "config no text": (content("config.json", b"\xff\xfe\x00"), "config.json"),
    "config a folder": (a_folder("config.json"), "config.json"),
    "config missing": (lambda folder: (folder / "config.json").unlink(), "holds no record store"),
    "another format": (config_with(format="something"), "holds no record store"),
    "a later version": (config_with(format_version=3), "of version 3, expected 1 or 2"),
    "no version": (config_with(format_version=None), "of version None, expected 1"),
    "no records": (config_with(records=None), "lacks 'records'"),
    "records -1": (config_with(records=-1), "records is -1"),
    "records 0": (config_with(records=0), "records is 0"),
    "records true": (config_with(records=True), "records is 'True'"),
    "records text": (config_with(records="120"), "records is '120'"),
    "records broken": (config_with(records=119.5), "records is '119.5'"),
    "records 1e300": (config_with(records=10**300), "records is"),
    "records of another number": (config_with(records=119), "has 120 rows for 119 records"),
    "no spec": (config_with(spec=None), "lacks 'spec'"),
    "spec a list": (config_with(spec=[100, 10]), "spec is"),
    "spec of 1 Hz": (config_with(spec=SPEC | {"sampling_rate": 1}), "sampling_rate is 1"),
    "spec of 1e9 Hz": (config_with(spec=SPEC | {"sampling_rate": 10**9}), "sampling_rate is 1000000000"),
    "spec of a text": (config_with(spec=SPEC | {"sampling_rate": "100"}), "sampling_rate is '100'"),
    "spec of NaN s": (config_with(spec=SPEC | {"seconds": float("nan")}), "seconds is nan"),
    "spec of -10 s": (config_with(spec=SPEC | {"seconds": -10.0}), "seconds is -10.0"),
    "spec of 1e9 s": (config_with(spec=SPEC | {"seconds": 1e9}), "seconds is 1000000000.0"),
    "spec of more": (config_with(spec=SPEC | {"leads": 12}), "config.json"),
    "spec of less": (config_with(spec={"sampling_rate": 500}), "signals.npy holds"),
    "volt": (config_with(unit="volt"), "volt of"),
    "leads in another order": (config_with(leads=LEADS), "['II', 'I'"),
    "leads a text": (config_with(leads="I, II"), "leads is"),
    "source a number": (config_with(source=3), "source is '3'"),
    "no digest": (config_with(signals_sha256=None), "lacks 'signals_sha256'"),
    "table missing": (lambda folder: (folder / "table.parquet").unlink(), "table.parquet is missing"),
    "table empty": (content("table.parquet", b""), "table.parquet"),
    "table cut": (cut("table.parquet", 0.6), "table.parquet"),
    "table a csv": (content("table.parquet", b"record_id,fold\n1,2\n"), "table.parquet"),
    "table a folder": (a_folder("table.parquet"), "table.parquet is missing or no file"),
    "a row less": (table_with(lambda table: table.iloc[1:]), "has 119 rows for 120 records"),
    "no fold": (table_with(lambda table: table.drop(columns="fold")), "table.parquet has the columns"),
    "fold 11": (cell("fold", 11), "column fold holds"),
    "fold -1": (cell("fold", -1), "column fold holds"),
    "fold a text": (table_with(lambda table: table.assign(fold="1")), "column fold holds"),
    "fold a float": (table_with(lambda table: table.assign(fold=1.5)), "column fold holds"),
    "an id twice": (table_with(lambda table: table.assign(record_id="1")), "appear twice"),
    "ids that are numbers": (table_with(lambda table: table.assign(record_id=range(len(table)))), "record_id"),
    "an id that is missing": (cell("record_id", None), "column record_id holds values that are not text"),
    "age a text": (table_with(lambda table: table.assign(age="old")), "column age is"),
    "another sex": (cell("sex", "x"), "column sex holds"),
    "statements no JSON": (cell("statements", "{"), "the statements of row 3"),
    "statements a list": (cell("statements", "[1]"), "the statements of row 3"),
    "statements of text": (cell("statements", '{"NORM": "a"}'), "the statements of row 3"),
    "statements of NaN": (cell("statements", '{"NORM": NaN}'), "the statements of row 3"),
    "statements of 1e9": (cell("statements", '{"NORM": 1e9}'), "the statements of row 3"),
    "statements missing in a row": (cell("statements", None), "the statements of row 3"),
    "statements.csv missing": (lambda folder: (folder / "statements.csv").unlink(), "statements.csv is missing"),
    "statements.csv empty": (content("statements.csv", b""), "statements.csv"),
    "statements.csv no text": (content("statements.csv", b"\xff\xfe\x00\x01"), "statements.csv"),
    "statements.csv another table": (content("statements.csv", b"a,b\n1,2\n"), "statements.csv"),
    "statements.csv a folder": (a_folder("statements.csv"), "statements.csv is missing or no file"),
    "statements.csv with another flag": (
        content("statements.csv", b"code,diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass\nA,7,0,0,,\n"),
        "column diagnostic",
    ),
}


@pytest.mark.bad_input("damaged stores")
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_store_is_refused_by_name_and_cause(folder: Path, damage: str) -> None:
    change, cause = DAMAGES[damage]
    change(folder)
    with pytest.raises(ValueError) as caught:
        RecordStore.open(folder)
    message = str(caught.value)
    assert cause in message and str(folder) in message and "\n" not in message


@pytest.mark.bad_input("damaged stores")
@pytest.mark.parametrize("data", [b"", b'"', b"\xff\xfe"])
def test_damaged_rejections_are_named_where_they_are_read(folder: Path, data: bytes) -> None:
    (folder / "rejected.csv").write_bytes(data)
    with pytest.raises(ValueError, match=r"rejected\.csv"):
        _ = RecordStore.open(folder).rejected
