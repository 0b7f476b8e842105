"""Training a classifier on real records, synthetic ones, or both, by the same rule for every arm of a comparison.

Given a seed, every arm starts from the same weights and takes the same number of steps with the same schedule. The
weights of the last step are kept: nothing is selected on validation or test, so no arm can be lucky in a selection. The
validation part gives the thresholds, and nothing else. A recipe with patience (`fit.patience`; only `zhang-sun` has it)
asks for another rule: training stops early, and the weights of the lowest validation loss are kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor, nn

from vqecg.downstream.classifiers.batch_augmentation import AUGMENTATIONS, MIXUP, Batch
from vqecg.downstream.classifiers.batch_loss import BatchLoss, loss_of, validation_loss
from vqecg.downstream.classifiers.mixing.branches import SHARED
from vqecg.downstream.classifiers.mixing.phases import Phase, fit_phases
from vqecg.downstream.classifiers.mixture import MixedExamples, MixtureSettings, labels_in_shares
from vqecg.downstream.classifiers.models.interface import LabelAware
from vqecg.downstream.classifiers.models.registry import classifier_class
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.signals import JoinedSignals, Signals, excerpts, in_batches
from vqecg.downstream.classifiers.thresholds import FIXED, Thresholds, choose_thresholds
from vqecg.records.plain_names import markdown
from vqecg.training.checkpoint import identifying
from vqecg.training.fit import FitResult
from vqecg.training.sampler import Examples
from vqecg.training.weights import build_model

if TYPE_CHECKING:
    from vqecg.downstream.classifiers.pretraining.registry import Pretraining
    from vqecg.downstream.classifiers.pretraining.shared import SharedPretraining

TEACHER_SEED = 1_000_000  # added to the seed of a training for its teacher's, as for the second of "two networks"


@dataclass(frozen=True, eq=False)
class LabelledSignals:
    """Signals with their labels."""

    signals: Signals  # (records, leads, samples) float32 mV when indexed
    labels: np.ndarray  # (records, classes) float32 in 0..1, NaN = unknown
    unlabelled: bool = False  # some may have no known label at all: those that consistency gives targets

    def __post_init__(self) -> None:
        labels = np.asarray(self.labels, dtype=np.float32)
        if labels.ndim != 2 or len(labels) != len(self.signals) or not len(labels):
            raise ValueError(
                f"got {len(self.signals)} signals and labels of shape {labels.shape}; "
                "expected (records, classes), at least one record, and a row of labels for each"
            )
        unknown = np.isnan(labels)
        if not ((labels >= 0) & (labels <= 1) | unknown).all():
            raise ValueError(
                f"labels go from {np.nanmin(labels)} to {np.nanmax(labels)}; expected 0 (absent) to 1 (present)"
            )
        if unknown.all(axis=1).any() and not self.unlabelled:
            raise ValueError(
                f"of {unknown.all(axis=1).sum():,} records no label is known; expected at least one of each: leave "
                "records without labels out (SplitIndices.unlabelled)"
            )
        object.__setattr__(self, "labels", labels)


@dataclass(frozen=True, eq=False)
class TrainedClassifier:
    """A classifier with what is needed to use and to judge it."""

    model: nn.Module  # in evaluation mode
    fit: FitResult
    thresholds: Thresholds  # from the validation part, or fixed


@dataclass(frozen=True, eq=False)
class ClassifierExamples:
    """Training records as `fit` asks for them."""

    data: LabelledSignals
    settings: ClassifierSettings
    sampling_rate: int  # Hz

    def __len__(self) -> int:
        return len(self.data.labels)

    def batch(self, indices: np.ndarray, generator: np.random.Generator) -> dict[str, Tensor]:
        """`signal` (batch, leads, samples or crop) float32 mV and `labels` (batch, classes) float32.

        For consistency also `weak`, signals before augmentation of the records with unknown labels, if there are any.
        """
        signal = np.asarray(self.data.signals[indices], dtype=np.float32)
        labels = self.data.labels[indices]
        signal = excerpts(signal, round(self.settings.crop_seconds * self.sampling_rate), generator)
        asked, doubtful = self.settings.augmentation, np.isnan(labels).any(axis=1)
        views = self.settings.consistency.weight and doubtful.any()
        weak = {"weak": torch.from_numpy(signal[doubtful])} if views else {}
        signal, labels = AUGMENTATIONS.get(asked.name)(Batch(signal, labels, self.sampling_rate), asked, generator)
        return {"signal": torch.from_numpy(signal), "labels": torch.from_numpy(labels), **weak}


def model_config(
    name: str, class_names: Sequence[str], sampling_rate: int, settings: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The fields of the config of model `name`, defaults too: what the identity of a training must hold.

    `sampling_rate` in Hz; `settings` are fields by name. Raises ValueError as the config does.
    """
    model_class: Any = classifier_class(name)
    config = {"class_names": tuple(class_names), "sampling_rate": sampling_rate, **(settings or {})}
    return identifying(model_class.config_class(**config))


def initial_classifier(name: str, config: dict[str, Any], seed: int) -> nn.Module:
    """A new model of `name` whose weights depend on `seed` and the config only; torch's global state is left alone."""
    model_class: Any = classifier_class(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_model(model_class, model_class.config_class(**config))


def train_classifier(
    train: LabelledSignals,
    settings: ClassifierSettings,
    class_names: Sequence[str],
    seed: int,
    validation: LabelledSignals | None = None,
    sampling_rate: int = 100,
    folder: Path | None = None,
    progress: bool = True,
    description: str = "classifier",
    real_labels: np.ndarray | None = None,
    model_settings: Mapping[str, Any] | None = None,
    stream: LabelledSignals | None = None,
    pretraining: "Pretraining | SharedPretraining | None" = None,
) -> TrainedClassifier:
    """Trains a new classifier on `train` and chooses its thresholds on `validation`.

    With `settings.fit.patience` validation also says when to stop: its loss is measured every `fit.evaluate_every`
    steps, training ends after so many measurements without a lower one, and the weights of the lowest are kept.

    Training on synthetic records alone is this too, with a `train` of nothing else. With a `folder` the run can be
    interrupted and resumed. A `LabelAware` model is given `real_labels` (records, classes) 0/1, of the real training
    records; None takes those of `train`, which then should hold no synthetic ones. `model_settings` are further fields
    of the model's config, by name. Of every batch `settings.mixture.share` comes from `stream`, synthetic records that
    are augmented as the real ones are; weights of classes are those of both in their shares. Where `soft_labels` are
    asked for, a teacher is trained on `train` alone first, by the same settings and another seed. A `pretraining`
    changes the initial weights, of teachers too, before all that.

    The loss is a mean over the labels that are known: of a training record, some may be NaN, of validation none.

    Raises ValueError for labels that do not fit the classes, for thresholds or early stopping by validation without a
    validation part, and for a stream without a share of the batch, or a share without a stream.
    """
    known = train.labels if real_labels is None else np.asarray(real_labels)
    check_data(settings, class_names, [train.labels, known], validation, stream)
    if stream is not None and settings.mixture.soft_labels:
        teacher = train_classifier(
            train, settings.changed({"mixture": MixtureSettings()}), class_names, seed + TEACHER_SEED, validation,
            sampling_rate, folder and folder / "teacher", progress, f"{description}, teacher", known, model_settings,
            pretraining=pretraining,
        )  # fmt: skip
        stream = softened(stream, teacher.model, settings.mixture.soft_labels)
    config = {"class_names": tuple(class_names), "sampling_rate": sampling_rate, **(model_settings or {})}
    model = initial_classifier(settings.model, config, seed)
    if isinstance(model, LabelAware):
        model.learn_labels(known)
    if pretraining is not None:
        pretraining.train(model, seed, folder and folder / "pretraining", progress, f"{description}, pretraining")
    mixture = settings.mixture if stream is not None else MixtureSettings()
    loss, of_real = losses_of(train, stream, settings)
    mixed = Phase(examples_of(train, stream, settings, sampling_rate), loss)
    real = Phase(ClassifierExamples(train, settings, sampling_rate), of_real)
    stopping = validation_loss(loss, validation) if validation is not None and settings.fit.patience else None
    result = fit_phases(
        model, mixed, real, replace(settings.fit, seed=seed), mixture.branch, mixture.head_share, folder, stopping,
        description, progress,
    )  # fmt: skip
    return TrainedClassifier(model, result, thresholds_of(model, validation, settings.threshold_policy, class_names))


def thresholds_of(
    model: nn.Module, validation: LabelledSignals | None, policy: str, class_names: Sequence[str]
) -> Thresholds:
    """The thresholds of a trained classifier by a policy on the validation part; .5 each without one."""
    if validation is None:
        return Thresholds((0.5,) * len(class_names), FIXED)
    return choose_thresholds(policy, validation.labels, predict(model, validation.signals), class_names)


def losses_of(
    train: LabelledSignals, stream: LabelledSignals | None, settings: ClassifierSettings
) -> tuple[BatchLoss, BatchLoss]:
    """The loss on batches of both, with weights of classes in their shares, and that on batches of real records."""
    unknown = any(np.isnan(part.labels).any() for part in (train, stream) if part is not None)
    mixture, synthetic = (MixtureSettings(), None) if stream is None else (settings.mixture, stream.labels)
    shared = labels_in_shares(train.labels, synthetic, mixture)
    both, of_real = (
        loss_of(settings.loss, labels, bool(unknown), settings.consistency) for labels in (shared, train.labels)
    )
    return both, of_real


def check_data(
    settings: ClassifierSettings,
    class_names: Sequence[str],
    labels: Sequence[np.ndarray],
    validation: LabelledSignals | None,
    stream: LabelledSignals | None,
) -> None:
    """Raises ValueError for `labels`, or those of other parts, that do not fit, or without the validation needed."""
    for given in (*labels, *(part.labels for part in (validation, stream) if part is not None)):
        if given.ndim != 2 or given.shape[1] != len(class_names):
            raise ValueError(f"labels are of shape {given.shape}; expected the {len(class_names)} classes as columns")
    if validation is None and settings.threshold_policy != FIXED:
        raise ValueError(f"thresholds by {settings.threshold_policy!r} need a validation part: give one, or {FIXED!r}")
    if validation is None and settings.fit.patience:
        raise ValueError(f"fit.patience {settings.fit.patience} needs a validation part: give one, or patience 0")


def softened(stream: LabelledSignals, teacher: nn.Module, weight: float) -> LabelledSignals:
    """Records whose labels are mixed with a teacher's scores, of this weight (Hinton et al. 2015).

    Unknown labels become the teacher's.
    """
    scores = predict(teacher, stream.signals)
    labels = np.where(np.isnan(stream.labels), scores, (1 - weight) * stream.labels + weight * scores)
    return LabelledSignals(stream.signals, labels)


def examples_of(
    train: LabelledSignals, stream: LabelledSignals | None, settings: ClassifierSettings, sampling_rate: int
) -> Examples:
    """The examples of a training at `sampling_rate` (Hz), of one source or two. ValueError as `train_classifier`."""
    share = settings.mixture.share
    if (stream is None) != (share == 0):
        given = "no stream" if stream is None else f"a stream of {len(stream.labels)} records"
        raise ValueError(
            f"mixture.share is {share} and there is {given}; expected a share above 0 and a stream of synthetic "
            "records, or neither"
        )
    if stream is not None and settings.mixture.branch != SHARED and settings.augmentation.name == MIXUP:
        raise ValueError(
            f"mixture.branch is {settings.mixture.branch!r} and augmentation.name {MIXUP!r}, which makes records that "
            "are part real and part synthetic: choose another augmentation, or leave the branch shared"
        )
    if stream is None:
        return ClassifierExamples(train, settings, sampling_rate)
    signals = JoinedSignals((train.signals, stream.signals))
    joined = LabelledSignals(signals, np.concatenate([train.labels, stream.labels]), stream.unlabelled)
    steps = settings.fit.steps - round(settings.mixture.head_share * settings.fit.steps)
    return MixedExamples(
        ClassifierExamples(joined, settings, sampling_rate), len(train.labels), settings.mixture, steps
    )


def classifier_card(trained: TrainedClassifier, training_data: str, records: int) -> str:
    """The model card of a classifier: what it takes and gives, what it was trained on, and its limits."""
    config: Any = trained.model.config
    names = [markdown(name) for name in config.class_names]
    cuts = zip(names, trained.thresholds.values, strict=True)
    return (
        f"# {type(trained.model).__name__}\n\nResearch use, not for diagnosis.\n\n"
        f"- Input: (batch, {len(config.leads)}, samples) float32 mV at {config.sampling_rate} Hz, "
        f"leads {', '.join(config.leads)}\n"
        f"- Output: one logit per class: {', '.join(names)}\n"
        f"- Trained on {records} records ({markdown(training_data)}), {trained.fit.steps} steps\n"
        f"- Thresholds ({trained.thresholds.policy}): {', '.join(f'{name} {cut:.3f}' for name, cut in cuts)}\n"
    )


@torch.no_grad()
def predict(model: nn.Module, signals: Signals, batch_size: int = 256) -> np.ndarray:
    """Scores (records, classes) float64 in 0..1 of a classifier, which is left in evaluation mode.

    Raises ValueError when a score is NaN.
    """
    model.eval()
    device = next(model.parameters()).device
    logits = [
        model(torch.from_numpy(batch).to(device)).double().cpu().numpy() for batch in in_batches(signals, batch_size)
    ]
    if not logits:
        raise ValueError("there are no signals to predict; expected at least one record")
    # float64 before the sigmoid: in float32 sure scores become equal to 1, and ties lower the AUROC
    scores = expit(np.concatenate(logits))
    if not np.isfinite(scores).all():
        raise ValueError("the classifier gave scores that are NaN: check signals and weights for NaN")
    return scores
