"""A store's records as codes, written once: one memory-mapped array, its table, and what it was made from.

The folder holds config.json, codes.npy and table.parquet. Like the store it is built and read piece by piece.
"""

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from vqecg.records.files.array_file import ArrayFile, open_array
from vqecg.records.files.atomic import atomic_folder, check_destination
from vqecg.records.files.checksums import write_checksums
from vqecg.records.files.reuse import reuse
from vqecg.records.files.shards import fill_shards, shard_folder
from vqecg.records.files.verification import VERIFIERS, Verifier, sum_faults
from vqecg.records.store.opening import CONFIG_FILE, TABLE_FILE, read_config, read_format, read_table, table_file
from vqecg.records.store.record_store import RecordStore, read_signals
from vqecg.records.store.verification import array_sha256
from vqecg.records.unknown_labels import unknown_of
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import fingerprint
from vqecg.training.hub import find_folder

FORMAT = "vqecg code store"
FORMAT_VERSION = 1
UNKNOWN_VERSION = 2  # with unknown labels in the table, which a program that takes them for absent must not open
CODES_FILE = "codes.npy"
CONFIG_TYPES = {
    **{"tokenizer_fingerprint": str, "store_fingerprint": str, "inputs": str, "codes_sha256": str},
    **{"records": int, "frames": int, "levels": int, "codebook_size": int, "frame_rate": float},
}
BATCH = 64  # records at a time; part of what decides the last bit of an embedding, so not a setting


def is_code_store(folder: Path) -> bool:
    """True for a folder that holds a code store."""
    return read_format(Path(folder)) == FORMAT


@dataclass(frozen=True, eq=False)
class CodeStore:
    """Codes on disk, opened with `open` or made with `build`; another process is sent its path only."""

    folder: Path
    table: pd.DataFrame  # the columns of RecordStore.table and `row` (in the store), one row per record
    config: Mapping[str, Any]  # config.json

    @classmethod
    def build(
        cls,
        store: RecordStore,
        indices: np.ndarray,
        tokenizer_folder: Path,
        folder: Path,
        workers: int = 1,
        overwrite: bool = False,
        progress: bool = True,
    ) -> "CodeStore":
        """Encodes the records `indices` (row numbers) of a store with the tokenizer in `tokenizer_folder`.

        Every process computes with one thread on the processor, so that the codes are the same whatever their number.
        The folder appears when all is done; after an interruption there is none, and the same call goes on from the
        shards that were finished. Codes that are there already from the same inputs are opened instead.

        Args:
            workers: processes; more than one needs the caller's `if __name__ == "__main__":`.
            overwrite: replace other codes in `folder`. A folder that holds anything else is never replaced.
            progress: show a progress bar.

        Raises ValueError for no records, a tokenizer of another sampling rate, or a folder that holds something else.
        """
        folder, indices = Path(folder), np.asarray(indices, np.int64)
        if not len(indices):
            raise ValueError("no records to encode; name at least one fold that has some")
        place = find_folder(tokenizer_folder).resolve()
        config = _config(store, ECGTokenizer.from_pretrained(place), indices)
        if is_code_store(folder) and reuse(folder, config["inputs"], CONFIG_FILE, "inputs", overwrite):
            return cls.open(folder)
        check_destination(folder, is_code_store, overwrite)
        task = EncodingTask(store.folder.resolve(), place, config["tokenizer_fingerprint"])

        def content(start: int, stop: int) -> Callable[[], bytes]:
            return partial(task.encode, indices[start:stop])

        with shard_folder(folder, config["inputs"]) as shards:
            paths = fill_shards(shards, len(indices), content, workers, "encoding", progress)
            with atomic_folder(folder, is_code_store, overwrite) as aside:
                shape, kind = (config["frames"], config["levels"]), code_type(config["codebook_size"])
                with ArrayFile(aside / CODES_FILE, shape, kind) as file:
                    for path in paths:
                        file.append(np.load(path))
                table = store.table.iloc[indices].assign(row=indices).reset_index(drop=True)
                table_file(table).to_parquet(aside / TABLE_FILE)
                text = json.dumps(config | {"codes_sha256": file.sha256}, indent=2) + "\n"
                (aside / CONFIG_FILE).write_text(text, "utf-8")
                write_checksums(aside)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> "CodeStore":
        """Opens codes, after a look at all of their files but not at the codes themselves.

        Raises ValueError when `folder` holds none, those of another version, or damaged ones; names the file.
        """
        folder = Path(folder)
        versions = (FORMAT_VERSION, UNKNOWN_VERSION)
        config = read_config(folder, FORMAT, versions, CONFIG_TYPES, "`vqecg encode` makes one from a store")
        table = read_table(folder, config["records"])
        rows = table.get("row")
        if rows is None or not pd.api.types.is_integer_dtype(rows) or rows.duplicated().any() or rows.min() < 0:
            raise ValueError(f"{folder / 'table.parquet'}: expected a column row of numbers, each once; encode again")
        codes = cls(folder, table, config)
        assert codes._codes.ndim == 3  # the header is looked at now
        return codes

    def __len__(self) -> int:
        return len(self.table)

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return CodeStore.open, (self.folder,)  # sent to another process, a memory map would be its whole content

    @cached_property
    def _codes(self) -> np.ndarray:
        """(records, frames, levels), memory-mapped read-only."""
        config = self.config
        shape = (config["records"], config["frames"], config["levels"])
        return open_array(self.folder / CODES_FILE, shape, code_type(config["codebook_size"]))

    @property
    def tokenizer_fingerprint(self) -> str:
        """Of the tokenizer that made the codes; see training/checkpoint.py."""
        return str(self.config["tokenizer_fingerprint"])

    @property
    def store_fingerprint(self) -> str:
        """Of the store whose records these are."""
        return str(self.config["store_fingerprint"])

    def codes(self, indices: np.ndarray | slice) -> np.ndarray:
        """The records of `indices` (numbers, a mask or a slice): (n, frames, levels) int16, a copy.

        int32 where the codebooks have more than 32,768 codes.
        """
        return np.array(self._codes[indices if isinstance(indices, slice) else np.asarray(indices)])


def code_type(codebook_size: int) -> str:
    """The smallest type that holds the codes of such a codebook."""
    return "<i2" if codebook_size <= 2**15 else "<i4"


def _config(store: RecordStore, tokenizer: ECGTokenizer, indices: np.ndarray) -> dict[str, Any]:
    """The content of config.json before the codes are made: their shape and their inputs."""
    tokenizer.check_sampling_rate(store.spec.sampling_rate)
    config = {
        "format": FORMAT,
        "format_version": UNKNOWN_VERSION if any(unknown_of(store.table.iloc[indices])) else FORMAT_VERSION,
        "tokenizer_fingerprint": fingerprint(tokenizer),
        "store_fingerprint": store.fingerprint,
        "records": len(indices),
        "frames": tokenizer.frames(store.spec.samples),
        "levels": tokenizer.num_levels,
        "codebook_size": tokenizer.codebook_size,
        "frame_rate": tokenizer.frame_rate,
    }
    inputs = hashlib.sha256(json.dumps(config, sort_keys=True).encode() + indices.tobytes())
    return config | {"inputs": inputs.hexdigest()}


@dataclass(frozen=True)
class EncodingTask:
    """The work of a process that encodes: it is sent two paths and a fingerprint."""

    store: Path
    tokenizer: Path
    fingerprint: str  # of the tokenizer

    def encode(self, indices: np.ndarray) -> bytes:
        """Codes of some records of the store, (records, frames, levels) in numpy's file format.

        Raises ValueError when the tokenizer in the folder has become another.
        """
        with one_thread(), torch.inference_mode():
            tokenizer = load_tokenizer(self.tokenizer, self.fingerprint)
            parts = [
                tokenizer.encode(torch.from_numpy(read_signals(self.store, indices[start : start + BATCH]))).numpy()
                for start in range(0, len(indices), BATCH)
            ]
        content = io.BytesIO()
        np.save(content, np.concatenate(parts).astype(code_type(tokenizer.codebook_size)))
        return content.getvalue()


@lru_cache(maxsize=1)
def load_tokenizer(folder: Path, expected: str) -> ECGTokenizer:
    """The tokenizer, once a process."""
    tokenizer = ECGTokenizer.from_pretrained(folder)
    if fingerprint(tokenizer) != expected:
        raise ValueError(f"{folder} holds another tokenizer than when encoding began ({expected}): begin again")
    return tokenizer


@contextmanager
def one_thread() -> Iterator[None]:
    """torch computes with one thread for the length of a `with` block: sums in one order, and workers side by side."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@VERIFIERS.register("codes", rank=2)
class CodesVerifier(Verifier):
    """A code store."""

    def holds(self, folder: Path) -> bool:
        """True for codes, and for what was some."""
        return is_code_store(folder) or (folder / CODES_FILE).exists()

    def verify(self, folder: Path) -> tuple[str, list[str]]:
        """Opens them, and reads all of them."""
        summary, faults = sum_faults(folder)
        if not faults:
            codes = CodeStore.open(folder)
            if not 0 <= int(codes._codes.min()) <= int(codes._codes.max()) < codes.config["codebook_size"]:
                faults.append(f"{folder / CODES_FILE} holds codes beyond the codebook: it is damaged, encode again")
            if array_sha256(codes._codes) != codes.config["codes_sha256"]:
                faults.append(f"{folder / CODES_FILE} is damaged (its digest is not the one in {CONFIG_FILE})")
            summary = f"codes of {len(codes):,} records, as made, {summary}"
        return summary, faults
