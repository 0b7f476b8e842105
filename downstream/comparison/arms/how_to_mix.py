"""Mixtures whose stream is used in another way: at other times, apart in part of the network, or with other labels.

Each has as many steps and, but for "head on real", as many synthetic records in all as "mixture". Any mixture has these
ways: "mixture 0.2 of reconstructions, flagged", and "mixture of shuffled labels, synthetic first", which is the control
of "mixture, synthetic first".
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vqecg.downstream.augmentation.plan import slug
from vqecg.downstream.classifiers.mixing.branches import BATCH_NORM, FLAG
from vqecg.downstream.comparison.arms.mixtures import MIXTURE, MixtureArm
from vqecg.downstream.comparison.arms.registry import ARMS, ComparisonArm

# after "mixture, ": what it is, and the settings that differ
WAYS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "synthetic first": ("the samples first and the real records last", {"mixture.schedule": "synthetic first"}),
    "falling share": ("the share falls in a line to 0", {"mixture.schedule": "linear"}),
    "cosine share": ("the share falls to 0 along half a cosine", {"mixture.schedule": "cosine"}),
    "separate batch norm": ("samples have batch norms of their own (Xie et al. 2020)", {"mixture.branch": BATCH_NORM}),
    "flagged": ("a flag says which are samples, off at prediction", {"mixture.branch": FLAG}),
    "head on real": ("in the last fifth of the steps the head alone, on real records", {"mixture.head_share": 0.2}),
    "soft labels": ("a teacher trained on real records gives half of a sample's label", {"mixture.soft_labels": 0.5}),
}


class HowToMixArm(MixtureArm):
    """A mixture, used in one of WAYS."""

    def variant(self, name: str) -> ComparisonArm | None:
        """The same way of any other mixture, such as "mixture-0.2-of-infilling-flagged"."""
        way = self.name.removeprefix(f"{MIXTURE}, ")
        base = name.removesuffix(f"-{slug(way)}")
        other = None if base == name else super().variant(base)
        return None if other is None else mixed(other, way)


def mixed(base: ComparisonArm, way: str) -> ComparisonArm:
    """A mixture, used in one of WAYS by its name."""
    words, changes = WAYS[way]
    training = {**base.training, **changes}
    name, doing = f"{base.name}, {way}", f"{base.doing} ({way})"
    return replace(base, name=name, help=f"{base.help}; {words}", training=training, places={}, doing=doing)


for _place, _way in enumerate(WAYS):
    _arm = mixed(ARMS.get(MIXTURE), _way)
    _arm = HowToMixArm(_arm.name, f"{MIXTURE}, but {WAYS[_way][0]}", _arm.methods, _arm.training, doing=_arm.doing)
    ARMS.register(_arm.name, rank=14.1 + 0.01 * _place)(_arm)
