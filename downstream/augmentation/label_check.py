"""The check that a synthetic record shows its labels: by classifiers and by physiological rules.

The classifiers are cross-fitted: the training records are split by patient, and each classifier scores the part that it
has not seen. So the scores that the cut is taken from are such as a new record would get; a classifier's scores of the
records it was trained on are higher, and would reject real ones. A record that derives from real ones is judged by the
classifiers that have not seen these, where there is one. Nothing of validation or test enters.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from torch import nn

from vqecg.downstream.assessment.judges import JudgeSettings, TrainingSource, train_judges
from vqecg.downstream.augmentation.verdict import Verdict
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.training import LabelledSignals, predict
from vqecg.evaluation.waves.adherence_rules import RULES, AdherenceRule
from vqecg.evaluation.waves.label_adherence import meets_rule, spellings
from vqecg.evaluation.waves.physiology import physiology
from vqecg.evaluation.waves.segmenter import WaveSegmenter
from vqecg.prior.synthetic_records import SyntheticRecords
from vqecg.records.bounds import Checked, Count, Percentile, Seed, Share
from vqecg.records.labels import LabelTask
from vqecg.records.patients import patient_parts
from vqecg.records.store.selection import RecordSelection

CLASSIFIER, RULE = "classifier", "rule"  # reasons of a rejection


@dataclass(frozen=True)
class LabelCheckSettings(Checked):
    """The share of a label that must be seen."""

    percentile: Percentile = 5.0  # of the scores of real training records with a class; below it is too low
    rule_share: Share = 0.8  # of real training records with a statement that keep its rule, or the rule is not used
    least: Count = 20  # real training records with a class or statement, or nothing is asked for it
    parts: Count = 2  # of the training records, by patient; as many classifiers are trained, each on all but one part
    seed: Seed = 0  # of the classifiers

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.percentile == 100 or self.parts < 2:
            raise ValueError(
                f"percentile is {self.percentile} and parts {self.parts}; expected a percentile below 100 and at least "
                "2 parts"
            )


@dataclass(frozen=True, eq=False)
class LabelCheck:
    """Rejects a record that does not show a label asked for; made with `fit`."""

    task: LabelTask
    sampling_rate: int  # Hz
    classifiers: Sequence[nn.Module]  # one for each part of the training records, trained on the others, or none
    lowest: np.ndarray  # (classes,) score below which a class is not shown; -inf where nothing is asked
    rules: tuple[AdherenceRule, ...] = ()  # those that real training records keep
    segmenter: WaveSegmenter | None = None  # without it only rules of rate and rhythm can be judged
    kept_by_real: pd.DataFrame = field(default_factory=pd.DataFrame)  # rule, records, kept: in training, used or not
    part_of: Mapping[int, int] = field(default_factory=dict)  # row of the store -> part of a training record

    @classmethod
    def fit(
        cls,
        training: RecordSelection,
        task: LabelTask,
        classifier: ClassifierSettings,
        folder: Path,
        settings: LabelCheckSettings | None = None,
        segmenter: WaveSegmenter | None = None,
        progress: bool = True,
    ) -> "LabelCheck":
        """Trains the classifiers in `folder` (or reads them, where it holds those of the same data and settings).

        `training` are the training records. Raises ValueError for fewer patients than parts.
        """
        settings = settings or LabelCheckSettings()
        parts = patient_parts(training.patients, settings.parts, settings.seed)
        labels, rate = training.labels(task, math.nan), training.store.spec.sampling_rate
        judging = JudgeSettings(classifier, task.class_names, rate)
        models: list[nn.Module] = []
        scores = np.zeros(labels.shape)
        for part in range(settings.parts):
            others, seed = parts != part, settings.seed + part
            data = LabelledSignals(training.only(others), labels[others])
            source = TrainingSource.of(f"real-without-part-{part}", data)
            judges = train_judges(source, [classifier.model], [seed], judging, folder, progress=progress)
            models += judges[classifier.model]
            scores[~others] = predict(models[-1], training.only(~others))
        lowest = lowest_scores(labels, scores, settings)
        real = rules_of_real(training, segmenter)
        usable = (real["records"] >= settings.least) & (real["kept"] >= settings.rule_share)
        rules = tuple(rule for rule, use in zip(RULES, usable, strict=True) if use)
        part_of = dict(zip(training.rows.tolist(), parts.tolist(), strict=True))
        return cls(task, rate, models, lowest, rules, segmenter, real, part_of)

    def describe(self) -> str:
        """The demands on a record, in a sentence."""
        asked = [f"{name} {cut:.3f}" for name, cut in zip(self.task.class_names, self.lowest, strict=True) if cut > 0]
        rules = [f"{rule.statement} ({rule.asked})" for rule in self.rules]
        return (
            f"A label counted as shown when {len(self.classifiers)} classifiers, cross-fitted on training records (a "
            "record made of real ones: those that have not seen them, where there is one), gave it at least the score "
            f"{', '.join(asked) or '(none asked)'} in the mean, and these rules held: "
            f"{', '.join(rules) or 'none'}."
        )

    def judge(self, records: SyntheticRecords) -> list[Verdict]:
        """The first reason to reject each record: a class that the classifiers do not see, or a rule that it breaks.

        A rule whose measure a record does not show (no P wave, say) says nothing of it.
        """
        if not len(records):
            return []
        unseen = np.zeros(records.labels.shape, bool)
        if self.classifiers:
            unseen = (records.labels > 0.5) & (self.scores(records) < self.lowest)
        broken = self.broken_rules(records)
        return [
            Verdict(CLASSIFIER, self.task.names(classes)) if classes.any()
            else Verdict(RULE, statements) if statements else Verdict()
            for classes, statements in zip(unseen, broken, strict=True)
        ]  # fmt: skip

    def scores(self, records: SyntheticRecords) -> np.ndarray:
        """The mean score of the classifiers that have not seen a record's parents, of all where each has seen one.

        (records, classes) float64.
        """
        judging = np.ones((len(records), len(self.classifiers)))
        for row, parents in enumerate(records.parents.tolist()):
            parts = {self.part_of[parent] for parent in parents if parent in self.part_of}
            if len(parts) == 1:  # that part's classifier was trained on the other parts
                judging[row] = np.arange(len(self.classifiers)) == parts.pop()
        scores = np.stack([predict(model, records.signal) for model in self.classifiers], axis=1)
        return (scores * judging[..., None]).sum(axis=1) / judging.sum(axis=1)[:, None]

    def broken_rules(self, records: SyntheticRecords) -> list[tuple[str, ...]]:
        """The statements of each record whose rule it breaks."""
        carried = carried_rules(records.statements, self.rules)
        broken: list[list[str]] = [[] for _ in carried]
        rows = np.flatnonzero([bool(rules) for rules in carried])
        if len(rows):
            table = physiology([records.signal[rows]], self.sampling_rate, self.segmenter)
            for rule in self.rules:
                for row, holds in zip(rows, meets_rule(rule, table), strict=True):
                    if rule in carried[row] and holds == 0:
                        broken[row].append(rule.statement)
        return [tuple(dict.fromkeys(names)) for names in broken]


def lowest_scores(labels: np.ndarray, scores: np.ndarray, settings: LabelCheckSettings) -> np.ndarray:
    """The percentile of the scores of the records with each class, -inf for a class of too few: (classes,)."""
    lowest = np.full(labels.shape[1], -np.inf)
    for column in range(labels.shape[1]):
        present = labels[:, column] > 0.5
        if present.sum() >= settings.least:
            lowest[column] = np.percentile(scores[present, column], settings.percentile)
    return lowest


def rules_of_real(training: RecordSelection, segmenter: WaveSegmenter | None) -> pd.DataFrame:
    """The share of real records with the statement of each of RULES that keep it: rule, records (measurable), kept."""
    carried = carried_rules(training.store.table["statements"].iloc[training.rows].tolist(), RULES)
    rows = np.flatnonzero([bool(rules) for rules in carried])
    bound = training.only(rows)
    table = physiology(bound.chunks(), training.store.spec.sampling_rate, segmenter) if len(rows) else pd.DataFrame()
    shares = []
    for rule in RULES:
        has = np.array([rule in carried[row] for row in rows], bool)
        holds = meets_rule(rule, table)[has]
        known = holds[np.isfinite(holds)]
        shares.append({"rule": rule.name, "records": len(known), "kept": known.mean() if len(known) else np.nan})
    return pd.DataFrame(shares)


def carried_rules(
    statements: Sequence[Mapping[str, float]], rules: Sequence[AdherenceRule]
) -> list[tuple[AdherenceRule, ...]]:
    """The rules of each record's statements, by whichever abbreviation."""
    spelled = spellings()
    carried = [{spelled.get(name, name) for name in names} for names in statements]
    return [tuple(rule for rule in rules if rule.statement in names) for names in carried]
