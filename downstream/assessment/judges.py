"""The classifiers that judge synthetic records: one for each source, family and seed, so that none trains twice.

Folder of a run: `<source>-<family>-<seed>/`, with run.json (data, settings, seconds) and model/.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from vqecg.downstream.classifiers.models.registry import classifier_class
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.signals import Signals, data_digest, record_digests
from vqecg.downstream.classifiers.thresholds import FIXED
from vqecg.downstream.classifiers.training import (
    LabelledSignals,
    classifier_card,
    model_config,
    predict,
    train_classifier,
)
from vqecg.records.bounds import Checked, Hertz
from vqecg.records.files.atomic import atomic_folder, write_text
from vqecg.records.files.progress import Progress
from vqecg.records.files.reuse import reuse
from vqecg.training.checkpoint import identifying

RUN_FILE, MODEL_FOLDER = "run.json", "model"


@dataclass(frozen=True, eq=False)
class TrainingSource:
    """Records that classifiers are trained on."""

    name: str  # "real", "synthetic" or "reconstructions"
    data: LabelledSignals
    digest: str  # names signals and labels

    @classmethod
    def of(cls, name: str, data: LabelledSignals) -> "TrainingSource":
        """Reads all signals once to name them. Raises ValueError for signals that are not finite."""
        return cls(name, data, data_digest(record_digests(data.signals), data.labels))


@dataclass(frozen=True)
class JudgeSettings(Checked):
    """The settings that all classifiers of an assessment share."""

    classifier: ClassifierSettings  # its model is named by the family; thresholds and patience are not used
    class_names: tuple[str, ...]
    sampling_rate: Hertz  # Hz

    def identity(self, source: TrainingSource, family: str, seed: int) -> dict[str, Any]:
        """Everything that the weights of one classifier depend on."""
        return {
            "source": source.name,
            "data": source.digest,
            "seed": seed,
            "class_names": self.class_names,
            "sampling_rate": self.sampling_rate,
            "classifier": identifying(self.of_family(family)),
            "model": model_config(family, self.class_names, self.sampling_rate),
        }

    def of_family(self, family: str) -> ClassifierSettings:
        """The training of one family: there is no validation part to choose thresholds, or to stop early, by."""
        training = self.classifier.changed({"fit.patience": 0})
        return replace(training, model=family, threshold_policy=FIXED)


def train_judges(
    source: TrainingSource,
    families: Sequence[str],
    seeds: Sequence[int],
    settings: JudgeSettings,
    folder: Path,
    others: Sequence[Path] = (),
    progress: bool = True,
) -> dict[str, list[nn.Module]]:
    """Family -> its classifiers trained on `source`, one per seed, in evaluation mode.

    One that `folder`, or one of `others` (folders of earlier assessments), holds with the same data and settings is
    read instead of trained.
    """
    with Progress[None](
        total=len(families) * len(seeds),
        description=f"classifiers on {source.name}",
        unit="run",
        shown=progress,
    ) as bar:
        judges: dict[str, list[nn.Module]] = {}
        for family in families:
            for seed in seeds:
                judge = one_judge(source, family, seed, settings, folder, others, progress)
                judges.setdefault(family, []).append(judge)
                bar.update()
    return judges


def one_judge(
    source: TrainingSource,
    family: str,
    seed: int,
    settings: JudgeSettings,
    folder: Path,
    others: Sequence[Path],
    progress: bool,
) -> nn.Module:
    """One classifier: read if it was trained before, else trained and written."""
    identity = settings.identity(source, family, seed)
    name = f"{source.name}-{family}-{seed}"
    kind: Any = classifier_class(family)
    for place in (folder / name, *(other / name for other in others)):
        if is_judge(place) and reuse(place, identity, RUN_FILE, key="identity", overwrite=True):
            return kind.from_pretrained(place / MODEL_FOLDER)
    trained = train_classifier(
        source.data,
        settings.of_family(family),
        settings.class_names,
        seed,
        sampling_rate=settings.sampling_rate,
        progress=progress,
        description=name,
    )
    model: Any = trained.model
    with atomic_folder(folder / name, is_judge, overwrite=True) as partial:
        card = classifier_card(trained, f"{source.name} records", len(source.data.labels))
        model.save_pretrained(partial / MODEL_FOLDER, card)
        about = {"identity": identity, "seconds": trained.fit.seconds, "steps": trained.fit.steps}
        write_text(partial / RUN_FILE, json.dumps(about, indent=2) + "\n")
    return model.eval()


def is_judge(folder: Path) -> bool:
    """True where `folder` holds a trained classifier of an assessment."""
    return (folder / RUN_FILE).is_file() and (folder / MODEL_FOLDER).is_dir()


def scores_of(judges: Sequence[nn.Module], signals: Signals) -> np.ndarray:
    """(seeds, records, classes) in 0..1: the scores of each classifier."""
    return np.stack([predict(judge, signals) for judge in judges])
