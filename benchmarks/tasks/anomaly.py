"""Scores of how unlike normal ECGs are, beside simple ones: do they tell NORM from the rest?

    python -m benchmarks.tasks.anomaly --store runs/ptbxl/store --generator runs/ptbxl/prior --test 9

AUROC of records without NORM over those with it, all and of each superclass alone, on test folds, intervals by patient.
`vqecg score` uses a generator that learned from all labels; so does a logistic regression on its traits. The others
have seen the training records with NORM alone: what 32 principal components of their median beats, or of their
recordings, cannot reconstruct, and an isolation forest (Liu et al. 2008) and the Mahalanobis distance on the traits.
Published on all of PTB-XL, trained on normal ECGs alone: .860 (Jiang et al., MICCAI 2023).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest

from benchmarks.measuring import Cell, Report, benchmark_parser, cell
from benchmarks.tasks.unseen import check_unseen
from vqecg.downstream.reading.registry import ReadRecords
from vqecg.downstream.reading.traits import LogisticTraits, traits_of
from vqecg.downstream.tasks.anomaly.scoring import AnomalyScores, NormalReference
from vqecg.downstream.tasks.identity.comparison import median_beats
from vqecg.evaluation.statistics.bootstrap import replicate_metric
from vqecg.evaluation.statistics.intervals import percentile_interval
from vqecg.evaluation.statistics.resampling import draw_bootstrap
from vqecg.prior.generator import ECGGenerator
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore

NORMAL, COMPONENTS, BATCH = "NORM", 32, 64
REPLICATES, CONFIDENCE = 1000, 0.95


def main(arguments: list[str] | None = None) -> None:
    """Scores, measures and prints."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder that `vqecg prepare` wrote")
    parser.add_argument("--generator", type=Path, required=True, help="folder that `vqecg train-prior` wrote")
    parser.add_argument("--train", type=int, nargs="+", default=[1, 2, 3, 4, 5, 6, 7], help="folds of the generator")
    parser.add_argument("--test", type=int, nargs="+", default=[9], help="folds to measure on")
    options = parser.parse_args(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, torch.get_num_threads())
    store, generator = RecordStore.open(options.store), ECGGenerator.from_pretrained(options.generator)
    split = FoldSplit(tuple(options.train), (), tuple(options.test)).indices(store.table)
    check_unseen(generator, store, options.test)
    task = store.task("superdiagnostic")
    labels = store.labels(task)
    normal = labels[:, task.class_names.index(NORMAL)] > 0
    scored = likelihood_scores(store, generator, split.test)
    scored |= simple_scores(store, generator, split.train, normal, split.test)
    patients = list(store.patients(split.test).astype(str))
    abnormal = {"the rest": ~normal[split.test]}
    abnormal |= {
        name: (labels[split.test, column] > 0) & ~normal[split.test]
        for column, name in enumerate(task.class_names)
        if name != NORMAL
    }
    rows: list[Sequence[Cell]] = [
        (name, *(separation(values, of, normal[split.test], patients) for of in abnormal.values()))
        for name, values in scored.items()
    ]
    report.table("AUROC over NORM", ("score", *abnormal), rows, "AUROC")
    report.write({"test records": len(split.test), "with NORM": int(normal[split.test].sum())})


def likelihood_scores(store: RecordStore, generator: ECGGenerator, test: np.ndarray) -> dict[str, np.ndarray]:
    """The scores of `vqecg score`."""
    reference = NormalReference.of(generator, [NORMAL], 0)
    scores = AnomalyScores.joined(
        [reference.scores(store.signals(test[start : start + BATCH])) for start in range(0, len(test), BATCH)]
    )
    return {
        "ratio of the sketch's likelihoods": scores.ratio,
        "likelihood of the sketch among normal ones": scores.sketch,
        "likelihood of the codes": scores.codes,
        "error of the reconstruction": scores.reconstruction,
        "most unusual wave": scores.deviation,
    }


def simple_scores(
    store: RecordStore, generator: ECGGenerator, train: np.ndarray, normal: np.ndarray, test: np.ndarray
) -> dict[str, np.ndarray]:
    """Scores without a generator's likelihoods."""
    rows, known = np.concatenate([train[normal[train]], test]), slice(0, int(normal[train].sum()))
    traits = np.concatenate([traits_of(generator, store.signals(part)) for part in (train, test)])
    labels = normal[train].astype(np.float32)[:, None]
    reader = LogisticTraits().fit(ReadRecords(traits[: len(train)], labels, store.patients(train)), 0)
    measured = np.nan_to_num(traits)[np.concatenate([normal[train], np.ones(len(test), bool)])]
    measured = (measured - measured[known].mean(0)) / measured[known].std(0).clip(1e-6)
    forest = IsolationForest(n_estimators=300, random_state=0).fit(measured[known])
    signal = store.signals(rows)
    beats = median_beats(signal, store.spec.sampling_rate)
    return {
        "logistic regression on traits, all labels": -reader.scores(traits[len(train) :])[:, 0],
        "residual of PCA of normal beats": residual(beats.reshape(len(rows), -1), known),
        "residual of PCA of normal recordings": residual(signal.reshape(len(rows), -1), known),
        "isolation forest on traits": -forest.score_samples(measured[known.stop :]),
        "Mahalanobis distance of traits": LedoitWolf().fit(measured[known]).mahalanobis(measured[known.stop :]),
    }


def residual(vectors: np.ndarray, known: slice) -> np.ndarray:
    """The root mean square of the rows after the `known` ones that principal components of these cannot reconstruct."""
    components = PCA(min(COMPONENTS, *vectors[known].shape), random_state=0).fit(vectors[known])
    rest = vectors[known.stop :]
    return np.sqrt(np.square(rest - components.inverse_transform(components.transform(rest))).mean(1))


def separation(scores: np.ndarray, abnormal: np.ndarray, normal: np.ndarray, patients: Sequence[str]) -> Cell:
    """AUROC of the abnormal records over the normal ones, with its interval by patient."""
    chosen = abnormal | normal
    draw = draw_bootstrap([patients[row] for row in np.flatnonzero(chosen)], 1, REPLICATES, 0)
    labels = abnormal[chosen].astype(np.float64)[:, None]
    values = replicate_metric("auroc", labels, scores[chosen][None, :, None], draw).values[:, 0, 0]
    return cell(float(values[0]), 3, "", *percentile_interval(values[1:], CONFIDENCE))


if __name__ == "__main__":
    main()
