"""Naive mixing (Liu et al. 2020): the control of the alignment of beats."""

from vqecg.downstream.augmentation.methods.mixing import Mixing
from vqecg.downstream.augmentation.methods.registry import METHODS


@METHODS.register("naive mixing", rank=9)
class NaiveMixing(Mixing):
    """The pairs of latent interpolation, mixed in latent space as they are."""

    help = "two records mixed in latent space, beats as they fall"
    noun = "ECGs mixed from two real ones, beats not aligned"
    note = "latent interpolations, beats as they fall"
    aligned = False
