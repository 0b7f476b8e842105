"""ECGs asked of a generator: which requests are made, and what is known of the records that come of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vqecg.prior.config import SamplingSettings
from vqecg.prior.copies.gate import CopyGate, gate_columns, gate_sentence
from vqecg.prior.copies.gated_sampling import generate_gated
from vqecg.prior.requests import Requests
from vqecg.prior.sketch.sketch import Sketch
from vqecg.prior.synthetic_records import NO_GATE, code_digest
from vqecg.records.bounds import CountOrNone, check_value
from vqecg.records.ecg_records import ECGRecords
from vqecg.records.export.beat_annotations import AskedBeats
from vqecg.records.files.shards import SHARD_RECORDS
from vqecg.records.leads import LEADS, twelve_leads
from vqecg.tokenizer.encoding import one_thread

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator

FINDINGS = ("nearest", "distances", "rejected")  # of a gate, on each record; see `gate_columns`
MIN_PARENTS = 20  # training records that a label needs to be asked for, if nothing else is said


@dataclass(frozen=True, eq=False)
class AskedRecords:
    """The records to generate, and the labels that none of them has because too few training records do."""

    requests: Requests
    rare: Mapping[str, int]  # label -> training records


def ask(
    generator: ECGGenerator,
    labels: Sequence[str],
    count: int,
    seed: int,
    attributes: Mapping[str, Any],
    only: bool,
    min_parents: int,
) -> AskedRecords:
    """`count` requests with `labels` together; with none, for all combinations of labels that occurred in training.

    Labels that fewer than `min_parents` training records have do not come along. Raises ValueError when `labels`
    themselves are among these, and as `ECGGenerator.requests`.
    """
    check_value("min_parents", min_parents, CountOrNone)
    if isinstance(labels, str):
        raise ValueError(f"labels are the text {labels!r}; expected a list of names, such as [{labels!r}]")
    rare = {name: number for name, number in generator.rare_labels(min_parents).items() if name not in labels}
    rows = generator.parents_without(labels, rare, only) if labels else generator.conditions
    there = int(rows["count"].sum())
    if labels and there < min_parents:
        raise ValueError(
            f"{'+'.join(labels)}: {there} training records have these labels, --min-parents asks for {min_parents}: "
            "records made from few may be copies of them; ask for other labels, or --force (in Python: min_parents=0)"
        )
    requests = generator.draw(rows, count, seed, attributes)
    return AskedRecords(requests.without([generator.class_names.index(name) for name in rare]), rare)


def sampled_records(
    generator: ECGGenerator,
    requests: Requests,
    seed: int,
    settings: SamplingSettings,
    gate: CopyGate | None = None,
) -> ECGRecords:
    """The records that `vqecg generate` would write for these requests, to the bit, with what is known of each.

    They are computed as there: on one thread, so many at a time. With a gate each is drawn anew while it is too near to
    a training record. Raises ValueError as `generate_gated`.
    """
    signals = [np.zeros((0, len(LEADS), generator.samples), np.float32)]
    codes: list[np.ndarray] = []
    beats: list[AskedBeats] = []
    of_parts: list[dict[str, np.ndarray]] = [dict.fromkeys(FINDINGS, np.zeros(0, np.int64))]
    with one_thread():
        for start in range(0, len(requests), SHARD_RECORDS):
            part = requests[start : start + SHARD_RECORDS]
            if gate is None:
                drawn = generator.generate(part, seed, settings, start)
            else:
                gated = generate_gated(generator, part, seed, settings, gate, start)
                near, drawn = gated.nearest, gated.records
                of_parts.append(dict(zip(FINDINGS, (near.rows, near.distances, gated.rejected), strict=True)))
            signals.append(twelve_leads(drawn.signal))
            if drawn.codes is not None and drawn.sketch is not None:  # samples of a prior have both
                codes.extend(drawn.codes)
                beats.extend(asked_beats(generator, drawn.sketch))
    origin, note = origin_of(generator, seed, settings, codes), NO_GATE
    if gate is not None:
        findings = {name: np.concatenate([one[name] for one in of_parts]) for name in FINDINGS}
        origin = origin.assign(**gate_columns(gate, **findings))
        note = gate_sentence(gate, int(findings["rejected"].sum()), len(origin))
    return ECGRecords(
        np.concatenate(signals),
        generator.tokenizer.config.sampling_rate,
        requests.labels,
        generator.task,
        requests.attributes,
        origin,
        beats,
        note,
    )


def origin_of(
    generator: ECGGenerator, seed: int, settings: SamplingSettings, codes: Sequence[np.ndarray]
) -> pd.DataFrame:
    """The origin of records with these codes, (frames, levels) each: a row per record."""
    how = {
        "method": "prior samples",
        "seed": seed,
        "generator": generator.fingerprint,
        "tokenizer": generator.prior.config.tokenizer_fingerprint,
        **{f"sampling_{name}": value for name, value in asdict(settings).items()},
    }
    return pd.DataFrame([how] * len(codes), columns=list(how)).assign(codes_sha256=[code_digest(one) for one in codes])


def asked_beats(generator: ECGGenerator, sketch: Sketch) -> list[AskedBeats]:
    """Where the R peaks of the records of some sketches were asked for: at whole samples, as they are drawn."""
    rate, hop = generator.tokenizer.config.sampling_rate, generator.tokenizer.hop_length
    beats = []
    for row, other in zip(sketch.times.cpu().numpy().astype(np.float64) * hop, sketch.kinds.cpu().numpy(), strict=True):
        inside = (row >= 0) & (row < generator.samples)  # NaN is neither
        places = np.rint(row[inside]).clip(max=generator.samples - 1)  # as they are rendered
        seconds = tuple(float(place) for place in np.round(places / rate, 6))
        beats.append(AskedBeats(seconds, tuple(bool(one) for one in other[inside])))
    return beats
