"""The layout of parquet tables, read by pandas and pyarrow alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from vqecg.records.export import parquet_layout
from vqecg.records.leads import LEADS, twelve_leads

WriteSet = Callable[..., str]


def test_pandas_reads_a_row_per_record_and_a_column_per_lead(
    tmp_path: Path, write_set: WriteSet, simulated_signals: np.ndarray
) -> None:
    write_set(tmp_path / "set", layout="parquet", rates=(100, 500))
    for rate in (100, 500):
        frame = pd.read_parquet(tmp_path / "set" / f"records_{rate}hz.parquet")
        assert frame["ecg_id"].tolist() == [1_000_000, 1_000_001, 1_000_002]
        assert frame["patient_id"].tolist() == ["1000000", "1000001", "1000002"]
        assert frame["strat_fold"].tolist() == [1, 1, 1] and frame["sampling_rate"].tolist() == [rate] * 3
        assert frame["age"].tolist()[::2] == [61.0, 40.0] and pd.isna(frame["age"][1])
        assert frame["sex"].tolist() == ["female", "male", "unknown"]
        assert [list(labels) for labels in frame["labels"]] == [
            ["NORM", "SR"],
            ["AFIB", "CRBBB"],
            ["IMI", "SR", "1AVB"],
        ]
        assert [list(values) for values in frame["likelihoods"]] == [[100, 0], [0, 80], [50, 0, 100]]
        assert tuple(frame.columns[-12:]) == LEADS
        signals = np.stack([np.stack(frame[lead]) for lead in LEADS], axis=1)
        assert signals.shape == (3, 12, 10 * rate) and signals.dtype == np.float32
        if rate == 100:
            np.testing.assert_allclose(signals, twelve_leads(simulated_signals), atol=0.0016)


def test_one_lead_can_be_read_alone_and_the_units_are_told(tmp_path: Path, write_set: WriteSet) -> None:
    write_set(tmp_path / "set", layout="parquet")
    file = tmp_path / "set" / "records_100hz.parquet"
    assert pq.read_table(file, columns=["II"]).num_columns == 1
    schema = pq.read_schema(file)
    assert schema.metadata[b"sampling_rate_hz"] == b"100"
    assert schema.field("V2").metadata[b"unit"] == b"mV" and schema.field("age").metadata[b"unit"] == b"years"


def test_a_large_set_is_written_in_groups(tmp_path: Path, write_set: WriteSet, simulated_signals: np.ndarray) -> None:
    count = 2 * parquet_layout.GROUP + 5
    rows = pd.DataFrame({"patient_id": "", "fold": 1, "statements": [{"SR": 0.0}] * count})
    signals = (simulated_signals[[number % 3]] for number in range(count))
    write_set(tmp_path / "set", layout="parquet", rows=rows, signals8=signals, manifest=pd.DataFrame(index=rows.index))
    file = tmp_path / "set" / "records_100hz.parquet"
    assert pq.ParquetFile(file).num_row_groups == 3
    frame = pd.read_parquet(file)
    assert frame["ecg_id"].tolist() == list(range(1, count + 1))
    np.testing.assert_array_equal(frame["V1"][0], frame["V1"][count - count % 3 - 3])
