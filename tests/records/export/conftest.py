"""A small set of simulated ECGs in any layout, for the tests of the layouts."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vqecg.records.export.dataset import write_dataset
from vqecg.records.export.synthetic_dataset import FIRST_RECORD
from vqecg.records.folds import TRAINING_FOLD
from vqecg.records.label_tables import statement_table
from vqecg.records.simulation.simulator import SimulatorSettings, simulate_record

STATEMENTS = ({"NORM": 100.0, "SR": 0.0}, {"AFIB": 0.0, "CRBBB": 80.0}, {"IMI": 50.0, "SR": 0.0, "1AVB": 100.0})


@pytest.fixture(scope="session")
def simulated_signals() -> np.ndarray:
    """(3, 8, 1000) mV at 100 Hz."""
    records = [
        simulate_record(("SR",), np.random.default_rng(number), SimulatorSettings(10.0, 100)).record
        for number in range(3)
    ]
    return np.stack([record.signal[[0, 1, *range(6, 12)]] for record in records])


@pytest.fixture
def rows_of_set() -> pd.DataFrame:
    """The table of the three records: patients, statements, and an age and a sex that are not known."""
    return pd.DataFrame(
        {
            "ecg_id": FIRST_RECORD + np.arange(3),
            "patient_id": [str(FIRST_RECORD + number) for number in range(3)],
            "fold": TRAINING_FOLD,
            "age": [61.0, math.nan, 40.0],
            "sex": ["female", "male", "unknown"],
            "statements": STATEMENTS,
        }
    )


@pytest.fixture
def write_set(simulated_signals: np.ndarray, rows_of_set: pd.DataFrame) -> Callable[..., str]:
    """write_set(folder, layout="npz", rates=(100, 500), ...): write_dataset with the three records."""

    def write(folder: Path, **changes: Any) -> str:
        given: dict[str, Any] = {
            "signals8": simulated_signals,
            "sampling_rate": 100,
            "rows": rows_of_set,
            "statement_table": statement_table(),
            "manifest": pd.DataFrame({"method": ["prior"] * 3}),
        }
        return write_dataset(folder, **(given | changes))

    return write
