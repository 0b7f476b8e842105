"""From pairs of recordings to a data set of ECGs between them."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import tyro

from vqecg.downstream.augmentation.generator_training import other_training, unknown_training
from vqecg.prior.copies.gate import CopyGate, GateSettings, gate_columns, gate_sentence
from vqecg.prior.editing.interpolation import interpolable, interpolate_store
from vqecg.prior.editing.settings import InterpolationSettings
from vqecg.prior.synthetic_records import NO_GATE
from vqecg.records.bounds import Checked, Count, CountOrNone
from vqecg.records.export.layouts import OutputSettings, is_dataset
from vqecg.records.export.synthetic_dataset import write_synthetic
from vqecg.records.files.atomic import check_destination
from vqecg.records.files.disk import check_room
from vqecg.records.folds import FoldSplit
from vqecg.records.labels import TaskName
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainedOn
from vqecg.records.unknown_labels import unknown_of
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.stage import alone
from vqecg.scripts.cli.trained_on import stage_trained_on
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import fingerprint


@dataclass(frozen=True)
class InterpolatingStep(Checked):
    """Recordings and tokenizer, the folder of the data set, and how the records are mixed."""

    store: Path  # folder that `vqecg prepare` wrote
    tokenizer: Path  # folder that `vqecg train-tokenizer` wrote
    out: Path  # folder of the new data set
    label: str  # parents have this label, and otherwise just the same labels as each other
    task: TaskName = "superdiagnostic"
    count: Count = 100  # records
    folds: FoldSplit = field(default_factory=FoldSplit)
    settings: InterpolationSettings = field(default_factory=InterpolationSettings)
    output: Annotated[OutputSettings, tyro.conf.arg(name="")] = field(default_factory=OutputSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    no_gate: bool = False  # keep mixtures that are near copies of a training record (most are, of their first parent)
    allow_other_training: bool = False  # a tokenizer that was trained on other records; the README says so
    min_parents: CountOrNone = 20  # records with the label that can be parents, at least
    force: bool = False  # whatever --min-parents says


@alone
def interpolate(step: InterpolatingStep) -> Outcome:
    """Writes the data set; parents come from the training folds. Returns what was written and what the gate did."""
    check_destination(step.out, is_dataset, step.output.overwrite)
    store = RecordStore.open(step.store)
    rate = store.spec.sampling_rate
    step.output.all_rates(rate)  # before any work: whether they can be
    check_room(step.out, step.count, round(store.spec.samples / rate * sum(step.output.all_rates(rate))))
    task, tokenizer = store.task(step.task), ECGTokenizer.from_pretrained(step.tokenizer)
    tokenizer.check_sampling_rate(store.spec.sampling_rate)
    doubt = doubt_of(step, store)
    if step.label not in task.class_names:
        raise ValueError(f"label is {step.label!r}; expected one of {', '.join(task.class_names)}")
    labels, split = store.labels(task, unknown=math.nan), step.folds.indices(store.table)
    # what is written can leave no label open: a record with an unknown one is no parent
    rows = split.train[[not names for names in unknown_of(store.table.iloc[split.train])]]
    parents = rows[interpolable(store, labels, rows, task, step.settings.pairing)]
    candidates = parents[labels[parents, task.class_names.index(step.label)] > 0]
    if len(candidates) == 0:
        raise ValueError(
            f"no two training records with {step.label} can be interpolated: they need the same labels, a shared "
            "statement that gives each, different patients and no rhythm statement such as AFIB; use `vqecg generate`"
        )
    if len(candidates) < step.min_parents and not step.force:
        raise ValueError(
            f"{step.label}: {len(candidates)} training records can be parents, --min-parents asks for "
            f"{step.min_parents}: what lies between few records is near them; take another label, or --force"
        )
    gate = None if step.no_gate else CopyGate.fit(store, split.every_training_row, step.gate, doubt)
    chosen = np.random.default_rng(step.settings.seed).choice(candidates, step.count)
    mixed = interpolate_store(tokenizer, store, rows, task, labels[chosen], step.settings, gate=gate)
    records, ids = mixed.records, store.table["record_id"]
    first, second = records.parents.T
    manifest = pd.DataFrame(
        {
            "method": "latent interpolation" if step.settings.aligned else "naive latent interpolation",
            "seed": step.settings.seed,
            "tokenizer": fingerprint(tokenizer),
            "first_parent": ids.iloc[first].to_numpy(),
            "second_parent": ids.iloc[second].to_numpy(),
            "second_weight": records.weight,
        }
    )
    gate_note = NO_GATE
    if gate is not None and mixed.nearest is not None:
        gate_note = gate_sentence(gate, int(mixed.rejected.sum()), len(records))
        columns = gate_columns(gate, mixed.nearest.rows, mixed.nearest.distances, mixed.rejected)
        manifest = manifest.assign(**columns)
    signals = iter([records.signal])
    shared = list(records.statements)
    asked = (records.labels, records.attributes)
    written = (step.out, signals, *asked, task, rate, manifest, step.output, shared, gate_note)
    remark = write_synthetic(*written)
    named = "are left out" if step.output.no_origins else "are named in private/origins.parquet"
    summary = (
        f"{len(records):,} records with {step.label} between parents of the training folds are in "
        f"{step.out} ({step.output.describe(rate)}); the parents {named}"
    )
    figures = {"out": step.out, "records": len(records), "label": step.label, "parents": len(parents)}
    figures |= {"remark": remark, "gate": gate_note}
    return Outcome(figures, "\n".join(filter(None, (summary, remark, gate_note))))


def doubt_of(step: InterpolatingStep, store: RecordStore) -> str:
    """The reason why the training folds of the store may not be those of the tokenizer; "" where they are.

    Raises ValueError for a tokenizer of other training records, unless these are allowed.
    """
    seen, wanted = stage_trained_on(step.tokenizer), TrainedOn(store.fingerprint, step.folds)
    parts = {} if seen is None else {"tokenizer": seen}
    others = other_training(parts, wanted)
    if others and not step.allow_other_training:
        raise ValueError(
            f"the tokenizer does not fit this store: {'; '.join(others)}. Give the store and --folds of its training; "
            "--allow-other-training goes on, and the data set then says that it was not checked against the training "
            "records"
        )
    return "; ".join([*others, *unknown_training(parts, ["tokenizer"])])
