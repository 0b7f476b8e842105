"""Do two ECGs belong to one person: a verifier is learned and measured, or recordings are searched for in a store."""

import datetime
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from vqecg.downstream.tasks.identity.comparison import median_beats
from vqecg.downstream.tasks.identity.verification import Verification, verification
from vqecg.downstream.tasks.identity.verifier import CHUNK, IdentityVerifier, IdentityVerifierConfig
from vqecg.evaluation.statistics.resampling import BootstrapSettings
from vqecg.records.bounds import Checked
from vqecg.records.files.atomic import atomic_folder, write_text
from vqecg.records.files.checksums import SUMS_FILE, write_checksums
from vqecg.records.folds import FoldSplit, folds_text
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.stage import alone

VERIFIER, FIGURES, MATCHES = "verifier", "verification.json", "matches.csv"


@dataclass(frozen=True)
class IdentifyingStep(Checked):
    """The recordings, and what is to be known of them."""

    store: Path  # folder that `vqecg prepare` wrote: recordings of known patients
    out: Path  # folder of the verifier and its figures, or of the matches
    verifier: Path | None = None  # folder of an earlier --out; without it a verifier is learned on the training folds
    against: Path | None = None  # store whose recordings are searched for in --store, with --verifier
    folds: FoldSplit = field(default_factory=FoldSplit)
    bootstrap: BootstrapSettings = field(default_factory=BootstrapSettings)
    overwrite: bool = False  # replace earlier output in --out


@alone
def identify(step: IdentifyingStep) -> str:
    """Learns and measures a verifier, or searches with one. Returns what came of it.

    Raises ValueError for options that do not go together, a store of another rate, and too few patients.
    """
    if (step.verifier is None) != (step.against is None):
        raise ValueError(
            "expected --verifier and --against together, to search for recordings, or neither, to learn a verifier"
        )
    store = RecordStore.open(step.store)
    if step.verifier is None or step.against is None:
        return learned(step, store)
    return searched(step, store, RecordStore.open(step.against), read_verifier(step.verifier))


def learned(step: IdentifyingStep, store: RecordStore) -> str:
    """Learns on the training folds, measures on the test folds, and writes both."""
    split = step.folds.indices(store.table)
    beats, patients = beats_of(store), store.patients(np.arange(len(store)))
    config = IdentityVerifierConfig(sampling_rate=store.spec.sampling_rate)
    verifier = IdentityVerifier.fit(beats[split.train], patients[split.train], config)
    measured = on_test_folds(verifier, beats, patients, split.test, step.bootstrap)
    with atomic_folder(step.out, holds_output, step.overwrite) as partial:
        verifier.save_pretrained(partial / VERIFIER, card(measured, step.folds))
        write_text(partial / FIGURES, json.dumps(asdict(measured), indent=2) + "\n")
        write_checksums(partial)
    return "\n".join([*lines_of(measured), f"the verifier is in {step.out}"])


def on_test_folds(
    verifier: IdentityVerifier, beats: np.ndarray, patients: np.ndarray, test: np.ndarray, bootstrap: BootstrapSettings
) -> Verification:
    """Every recording of those who have several in the test folds, among all of these folds.

    Raises ValueError where nobody has several.
    """
    names, counts = np.unique(patients[test].astype(str), return_counts=True)
    probes = test[np.isin(patients[test].astype(str), names[counts > 1])]
    if not len(probes):
        raise ValueError("no patient has several recordings in the test folds; expected some: choose others")
    same = probes[:, None] == test[None]
    scores = verifier.scores(beats[probes], beats[test])
    return verification(scores, patients[probes], patients[test], same, bootstrap)


def searched(step: IdentifyingStep, store: RecordStore, other: RecordStore, verifier: IdentityVerifier) -> str:
    """The nearest recording of `store` to each of `other`."""
    for one in (store, other):
        if one.spec.sampling_rate != verifier.config.sampling_rate:
            raise ValueError(
                f"{one.folder} has {one.spec.sampling_rate} Hz, the verifier compares beats at "
                f"{verifier.config.sampling_rate} Hz: prepare it at that rate"
            )
    known, sought = beats_of(store), beats_of(other)
    nearest, best = np.zeros(len(other), np.int64), np.zeros(len(other))
    for start in tqdm(range(0, len(other), CHUNK), desc="comparing", unit="batch", delay=2):
        rows = slice(start, start + CHUNK)
        scores = verifier.scores(sought[rows], known)
        nearest[rows], best[rows] = scores.argmax(1), scores.max(1)
    false = verifier.false_matches(best)
    table = pd.DataFrame(
        {
            "record_id": other.table["record_id"].tolist(),
            "nearest": store.table["record_id"].iloc[nearest].tolist(),
            "nearest_patient": store.patients(nearest),
            "score": best,
            "false_matches": false,
        }
    )
    with atomic_folder(step.out, holds_output, step.overwrite) as partial:
        write_text(partial / MATCHES, table.to_csv(index=False))
        write_checksums(partial)
    by_chance = 1 / len(store)
    return (
        f"{step.out / MATCHES}: the nearest of {len(store):,} recordings to each of {len(other):,}. "
        f"{(false <= by_chance).mean():.1%} of them are nearer than all but one in {len(store):,} pairs of two persons "
        "are (false_matches: the share of such pairs with as high a score)"
    )


def beats_of(store: RecordStore) -> np.ndarray:
    """The median beats of a store's recordings: (records, 8, samples) mV."""
    starts = tqdm(range(0, len(store), CHUNK), desc="measuring beats", unit="batch", delay=2)
    return np.concatenate(
        [median_beats(store.signals(slice(start, start + CHUNK)), store.spec.sampling_rate) for start in starts]
    )


def read_verifier(folder: Path) -> IdentityVerifier:
    """The verifier in a folder of this command, or in its own."""
    return IdentityVerifier.from_pretrained(folder / VERIFIER if (folder / VERIFIER).is_dir() else folder)


def lines_of(measured: Verification) -> list[str]:
    """The figures in words."""
    figures = {
        "AUROC": measured.auroc,
        "equal error rate": measured.equal_error,
        f"nearest of {measured.gallery:,} is the same person": measured.first,
    }
    lines = [f"{measured.people:,} patients with several recordings in the test folds, {measured.pairs:,} pairs"]
    return lines + [f"{name}: {value:.3f} ({low:.3f} to {high:.3f})" for name, (value, low, high) in figures.items()]


def card(measured: Verification, folds: FoldSplit) -> str:
    """The model card of a verifier."""
    figures = "\n".join(f"- {line}" for line in lines_of(measured))
    return f"""# IdentityVerifier

Whether two 12-lead ECGs belong to one person, from their median beats. Learned on folds {folds_text(folds.train)},
measured on {folds_text(folds.test)}, {datetime.date.today().isoformat()}:

{figures}

Research use: to test what synthetic ECGs give away, or to find recordings of one patient under two names. It is wrong
too often to identify anyone.
"""


def holds_output(folder: Path) -> bool:
    """True for a folder of earlier output."""
    return (folder / SUMS_FILE).is_file() and any((folder / name).exists() for name in (VERIFIER, MATCHES))
