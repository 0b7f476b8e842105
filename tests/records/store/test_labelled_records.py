"""Records with labels one by one, as torch and Hugging Face take them."""

import importlib.util
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from vqecg.records.store.hidden_labels import HiddenLabels
from vqecg.records.store.record_store import RecordStore


def test_a_data_loader_takes_the_records_of_a_task(simulated_store: RecordStore):
    dataset = simulated_store.dataset("superdiagnostic", folds=[1, 2])
    rows = np.flatnonzero(simulated_store.table["fold"] <= 2)
    task = simulated_store.task("superdiagnostic")
    assert len(dataset) == len(rows) and dataset.class_names == task.class_names
    batches = list(DataLoader(dataset, batch_size=7))
    signals, labels = (torch.cat([batch[part] for batch in batches]) for part in (0, 1))
    assert batches[0][0].shape == (7, 8, 1000) and batches[0][1].shape == (7, 5)
    np.testing.assert_array_equal(signals.numpy(), simulated_store.signals(rows))
    np.testing.assert_array_equal(labels.numpy(), simulated_store.labels(task, rows))
    assert signals.dtype == labels.dtype == torch.float32
    assert len(list(dataset)) == len(dataset), "iteration ends"
    assert len(simulated_store.dataset(task)) == len(simulated_store), "no folds are all folds"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_workers_read_the_same(simulated_store: RecordStore):
    dataset = simulated_store.dataset("superdiagnostic", folds=[1])
    loaders = DataLoader(dataset, 4), DataLoader(dataset, 4, num_workers=1, multiprocessing_context="spawn")
    alone, helped = (torch.cat([signal for signal, _ in loader]) for loader in loaders)
    assert torch.equal(alone, helped)


def test_unknown_labels_are_nan_where_that_is_asked_for(simulated_store: RecordStore):
    none = np.zeros(0, np.int64)
    view = simulated_store.hiding(HiddenLabels.of("a test", np.array([4]), none, ()))
    with pytest.raises(ValueError, match="1 of 120 records have unknown labels of superdiagnostic"):
        view.dataset("superdiagnostic")
    dataset = view.dataset("superdiagnostic", unknown=math.nan)
    assert np.isnan(dataset[4][1]).all() and not np.isnan(dataset[3][1]).any()


def test_odd_folds_tasks_and_numbers_are_refused(simulated_store: RecordStore):
    with pytest.raises(ValueError, match=r"no record is in the folds \[11\]; expected some of 1, 2,"):
        simulated_store.dataset("superdiagnostic", folds=[11])
    with pytest.raises(ValueError, match="task 'superb', expected one of"):
        simulated_store.dataset("superb")
    dataset = simulated_store.dataset("superdiagnostic", folds=[1])
    with pytest.raises(ValueError, match="for one record; expected a whole number"):
        dataset[np.arange(2)]  # type: ignore[index]
    with pytest.raises(IndexError):
        dataset[len(dataset)]


def test_stores_and_data_sets_have_short_reprs(simulated_store: RecordStore):
    assert repr(simulated_store) == "RecordStore('store', 120 records of 10 s at 100 Hz, ptb-xl)"
    dataset = simulated_store.dataset("rhythm", folds=[1])
    assert repr(dataset) == f"LabelledRecords({len(dataset)} records of 10 s at 100 Hz, 'rhythm')"


def test_hugging_face_has_the_same_records_or_is_asked_for(simulated_store: RecordStore, tmp_path: Path):
    dataset = simulated_store.dataset("superdiagnostic", folds=[1])
    if importlib.util.find_spec("datasets") is None:
        with pytest.raises(ImportError, match="pip install datasets"):
            dataset.to_datasets()
        return
    code = f"""
import numpy as np
from pathlib import Path
from vqecg.records.store.record_store import RecordStore
dataset = RecordStore.open(Path({str(simulated_store.folder)!r})).dataset("superdiagnostic", folds=[1])
there = dataset.to_datasets().with_format("numpy")
assert len(there) == len(dataset)
for row, (signal, labels) in zip(there, dataset, strict=True):
    assert np.array_equal(row["signal"], signal) and np.array_equal(row["labels"], labels)
"""
    environment = os.environ | {"HF_HOME": str(tmp_path), "HF_DATASETS_CACHE": str(tmp_path / "datasets")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
