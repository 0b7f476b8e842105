"""Latent interpolation: two records mixed between encoder and decoder, their beats aligned."""

from collections.abc import Mapping
from typing import ClassVar

from vqecg.downstream.augmentation.methods.mixing import Mixing
from vqecg.downstream.augmentation.methods.registry import METHODS


@METHODS.register("latent interpolation", rank=8)
class LatentInterpolation(Mixing):
    """Latents of two records mixed, beats aligned."""

    help = "two records mixed in latent space, beats aligned"
    noun = "ECGs interpolated between two real ones"
    aliases = ("interpolation",)
    places: ClassVar[Mapping[str, float]] = {"default": 8, "quick": 3, "run": 3}
    note = "latent interpolations, beats aligned"
