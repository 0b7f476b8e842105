"""The layout of numpy's arrays, read by numpy alone."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vqecg.records.attributes import ATTRIBUTES, Attribute
from vqecg.records.leads import LEADS, twelve_leads

WriteSet = Callable[..., str]


def test_numpy_reads_everything_without_pickled_objects(
    tmp_path: Path, write_set: WriteSet, simulated_signals: np.ndarray
) -> None:
    write_set(tmp_path / "set", layout="npz", rates=(100, 500))
    for rate in (100, 500):
        with np.load(tmp_path / "set" / f"records_{rate}hz.npz", allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        assert arrays["signals"].shape == (3, 12, 10 * rate) and arrays["signals"].dtype == np.float32
        assert arrays["sampling_rate"] == rate and tuple(arrays["leads"]) == LEADS
        assert arrays["ecg_id"].tolist() == [1_000_000, 1_000_001, 1_000_002]
        assert arrays["patient_id"].tolist() == ["1000000", "1000001", "1000002"]
        assert arrays["strat_fold"].tolist() == [1, 1, 1]
        np.testing.assert_array_equal(arrays["age"], [61, math.nan, 40])
        assert arrays["sex"].tolist() == ["female", "male", "unknown"]
        names = arrays["label_names"].tolist()
        assert names == ["1AVB", "AFIB", "CRBBB", "IMI", "NORM", "SR"]
        assert [[names[k] for k in np.flatnonzero(row)] for row in arrays["labels"]] == [
            ["NORM", "SR"],
            ["AFIB", "CRBBB"],
            ["1AVB", "IMI", "SR"],
        ]
        assert arrays["likelihoods"][1, names.index("CRBBB")] == 80 and arrays["likelihoods"][1, 1] == 0
        np.testing.assert_array_equal(np.isnan(arrays["likelihoods"]), arrays["labels"] == 0)
        if rate == 100:
            np.testing.assert_allclose(arrays["signals"], twelve_leads(simulated_signals), atol=0.0016)


def test_records_without_any_label_have_no_classes(
    tmp_path: Path, write_set: WriteSet, rows_of_set: pd.DataFrame
) -> None:
    write_set(tmp_path / "set", layout="npz", rows=rows_of_set.assign(statements=[{}] * 3))
    with np.load(tmp_path / "set" / "records_100hz.npz", allow_pickle=False) as archive:
        assert archive["labels"].shape == (3, 0) and archive["label_names"].shape == (0,)


@pytest.mark.bad_input("layouts and rates")
@pytest.mark.parametrize("name", ["signals", "labels", "leads", "sampling_rate", "label_names", "likelihoods"])
def test_an_attribute_that_is_named_as_an_array_is_refused(tmp_path: Path, write_set: WriteSet, name: str) -> None:
    ATTRIBUTES.register(name)(Attribute(name))
    try:
        with pytest.raises(ValueError, match=f"the attribute '{name}' has the name of an array"):
            write_set(tmp_path / "set", layout="npz")
    finally:
        ATTRIBUTES.remove(name)
    assert list(tmp_path.iterdir()) == []
