"""From recordings and a generator to a data set of records of scarce classes, by a method of augmentation."""

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import tyro

from vqecg.downstream.augmentation.additions import ALL, COPY, DRAWN, Additions, joined_tallies, rejection_rates
from vqecg.downstream.augmentation.generator_training import check_generator, other_training, unknown_training
from vqecg.downstream.augmentation.label_check import LabelCheck, LabelCheckSettings
from vqecg.downstream.augmentation.likelihood_check import LikelihoodCheck, LikelihoodSettings
from vqecg.downstream.augmentation.methods.registry import (
    AugmentationMethod,
    AugmentationSettings,
    Ingredients,
    find_method,
    method_help,
)
from vqecg.downstream.augmentation.plan import AUTO, AdditionPlan, AdditionSettings
from vqecg.downstream.augmentation.verdict import Check, QualityFilter
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.comparison.class_counts import ClassCounts, outside_task
from vqecg.evaluation.waves.segmenter import WaveSegmenter
from vqecg.prior.copies.gate import CopyGate, GateSettings, gate_columns, gate_sentence
from vqecg.prior.copies.waveform_index import NearestNeighbours
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.synthetic_records import NO_GATE
from vqecg.records.bounds import Checked, CountOrNone
from vqecg.records.export.layouts import OutputSettings, is_dataset
from vqecg.records.export.synthetic_dataset import write_synthetic
from vqecg.records.files.atomic import check_destination
from vqecg.records.files.disk import check_room
from vqecg.records.files.shards import fill_shards, shard_folder
from vqecg.records.registry import Choices
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.records.store.subset import TrainedOn, split_rows
from vqecg.records.unknown_labels import unknown_of
from vqecg.scripts.cli.arguments import plain
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.presets import SMALL
from vqecg.scripts.cli.stage import alone
from vqecg.training.checkpoint import fingerprint


@dataclass(frozen=True)
class AugmentingStep(Checked):
    """Recordings and generator, the folder of the data set, and how its records are made and checked."""

    store: Path  # folder that `vqecg prepare` wrote: the real recordings
    generator: Path  # folder that `vqecg train-prior` wrote, or the generator in it
    out: Path  # folder of the new data set; the same command goes on after an interruption
    method: Annotated[str, Choices("way to make records", method_help)] = "latent-interpolation"
    additions: Annotated[AdditionSettings, tyro.conf.arg(name="")] = field(
        default_factory=lambda: AdditionSettings(target_classes=(AUTO,))
    )
    settings: AugmentationSettings = field(default_factory=lambda: AugmentationSettings(sampling=SMALL.sampling))
    check: Path | None = None  # folder for the classifiers of the label check, trained once; none = labels unchecked
    label_check: LabelCheckSettings = field(default_factory=LabelCheckSettings)
    classifier: ClassifierSettings = field(default_factory=lambda: SMALL.classifier)  # of the label check
    segmenter: Path | None = None  # folder that `vqecg train-segmenter` wrote: the check then measures intervals too
    no_likelihood: bool = False  # do not ask whether a record is as likely under the prior as training records are
    likelihood: LikelihoodSettings = field(default_factory=LikelihoodSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    allow_other_training: bool = False  # a generator that was trained on other records; the README says so
    no_gate: bool = False  # keep records that are near copies of a training record (most with a parent are, of it)
    min_parents: CountOrNone = 20  # training records with a target class that can be parents, at least
    force: bool = False  # whatever --min-parents says
    output: Annotated[OutputSettings, tyro.conf.arg(name="")] = field(default_factory=OutputSettings)

    @property
    def maker(self) -> AugmentationMethod:
        """The method. Raises ValueError for an unknown one."""
        return find_method(self.method)


@alone
def augment(step: AugmentingStep) -> Outcome:
    """Makes the records shard by shard, then writes those that passed; the same command goes on from the shards.

    Returns what was written and what was rejected, in lines.
    """
    method = step.maker
    check_destination(step.out, is_dataset, step.output.overwrite)
    ingredients = open_ingredients(step)
    rate = ingredients.store.spec.sampling_rate
    step.output.all_rates(rate)  # before hours of making records: whether they can be
    trained = trained_on(step, ingredients.store)
    remarks = check_generator(ingredients.generator, ingredients.store, trained, step.allow_other_training, True)
    print("\n".join(remarks), end="\n" if remarks else "")
    if outside := outside_task(ingredients.store, ingredients.task):
        print(outside)
    plan = make_plan(step, ingredients)
    rows = split_rows(ingredients.store, step.additions.folds, step.additions.subset, ingredients.task)
    print(rows.unlabelled_text(), end="\n" if rows.unlabelled_text() else "")
    print(ClassCounts(ingredients.store, ingredients.task, rows).describe(plan.target_classes))
    check_room(step.out, len(plan), round(ingredients.store.spec.samples / rate * sum(step.output.all_rates(rate))))
    ingredients = replace(ingredients, **judges(step, ingredients))

    def content(start: int, stop: int) -> Callable[[], bytes]:
        return partial(make_shard, method, ingredients, plan, start, stop)

    with shard_folder(step.out, identity_of(step, ingredients, plan)) as shards:
        paths = fill_shards(shards, len(plan), content, 1, "augmenting")
        tally = joined_tallies([Additions.read(path).rejected for path in paths])
        said = "\n\n".join([*remarks, what_was_checked(step, ingredients, tally), rejections(tally)])
        written = write(step, ingredients, paths, said)
    counts = ", ".join(f"{name} {count:,}" for name, count in written.counts.items() if count)
    figures = {"out": step.out, "method": method.name, "records": written.records, "planned": len(plan)}
    figures |= {"classes": written.counts, "rejections": tally, "remarks": remarks, "remark": written.remark}
    return Outcome(
        figures,
        f"{written.records:,} records by {method.name} ({counts}) of {len(plan):,} planned are in {step.out} "
        f"({step.output.describe(rate)})\n" + "\n".join(filter(None, (written.remark, said))),
    )


@dataclass(frozen=True)
class Written:
    """The content of the data set."""

    records: int
    counts: dict[str, int]  # class -> records
    remark: str  # on what the layout cannot hold


def open_ingredients(step: AugmentingStep) -> Ingredients:
    """Store, training rows and generator; nothing judges yet."""
    additions, generator = step.additions, ECGGenerator.from_pretrained(step.generator)
    store = additions.subset.known_labels(RecordStore.open(step.store), additions.folds)
    task = store.task(additions.task)
    rows = split_rows(store, additions.folds, additions.subset, task)
    settings = replace(step.settings, least=0 if step.force else step.settings.least)
    return Ingredients(store, rows.train, task, generator, settings, unlabelled=rows.unlabelled)


def trained_on(step: AugmentingStep, store: RecordStore) -> TrainedOn:
    """The training records, which the generator should have learned from."""
    return TrainedOn(store.fingerprint, step.additions.folds, step.additions.subset)


def make_plan(step: AugmentingStep, ingredients: Ingredients) -> AdditionPlan:
    """The labels that are added. Raises ValueError for a target class with too few records that can be parents."""
    chosen, names = RecordSelection(ingredients.store, ingredients.rows), ingredients.task.class_names
    labels = chosen.labels(ingredients.task, math.nan)
    targets = step.additions.targets(labels, names)
    # what is written can leave no label open: a record with an unknown one is no source
    able = step.maker.eligible(ingredients) & [not names for names in unknown_of(chosen.table)]
    invented = step.maker.invents(ingredients)
    counts = {name: int((labels[able, names.index(name)] > 0).sum()) for name in targets if name in names}
    # what is invented has no parents, be there few records of the class or none
    few = {name: n for name, n in counts.items() if n < step.min_parents and name not in invented}
    if few and not step.force:
        counted = ", ".join(f"{name} ({count})" for name, count in few.items())
        raise ValueError(
            f"{counted}: so many training records can be parents by {step.maker.name}, --min-parents asks for "
            f"{step.min_parents}: what is made from few is near them; leave the class out, or --force"
        )
    return step.additions.plan(labels, names, ingredients.settings.seed, able, invented)


def judges(step: AugmentingStep, ingredients: Ingredients) -> dict[str, Any]:
    """Gate and check, fitted on the training records."""
    if step.maker.copies:
        return {"gate": None, "check": None}
    training, checks = RecordSelection(ingredients.store, ingredients.rows), list[Check]()
    if not step.no_likelihood:
        checks.append(LikelihoodCheck.fit(ingredients.generator, training, step.likelihood))
    if step.check is not None:
        segmenter = None if step.segmenter is None else WaveSegmenter.from_pretrained(step.segmenter)
        how = (step.classifier, step.check, step.label_check, segmenter)
        checks.append(LabelCheck.fit(training, ingredients.task, *how))
    seen, wanted = ingredients.generator.trained_on, trained_on(step, ingredients.store)
    doubt = "; ".join([*other_training(seen, wanted), *unknown_training(seen)])
    # the tokenizer, and maybe the prior, has learned from records without labels too
    gate = None if step.no_gate else CopyGate.fit(ingredients.store, ingredients.every_row, step.gate, doubt)
    return {"gate": gate, "check": QualityFilter(tuple(checks)) if checks else None}


def make_shard(
    method: AugmentationMethod, ingredients: Ingredients, plan: AdditionPlan, start: int, stop: int
) -> bytes:
    """The records of some rows of the plan."""
    part = replace(plan, source_indices=plan.source_indices[start:stop], labels=plan.labels[start:stop])
    return method.make(ingredients, part, start).to_bytes()


def identity_of(step: AugmentingStep, ingredients: Ingredients, plan: AdditionPlan) -> str:
    """sha256 hex of all that the shards are made from."""
    judging = [step.label_check, step.classifier, step.likelihood, step.no_likelihood]
    known = {
        "store": ingredients.store.fingerprint,
        "generator": ingredients.generator.fingerprint,
        "tokenizer": fingerprint(ingredients.generator.tokenizer),
        "method": step.maker.manifest_name,
        "task": step.additions.task,
        "settings": plain(ingredients.settings),
        "check": None if step.check is None else plain(judging[:2]),
        "segmenter": None if step.segmenter is None else fingerprint(WaveSegmenter.from_pretrained(step.segmenter)),
        "likelihood": plain(judging[2:]),
        "gate": None if ingredients.gate is None else [ingredients.gate.threshold, plain(ingredients.gate.settings)],
    }
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode())
    digest.update(ingredients.rows.tobytes() + plan.source_indices.tobytes() + plan.labels.tobytes())
    hidden = ingredients.store.hidden
    if hidden.some_labels:  # checks learn from the labels that are left; the rows do not tell of these
        digest.update(hidden.some_labels + repr(hidden.statements).encode())
    return digest.hexdigest()


def write(step: AugmentingStep, ingredients: Ingredients, paths: list[Path], said: str) -> Written:
    """Writes the records that passed. Raises ValueError when none did."""
    parts = [replace(additions.only(additions.passed), signal=np.zeros(0)) for additions in map(Additions.read, paths)]
    labels = np.concatenate([part.labels for part in parts])
    if not len(labels):
        raise ValueError(
            "no record passed; of records with a parent most are near copies of it, which --no-gate keeps, and more "
            f"--settings.attempts try longer. {said}"
        )
    names = parts[0].attributes
    attributes = {name: np.concatenate([part.attributes[name] for part in parts]) for name in names}
    manifest = pd.concat([manifest_of(step, ingredients, part) for part in parts], ignore_index=True)
    statements = [names for part in parts for names in part.statements]
    rate = ingredients.store.spec.sampling_rate
    remark = write_synthetic(
        step.out,
        signals(paths),
        labels,
        attributes,
        ingredients.task,
        rate,
        manifest,
        step.output,
        statements,
        said,
        copies=step.maker.copies,
    )
    counts = labels.sum(0).astype(int).tolist()
    return Written(len(labels), dict(zip(ingredients.task.class_names, counts, strict=True)), remark)


def signals(paths: list[Path]) -> Iterator[np.ndarray]:
    """The signals that passed, shard by shard."""
    for path in paths:
        additions = Additions.read(path)
        if additions.passed.any():
            yield additions.signal[additions.passed]


def manifest_of(step: AugmentingStep, ingredients: Ingredients, additions: Additions) -> pd.DataFrame:
    """The origin of every record, row by row."""
    ids = ingredients.store.table["record_id"].to_numpy()
    first, second = (np.where(rows >= 0, ids[np.maximum(rows, 0)], "") for rows in additions.parents.T)
    table = pd.DataFrame(
        {
            "method": step.maker.manifest_name,
            "seed": ingredients.settings.seed,
            "generator": ingredients.generator.fingerprint,
            "tokenizer": fingerprint(ingredients.generator.tokenizer),
            "first_parent": first,
            "second_parent": second,
            "second_weight": additions.weight,
            "draws": additions.draws,
            "checked": ingredients.check is not None,
        },
        index=range(len(first)),
    )
    if ingredients.gate is None:
        return table
    near = NearestNeighbours(additions.nearest, additions.distance)
    columns = gate_columns(ingredients.gate, near.rows, near.distances, additions.draws - 1)
    return table.assign(**columns).rename(columns={"gate_rejected": "rejected"})  # by gate, check and alignment


def what_was_checked(step: AugmentingStep, ingredients: Ingredients, tally: pd.DataFrame) -> str:
    """The work of gate and check, in sentences."""
    if step.maker.copies:
        return "These are training records, by design: neither gate nor check was applied."
    everything = tally[tally["class_name"] == ALL].set_index("reason")["count"]
    copies = int(everything.get(COPY, 0))
    gate, check = ingredients.gate, ingredients.check
    gated = NO_GATE if gate is None else gate_sentence(gate, copies, int(everything[DRAWN]) - copies)
    return gated if check is None else f"{gated} {check.describe()}"


def rejections(tally: pd.DataFrame) -> str:
    """Rejections by class and reason, as a table."""
    rates = rejection_rates(tally)
    if rates.empty:
        return "No draw was rejected."
    return "Draws rejected, by class and reason:\n\n" + rates.to_string(index=False, float_format="%.3f")
