"""The settings of the controls that need no generator."""

from dataclasses import dataclass, field

from vqecg.downstream.augmentation.teacher_settings import PseudoLabelSettings
from vqecg.downstream.classifiers.pretraining.settings import PretrainingSettings
from vqecg.records.bounds import Checked


@dataclass(frozen=True)
class ControlSettings(Checked):
    """The settings of arms that learn from ECGs without labels."""

    pretraining: PretrainingSettings = field(default_factory=PretrainingSettings)
    pseudo_labels: PseudoLabelSettings = field(default_factory=PseudoLabelSettings)
