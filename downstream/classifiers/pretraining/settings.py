"""The settings of all pretrainings."""

from dataclasses import dataclass, field

from vqecg.downstream.classifiers.signal_augmentation import ClassicAugmentation
from vqecg.records.bounds import Checked, Count, InnerShare, Positive, Seconds, Seed, Size
from vqecg.training.checkpoint import OMITTED_WHILE_DEFAULT
from vqecg.training.fit import FitSettings

PRETRAINING_FIT = FitSettings(steps=600, learning_rate=3e-3, warmup_steps=60, weight_decay=0.05, evaluate_every=200)


@dataclass(frozen=True)
class ContrastiveSettings(Checked):
    """The pretraining in which two excerpts of one patient are to be alike, and unlike those of all others."""

    fit: FitSettings = PRETRAINING_FIT  # the run's seed replaces its seed
    excerpt_seconds: Seconds = 5.0  # s, of each of the two excerpts, from one record or two of one patient
    temperature: Positive = 0.1  # by which similarities are divided; small = only the most similar others count
    projection: Size = 64  # numbers that excerpts are compared by
    augmentation: ClassicAugmentation = field(default_factory=ClassicAugmentation)  # of each excerpt


@dataclass(frozen=True)
class MaskedCodesSettings(Checked):
    """The pretraining in which the tokenizer's codes of hidden stretches are predicted from the rest."""

    fit: FitSettings = PRETRAINING_FIT  # the run's seed replaces its seed
    excerpt_seconds: Seconds = 5.0  # s, rounded to whole frames
    hidden_share: InnerShare = 0.4  # of the frames, in whole stretches, hidden in every lead; where they overlap, fewer
    hidden_seconds: Seconds = 0.5  # s, of each hidden stretch, rounded to whole frames


@dataclass(frozen=True)
class SimulatedSettings(Checked):
    """The pretraining on simulated records and their labels."""

    fit: FitSettings = PRETRAINING_FIT  # the run's seed replaces its seed
    records: Count = 3000  # simulated, of the simulator's statements in about PTB-XL's proportions
    seed: Seed = 0  # of the simulated patients


@dataclass(frozen=True)
class PretrainingSettings(Checked):
    """The settings of each pretraining."""

    contrastive: ContrastiveSettings = field(default_factory=ContrastiveSettings)
    masked_codes: MaskedCodesSettings = field(default_factory=MaskedCodesSettings)
    simulated: SimulatedSettings = field(default=SimulatedSettings(), metadata=OMITTED_WHILE_DEFAULT)
