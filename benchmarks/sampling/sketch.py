"""The part of a diagnosis that is in the sketch of a record, and the fidelity of drawn sketches to what was asked for.

    python -m benchmarks.sampling.sketch --store runs/ptbxl/store --generator runs/ptbxl/prior \
        --train 1 2 3 4 5 6 7 --test 8 9

First: classifiers learn superclasses and statements from the traits of the training folds' real records alone, and are
tested on real test folds. Beside the whole sketch stands its representative beat alone. Which kind of classifier is
chosen on the training folds, out of fold by patient. What they miss the codes have to bring.

Second: sketches are drawn for the labels of training records. Do their R peaks obey the rule of a rhythm, does the
classifier score them above the median real training record with the label, are traits as spread and beats as high as
real ones? Scores of training records are out of fold, so half of those with a label are above; records without it tell
what a sign is worth.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from benchmarks.evaluation.classifiers import interval_value
from benchmarks.measuring import Cell, Report, benchmark_parser, cell
from vqecg.evaluation.statistics.bootstrap import replicate_metric
from vqecg.evaluation.statistics.resampling import draw_bootstrap
from vqecg.prior.conditioning import Condition
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.sketch.layout import LEAD_TRAITS, PLAIN
from vqecg.prior.sketch.modeling import SketchModel
from vqecg.prior.sketch.sketch import Sketch
from vqecg.records.folds import FoldSplit
from vqecg.records.labels import SUPERCLASSES
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection

STATEMENTS = ("1AVB", "CLBBB", "CRBBB", "IRBBB", "LAFB", "LPFB", "SBRAD", "STACH", "AFIB", "LVH", "IMI", "ASMI")
Classes = Mapping[str, list[int]]  # name -> the columns of the generator's labels that make it
PARTS = {"whole sketch": 0, "beat": PLAIN}  # the first trait that is read
CANDIDATES = {
    "logistic regression": LogisticRegression(C=0.05, max_iter=1000, class_weight="balanced"),
    "gradient boosting": HistGradientBoostingClassifier(max_iter=80, max_leaf_nodes=8, random_state=0),
}
SPREAD = {"all traits": slice(None), "rate, irregularity, P wave": slice(LEAD_TRAITS), "the beat": slice(PLAIN, None)}
REPLICATES, SPLITS = 1000, 3  # bootstrap draws; parts of the training records, by patient, for scores out of fold


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    options = parse(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, torch.get_num_threads())
    store, generator = RecordStore.open(options.store), ECGGenerator.from_pretrained(options.generator)
    check(store, generator, options.test)
    rows = FoldSplit(tuple(options.train), (), tuple(options.test)).indices(store.table)
    train, test = RecordSelection(store, rows.train), RecordSelection(store, rows.test)
    classes = class_columns(generator, test, options.least)
    training, held_out = real_records(generator, train, classes), real_records(generator, test, classes)
    readers = {part: Reader.fit(training, train.patients, first) for part, first in PARTS.items()}
    print_readers(report, readers, training, held_out, test.patients, tuple(classes))
    whole = readers["whole sketch"]
    sets = {"real training": [(training, whole.out_of_fold)], "real test": [(held_out, whole.score(held_out.traits))]}
    for guidance in options.guidance:
        drawn = [drawn_records(generator, classes, options, seed, guidance) for seed in options.seeds]
        sets[f"guidance {guidance:g}"] = [(records, whole.score(records.traits)) for records in drawn]
    cuts = [np.median(scores[has]) for scores, has in zip(whole.out_of_fold.T, training.labels.T, strict=True)]
    for having in (True, False):
        print_signs(report, sets, np.array(cuts), tuple(classes), having)
    traits = {name: np.concatenate([records.traits for records, _ in draws]) for name, draws in sets.items()}
    print_spread(report, traits, generator.prior.sketch)
    report.write({"training records": len(train), "test records": len(test), "sketches per seed": options.records})


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder of `vqecg prepare`")
    parser.add_argument("--generator", type=Path, required=True, help="folder of `vqecg train-prior`, or a generator")
    parser.add_argument("--train", type=int, nargs="+", default=list(range(1, 8)), help="folds the prior learned from")
    parser.add_argument("--test", type=int, nargs="+", default=[8, 9], help="folds of other real records")
    parser.add_argument("--guidance", type=float, nargs="+", default=[1.0, 1.5], help="of the traits")
    parser.add_argument("--temperature", type=float, default=1.0, help="of the traits")
    parser.add_argument("--records", type=int, default=2953, help="sketches to draw for each seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of requests and sketches")
    parser.add_argument("--least", type=int, default=20, help="test records that a statement needs")
    return parser.parse_args(arguments)


def check(store: RecordStore, generator: ECGGenerator, test: Sequence[int]) -> None:
    """ValueError for records that the generator cannot measure, or test folds that its prior was trained on."""
    spec, rate, seen = store.spec, generator.prior.sketch.sampling_rate, generator.trained_on.get("prior")
    if (spec.sampling_rate, spec.samples) != (rate, generator.samples):
        raise ValueError(f"the store has {spec}; expected {generator.samples} samples at {rate} Hz: prepare it so")
    if seen is not None and set(seen.folds.train) & set(test):
        raise ValueError(f"the prior was trained on folds {seen.folds.train}; expected none of them in --test {test}")


def class_columns(generator: ECGGenerator, test: RecordSelection, least: int) -> Classes:
    """Superclasses, then STATEMENTS with at least so many test records."""
    members, counts = generator.task_of(SUPERCLASSES), test.labels(generator.task).sum(0)
    column = {name: number for number, name in enumerate(generator.class_names)}
    columns = {wanted: [column[name] for name, one in members.items() if one == wanted] for wanted in SUPERCLASSES}
    often = [name for name in STATEMENTS if name in column and counts[column[name]] >= least]
    return columns | {name: [column[name]] for name in often}


@dataclass(frozen=True, eq=False)
class Records:
    """Real or drawn records by their sketches; row n of each field belongs together."""

    labels: np.ndarray  # (records, classes) bool
    traits: np.ndarray  # (records, traits) float32
    rhythm: np.ndarray  # (records, 2): rate per minute, relative SD of the RR intervals; NaN with fewer than two


def as_records(generator: ECGGenerator, sketch: Sketch, labels: np.ndarray, classes: Classes) -> Records:
    """Sketches and the generator's labels (records, its classes) of each, seen alike whether real or drawn."""
    model = generator.prior.sketch
    seconds = generator.samples / model.sampling_rate / model.frames  # of a frame
    rhythm = np.full((len(sketch), 2), np.nan)
    for row, times in enumerate(sketch.times.numpy()):
        intervals = np.diff(times[np.isfinite(times)]) * seconds
        if len(intervals) > 1:
            rhythm[row] = 60 / np.median(intervals), intervals.std() / intervals.mean()
    has = np.stack([labels[:, columns].any(1) for columns in classes.values()], axis=1)
    return Records(has, sketch.traits.numpy(), rhythm)


def real_records(generator: ECGGenerator, rows: RecordSelection, classes: Classes) -> Records:
    """Sketches measured on recordings."""
    parts = [generator.prior.sketch.measured(signals) for signals in rows.chunks()]
    sketch = Sketch.joined(parts)
    return as_records(generator, sketch, rows.labels(generator.task), classes)


def drawn_records(
    generator: ECGGenerator, classes: Classes, options: argparse.Namespace, seed: int, guidance: float
) -> Records:
    """Sketches drawn for labels, age and sex as they occurred together in training."""
    requests = generator.draw(generator.conditions, options.records, seed)
    condition = Condition.of(requests.labels, requests.attributes)
    sketch = generator.prior.sketch.sample(condition, seed, 0, options.temperature, guidance)
    return as_records(generator, sketch, requests.labels, classes)


@dataclass(frozen=True, eq=False)
class Reader:
    """Classifiers of some traits, one for each class."""

    kind: str  # of CANDIDATES
    first: int  # the first trait that is read; all after it are, too
    models: list[Any]
    out_of_fold: np.ndarray  # (training records, classes) scores 0..1, by models that knew other patients

    @classmethod
    def fit(cls, training: Records, patients: np.ndarray, first: int) -> Self:
        """The kind with the best macro AUROC over superclasses, out of fold."""
        traits, labels = training.traits[:, first:], training.labels
        wanted = labels[:, : len(SUPERCLASSES)]
        reached = {
            kind: float(roc_auc_score(wanted, out_of_fold(candidate, traits, wanted, patients)))
            for kind, candidate in CANDIDATES.items()
        }
        kind = max(reached, key=reached.__getitem__)
        models = [clone(CANDIDATES[kind]).fit(traits, one) for one in labels.T]
        return cls(kind, first, models, out_of_fold(CANDIDATES[kind], traits, labels, patients))

    def score(self, traits: np.ndarray) -> np.ndarray:
        """Scores (records, classes) of traits (records, traits)."""
        return np.stack([model.predict_proba(traits[:, self.first :])[:, 1] for model in self.models], axis=1)


def out_of_fold(candidate: Any, traits: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Scores (records, classes) of records by models that were fitted to other patients."""
    split = {"groups": patients, "cv": GroupKFold(SPLITS), "method": "predict_proba"}
    return np.stack([cross_val_predict(candidate, traits, one, **split)[:, 1] for one in labels.T], axis=1)


def print_readers(
    report: Report,
    readers: Mapping[str, Reader],
    training: Records,
    test: Records,
    patients: np.ndarray,
    names: Sequence[str],
) -> None:
    """AUROC of every class, and the macro average over superclasses with its interval over patients."""
    draw, labels = draw_bootstrap(list(patients), 1, REPLICATES, 0), test.labels.astype(float)
    metrics = [replicate_metric("auroc", labels, reader.score(test.traits)[None], draw) for reader in readers.values()]
    macros = [replace(metric, values=metric.values[:, :, : len(SUPERCLASSES)]) for metric in metrics]
    rows: list[list[Cell]] = [["superclasses, macro", "", "", *(interval_value(macro, draw) for macro in macros)]]
    for column, name in enumerate(names):
        counts = [cell(records.labels[:, column].sum(), 0) for records in (training, test)]
        rows.append([name, *counts, *(cell(metric.values[0, 0, column], 3) for metric in metrics)])
    header = ["", "training", "test", *(f"{part}, {reader.kind}" for part, reader in readers.items())]
    report.table(
        f"AUROC from traits, {len(labels):,} test records of {draw.patients:,} patients", header, rows, "AUROC"
    )


def signs(records: Records, scores: np.ndarray, cuts: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The signs that a record with a label should show, by "LABEL: sign": (records,) bool."""
    rate, uneven = records.rhythm.T
    rules = {"STACH: rate > 100": rate > 100, "SBRAD: rate < 60": rate < 60, "AFIB: SD of RR > 10 %": uneven > 0.1}
    chosen = {sign: shown for sign, shown in rules.items() if sign.split(":")[0] in names}
    return chosen | {f"{name}: score": scores[:, column] > cuts[column] for column, name in enumerate(names)}


def print_signs(
    report: Report,
    sets: Mapping[str, Sequence[tuple[Records, np.ndarray]]],
    cuts: np.ndarray,
    names: Sequence[str],
    having: bool,
) -> None:
    """The share of records with a label (or without it) that show each of its signs: mean over seeds, and range."""
    table: dict[str, list[Cell]] = {}
    for draws in sets.values():
        shares: dict[str, list[float]] = {}
        for records, scores in draws:
            for sign, shown in signs(records, scores, cuts, names).items():
                asked = records.labels[:, names.index(sign.split(":")[0])] == having
                shares.setdefault(sign, []).append(float(shown[asked].mean()) if asked.any() else np.nan)
        for sign, seeds in shares.items():
            ends = (min(seeds), max(seeds)) if len(seeds) > 1 else (None, None)
            table.setdefault(sign, []).append(cell(float(np.mean(seeds)), 2, "", *ends))
    title = f"share of records {'with' if having else 'without'} the label that show its sign"
    report.table(
        title,
        ["", *sets],
        [[sign, *cells] for sign, cells in table.items()],
        "with the label" if having else "without it",
    )


def print_spread(report: Report, traits: Mapping[str, np.ndarray], sketch: SketchModel) -> None:
    """Standard deviation of traits and height of the beats, relative to the first of `traits`."""
    real = next(iter(traits))
    spread = [one.std(0) / traits[real].std(0) for one in traits.values()]
    rows: list[list[Cell]] = [
        [f"SD of {part}, median trait", *(cell(np.median(one[which]), 2) for one in spread)]
        for part, which in SPREAD.items()
    ]
    beats = {name: sketch.beats(torch.from_numpy(one)).numpy() for name, one in traits.items()}
    height = {name: np.median(np.ptp(one, axis=-1), axis=0) for name, one in beats.items()}
    for name, over_leads in (("median", np.median), ("lowest", np.min), ("highest", np.max)):
        cells = [cell(over_leads(one / height[real]), 2) for one in height.values()]
        rows.append([f"peak to peak of the beat, {name} lead", *cells])
    report.table(f"relative to {real} records", ["", *traits], rows, "relative to real training records")


if __name__ == "__main__":
    main()
