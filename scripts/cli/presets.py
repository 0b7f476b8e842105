"""Presets: settings of every step that go together. `tiny` is for trying things out, `small` for a processor with two
cores and under 75 minutes, `base` for a GPU."""

from dataclasses import dataclass, field, replace
from typing import Any

from vqecg.downstream.augmentation.methods.registry import AugmentationSettings
from vqecg.downstream.classifiers.pretraining.settings import SimulatedSettings
from vqecg.downstream.classifiers.settings import CLASSIFIER_FIT, ClassifierSettings, for_model, recipe
from vqecg.downstream.comparison.tuning_settings import TuningSettings
from vqecg.prior.config import USUAL_SAMPLING, PriorShape, SamplingSettings
from vqecg.prior.training import DETAIL_FIT, SKETCH_FIT, PriorTraining
from vqecg.records.bounds import BelowOne, Checked, Count, CountOrNone, PositiveFactor, PositiveShare, Seed
from vqecg.tokenizer.config import ECGTokenizerConfig
from vqecg.tokenizer.training import TokenizerTraining
from vqecg.training.fit import FitSettings


@dataclass(frozen=True)
class SimulatedStart(Checked):
    """The simulated records that weights start from."""

    records: CountOrNone = SimulatedSettings.records  # 0 = weights start from nothing
    steps: Count = SimulatedSettings.fit.steps  # on these records, before the real ones

    @property
    def settings(self) -> SimulatedSettings:
        """Those of the pretraining."""
        fit = replace(SimulatedSettings.fit, steps=self.steps)
        return SimulatedSettings(fit, records=max(1, self.records))


@dataclass(frozen=True)
class MainMixture(Checked):
    """The main arm of `vqecg run`: real records and samples in every batch, as far as validation speaks for it."""

    few: CountOrNone = 1500  # labelled training records; with fewer labels are few; 0 = they never are
    steps: tuple[PositiveShare, ...] = (0.125, 0.25, 0.5, 1.0)  # of the classifier's, in all arms where labels are few
    shares: tuple[BelowOne, ...] = (0.0, 0.2, 0.5)  # of a batch, to choose from where labels are few
    times: PositiveFactor = 5.0  # samples for each real training record, where labels are few
    classic: bool = True  # classic augmentation in every arm, where labels are few
    shares_of_many: tuple[BelowOne, ...] = (0.0, 0.2)  # the same where labels are many, of one sample per real record
    seeds: tuple[Seed, ...] = TuningSettings.seeds  # of the classifiers that are tried
    # where labels are few and the simulator knows a class of the task: weights start from simulated records, in the
    # main arm and in one without samples; 0 records = neither
    simulated: SimulatedStart = field(default_factory=SimulatedStart)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("steps", "shares", "shares_of_many", "seeds"):
            if not getattr(self, name):
                raise ValueError(f"mixture.{name} is empty; expected at least one")


@dataclass(frozen=True)
class Preset(Checked):
    """Settings of all steps."""

    tokenizer: TokenizerTraining
    prior: PriorTraining
    sampling: SamplingSettings
    classifier: ClassifierSettings
    seeds: tuple[Seed, ...]  # of the classifiers of a comparison
    mixture: MainMixture = field(default_factory=MainMixture)  # the main arm of a run


TINY = Preset(
    tokenizer=TokenizerTraining(
        model=ECGTokenizerConfig(
            width=48, encoder_blocks=1, decoder_blocks=2, dimension=32, levels=4, codebook_size=128
        ),
        fit=FitSettings(
            steps=240, batch_size=32, learning_rate=3e-3, warmup_steps=20, average_decay=0.97, evaluate_every=60
        ),
    ),
    prior=PriorTraining(
        model=PriorShape(levels=2, width=96, layers=3, heads=4),
        variants=2,
        fit=FitSettings(
            steps=400, batch_size=32, learning_rate=3e-3, warmup_steps=20, average_decay=0.98, evaluate_every=100
        ),
        sketch=FitSettings(
            steps=200, batch_size=32, learning_rate=3e-3, warmup_steps=20, average_decay=0.97, mixed_precision="no"
        ),
        detail=FitSettings(steps=120, batch_size=32, learning_rate=2e-3, warmup_steps=20, average_decay=0.97),
    ),
    sampling=SamplingSettings(),
    classifier=ClassifierSettings(
        fit=replace(CLASSIFIER_FIT, steps=120, batch_size=32, warmup_steps=20, evaluate_every=60)
    ),
    seeds=(0, 1),
    mixture=MainMixture(
        steps=(0.5, 1.0), shares=(0.0, 0.5), times=1.0, seeds=(100_000,), simulated=SimulatedStart(100, 30)
    ),
)

SMALL = Preset(
    tokenizer=TokenizerTraining(
        model=ECGTokenizerConfig(slope_weight=0.2, quantizer_dropout=0.2),
        fit=FitSettings(
            steps=1600, batch_size=64, learning_rate=2e-3, warmup_steps=50, average_decay=0.99, evaluate_every=200
        ),
    ),
    prior=PriorTraining(
        model=PriorShape(levels=2, other_components=24, width=128, layers=4, heads=4, dropout=0.1),
        fit=FitSettings(
            steps=1400,
            batch_size=32,
            learning_rate=1.5e-3,
            warmup_steps=100,
            weight_decay=0.05,
            average_decay=0.995,
            evaluate_every=200,
            patience=3,
        ),
    ),
    sampling=USUAL_SAMPLING,
    classifier=recipe("resnet"),
    seeds=(0, 1, 2),
)

BASE = Preset(
    tokenizer=TokenizerTraining(
        model=ECGTokenizerConfig(
            width=256, encoder_blocks=6, decoder_blocks=9, slope_weight=0.2, quantizer_dropout=0.2
        ),
        fit=replace(SMALL.tokenizer.fit, steps=20_000, batch_size=128, learning_rate=1e-3, evaluate_every=1000),
    ),
    prior=PriorTraining(
        model=PriorShape(levels=4, other_components=24, width=384, layers=10, heads=6, dropout=0.2),
        variants=16,
        fit=replace(SMALL.prior.fit, steps=12_000, batch_size=128, learning_rate=6e-4, evaluate_every=500, patience=6),
        sketch=replace(SKETCH_FIT, steps=4000, batch_size=128, evaluate_every=500),
        detail=replace(DETAIL_FIT, steps=4000, batch_size=128, evaluate_every=500),
    ),
    sampling=replace(SMALL.sampling, batch_size=256),
    classifier=SMALL.classifier,
    seeds=(0, 1, 2, 3, 4),
)

PRESETS = {"tiny": TINY, "small": SMALL, "base": BASE}


def preset(name: str, model: str = "") -> Preset:
    """The preset of that name, with the recipe of another classifier if one is named.

    Raises ValueError, with the names there are, for another preset or classifier.
    """
    if name not in PRESETS:
        raise ValueError(f"preset {name!r} is unknown; expected one of {', '.join(PRESETS)}")
    chosen = PRESETS[name]
    return replace(chosen, classifier=for_model(model, chosen.classifier)) if model else chosen


def preset_of_design(name: str, model: str = "") -> dict[str, Any]:
    """The defaults that --preset sets in the options of a comparison or an advice, and the recipe of a classifier."""
    chosen = preset(name, model)
    return {"training": chosen.classifier, "augmentation": AugmentationSettings.of_comparison(chosen.sampling)}


def at_rate(settings: TokenizerTraining, sampling_rate: int) -> TokenizerTraining:
    """The same tokenizer for another sampling rate: frames of the same length in seconds."""
    factor = sampling_rate / settings.model.sampling_rate
    hop, shift = settings.model.hop_length * factor, settings.shift * factor
    if hop != int(hop):
        raise ValueError(
            f"at {sampling_rate} Hz a frame of {1 / settings.model.frame_rate:g} s is {hop:g} samples; expected a "
            "whole number: prepare the store at another rate, such as 100 or 500 Hz"
        )
    model = replace(settings.model, sampling_rate=sampling_rate, hop_length=int(hop))
    return replace(settings, model=model, shift=round(shift))
