"""The comparison of a preset, before anything about it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vqecg.downstream.augmentation.methods.registry import AugmentationSettings
from vqecg.downstream.comparison.design import Design

if TYPE_CHECKING:
    from vqecg.prior.config import SamplingSettings
    from vqecg.scripts.cli.presets import Preset

SEEDS = (0, 1, 2, 3, 4)


def additions_of(sampling: SamplingSettings) -> AugmentationSettings:
    """The making of records for a comparison: the prior is asked for statements of few records too, as classes need."""
    return AugmentationSettings(sampling=sampling, least=5)


def design_of(chosen: Preset) -> Design:
    """The comparison of a preset."""
    return Design(seeds=SEEDS, training=chosen.classifier, augmentation=additions_of(chosen.sampling))
