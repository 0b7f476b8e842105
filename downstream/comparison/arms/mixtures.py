"""Arms of which every batch is a mixture: a share of synthetic records, the rest real ones.

"mixture" is half samples of the prior; a share and a method of augmentation may be named: "mixture 0.2", "mixture of
reconstructions", "mixture 0.8 of latent interpolation". The methods that know no generator ("resampled beats"), only
its sketch ("rendered sketches") or only its codec ("reconstructions") say which part of it a gain needs, and "mixture
of shuffled labels", the samples of "mixture" with the labels of others, that a gain is none of the instrument.
"""

import re
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from vqecg.downstream.augmentation.methods.registry import all_methods, find_method
from vqecg.downstream.augmentation.plan import PRIOR_SAMPLES, SHUFFLED_LABELS, slug
from vqecg.downstream.classifiers.mixture import SHARE, MixtureSettings
from vqecg.downstream.comparison.arms.arm_data import ArmData
from vqecg.downstream.comparison.arms.kinds import FILLING
from vqecg.downstream.comparison.arms.registry import ARMS, ComparisonArm

if TYPE_CHECKING:
    from vqecg.downstream.comparison.arms.filling import Filling

MIXTURE, USUAL_SHARE = "mixture", 0.5
NAMED = re.compile(rf"{MIXTURE}(?:-(\d*\.?\d+))?(?:-of-(.+))?")


class MixtureArm(ComparisonArm):
    """A stream of the records of one method beside all real ones."""

    stream: ClassVar[bool] = True

    def fill(self, filling: "Filling") -> ArmData:
        """All records that could be made; the share of the batch is that of the arm's training."""
        part = filling.streamed(find_method(self.methods[0]))
        note = part.note + "".join(f", {name} {value}" for name, value in self.training.items() if name != SHARE)
        arm = ArmData(self.name, part.signals, part.labels, note, part.copies, self.training, stream=True)
        return self.after_pretraining(arm, filling)

    def variant(self, name: str) -> ComparisonArm | None:
        """The mixture of that name, such as "mixture-0.2-of-reconstructions"; ValueError for a share that cannot be."""
        named = NAMED.fullmatch(name)
        if named is None:
            return None
        share, records = float(named[1] or USUAL_SHARE), named[2] or slug(PRIOR_SAMPLES)
        if MixtureSettings(share).share == 0:
            raise ValueError(f"arm {name!r} has a share of {share:g}; expected more than 0: {MIXTURE} {USUAL_SHARE}")
        if records == slug(SHUFFLED_LABELS):
            return mixture(share, PRIOR_SAMPLES, ShuffledMixtureArm)
        methods = {slug(one): method.name for method in all_methods() for one in (method.name, *method.aliases)}
        return mixture(share, methods[records]) if records in methods else None


class ShuffledMixtureArm(MixtureArm):
    """The records of a mixture with each other's labels: the negative control of a stream."""

    def fill(self, filling: "Filling") -> ArmData:
        """The same records and the same labels, in another order."""
        arm = super().fill(filling)
        order = np.random.default_rng([filling.stream_seed, 1]).permutation(len(arm.labels))
        return replace(arm, labels=arm.labels[order], note=f"{arm.note}, with the labels of other records")


def mixture(share: float, method: str, kind: type[MixtureArm] = MixtureArm) -> MixtureArm:
    """The arm of which `share` of every batch are records of `method`."""
    records = SHUFFLED_LABELS if kind is ShuffledMixtureArm else method
    words = [MIXTURE] if share == USUAL_SHARE else [f"{MIXTURE} {share:g}"]
    words += [f"of {records}"] if records != PRIOR_SAMPLES else []
    others = " with the labels of others" if kind is ShuffledMixtureArm else ""
    doing = f"{FILLING}{find_method(method).noun or f'records of {method}'}{others}"
    return kind(" ".join(words), f"{share:g} of every batch: {records}", (method,), {SHARE: share}, doing=doing)


ARMS.register(MIXTURE, rank=14)(
    replace(
        mixture(USUAL_SHARE, PRIOR_SAMPLES),
        help="half of every batch are samples of the prior, of all labels; with another share and other records: "
        f"{MIXTURE}-0.2, {MIXTURE}-of-reconstructions, {MIXTURE}-0.8-of-infilling, {MIXTURE}-of-shuffled-labels",
    )
)
