"""The designs of an assessment: which classifiers are trained on what, and tested on what."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import nn

from vqecg.downstream.assessment.judges import JudgeSettings, TrainingSource, scores_of, train_judges
from vqecg.downstream.assessment.record_sets import Ceiling, RealData, RecordSet
from vqecg.downstream.assessment.results import CEILING_OF_TRTS, CEILING_OF_TSTR, RECONSTRUCTIONS, SYNTHETIC, TRAINING
from vqecg.downstream.assessment.settings import AssessmentSettings
from vqecg.downstream.assessment.utility import TRTR, TRTS, TSTR, TrainedTested
from vqecg.downstream.classifiers.training import LabelledSignals

Judges = Mapping[str, Mapping[str, Sequence[nn.Module]]]  # source -> family -> classifiers, one per seed


def train_all(
    sources: Sequence[RecordSet], real: RealData, settings: AssessmentSettings, folder: Path, earlier: Sequence[Path]
) -> Judges:
    """Classifiers of every family and seed trained on each source; those that a folder holds already are read."""
    judge = JudgeSettings(settings.training, real.task.class_names, real.store.spec.sampling_rate)
    trained = {}
    for source in sources:
        name = "real" if source.name == TRAINING else source.name
        data = TrainingSource.of(name, LabelledSignals(source.signals, source.labels))
        trained[source.name] = train_judges(data, settings.families, settings.seeds, judge, folder, earlier)
    return trained


def utility_designs(
    training: RecordSet, test: RecordSet, synthetic: RecordSet, ceiling: Ceiling | None, trained: Judges
) -> list[TrainedTested]:
    """TRTR, TSTR, TRTS and their ceilings, for each family."""
    # name, records trained on, source of the classifiers, records tested on
    designs: list[tuple[str, RecordSet, str, RecordSet]] = [
        (TRTR, training, TRAINING, test),
        (TSTR, synthetic, SYNTHETIC, test),
        (TRTS, training, TRAINING, synthetic),
    ]
    if ceiling is not None:
        designs.append((CEILING_OF_TSTR, ceiling.training, RECONSTRUCTIONS, test))
        designs.append((CEILING_OF_TRTS, training, TRAINING, ceiling.test))
    return [
        TrainedTested(
            family=family,
            name=name,
            trained_on=len(source),
            labels=target.labels,
            scores=scores_of(trained[source_name][family], target.signals),
            patient_ids=target.patient_ids,
        )
        for family in trained[TRAINING]
        for name, source, source_name, target in designs
    ]
