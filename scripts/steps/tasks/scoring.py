"""From recordings and a generator to a table of how unlike normal ECGs they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from vqecg.downstream.tasks.anomaly.scoring import AnomalyScores, NormalReference
from vqecg.prior.generator import ECGGenerator
from vqecg.records.bounds import Seed
from vqecg.records.files.atomic import check_file
from vqecg.records.files.progress import Progress
from vqecg.records.files.table_file import check_table_name, write_table
from vqecg.records.store.preprocessing import resample
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.recordings import Chunk, RecordingSource, chunks, left_out
from vqecg.scripts.cli.stage import alone


@dataclass(frozen=True, kw_only=True)
class ScoringStep(RecordingSource):
    """The recordings, the generator, and what counts as normal."""

    generator: Path  # folder that `vqecg train-prior` wrote
    out: Path  # file to write, .csv or .parquet: a row per recording, the most unusual first
    normal: tuple[str, ...] = ("NORM",)  # labels of normal ECGs, with whatever the training has most often beside them
    seed: Seed = 0  # of the normal sketches that recordings are compared with
    overwrite: bool = False  # replace the file --out


@alone
def score(step: ScoringStep) -> Outcome:
    """Writes the table. Returns the most unusual recordings, and who was left out.

    Raises ValueError for a table of another kind, labels that never occurred, and where no recording can be scored.
    """
    check_table_name(step.out)
    check_file(step.out, step.overwrite)
    generator, rejected = ECGGenerator.from_pretrained(step.generator), list[str]()
    reference = NormalReference.of(generator, step.normal, step.seed)
    ids, parts = list[str](), list[AnomalyScores]()
    for record_ids, signal in usable(step, generator, rejected):
        ids += record_ids
        parts.append(reference.scores(signal))
    if not parts:
        raise ValueError(f"no record of {step.data} could be scored{left_out(rejected)}")
    table = as_table(ids, AnomalyScores.joined(parts))
    write_table(table, step.out)
    figures = {"out": step.out, "recordings": len(table), "normal": reference.names, "least_normal": table.head(5)}
    rows = zip(*(table[name].head(5) for name in ("record_id", "score_nats", "lead", "wave")), strict=True)
    first = [f"{name}: {value:.1f} nats, most unusual in {wave} of {lead}" for name, value, lead, wave in rows]
    normal = "+".join(reference.names)
    lines = [
        f"{step.out}: {len(table):,} recordings beside {normal}; the least normal are",
        *first,
        f"a score is no diagnosis: it says what the generator would seldom call {normal}{left_out(rejected)}",
    ]
    return Outcome(figures | {"left_out": rejected}, "\n".join(lines))


def usable(step: ScoringStep, generator: ECGGenerator, rejected: list[str]) -> Iterator[tuple[list[str], np.ndarray]]:
    """Recordings at the generator's rate and length: ids, and (records, 8, samples) float32 mV.

    A longer recording is cut to its first seconds; a shorter one is named in `rejected`.
    """
    rate = generator.tokenizer.config.sampling_rate
    found: Iterator[Chunk] = chunks(step, rate, rejected)
    for chunk in Progress(found, description="scoring", unit="chunk"):
        signal = resample(chunk.signals, chunk.sampling_rate, rate)
        if signal.shape[2] < generator.samples:
            seconds = f"{signal.shape[2] / rate:g} s long, expected {generator.samples / rate:g} s or more"
            rejected += [f"{name}: {seconds}" for name in chunk.record_ids]
            continue
        yield chunk.record_ids, signal[:, :, : generator.samples]


def as_table(ids: list[str], scores: AnomalyScores) -> pd.DataFrame:
    """A row per recording, the least normal first."""
    table = pd.DataFrame(
        {
            "record_id": ids,
            "score_nats": scores.ratio,
            "beyond_normal": scores.beyond,
            "lead": scores.lead,
            "wave": scores.wave,
            "deviation_sd": scores.deviation,
            "sketch_nats": scores.sketch,
            "codes_nats_per_frame": scores.codes,
            "reconstruction_microvolt": scores.reconstruction,
        }
    )
    return table.sort_values("score_nats", ascending=False, kind="stable", ignore_index=True)
