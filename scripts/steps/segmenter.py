"""From LUDB to a segmenter of waves, with its errors on the records held out."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from torch import nn

from vqecg.evaluation.waves.code_segmenter import CodeSegmenter
from vqecg.evaluation.waves.code_segmenter_training import TrainedCodeSegmenter, train_code_segmenter
from vqecg.evaluation.waves.delineation_errors import delineation_errors
from vqecg.evaluation.waves.segmenter import WaveSegmenter
from vqecg.evaluation.waves.segmenter_training import (
    LOW_RATE,
    SegmenterTraining,
    TrainedSegmenter,
    split_records,
    train_segmenter,
)
from vqecg.records.bounds import Checked
from vqecg.records.datasets.ludb import LUDBRecord, read_ludb
from vqecg.scripts.cli.arguments import plain
from vqecg.scripts.cli.stage import Stage, alone, begin, described
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import fingerprint


@dataclass(frozen=True)
class SegmenterStep(Checked):
    """The recordings, the folder of the segmenter, and how it is trained."""

    ludb: Path  # folder of LUDB, as `vqecg download ludb` fetches it
    out: Path  # folder of the segmenter
    training: SegmenterTraining = field(default_factory=SegmenterTraining)
    tokenizer: Path | None = None  # folder of `vqecg train-tokenizer`, on whose codes a head learns
    overwrite: bool = False  # start anew where --out holds a segmenter of other settings


@alone
def segmenter_stage(step: SegmenterStep) -> Stage:
    """Trains, measures and saves; a folder that is finished is left as it is."""
    records = read_ludb(step.ludb)
    settings = step.training
    identity = {"records": [record.record.record_id for record in records], "training": plain(settings)}
    tokenizer = None if step.tokenizer is None else ECGTokenizer.from_pretrained(step.tokenizer)
    identity |= {} if tokenizer is None else {"tokenizer": fingerprint(tokenizer)}
    stage = begin(step.out, "train-segmenter", identity, step.overwrite, plain(step))
    if stage.figures is None:
        with stage:
            _, held_out = split_records(records, settings.parts, settings.held_out)
            trained = trained_by(step, records, tokenizer)
            errors = {f"{rate} Hz": delineation_errors(trained.segmenter, held_out, rate) for rate in rates(held_out)}
            network = network_of(trained.segmenter)
            trained.segmenter.save_pretrained(step.out, card(type(network).__name__, lessons(step, records), errors))
            figures = {
                "errors": {rate: table.to_dict("records") for rate, table in errors.items()},
                "held_out": trained.held_out,
                "fingerprint": fingerprint(network),
                "parameters": sum(parameter.numel() for parameter in network.parameters()),
                "training_loss": trained.result.history[-1]["train/loss"],
            }
            stage = stage.finish(figures)
            shutil.rmtree(step.out / "training")
    return stage


def trained_by(
    step: SegmenterStep, records: Sequence[LUDBRecord], tokenizer: ECGTokenizer | None
) -> TrainedSegmenter | TrainedCodeSegmenter:
    """A network of its own, or a head on the codes of a tokenizer."""
    folder = step.out / "training"
    if tokenizer is None:
        return train_segmenter(records, step.training, folder)
    return train_code_segmenter(records, tokenizer, step.training, folder)


def network_of(segmenter: WaveSegmenter | CodeSegmenter) -> nn.Module:
    """The network that was trained: of a segmenter on codes the head."""
    return segmenter.head if isinstance(segmenter, CodeSegmenter) else segmenter


def rates(records: Sequence[LUDBRecord]) -> list[int]:
    """The rates at which errors are measured: the records' own, and that of PTB-XL's smaller files."""
    return sorted({round(records[0].record.sampling_rate), LOW_RATE}, reverse=True)


def lessons(step: SegmenterStep, records: Sequence[LUDBRecord]) -> str:
    """The records that a segmenter learned from, and those that it did not see, for its card."""
    train, held_out = split_records(records, step.training.parts, step.training.held_out)
    learned = len(train[: step.training.records or None])
    simulated = f", after {step.training.simulated:,} simulated records," if step.training.simulated else ""
    names = ", ".join(record.record.record_id for record in held_out)
    return (
        f"LUDB (Kalyakulina et al. 2020), {len(records)} records of as many patients, 500 Hz, twelve leads;\n"
        f"{learned}{simulated} trained it, {len(held_out)} were held out and chose nothing: {names}."
    )


def card(kind: str, learned: str, errors: Mapping[str, pd.DataFrame]) -> str:
    """The model card of a segmenter of a kind; `learned` are `lessons`."""
    measured = "\n\n".join(f"At {rate}:\n\n```\n{as_text(table)}\n```" for rate, table in errors.items())
    return f"""# {kind}

P waves, QRS complexes and T waves of an ECG, lead by lead, at any sampling rate.

```python
from vqecg.evaluation.waves.delineation import interval_table
from vqecg.evaluation.waves.code_segmenter import load_segmenter
segmenter = load_segmenter("this folder")
table = interval_table(segmenter, [signals], sampling_rate=100)  # (n, 8, samples) mV: one row per record
```

## Data

{learned}

## Measured on the records held out

Points within 150 ms of the cardiologists' marks, all leads; mean and SD of found minus marked.

{measured}

## Limits

Research use, not for diagnosis. LUDB has few bundle branch blocks and paced beats, and no children.
"""


def as_text(table: pd.DataFrame) -> str:
    """The table of errors in the units that people use: % and ms."""
    shown = table.assign(sensitivity=100 * table["sensitivity"], ppv=100 * table["ppv"])
    names = {"sensitivity": "sensitivity %", "ppv": "PPV %", "mean": "mean ms", "sd": "SD ms"}
    return shown.rename(columns=names).to_string(index=False, float_format=lambda value: f"{value:.1f}")


@described
def summary(stage: Stage) -> str:
    """The errors, and how long it took."""
    figures: dict[str, Any] = stage.figures or {}
    held_out = len(figures["held_out"])
    tables = [
        f"{held_out} records held out, at {rate}:\n{as_text(pd.DataFrame(rows))}"
        for rate, rows in figures["errors"].items()
    ]
    return "\n".join([*tables, f"segmenter {figures['fingerprint']}; {stage.seconds / 60:.1f} minutes; {stage.folder}"])
