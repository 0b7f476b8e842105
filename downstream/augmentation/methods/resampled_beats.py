"""Resampled beats: the control that needs no generator and no codec."""

from typing import ClassVar

from vqecg.downstream.augmentation.methods.mixing import Mixing
from vqecg.downstream.augmentation.methods.registry import METHODS


@METHODS.register("resampled beats", rank=7.5)
class ResampledBeats(Mixing):
    """The beats of one record, resampled in mV to the R-R intervals of the planned one, which has the same labels."""

    help = "real beats in mV, in the rhythm of another record: no generator"
    noun = "ECGs of real beats in the rhythm of another ECG"
    note = "records whose beats are another's of the same labels, resampled to their rhythm"
    in_millivolts = True
    weight: ClassVar[float | None] = 1.0
