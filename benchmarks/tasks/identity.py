"""Verification of persons by two ECGs, with several measures; and the attack by it on synthetic ECGs.

    python -m benchmarks.tasks.identity --store runs/ptbxl/store --generator runs/ptbxl/prior --test 9

The verifier learns on the recordings of training patients who have several; all measures are judged on test patients
who have: AUROC over pairs, equal error rate, and how often the nearest of all test recordings is the same person's.
Vectors: the cosine of the parts of `vqecg embed`, standardised on training records. The attack: one synthetic ECG for
each training record, with its labels; every training and every test recording is searched for among them, and the
highest score says whether it was in training. .5 is chance; intervals by patient.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.measuring import Cell, Report, benchmark_parser, cell, number
from benchmarks.tasks.unseen import check_unseen
from vqecg.downstream.tasks.embedding.embedding import embed_store
from vqecg.downstream.tasks.identity.comparison import median_beats
from vqecg.downstream.tasks.identity.verification import verification
from vqecg.downstream.tasks.identity.verifier import CHUNK, IdentityVerifier, IdentityVerifierConfig
from vqecg.evaluation.statistics.bootstrap import replicate_metric
from vqecg.evaluation.statistics.intervals import percentile_interval
from vqecg.evaluation.statistics.resampling import BootstrapSettings, draw_bootstrap
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.requests import Requests
from vqecg.records.folds import FoldSplit, SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection

BOOTSTRAP = BootstrapSettings()


def main(arguments: list[str] | None = None) -> None:
    """Learns, measures and prints."""
    options = parse(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, torch.get_num_threads())
    store, generator = RecordStore.open(options.store), ECGGenerator.from_pretrained(options.generator)
    split = FoldSplit(tuple(options.train), (), tuple(options.test)).indices(store.table)
    check_unseen(generator, store, options.test, options.train)
    rate, every = store.spec.sampling_rate, slice(0, len(store))
    beats = beats_of(store.signals(every), rate)
    patients = store.patients(np.arange(len(store))).astype(str)
    verifier = IdentityVerifier.fit(beats[split.train], patients[split.train], IdentityVerifierConfig(rate))
    names, counts = np.unique(patients[split.test], return_counts=True)
    probes = split.test[np.isin(patients[split.test], names[counts > 1])]
    if not len(probes):
        raise ValueError(f"nobody has several recordings in folds {options.test}; expected some: choose others")
    measures = {"verifier": verifier.scores(beats[probes], beats[split.test])}
    measures["correlation of median beats"] = cosines(flat(beats), probes, split.test)
    for name, vectors in standardised(generator, store, split).items():
        measures[f"vectors, {name}"] = cosines(vectors, probes, split.test)
    rows: list[Sequence[Cell]] = []
    for name, scores in measures.items():
        same = probes[:, None] == split.test[None]
        judged = verification(scores, patients[probes], patients[split.test], same, BOOTSTRAP)
        figures = [
            cell(value, 3, "", low, high) for value, low, high in (judged.auroc, judged.equal_error, judged.first)
        ]
        rows.append((name, *figures))
    header = ("", "AUROC", "equal error rate", f"nearest of {judged.gallery:,} is the same person")
    title = f"{judged.people} test patients with several recordings, {judged.pairs} pairs"
    report.table(title, header, rows, "verification")
    attacked = attack(verifier, generator, store, split, beats, patients)
    header = ("searched for in synthetic ECGs", "AUROC of training records over test records", "records")
    report.table("attack", header, [("by the verifier", attacked, number(len(split.train)))], "attack")
    report.write({"people": judged.people, "pairs": judged.pairs, "test records": len(split.test)})


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder that `vqecg prepare` wrote")
    parser.add_argument("--generator", type=Path, required=True, help="folder that `vqecg train-prior` wrote")
    parser.add_argument("--train", type=int, nargs="+", default=[1, 2, 3, 4, 5, 6, 7], help="folds of the generator")
    parser.add_argument("--test", type=int, nargs="+", default=[9], help="folds to measure on")
    return parser.parse_args(arguments)


def beats_of(signal: np.ndarray, sampling_rate: int) -> np.ndarray:
    """The median beats of recordings (records, 8, samples) mV: (records, 8, samples of a beat)."""
    starts = range(0, len(signal), CHUNK)
    return np.concatenate([median_beats(signal[start : start + CHUNK], sampling_rate) for start in starts])


def flat(beats: np.ndarray) -> np.ndarray:
    """Beats as vectors, each lead less its mean: (records, leads * samples)."""
    return (beats - beats.mean(2, keepdims=True)).reshape(len(beats), -1)


def cosines(vectors: np.ndarray, probes: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Of the vectors of two sets of rows: (probes, gallery)."""
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-9)
    return units[probes] @ units[gallery].T


def standardised(generator: ECGGenerator, store: RecordStore, split: SplitIndices) -> dict[str, np.ndarray]:
    """The parts of the embedding, standardised on training records: (records, width) each."""
    batches = list(embed_store(generator, store))
    parts = {name: np.concatenate([batch[name] for batch in batches]).astype(np.float64) for name in batches[0]}
    scaled = {}
    for name, part in parts.items():
        train = part[split.train]
        scaled[name] = np.nan_to_num((part - np.nanmean(train, 0)) / np.nanstd(train, 0).clip(1e-6))
    return scaled


def attack(
    verifier: IdentityVerifier,
    generator: ECGGenerator,
    store: RecordStore,
    split: SplitIndices,
    beats: np.ndarray,
    patients: np.ndarray,
) -> Cell:
    """AUROC of training records over test records by their highest score among synthetic ECGs, with its interval."""
    like = RecordSelection(store, split.train)
    requests = Requests.like(like.labels(generator.task), like.table, generator.attributes)
    synthetic = beats_of(generator.generate(requests, seed=0).signal, store.spec.sampling_rate)
    rows = np.concatenate([split.train, split.test])
    chunks = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
    scores = np.concatenate([verifier.scores(beats[chunk], synthetic).max(1) for chunk in chunks])
    member = np.repeat([1.0, 0.0], [len(split.train), len(split.test)])[:, None]
    draw = draw_bootstrap(list(patients[rows]), 1, BOOTSTRAP.replicates, BOOTSTRAP.seed)
    values = replicate_metric("auroc", member, scores[None, :, None], draw).values[:, 0, 0]
    return cell(float(values[0]), 3, "", *percentile_interval(values[1:], BOOTSTRAP.confidence))


if __name__ == "__main__":
    main()
