"""`vqecg generate`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from vqecg.prior.config import SamplingSettings
from vqecg.prior.generator import Requests, SyntheticRecords
from vqecg.records.atomic_folder import check_destination
from vqecg.records.labels import LabelTask, statement_table
from vqecg.records.writing import is_dataset, write_dataset
from vqecg.scripts.arguments import plain
from vqecg.scripts.presets import SMALL, preset
from vqecg.scripts.train_prior import load_generator

TRAINING_FOLD = 1  # a synthetic record is for training only
FIRST_PATIENT = 1_000_000  # synthetic patients are numbered from here, far from the real ones


@dataclass(frozen=True)
class Arguments:
    """Options of `vqecg generate`."""

    generator: Path  # folder that `vqecg train-prior` wrote, or the generator in it
    out: Path  # folder of the new data set, in PTB-XL's layout
    labels: tuple[str, ...] = ()  # exactly these labels together, such as MI or HYP STTC; none = as in training
    count: int = 100  # records
    age: float = float("nan")  # years; nan = as in the training records with these labels
    sex: str = "unknown"  # female, male, or unknown = as in the training records with these labels
    preset: str = "small"  # tiny, small or base: the defaults of --sampling
    sampling: SamplingSettings = field(default_factory=lambda: SMALL.sampling)
    seed: int = 0  # of requests and draws; the same seed gives the same records on the same machine
    overwrite: bool = False  # replace an earlier synthetic data set in --out

    @staticmethod
    def preset_defaults(name: str) -> dict[str, Any]:
        """What --preset sets."""
        return {"sampling": preset(name).sampling}


def run(arguments: Arguments) -> None:
    """Writes the data set."""
    generate(arguments)


def generate(arguments: Arguments) -> None:
    """Generates and writes as it goes; an interruption leaves nothing behind."""
    if arguments.count < 1:
        raise ValueError(f"count is {arguments.count}; expected at least 1")
    check_destination(arguments.out, is_dataset, arguments.overwrite)
    generator = load_generator(arguments.generator)
    if arguments.labels:
        requests = generator.requests(arguments.labels, arguments.count, arguments.seed, arguments.age, arguments.sex)
    else:
        requests = generator.draw(generator.conditions, arguments.count, arguments.seed, arguments.age, arguments.sex)
    stream = generator.stream(requests, arguments.seed, arguments.sampling)
    how = {
        "method": "prior samples",
        "seed": arguments.seed,
        "generator": generator.fingerprint,
        "tokenizer": generator.prior.config.tokenizer_fingerprint,
        **{f"sampling_{name}": value for name, value in plain(arguments.sampling).items()},
    }
    write_synthetic(
        arguments.out,
        (records.signal for records in with_progress(stream, len(requests))),
        requests,
        generator.task,
        generator.tokenizer.config.sampling_rate,
        pd.DataFrame([how] * len(requests)),
        arguments.overwrite,
    )
    asked = "+".join(arguments.labels) or "the label combinations of the training records"
    print(f"{len(requests):,} synthetic records for {asked} are in {arguments.out} (PTB-XL's layout, manifest.parquet)")


def with_progress(stream: Iterator[SyntheticRecords], total: int) -> Iterator[SyntheticRecords]:
    """The same chunks, counted on a progress bar."""
    with tqdm(total=total, desc="generating", unit="record", delay=2) as bar:
        for records in stream:
            yield records
            bar.update(len(records.signal))


def write_synthetic(
    folder: Path,
    chunks: Iterator[np.ndarray],
    requests: Requests,
    task: LabelTask,
    sampling_rate: int,
    manifest: pd.DataFrame,
    overwrite: bool,
    statements: list[dict[str, float]] | None = None,
) -> None:
    """Writes records with the labels that were asked for as statements of likelihood 100, or with `statements`."""
    names = [task.names(row) for row in requests.labels]
    rows = pd.DataFrame(
        {
            "patient_id": [str(FIRST_PATIENT + number) for number in range(len(requests))],
            "fold": TRAINING_FOLD,
            "age": requests.age.astype(np.float64),
            "sex": requests.sex,
            "statements": statements or [dict.fromkeys(own, 100.0) for own in names],
        }
    )
    manifest = manifest.assign(labels=["+".join(own) for own in names], age=rows["age"], sex=rows["sex"])
    write_dataset(folder, chunks, sampling_rate, rows, statement_table(), manifest, overwrite)
