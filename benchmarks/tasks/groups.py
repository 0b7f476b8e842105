"""Groups of recordings and nearest recordings, by the vectors of `vqecg embed` and by simple ones, beside classes.

    python -m benchmarks.tasks.groups --store runs/ptbxl/store --generator runs/ptbxl/prior --test 9

On test records, none of which the generator has seen; labels choose nothing. Groups: k-means, adjusted Rand index and
normalized mutual information with superclasses (records of exactly one), and stability, the median adjusted Rand index
with groups made anew on draws of patients. Neighbours: the share of superclasses that the 5 nearest recordings of other
patients share with a recording (Jaccard index), beside that of 5 drawn by lot; interval by patient. Simple vectors: the
median beat, and an untrained tokenizer's frames over time.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.measuring import Cell, Report, benchmark_parser, cell
from benchmarks.tasks.unseen import check_unseen
from vqecg.downstream.reading.untrained_tokenizer import LogisticUntrained
from vqecg.downstream.tasks.embedding.embedding import BATCH, embed_signals
from vqecg.downstream.tasks.identity.comparison import median_beats
from vqecg.downstream.tasks.similarity.agreement import agreement
from vqecg.downstream.tasks.similarity.clustering import ClusteringSettings, group_records
from vqecg.downstream.tasks.similarity.space import SpaceSettings, VectorSpace
from vqecg.evaluation.statistics.intervals import percentile_interval
from vqecg.evaluation.statistics.resampling import draw_bootstrap
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection

NEAREST, REPLICATES, CONFIDENCE = 5, 1000, 0.95
ALL, LOT = "all parts", "by lot"


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder that `vqecg prepare` wrote")
    parser.add_argument("--generator", type=Path, required=True, help="folder that `vqecg train-prior` wrote")
    parser.add_argument("--test", type=int, nargs="+", default=[9], help="folds to measure on")
    parser.add_argument("--groups", type=int, default=8, help="of k-means")
    options = parser.parse_args(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, torch.get_num_threads())
    store, generator = RecordStore.open(options.store), ECGGenerator.from_pretrained(options.generator)
    rows = np.flatnonzero(store.table["fold"].isin(options.test))
    check_unseen(generator, store, options.test)
    if len(rows) <= options.groups:
        raise ValueError(f"{len(rows)} records in folds {options.test} for {options.groups} groups; expected more")
    labels = store.labels(store.task("superdiagnostic"), rows)
    patients = store.patients(rows).astype(str)
    weights = draw_bootstrap(list(patients), 1, REPLICATES, 0).record_weights.astype(np.float64)
    settings = ClusteringSettings(groups=options.groups)
    table: list[Sequence[Cell]] = []
    for name, vectors in vectors_of(store, generator, rows).items():
        points = VectorSpace.fit(vectors, SpaceSettings().dimensions).points(vectors)
        groups = group_records(points, list(patients), settings)
        agreed = agreement(groups.group, labels)
        shared = shared_labels(nearest(points, patients), labels)
        of_groups = (agreed.rand, agreed.information, float(np.median(groups.stability)))
        table.append((name, *(cell(value, 3) for value in of_groups), mean_of(shared, weights)))
    lot = nearest(np.random.default_rng(0).normal(size=(len(rows), 8)), patients)
    table.append((LOT, "-", "-", "-", mean_of(shared_labels(lot, labels), weights)))
    measures = ("adjusted Rand index", "mutual information", "stability", f"labels shared by {NEAREST} nearest")
    report.table(f"{options.groups} groups of {len(rows):,} records", ("vectors", *measures), table, "groups")
    report.write({"test records": len(rows), "groups": options.groups})


def vectors_of(store: RecordStore, generator: ECGGenerator, rows: np.ndarray) -> dict[str, Mapping[str, np.ndarray]]:
    """Sets of parts (records, width), by name."""
    batches = [
        embed_signals(generator, store.signals(rows[start : start + BATCH])) for start in range(0, len(rows), BATCH)
    ]
    parts = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    beats = median_beats(store.signals(rows), store.spec.sampling_rate)
    records = RecordSelection(store, rows)
    untrained = LogisticUntrained().measure(generator, records, store.task("superdiagnostic"))
    simple = {"median beat": beats.reshape(len(rows), -1), "untrained tokenizer": untrained}
    alone = {name: {name: part} for name, part in (parts | simple).items()}
    return {ALL: parts} | alone


def nearest(points: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """The rows of the nearest of other patients: (records, NEAREST) int64."""
    squares = np.square(points).sum(1)
    distances = squares[:, None] + squares[None] - 2 * points @ points.T
    distances[patients[:, None] == patients[None]] = np.inf
    return np.argsort(distances, axis=1, kind="stable")[:, :NEAREST]


def shared_labels(neighbours: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean Jaccard index of the labels of each record and of its neighbours; NaN for a record without labels."""
    both = (labels[:, None] * labels[neighbours]).sum(2)
    either = np.maximum(labels[:, None], labels[neighbours]).sum(2)
    return np.where(labels.any(1), (both / np.maximum(either, 1)).mean(1), np.nan)


def mean_of(values: np.ndarray, weights: np.ndarray) -> Cell:
    """The mean over records that have a value, with its interval by patient."""
    known = np.isfinite(values)
    means = weights[:, known] @ values[known] / weights[:, known].sum(1)
    return cell(float(means[0]), 3, "", *percentile_interval(means[1:], CONFIDENCE))


if __name__ == "__main__":
    main()
