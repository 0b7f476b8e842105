"""Codes on disk: those the tokenizer gives, the same however they were made, with their table and origin."""

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainingSubset
from vqecg.records.unknown_labels import unknown_of
from vqecg.tokenizer.config import ECGTokenizerConfig
from vqecg.tokenizer.encoding import CodeStore, code_type
from vqecg.tokenizer.metrics import encode_store
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import fingerprint


@pytest.fixture(scope="module")
def tokenizer_folder(tiny_tokenizer: ECGTokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoding") / "tokenizer"
    tiny_tokenizer.save_pretrained(folder)
    return folder


def encode(store: RecordStore, tokenizer_folder: Path, folder: Path, **options: Any) -> CodeStore:
    rows = np.arange(len(store))
    return CodeStore.build(store, rows, tokenizer_folder, folder, progress=False, **options)


def test_the_codes_are_the_tokenizers_with_their_table_and_origin(
    simulated_store: RecordStore, tiny_tokenizer: ECGTokenizer, tokenizer_folder: Path, tmp_path: Path
):
    rows = np.flatnonzero(simulated_store.table["fold"].to_numpy() == 3)
    CodeStore.build(simulated_store, rows, tokenizer_folder, tmp_path / "codes", progress=False)
    found = CodeStore.open(tmp_path / "codes")
    expected = encode_store(tiny_tokenizer, simulated_store, rows, progress=False).numpy()
    assert found.codes(slice(None)).dtype == np.int16 and len(found) == len(rows)
    np.testing.assert_array_equal(found.codes(np.arange(len(rows))), expected)
    np.testing.assert_array_equal(found.codes(np.array([2, 0])), expected[[2, 0]])
    assert found.tokenizer_fingerprint == fingerprint(tiny_tokenizer)
    assert found.store_fingerprint == simulated_store.fingerprint
    own = simulated_store.table.iloc[rows]
    assert found.table["record_id"].tolist() == own["record_id"].tolist()
    assert found.table["statements"].tolist() == own["statements"].tolist()
    assert found.table["row"].tolist() == rows.tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["codes"]


def test_codes_of_records_with_unknown_labels_say_so(
    simulated_store: RecordStore, tokenizer_folder: Path, tmp_path: Path
):
    view = TrainingSubset(labelled=0.5).known_labels(simulated_store, FoldSplit())
    codes = encode(view, tokenizer_folder, tmp_path / "codes")
    assert codes.config["format_version"] == 2
    assert unknown_of(codes.table) == unknown_of(view.table) and any(unknown_of(codes.table))
    assert encode(simulated_store, tokenizer_folder, tmp_path / "whole").config["format_version"] == 1


def test_unchanged_codes_are_used_again_and_others_only_replaced_when_told_to(
    simulated_store: RecordStore, tokenizer_folder: Path, tmp_path: Path
):
    encode(simulated_store, tokenizer_folder, tmp_path / "codes")
    before = (tmp_path / "codes/codes.npy").stat().st_mtime_ns
    encode(simulated_store, tokenizer_folder, tmp_path / "codes", overwrite=True)
    assert (tmp_path / "codes/codes.npy").stat().st_mtime_ns == before
    few = np.arange(5)
    with pytest.raises(ValueError, match="other settings or inputs"):
        CodeStore.build(simulated_store, few, tokenizer_folder, tmp_path / "codes", progress=False)
    made = CodeStore.build(simulated_store, few, tokenizer_folder, tmp_path / "codes", overwrite=True, progress=False)
    assert made.codes(slice(None)).shape == (5, 125, 4)
    with pytest.raises(ValueError, match="holds something else"):
        encode(simulated_store, tokenizer_folder, tokenizer_folder, overwrite=True)


def test_what_cannot_be_encoded_is_refused_and_leaves_nothing(
    simulated_store: RecordStore, tokenizer_folder: Path, tmp_path: Path
):
    with pytest.raises(ValueError, match="no records to encode"):
        CodeStore.build(simulated_store, np.arange(0), tokenizer_folder, tmp_path / "codes")
    ECGTokenizer(ECGTokenizerConfig(sampling_rate=500, width=8, levels=2, codebook_size=8)).save_pretrained(
        tmp_path / "other"
    )
    with pytest.raises(ValueError, match="was trained at 500 Hz"):
        encode(simulated_store, tmp_path / "other", tmp_path / "codes")
    with pytest.raises(ValueError, match="holds no code store; `vqecg encode` makes one"):
        CodeStore.open(tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_damaged_codes_are_refused(simulated_store: RecordStore, tokenizer_folder: Path, tmp_path: Path):
    encode(simulated_store, tokenizer_folder, tmp_path / "codes")
    np.save(tmp_path / "codes/codes.npy", np.zeros((3, 125, 4), np.int16))
    with pytest.raises(ValueError, match=r"holds \(3, 125, 4\) int16; expected a .npy file of \(120, 125, 4\)"):
        CodeStore.open(tmp_path / "codes")


def test_codes_are_sent_to_a_worker_process_as_their_path(
    simulated_store: RecordStore, tokenizer_folder: Path, tmp_path: Path
):
    found = encode(simulated_store, tokenizer_folder, tmp_path / "codes")
    data = pickle.dumps(found)  # as multiprocessing sends it; nothing is stored so
    assert len(data) < 1000
    np.testing.assert_array_equal(pickle.loads(data).codes(slice(None)), found.codes(slice(None)))


def test_large_codebooks_need_the_wider_type_and_threads_are_given_back(
    simulated_store: RecordStore, tokenizer_folder: Path, tmp_path: Path
):
    assert code_type(32_768) == "<i2" and code_type(32_769) == "<i4"
    threads = torch.get_num_threads()
    encode(simulated_store, tokenizer_folder, tmp_path / "codes")
    assert torch.get_num_threads() == threads


ENCODE = """
import sys
from pathlib import Path
import numpy as np
from vqecg.records.files import shards
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.encoding import CodeStore
if __name__ == "__main__":
    shards.SHARD_RECORDS = 1
    store, rows = RecordStore.open(Path(sys.argv[1])), np.arange(120)
    CodeStore.build(store, rows, Path(sys.argv[2]), Path(sys.argv[3]), 2, progress=False)
"""


@pytest.mark.slow
def test_encoding_goes_on_after_kill_9_and_gives_the_same_bits_with_any_number_of_workers(
    simulated_store: RecordStore, tokenizer_folder: Path, tmp_path: Path
):
    (tmp_path / "encode.py").write_text(ENCODE)

    def start() -> subprocess.Popen[bytes]:
        words = [tmp_path / "encode.py", simulated_store.folder, tokenizer_folder, tmp_path / "codes"]
        return subprocess.Popen([sys.executable, *map(str, words)], start_new_session=True)

    process, until = start(), time.monotonic() + 120
    while len(list((tmp_path / ".codes.shards").glob("*.shard"))) < 2 and process.poll() is None:
        assert time.monotonic() < until, "encoding did not start"
        time.sleep(0.02)
    children = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not psutil.wait_procs(children, timeout=60)[1], "workers end with their parent"
    assert not (tmp_path / "codes").exists()
    assert 2 <= len(list((tmp_path / ".codes.shards").glob("*.shard"))) < 120
    assert start().wait() == 0
    rows = np.arange(120)
    whole = CodeStore.build(simulated_store, rows, tokenizer_folder, tmp_path / "whole", progress=False)
    assert CodeStore.open(tmp_path / "codes").config == whole.config
    assert (tmp_path / "codes/codes.npy").read_bytes() == (tmp_path / "whole/codes.npy").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["codes", "encode.py", "whole"]
