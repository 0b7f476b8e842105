"""Do two ECGs belong to one person: a verifier is learned and measured, or recordings are searched for in a store."""

import datetime
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from vqecg.downstream.tasks.identity.comparison import median_beats
from vqecg.downstream.tasks.identity.verification import Verification, verification
from vqecg.downstream.tasks.identity.verifier import CHUNK, IdentityVerifier, IdentityVerifierConfig
from vqecg.evaluation.statistics.resampling import BootstrapSettings
from vqecg.records.bounds import Checked
from vqecg.records.files.atomic import atomic_folder, check_destination, write_text
from vqecg.records.files.checksums import SUMS_FILE, write_checksums
from vqecg.records.files.progress import Progress
from vqecg.records.folds import FoldSplit, folds_text
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.stage import alone

VERIFIER, FIGURES, MATCHES = "verifier", "verification.json", "matches.csv"
UNLIKELY = 0.05  # chance that strangers are as near


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
def identify(step: IdentifyingStep) -> Outcome:
    """Learns and measures a verifier, or searches with one. Returns what came of it.

    Raises ValueError for options that do not go together, a store of another rate, and too few patients.
    """
    if (step.verifier is None) != (step.against is None):
        raise ValueError(
            "expected --verifier and --against together, to search for recordings, or neither, to learn a verifier"
        )
    check_destination(step.out, holds(FIGURES if step.verifier is None else MATCHES), step.overwrite)
    store = RecordStore.open(step.store)
    if step.verifier is None or step.against is None:
        return learned(step, store)
    return searched(step, store, RecordStore.open(step.against), read_verifier(step.verifier))


def learned(step: IdentifyingStep, store: RecordStore) -> Outcome:
    """Learns on the training folds, measures on the test folds, and writes both."""
    split, patients = step.folds.indices(store.table), store.patients(np.arange(len(store)))
    names, counts = np.unique(patients[split.test].astype(str), return_counts=True)
    probes = split.test[np.isin(patients[split.test].astype(str), names[counts > 1])]
    if not len(probes):
        raise ValueError("no patient has several recordings in the test folds; expected some: choose others")
    beats = beats_of(store)
    config = IdentityVerifierConfig(sampling_rate=store.spec.sampling_rate)
    verifier = IdentityVerifier.fit(beats[split.train], patients[split.train], config)
    scores, same = verifier.scores(beats[probes], beats[split.test]), probes[:, None] == split.test[None]
    measured = verification(scores, patients[probes], patients[split.test], same, step.bootstrap)
    with atomic_folder(step.out, holds(FIGURES), step.overwrite) as partial:
        verifier.save_pretrained(partial / VERIFIER, card(measured, step.folds))
        write_text(partial / FIGURES, json.dumps(asdict(measured), indent=2) + "\n")
        write_checksums(partial)
    lines = [*lines_of(measured), f"the verifier is in {step.out}"]
    return Outcome({"out": step.out} | asdict(measured), "\n".join(lines))


def searched(step: IdentifyingStep, store: RecordStore, other: RecordStore, verifier: IdentityVerifier) -> Outcome:
    """The nearest recording of `store` to each of `other`."""
    for one in (store, other):
        if one.spec.sampling_rate != verifier.config.sampling_rate:
            raise ValueError(
                f"{one.folder} has {one.spec.sampling_rate} Hz, the verifier compares beats at "
                f"{verifier.config.sampling_rate} Hz: prepare it at that rate"
            )
    known, sought = beats_of(store), beats_of(other)
    itself = store.fingerprint == other.fingerprint  # who is there twice is not the recording itself
    nearest, best = np.zeros(len(other), np.int64), np.zeros(len(other))
    for start in Progress(range(0, len(other), CHUNK), description="comparing", unit="batch"):
        rows = np.arange(start, min(start + CHUNK, len(other)))
        scores = verifier.scores(sought[rows], known)
        if itself:
            scores[np.arange(len(rows)), rows] = -np.inf
        nearest[rows], best[rows] = scores.argmax(1), scores.max(1)
    false = verifier.false_matches(best)
    strangers = len(store) - itself
    by_chance = -np.expm1(strangers * np.log1p(-np.minimum(false, 1 - 1e-12)))
    table = pd.DataFrame(
        {
            "record_id": other.table["record_id"].tolist(),
            "nearest": store.table["record_id"].iloc[nearest].tolist(),
            "nearest_patient": store.patients(nearest),
            "score": best,
            "false_matches": false,
            "by_chance": by_chance,
        }
    ).sort_values("score", ascending=False, kind="stable", ignore_index=True)
    with atomic_folder(step.out, holds(MATCHES), step.overwrite) as partial:
        write_text(partial / MATCHES, table.to_csv(index=False))
        write_checksums(partial)
    near = (by_chance < UNLIKELY).mean()
    return Outcome(
        {"out": step.out, "recordings": len(other), "searched": strangers, "share_by_chance_below_0.05": near},
        f"{step.out / MATCHES}: the nearest of {strangers:,} recordings to each of {len(other):,}. For "
        f"{near:.1%} of them the nearest of as many strangers would seldom be as near "
        f"(by_chance below {UNLIKELY:g}; {UNLIKELY:.0%} if all were strangers)",
    )


def beats_of(store: RecordStore) -> np.ndarray:
    """The median beats of a store's recordings: (records, 8, samples) mV."""
    starts = Progress(range(0, len(store), CHUNK), description="measuring beats", unit="batch")
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


def holds(content: str) -> Callable[[Path], bool]:
    """A test of folders: True for an earlier output that has the file `content`."""
    return lambda folder: (folder / SUMS_FILE).is_file() and (folder / content).is_file()
