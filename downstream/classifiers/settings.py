"""The settings of a classifier's training, and the recipe of each classifier where nothing else is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Annotated, Any, TypeVar

from vqecg.downstream.classifiers.batch_augmentation import CLASSIC, BatchAugmentation
from vqecg.downstream.classifiers.consistency import ConsistencySettings
from vqecg.downstream.classifiers.losses import LossSettings
from vqecg.downstream.classifiers.mixture import MixtureSettings
from vqecg.downstream.classifiers.models.registry import CLASSIFIERS, classifier_class
from vqecg.downstream.classifiers.thresholds import MAXIMUM_F1, POLICIES
from vqecg.records.bounds import Checked, SecondsOrNone
from vqecg.records.registry import Choices
from vqecg.training.checkpoint import OMITTED_WHILE_DEFAULT
from vqecg.training.fit import FitSettings

T = TypeVar("T")

CLASSIFIER_FIT = FitSettings(steps=600, learning_rate=3e-3, warmup_steps=60, evaluate_every=100)


@dataclass(frozen=True)
class ClassifierSettings(Checked):
    """The training of a classifier. The same settings serve every arm of a comparison."""

    model: Annotated[str, Choices("classifier, whose recipe gives the other defaults", CLASSIFIERS.listing)] = "resnet"
    fit: FitSettings = CLASSIFIER_FIT  # as many steps whatever the number of records; the run's seed replaces its seed
    crop_seconds: SecondsOrNone = 0.0  # s, random excerpt of each record per step; 0 = the whole record
    threshold_policy: str = MAXIMUM_F1  # "fixed 0.5" or "maximum F1 on validation, per class"
    loss: LossSettings = field(default_factory=LossSettings)
    augmentation: BatchAugmentation = field(default_factory=BatchAugmentation)
    mixture: MixtureSettings = field(default=MixtureSettings(), metadata=OMITTED_WHILE_DEFAULT)
    consistency: ConsistencySettings = field(default=ConsistencySettings(), metadata=OMITTED_WHILE_DEFAULT)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threshold_policy not in POLICIES:
            raise ValueError(f"threshold_policy is {self.threshold_policy!r}; expected one of {', '.join(POLICIES)}")
        classifier_class(self.model)
        if self.consistency.weight and self.augmentation.name != CLASSIC:
            raise ValueError(
                f"consistency.weight is {self.consistency.weight:g} and augmentation.name {self.augmentation.name!r}; "
                f"expected {CLASSIC!r}, which changes a record and leaves its labels"
            )

    def of_steps(self, steps: int) -> "ClassifierSettings":
        """The same with another number of steps, of which at most half are warm-up."""
        return replace(self, fit=replace(self.fit, steps=steps, warmup_steps=min(self.fit.warmup_steps, steps // 2)))

    def changed(self, changes: Mapping[str, Any]) -> "ClassifierSettings":
        """The same with other values of some fields, by dotted names: {"loss.name": "focal", "fit.steps": 400}.

        Raises ValueError for a name that there is not.
        """
        return changed(self, changes)


def changed(settings: T, changes: Mapping[str, Any]) -> T:
    """Nested settings with other values of some fields, see `ClassifierSettings.changed`."""
    there: Any = settings
    direct: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = {}
    for name, value in changes.items():
        first, _, rest = name.partition(".")
        if first not in {one.name for one in fields(there)} or (rest and not is_dataclass(getattr(there, first))):
            raise ValueError(f"{type(settings).__name__} has no setting {name!r}; expected a field, or fields by dots")
        if rest:
            nested.setdefault(first, {})[rest] = value
        else:
            direct[first] = value
    inner = {name: changed(getattr(there, name), values) for name, values in nested.items()}
    return replace(there, **direct, **inner)


def recipe(model: str) -> ClassifierSettings:
    """The settings for a classifier by its name. Raises ValueError, with the names there are, for another.

    All share crops, batch size, weight decay and schedule; a classifier's `recipe` names what differs. Learning rates
    follow the kind of network; steps are what one core does in one to five minutes, for 8 leads at 100 Hz.
    """
    fit = replace(CLASSIFIER_FIT, steps=1000, weight_decay=0.05, evaluate_every=250)
    return ClassifierSettings(model, fit, crop_seconds=5.0).changed(classifier_class(model).recipe)


def for_model(model: str, settings: ClassifierSettings) -> ClassifierSettings:
    """`settings` if they are of that model, else its recipe in at most as many steps. ValueError as `recipe`."""
    if model == settings.model:
        return settings
    chosen = recipe(model)
    return chosen.of_steps(min(chosen.fit.steps, settings.fit.steps))
