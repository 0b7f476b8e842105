"""Settings of the prior and of sampling from it."""

from dataclasses import dataclass, field
from typing import Annotated

from vqecg.prior.backbones.registry import BACKBONES
from vqecg.records.attributes import ATTRIBUTES, USUAL_ATTRIBUTES
from vqecg.records.bounds import (
    BatchSize,
    BelowOne,
    Checked,
    Codes,
    CountOrNone,
    Depth,
    DepthOrNone,
    Factor,
    Hertz,
    PositiveFactor,
    PositiveShare,
    Share,
    Size,
)
from vqecg.records.registry import Choices
from vqecg.training.checkpoint import OMITTED_WHILE_DEFAULT

PARTS = ("tokenizer", "prior")  # of a generator, each of which says what it was trained on


@dataclass(frozen=True)
class PriorShape(Checked):
    """The settings of an `ECGPrior` that a user chooses."""

    levels: Depth = 2  # first levels of the tokenizer that are modelled
    backbone: Annotated[str, Choices("architecture that writes the codes", BACKBONES.listing)] = "gpt2"
    width: Size = 256  # of the hidden states
    layers: Depth = 6  # of the backbone
    heads: Size = 4  # of attention, per layer
    dropout: BelowOne = 0.1  # on what the backbone is given: codes, condition and sketch
    components: Size = 48  # of the representative beat, drawn before the codes (prior/sketch/traits.py)
    # of a second beat, for those unlike the usual one, such as ectopic ones; 0 = all beats of a record alike
    other_components: CountOrNone = 0
    trait_noise: Factor = 0.2  # standard deviations added to the traits in training, so that they name no record
    detail_width: Size = 128  # channels of the detail model (prior/detail/modeling.py)
    detail_blocks: DepthOrNone = 4  # layers of it
    beat_bins: Size = 192  # eighths of a frame, the longest distance to the R peaks before and after that is embedded
    label_dropout: Share = 0.15  # share of training records whose whole condition is hidden, for trait_guidance
    attribute_dropout: Share = 0.3  # share of training records of which an attribute is hidden, each by itself
    # of a record, beside its labels: names of records/attributes.py
    attributes: tuple[str, ...] = field(default=USUAL_ATTRIBUTES, metadata=OMITTED_WHILE_DEFAULT)

    def __post_init__(self) -> None:
        super().__post_init__()
        BACKBONES.get(self.backbone)
        if self.width % self.heads:
            raise ValueError(f"width {self.width} does not split into {self.heads} heads; choose a multiple")
        for name in self.attributes:
            ATTRIBUTES.get(name)


@dataclass(frozen=True)
class ECGPriorConfig(PriorShape):
    """All settings of an `ECGPrior`: its shape, and what follows from its training records and their tokenizer."""

    class_names: tuple[str, ...] = ()  # labels, in the order of the condition's columns
    tokenizer_fingerprint: str = ""  # of the tokenizer that made the codes; another is refused
    groups: CountOrNone = 0  # of labels, such as superclasses of statements, that the condition shows beside the labels
    codebook_size: Codes = 1024  # codes per level
    code_dimension: Size = 64  # of the tokenizer's code vectors, by which the prior knows which codes are alike
    frames: Size = 125  # per record
    sampling_rate: Hertz = 100  # Hz of the recordings, whose traits are measured
    hop_length: Size = 8  # samples per frame
    # True where training records have unknown labels, which the condition then shows as such
    unknown_labels: bool = field(default=False, metadata=OMITTED_WHILE_DEFAULT)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.class_names:
            raise ValueError("class_names is empty; expected the names of the labels the prior is conditioned on")

    @property
    def steps(self) -> int:
        """Steps of the delay pattern: level q runs q steps behind level 0."""
        return self.frames + self.levels - 1


@dataclass(frozen=True)
class SamplingSettings(Checked):
    """Settings of sampling."""

    temperature: PositiveFactor = 1.0  # divides the logits; below 1 is more typical, above 1 more varied
    trait_temperature: PositiveFactor = 1.0  # of the sketch's traits: multiplies the scale of what they are drawn from
    # of the traits: how many times as far what is asked for moves what is expected (rhythm: half the way from 1)
    trait_guidance: Factor = 1.0
    top_p: PositiveShare = 1.0  # probability mass kept at each draw; 1 = all
    batch_size: BatchSize = 64  # records at a time


USUAL_SAMPLING = SamplingSettings(temperature=0.85, trait_guidance=1.4)  # of the presets small and base
