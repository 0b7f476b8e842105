"""Signal mixing: the control that the codec must beat."""

from collections.abc import Mapping
from typing import ClassVar

from vqecg.downstream.augmentation.methods.mixing import Mixing
from vqecg.downstream.augmentation.methods.registry import METHODS


@METHODS.register("signal mixing", rank=7)
class SignalMixing(Mixing):
    """The pairs of latent interpolation, aligned, mixed in mV."""

    help = "two records mixed in mV, beats aligned: no codec"
    noun = "ECGs mixed from two real ones"
    places: ClassVar[Mapping[str, float]] = {"default": 7}
    note = "mixtures of two signals, beats aligned"
    in_millivolts = True
