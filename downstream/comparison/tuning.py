"""Steps, share and number of synthetic records, chosen for every arm alike on the validation part.

A mixture that is compared with real records in a fixed number of steps may win because these overfit by then: half
synthetic batches show each real record half as often. So all arms, real only included, get the same choice of steps,
and mixtures one of shares (0 among them, if asked for) and numbers of records. Candidates are trained with seeds that
the comparison does not use, and are judged on the validation part; the test part is not predicted, nor do the
candidates' folders know of it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from vqecg.downstream.classifiers.metrics import classification_metrics
from vqecg.downstream.classifiers.mixture import SHARE
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.signals import SelectedSignals, data_digest, record_digests
from vqecg.downstream.comparison.arms.arm_data import (
    Arm,
    ArmData,
    EnsembleArm,
    NetworkMember,
    TrainingArm,
    name_of,
    trained_by,
)
from vqecg.downstream.comparison.comparison import ReadyComparison
from vqecg.downstream.comparison.members import finish_runs, task_of
from vqecg.downstream.comparison.runs import FinishedRun, PreparedRuns, Run
from vqecg.downstream.comparison.tuning_settings import TuningSettings

OF_STREAM = "mixture."  # the settings of a stream, which without one mean nothing
STEPS, WARMUP = "fit.steps", "fit.warmup_steps"
Trained: TypeAlias = ArmData | TrainingArm | None  # a way to train; None: real only


@dataclass(frozen=True)
class Candidate:
    """One choice for an arm."""

    steps: int
    share: float | None = None  # of the synthetic stream; None for an arm without one
    records: int | None = None  # of the stream, its first ones; None without one, or with a share of 0

    @property
    def words(self) -> str:
        """The choice in words, as "500 steps, share 0.5, 3,335 synthetic records"."""
        share = "" if self.share is None else f", share {self.share:g}"
        records = "" if self.records is None else f", {self.records:,} synthetic records"
        return f"{self.steps:,} steps{share}{records}"


def tuned(ready: ReadyComparison, folder: Path, workers: int = 1, progress: bool = True) -> ReadyComparison:
    """The comparison with what is best on the validation part for every arm; candidates are trained in `folder`.

    Every way to train is tuned once, however many arms average its networks; arms that add records train their
    candidates on what the first seed adds. Of candidates that are as good the one of fewer steps, then of a smaller
    share, is taken. A comparison without anything to choose stays as it is. Raises ValueError for a validation part
    that nothing can be judged on.
    """
    settings, arms = ready.settings.tuning, ready.arms
    if not settings.wanted:
        return ready
    first = next(iter(arms))
    ways = {name_of(way): way for way in map(trained_by, arms[first])}
    bench = Bench(ready.prepared, first, ready.settings.training, settings)
    candidates = {name: bench.candidates(way) for name, way in ways.items()}
    runs = {
        (name, candidate, seed): bench.run(ways[name], candidate, seed)
        for name, of_way in candidates.items()
        for candidate in of_way
        for seed in settings.seeds
    }
    tasks = {run.keyed_slug: task_of(run, folder, by_key=True) for run in runs.values()}
    finished = finish_runs(tasks, workers, progress, "candidates")
    scores = {
        name: [[bench.score(finished[runs[name, one, seed].keyed_slug]) for seed in settings.seeds] for one in of_way]
        for name, of_way in candidates.items()
    }
    best = {name: of_way[int(np.argmax(np.mean(scores[name], axis=1)))] for name, of_way in candidates.items()}
    rows = [
        candidate_row(name, one, scores[name][number], settings.metric, one == best[name])
        for name, of_way in candidates.items()
        for number, one in enumerate(of_way)
    ]
    return bench.placed(ready, best, rows)


@dataclass(frozen=True, eq=False)
class Bench:
    """The data and settings that all candidates share."""

    prepared: PreparedRuns
    first: int  # seed of the comparison whose additions the candidates train on
    training: ClassifierSettings
    settings: TuningSettings
    # digest of a whole stream and a number of records -> the digest of its first so many
    digests: dict[tuple[str, int], str] = field(default_factory=dict)

    def candidates(self, way: Trained) -> list[Candidate]:
        """The choices of a way to train, from few steps and small shares to many; at least one."""
        changes = {} if way is None else way.changes
        steps = sorted(self.settings.steps)
        if STEPS in changes or not steps:
            steps = [self.training.changed(changes).fit.steps]
        if not isinstance(way, ArmData) or not way.stream:
            return [Candidate(number) for number in steps]
        shares = [share for share in sorted(self.settings.shares) if self.can_have(way, share)] or [changes[SHARE]]
        whole, real = len(way.labels), len(self.prepared.train.labels)
        counts = sorted({max(1, min(whole, round(times * real))) for times in self.settings.times} or {whole})
        return [
            Candidate(number, share, records)
            for number in steps
            for share in shares
            for records in (counts if share else [None])
        ]

    def can_have(self, way: ArmData, share: float) -> bool:
        """True for a share that a mixture can have: one whose share falls from twice its mean has half at most."""
        try:
            return bool(self.training.changed({**way.changes, SHARE: share})) if share else True
        except ValueError:
            return False

    def run(self, way: Trained, candidate: Candidate, seed: int) -> Run:
        """The training of a candidate, which knows the validation part in place of the test part."""
        chosen = chosen_way(way, candidate)
        blind = replace(self.with_digest(self.prepared, way, candidate, self.first), test=self.prepared.validation)
        blind = replace(blind, digests={**blind.digests, "test": blind.digests["validation"]})
        classifier = self.training.changed(self.changes(way, candidate))
        return Run(blind, chosen, seed, classifier, None if chosen is None else (self.first, chosen.name))

    def changes(self, way: Trained, candidate: Candidate) -> dict[str, Any]:
        """Of the settings of all classifiers, by dotted names: what belongs to no arm."""
        if way is not None and STEPS in way.changes:
            return {}
        return {STEPS: candidate.steps, WARMUP: self.training.of_steps(candidate.steps).fit.warmup_steps}

    def with_digest(self, prepared: PreparedRuns, way: Trained, candidate: Candidate, seed: int) -> PreparedRuns:
        """The same data with the digest of the first records of a way's stream, where a candidate has not all."""
        if not isinstance(way, ArmData) or candidate.records is None or candidate.records >= len(way.labels):
            return prepared
        part = (prepared.added[seed, way.name], candidate.records)
        if part not in self.digests:
            signals = SelectedSignals(way.signals, np.arange(candidate.records))
            self.digests[part] = data_digest(record_digests(signals), way.labels[: candidate.records])
        return replace(prepared, added={**prepared.added, (seed, way.name): self.digests[part]})

    def score(self, run: FinishedRun) -> float:
        """The macro metric on the validation part. Raises ValueError where no class can be judged there."""
        labels, names = self.prepared.validation.labels, self.prepared.class_names
        metrics = classification_metrics(labels, run.validation_scores, run.thresholds, names, run.threshold_policy)
        if math.isnan(metrics.macro[self.settings.metric]):
            raise ValueError(
                f"no class of {', '.join(names)} is both present and absent in the validation part: nothing can be "
                "tuned on it; name more folds for validation"
            )
        return metrics.macro[self.settings.metric]

    def placed(
        self, ready: ReadyComparison, best: Mapping[str, Candidate], rows: Sequence[Mapping[str, Any]]
    ) -> ReadyComparison:
        """The comparison with the arms of all seeds as chosen."""
        prepared, arms, ways = self.prepared, dict[int, tuple[Arm | None, ...]](), dict[str, Mapping[str, Any]]()
        for seed, of_seed in ready.arms.items():
            placed: list[Arm | None] = []
            for name, way in {name_of(way): way for way in map(trained_by, of_seed)}.items():
                prepared = self.with_digest(prepared, way, best[name], seed)
            for arm in of_seed:
                way = trained_by(arm)
                candidate = best[name_of(way)]
                chosen = chosen_way(way, candidate)
                ways[name_of(chosen)] = self.changes(way, candidate)
                placed.append(placed_arm(arm, chosen, candidate))
            arms[seed] = tuple(placed)
        return replace(ready, arms=arms, prepared=prepared, ways=ways, candidates=tuple(rows))


def chosen_way(way: Trained, candidate: Candidate) -> Trained:
    """A way to train with the share and the records of a candidate; without a stream where its share is 0.

    The stream of another seed may have fewer records than the one that was tuned: then it is taken whole.
    """
    if candidate.share is None or not isinstance(way, ArmData):
        return way
    others = {name: value for name, value in way.changes.items() if not name.startswith(OF_STREAM)}
    if candidate.share == 0 or candidate.records is None:
        lone = not others and way.pretraining is None
        return None if lone else TrainingArm(way.name, others, f"{way.note}: share 0", way.pretraining)
    changes = {**way.changes, SHARE: candidate.share}
    if candidate.records >= len(way.labels):
        return replace(way, changes=changes)
    rows = np.arange(candidate.records)
    copies = round(way.copies * candidate.records / len(way.labels))  # of joined streams all kinds are among the first
    return replace(
        way, signals=SelectedSignals(way.signals, rows), labels=way.labels[rows], copies=copies, changes=changes
    )


def placed_arm(arm: Arm | None, way: Trained, candidate: Candidate) -> Arm | None:
    """An arm as it was chosen, which says so."""
    if arm is None:
        return None
    note = f"{arm.note}; tuned on validation: {candidate.words}"
    if isinstance(arm, EnsembleArm):
        return replace(arm, note=note, trained=way)
    if way is None:  # a mixture of nothing: the very classifiers of real only
        return EnsembleArm(arm.name, (NetworkMember(),), note)
    return replace(way, note=note)


def candidate_row(
    name: str, candidate: Candidate, scores: Sequence[float], metric: str, chosen: bool
) -> dict[str, Any]:
    """A row of the table of candidates: arm, steps, share and records (None where it has no stream), metric, score
    (mean over the seeds of tuning), std, seeds, chosen."""
    return {
        "arm": name,
        "steps": candidate.steps,
        "share": candidate.share,
        "records": candidate.records,
        "metric": metric,
        "score": float(np.mean(scores)),
        "std": float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
        "seeds": len(scores),
        "chosen": chosen,
    }
