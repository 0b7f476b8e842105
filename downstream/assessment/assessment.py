"""Everything that is measured of a synthetic set against real records, joined: utility, distance, physiology, privacy.

The real reference is the held-out test part. Real against real stands beside every distance, and with a generator the
same measures of reconstructions stand beside those of its records: what its codes carry without the detail model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from torch import nn
from tqdm.auto import tqdm

from vqecg.downstream.assessment.described_records import (
    DescribedRecords,
    RecordSet,
    describe,
    distance_table,
    shape_tables,
)
from vqecg.downstream.assessment.judges import JudgeSettings, TrainingSource, scores_of, train_judges
from vqecg.downstream.assessment.reconstructions import write_reconstructions
from vqecg.downstream.assessment.utility import (
    POLICY,
    TRTR,
    TRTS,
    TSTR,
    TrainedTested,
    UtilitySettings,
    measure_utility,
)
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.training import LabelledSignals
from vqecg.evaluation.fidelity.distributions import label_distributions
from vqecg.evaluation.privacy.memorisation import MemorisationSettings, memorisation
from vqecg.evaluation.waves.label_adherence import adherence_table
from vqecg.prior.generator import ECGGenerator
from vqecg.records.folds import SplitIndices
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.training.checkpoint import json_values

if TYPE_CHECKING:
    from vqecg.evaluation.waves.segmenter import WaveSegmenter

TEST, TRAINING, SYNTHETIC, RECONSTRUCTIONS = "test", "training", "synthetic", "reconstructions"
CEILING_OF_TSTR, CEILING_OF_TRTS = "ceiling of TSTR", "ceiling of TRTS"
TABLES = ("utility", "ratios", "distances", "physiology", "amplitudes", "shapes", "adherence")


@dataclass(frozen=True)
class AssessmentSettings:
    """How a synthetic set is assessed."""

    utility: UtilitySettings = field(default_factory=UtilitySettings)
    classifier: ClassifierSettings = field(default_factory=ClassifierSettings)
    neighbours: int = 5  # that make a neighbourhood, for precision, recall, density and coverage
    memorisation: MemorisationSettings = field(default_factory=MemorisationSettings)
    seed: int = 0  # of draws of records


@dataclass(frozen=True, eq=False)
class RealData:
    """The real records: a store with its training and test rows."""

    store: RecordStore
    rows: SplitIndices
    task: LabelTask

    @property
    def training(self) -> RecordSet:
        """The training part."""
        return record_set(TRAINING, self.store, self.rows.train, self.task)

    @property
    def test(self) -> RecordSet:
        """The held-out part."""
        return record_set(TEST, self.store, self.rows.test, self.task)


@dataclass(frozen=True, eq=False)
class Ceiling:
    """Reconstructions of real records, from as many levels of codes as the prior writes."""

    training: RecordSet
    test: RecordSet


@dataclass(frozen=True, eq=False)
class Assessment:
    """What was measured, as tidy tables. Fractions of 1 unless a unit is named."""

    about: Mapping[str, Any]  # plain values: what was compared, N, seeds, policy
    utility: pd.DataFrame  # `Utility.scores`
    ratios: pd.DataFrame  # `Utility.ratios`
    distances: pd.DataFrame  # `distance_table`
    physiology: pd.DataFrame  # `label_distributions` with the column compared: "synthetic" or "reconstructions"
    amplitudes: pd.DataFrame  # the first of `shape_tables`
    shapes: pd.DataFrame  # the second of `shape_tables`
    adherence: pd.DataFrame  # `adherence_table` with the column compared
    memorisation: Mapping[str, Any]  # `MemorisationReport`

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; tables as lists of rows, NaN as None."""
        content = {part.name: getattr(self, part.name) for part in fields(self)}
        return json_values(content | {name: content[name].to_dict("records") for name in TABLES})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Assessment":
        """The reverse of `to_dict`."""
        content = dict(values)
        for name in TABLES:
            # None stands for NaN, which only columns of numbers have
            content[name] = pd.DataFrame(content[name]).replace({None: np.nan}).infer_objects()
        return cls(**content)


def record_set(name: str, store: RecordStore, rows: np.ndarray, task: LabelTask) -> RecordSet:
    """Rows of a store, with the labels of `task` by the store's own statement table."""
    table = store.table.iloc[rows]
    return RecordSet(
        name=name,
        signals=RecordSelection(store, rows),
        labels=store.labels(store.same_task(task))[rows],
        statements=tuple(table["statements"]),
        patient_ids=tuple(str(patient) for patient in table["patient_id"]),
    )


def assess(
    real: RealData,
    synthetic_store: RecordStore,
    settings: AssessmentSettings,
    folder: Path,
    segmenter: "WaveSegmenter | None" = None,
    generator: ECGGenerator | None = None,
    earlier: Sequence[Path] = (),
    code_digests: Sequence[str] | None = None,
) -> Assessment:
    """Trains the classifiers that `folder` (or a folder of `earlier`) does not hold, and measures everything.

    The synthetic records are trained on and looked at; they never enter validation or test, and nothing is chosen by
    them. Without a generator there is no ceiling and no membership inference; `code_digests` are the synthetic records'
    codes_sha256 of the manifest. Raises ValueError for parts too small to measure.
    """
    every = np.arange(len(synthetic_store))
    synthetic = record_set(SYNTHETIC, synthetic_store, every, real.task)
    training, test = real.training, real.test
    ceiling = None if generator is None else reconstruct_real(generator, real, folder)
    sources = (training, synthetic, *([ceiling.training] if ceiling else []))
    trained = train_all(sources, real, settings, folder / "runs", earlier)
    designs = utility_designs(training, test, synthetic, ceiling, trained)
    utility = measure_utility(designs, real.task.class_names, settings.utility)

    reader = trained[TRAINING][settings.utility.families[0]][0]
    rate = real.store.spec.sampling_rate
    sets = tqdm((test, *sources), desc="measuring", unit="set", delay=2)
    described = {own.name: describe(own, reader, rate, segmenter) for own in sets}
    compared = [described[own.name] for own in sources[1:]]  # all but the training records
    memory = memorisation(
        RecordSelection(real.store, real.rows.train),
        RecordSelection(real.store, real.rows.test),
        RecordSelection(synthetic_store, every),
        real.task,
        settings.memorisation,
        generator=generator,
        code_digests=code_digests,
    )
    amplitudes, shapes = shape_tables(described[TEST], described[TRAINING], compared)
    return Assessment(
        about=about(real, synthetic, settings, segmenter is not None, generator),
        utility=utility.scores,
        ratios=utility.ratios,
        distances=distance_table(described[TEST], described[TRAINING], compared, settings.neighbours, settings.seed),
        physiology=physiology_table(described[TEST], compared, real.task.class_names, settings.seed),
        amplitudes=amplitudes,
        shapes=shapes,
        adherence=adherence_tables([described[TEST], described[TRAINING]], compared),
        memorisation=memory.to_dict(),
    )


def train_all(
    sources: Sequence[RecordSet], real: RealData, settings: AssessmentSettings, folder: Path, earlier: Sequence[Path]
) -> dict[str, dict[str, list[nn.Module]]]:
    """Source -> family -> classifiers trained on it, one a seed; those that a folder holds already are read."""
    judge = JudgeSettings(settings.classifier, real.task.class_names, real.store.spec.sampling_rate)
    families, seeds = settings.utility.families, settings.utility.seeds
    trained = {}
    for own in sources:
        kind = "real" if own.name == TRAINING else own.name
        source = TrainingSource.of(kind, LabelledSignals(own.signals, own.labels))
        trained[own.name] = train_judges(source, families, seeds, judge, folder, earlier)
    return trained


def reconstruct_real(generator: ECGGenerator, real: RealData, folder: Path) -> Ceiling:
    """Training and test records through the tokenizer and back, with the labels of the originals."""
    found = {}
    for own, rows in ((real.training, real.rows.train), (real.test, real.rows.test)):
        path = folder / f"reconstructions-{own.name}.npy"
        signals = write_reconstructions(generator.tokenizer, real.store, rows, path, generator.prior.config.levels)
        found[own.name] = RecordSet(RECONSTRUCTIONS, signals, own.labels, own.statements, own.patient_ids)
    return Ceiling(found[TRAINING], found[TEST])


def utility_designs(
    training: RecordSet,
    test: RecordSet,
    synthetic: RecordSet,
    ceiling: Ceiling | None,
    trained: Mapping[str, Mapping[str, Sequence[nn.Module]]],
) -> list[TrainedTested]:
    """TRTR, TSTR, TRTS and their ceilings, for each family; `trained` is source -> family -> classifiers."""
    designs = []
    for family in trained[TRAINING]:
        asked: list[tuple[str, RecordSet, str, RecordSet]] = [
            (TRTR, training, TRAINING, test),
            (TSTR, synthetic, SYNTHETIC, test),
            (TRTS, training, TRAINING, synthetic),
        ]
        if ceiling is not None:
            asked.append((CEILING_OF_TSTR, ceiling.training, RECONSTRUCTIONS, test))
            asked.append((CEILING_OF_TRTS, training, TRAINING, ceiling.test))
        for name, source, source_name, target in asked:
            scores = scores_of(trained[source_name][family], target.signals)
            designs.append(TrainedTested(family, name, len(source), target.labels, scores, target.patient_ids))
    return designs


def physiology_table(
    test: DescribedRecords, others: Sequence[DescribedRecords], class_names: Sequence[str], seed: int
) -> pd.DataFrame:
    """`label_distributions` of every set against the real test records."""
    tables = []
    for own in others:
        found = label_distributions(
            test.measures,
            test.records.labels,
            own.measures,
            own.records.labels,
            class_names,
            seed,
            test.records.patient_ids,
        )
        tables.append(found.assign(compared=own.records.name))
    return pd.concat(tables, ignore_index=True)


def adherence_tables(real: Sequence[DescribedRecords], others: Sequence[DescribedRecords]) -> pd.DataFrame:
    """`adherence_table` of every set against all of `real`: rates need no held-out records, and rules are rare."""
    measures = pd.concat([own.measures for own in real], ignore_index=True)
    statements = [row for own in real for row in own.records.statements]
    tables = [
        adherence_table(measures, statements, own.measures, own.records.statements).assign(compared=own.records.name)
        for own in others
    ]
    return pd.concat(tables, ignore_index=True)


def about(
    real: RealData, synthetic: RecordSet, settings: AssessmentSettings, segmented: bool, generator: ECGGenerator | None
) -> dict[str, Any]:
    """What the figures are figures of."""
    family, seed = settings.utility.families[0], settings.utility.seeds[0]
    return {
        "real": real.store.description,
        "task": real.task.name,
        "class_names": list(real.task.class_names),
        "training_records": len(real.rows.train),
        "test_records": len(real.rows.test),
        "synthetic_records": len(synthetic),
        "settings": asdict(settings),
        "policy": POLICY,
        "features": f"{family} of seed {seed}, trained on the real training records",
        "intervals_from": "a trained segmenter" if segmented else "R peaks alone",
        "ceiling_levels": None if generator is None else generator.prior.config.levels,
    }
