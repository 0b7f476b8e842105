"""The settings of an assessment."""

from dataclasses import dataclass, field
from typing import Annotated

from vqecg.downstream.classifiers.models.registry import CLASSIFIERS, JUDGES, classifier_class
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.evaluation.statistics.resampling import BootstrapSettings
from vqecg.records.bounds import Count, Seed
from vqecg.records.registry import Choices


@dataclass(frozen=True)
class AssessmentSettings(BootstrapSettings):
    """The classifiers that judge, the neighbourhoods, and the bootstrap behind every interval."""

    families: Annotated[
        tuple[str, ...], Choices("classifiers that judge, the first one's features too", CLASSIFIERS.names)
    ] = JUDGES
    seeds: tuple[Seed, ...] = (0, 1, 2)  # one classifier for each, in every family and design
    training: ClassifierSettings = field(default_factory=ClassifierSettings)  # the families name the model
    neighbours: Count = 5  # that make a neighbourhood, for precision, recall, density and coverage

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, values in (("families", self.families), ("seeds", self.seeds)):
            if not values or len(set(values)) != len(values):
                raise ValueError(f"{name} are {values}; expected at least one and none twice")
        for family in self.families:
            classifier_class(family)
