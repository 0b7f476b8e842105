import math

import numpy as np
import pandas as pd
import pytest

from vqecg.records.record import ECGRecord, RecordTable, table_columns


def record_rows(**changes: object) -> pd.DataFrame:
    """A record table of two rows, with some columns replaced."""
    columns: dict[str, object] = {
        "record_id": ["1", "2"],
        "path": ["/data/1", "/data/2"],
        "patient_id": ["a", ""],
        "fold": [1, 0],
        "age": [50.0, math.nan],
        "sex": ["female", "unknown"],
        "statements": [{"NORM": 100.0}, {}],
        "source": ["ptb-xl", "ptb-xl"],
    }
    return pd.DataFrame({name: (columns | changes)[name] for name in table_columns()})


def test_record_keeps_float32_and_knows_its_length() -> None:
    record = ECGRecord(np.zeros((2, 500)), 250.0, ("I", "II"), "7")
    assert record.signal.dtype == np.float32
    assert record.seconds == 2.0
    assert math.isnan(record.age) and record.sex == "unknown" and record.statements == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signal": np.zeros((500, 2))}, "expected \\(leads, samples\\)"),
        ({"signal": np.zeros(500)}, "expected \\(leads, samples\\)"),
        ({"signal": np.zeros((2, 500), dtype=np.int16)}, "expected floating mV"),
        ({"sampling_rate": 0.0}, "sampling rate"),
        ({"sampling_rate": math.nan}, "sampling rate"),
        ({"attributes": {"sex": "F"}}, "expected one of female, male, unknown"),
    ],
)
def test_record_refuses_what_does_not_fit(changes: dict[str, object], message: str) -> None:
    good = {"signal": np.zeros((2, 500)), "sampling_rate": 250.0, "leads": ("I", "II"), "record_id": "7"}
    with pytest.raises(ValueError, match=message):
        ECGRecord(**(good | changes))


def test_table_accepts_its_own_columns() -> None:
    assert len(RecordTable(record_rows(), "ptb-xl", "two records")) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"record_id": ["1", "1"]}, "appear twice, the first is '1'"),
        ({"fold": [1, 11]}, "expected integers 1-10"),
        ({"fold": [1.0, 2.0]}, "expected integers 1-10"),
        ({"age": ["50", ""]}, "expected float years"),
        ({"sex": ["female", "F"]}, r"\['F'\]"),
        ({"patient_id": ["a", None]}, "column patient_id"),
        ({"statements": [{}, "NORM"]}, "one dict per row"),
    ],
)
def test_table_refuses_values_that_do_not_fit(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RecordTable(record_rows(**changes), "ptb-xl", "")


def test_table_refuses_other_columns() -> None:
    with pytest.raises(ValueError, match="expected exactly"):
        RecordTable(record_rows().drop(columns="source"), "ptb-xl", "")
