"""From a generator to a data set of synthetic ECGs."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, make_dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
import tyro

from vqecg.prior.config import SamplingSettings
from vqecg.prior.copies.gate import CopyGate, gate_columns, gate_sentence
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.packaged.places import find_generator
from vqecg.prior.requests import Requests
from vqecg.prior.sampled_records import MIN_PARENTS, ask, asked_beats, origin_of
from vqecg.prior.sampled_shards import SampledShard, SamplingTask, decoded
from vqecg.prior.synthetic_records import NO_GATE
from vqecg.records.attributes import ATTRIBUTES
from vqecg.records.bounds import Checked, Count, CountOrNone, Seed, Workers
from vqecg.records.export.layouts import OutputSettings, is_dataset
from vqecg.records.export.synthetic_dataset import write_synthetic
from vqecg.records.files.atomic import check_destination
from vqecg.records.files.disk import check_room
from vqecg.records.files.shards import fill_shards, shard_folder
from vqecg.scripts.cli.arguments import plain
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.presets import SMALL
from vqecg.scripts.cli.stage import alone
from vqecg.scripts.steps.gating import GateRecords


def wanted_attributes_class() -> type:
    """A dataclass with an option for every attribute that is registered: age, sex, and those of extensions."""
    fields = []
    for name, attribute in ATTRIBUTES:
        unknown = f"{attribute.unknown} = as in the training records with these labels"
        wanted = attribute.unit if attribute.is_number else ", ".join(attribute.categories[1:])
        hint = tyro.conf.arg(help="; ".join(filter(None, (wanted, unknown))))
        fields.append((name, Annotated[float if attribute.is_number else str, hint], field(default=attribute.unknown)))
    return make_dataclass("WantedAttributes", fields, frozen=True)


if TYPE_CHECKING:
    WantedAttributes = Any
else:
    WantedAttributes = wanted_attributes_class()


@dataclass(frozen=True)
class GeneratingStep(Checked):
    """The generator, the folder of the data set, and what is generated."""

    generator: Path  # folder of `vqecg train-prior` or `vqecg run`, or the generator in it
    out: Path  # folder of the new data set; the same command goes on after an interruption
    labels: tuple[str, ...] = ()  # these together, such as AFIB, or HYP STTC; none = all combinations of the training
    only: bool = False  # no other labels of the kind of --labels come along
    count: Count = 100  # records
    attributes: Annotated[WantedAttributes, tyro.conf.arg(name="")] = field(default_factory=WantedAttributes)
    sampling: SamplingSettings = field(default_factory=lambda: SMALL.sampling)
    seed: Seed = 0  # of requests and draws; the same seed gives the same records on the same machine
    output: Annotated[OutputSettings, tyro.conf.arg(name="")] = field(default_factory=OutputSettings)
    compared: Annotated[GateRecords, tyro.conf.arg(name="")] = field(default_factory=GateRecords)
    min_parents: CountOrNone = MIN_PARENTS  # training records that --labels needs; others with fewer are not asked for
    force: bool = False  # whatever --min-parents says
    workers: Workers = 1  # processes, one thread each; the records do not depend on their number


@alone
def generate(step: GeneratingStep) -> Outcome:
    """Samples shard by shard, then writes; after an interruption the same command goes on from the finished shards.

    Returns what was written, what its layout cannot hold and what the gate did, a line each.
    """
    check_destination(step.out, is_dataset, step.output.overwrite)
    place = find_generator(step.generator).resolve()  # workers take it as a path
    generator = ECGGenerator.from_pretrained(place)
    generator.check_attributes(wanted_attributes(step))
    rate = generator.tokenizer.config.sampling_rate
    step.output.all_rates(rate)  # before hours of sampling: whether they can be
    check_room(step.out, step.count, round(generator.samples / rate * sum(step.output.all_rates(rate))))
    requests = ask_for(generator, step)
    gate = step.compared.fit(generator)
    task = SamplingTask(place, generator.fingerprint, step.seed, step.sampling, gate)

    def content(start: int, stop: int) -> Callable[[], bytes]:
        return partial(task.sample, requests[start:stop], start)

    with shard_folder(step.out, fingerprint_of(step, generator, requests, gate)) as shards:
        paths = fill_shards(shards, len(requests), content, step.workers, "generating")
        gate_note = what_the_gate_did(gate, paths)
        remark = write_synthetic(
            step.out,
            decoded(generator, paths),
            requests.labels,
            requests.attributes,
            generator.task,
            rate,
            make_manifest(step, generator, gate, paths),
            step.output,
            note=gate_note,
            beats=[beats for path in paths for beats in asked_beats(generator, SampledShard.read(path).sketch)],
        )
    asked = "+".join(step.labels) or "the label combinations of the training records"
    written = f"{len(requests):,} synthetic records for {asked} are in {step.out} ({step.output.describe(rate)})"
    figures = {"out": step.out, "records": len(requests), "labels": step.labels, "generator": generator.fingerprint}
    figures |= {"seed": step.seed, "remark": remark, "gate": gate_note}
    return Outcome(figures, "\n".join(filter(None, (written, remark, gate_note))))


def ask_for(generator: ECGGenerator, step: GeneratingStep) -> Requests:
    """The records to generate. Raises ValueError for labels with too few training records."""
    least = 0 if step.force else step.min_parents
    asked = ask(generator, step.labels, step.count, step.seed, wanted_attributes(step), step.only, least)
    if asked.rare:
        rare_names = ", ".join(f"{name} ({count if count > 1 else 'a few'})" for name, count in asked.rare.items())
        print(f"not asked for, with fewer than {least} training records (--min-parents): {rare_names}")
    return asked.requests


def wanted_attributes(step: GeneratingStep) -> dict[str, Any]:
    """The attributes asked for, by name."""
    given = asdict(step.attributes)
    return {name: value for name, value in given.items() if not ATTRIBUTES.get(name).is_unknown(value)}


def fingerprint_of(step: GeneratingStep, generator: ECGGenerator, requests: Requests, gate: CopyGate | None) -> str:
    """sha256 hex of all that the shards are made from."""
    known = [generator.fingerprint, step.seed, plain(step.sampling), list(requests.attributes)]
    digest = hashlib.sha256(json.dumps(known).encode())
    digest.update(requests.labels.tobytes())
    for name, values in requests.attributes.items():
        digest.update(ATTRIBUTES.get(name).encode(values).tobytes())
    if gate is not None:
        digest.update(json.dumps([gate.store.fingerprint, gate.threshold, plain(gate.settings)]).encode())
        digest.update(gate.rows.tobytes())
    return digest.hexdigest()


def what_the_gate_did(gate: CopyGate | None, paths: list[Path]) -> str:
    """One sentence for people."""
    if gate is None:
        return NO_GATE
    shards = [SampledShard.read(path) for path in paths]
    return gate_sentence(gate, sum(int(shard.rejected.sum()) for shard in shards), sum(len(s.codes) for s in shards))


def make_manifest(
    step: GeneratingStep, generator: ECGGenerator, gate: CopyGate | None, paths: list[Path]
) -> pd.DataFrame:
    """The origin of every record, row by row."""
    shards = [SampledShard.read(path) for path in paths]
    manifest = origin_of(generator, step.seed, step.sampling, [codes for shard in shards for codes in shard.codes])
    if gate is None:
        return manifest
    nearest, distances, rejected = (
        np.concatenate([getattr(shard, name) for shard in shards]) for name in ("nearest", "distances", "rejected")
    )
    return manifest.assign(**gate_columns(gate, nearest, distances, rejected))
