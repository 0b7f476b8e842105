"""The arms that a comparison knows by name: what each adds, or how it trains otherwise.

All arms share the classifier, its initial weights, batch size, number of steps and rule of selection. Arms that add
records add the labels of one plan. Two of them joined by "+" are an arm too, each makes half of the records; so is one
that adds records joined with one that trains otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vqecg.downstream.augmentation import methods
from vqecg.downstream.augmentation.plan import (
    DUPLICATION,
    LATENT_INTERPOLATION,
    PRIOR_SAMPLES,
    REAL_ONLY,
    SHUFFLED_LABELS,
    slug,
)
from vqecg.downstream.classifiers.batch_augmentation import CLASSIC, MIXUP
from vqecg.downstream.classifiers.losses import ASYMMETRIC, WEIGHTED_BCE

PAIR = " + "


@dataclass(frozen=True)
class CatalogueArm:
    """One arm, before it is filled."""

    name: str
    what: str  # what is added, or how training differs, in a line
    methods: tuple[str, ...] = ()  # of augmentation.METHODS that make the added records; two: half of them each
    training: Mapping[str, Any] = field(default_factory=dict)  # ClassifierSettings that differ, by dotted names
    shuffled: bool = False  # the records show other labels than they are given


BEST_PAIR = f"{PRIOR_SAMPLES}{PAIR}classic augmentation"  # docs/results/mi-50.json
SINGLE = (
    CatalogueArm(REAL_ONLY, "nothing is added: the first reference"),
    CatalogueArm(DUPLICATION, "copies of the planned records: the second reference", (methods.DUPLICATION,)),
    CatalogueArm(
        "class-weighted loss", "presence of a rare class weighs more in the loss", training={"loss.name": WEIGHTED_BCE}
    ),
    CatalogueArm("asymmetric loss", "easy absences weigh less in the loss", training={"loss.name": ASYMMETRIC}),
    CatalogueArm(
        "classic augmentation", "wander, noise, masks and scaling, anew each step", (), {"augmentation.name": CLASSIC}
    ),
    CatalogueArm("mixup", "records and labels of a batch mixed, beats as they fall", (), {"augmentation.name": MIXUP}),
    CatalogueArm("reconstructions", "the planned records through the codec: a control", (methods.RECONSTRUCTION,)),
    CatalogueArm("signal mixing", "two records mixed in mV, beats aligned: no codec", (methods.SIGNAL_MIXING,)),
    CatalogueArm(LATENT_INTERPOLATION, "two records mixed in latent space, beats aligned", (methods.INTERPOLATION,)),
    CatalogueArm("naive mixing", "two records mixed in latent space, beats as they fall", (methods.NAIVE_MIXING,)),
    CatalogueArm(PRIOR_SAMPLES, "samples of the prior for the planned labels", (methods.PRIOR,)),
    CatalogueArm("infilling", "planned records of which the prior writes a part anew", (methods.INFILLING,)),
    CatalogueArm(
        SHUFFLED_LABELS, "samples of the prior with labels of other records: must not gain", (methods.PRIOR,),
        shuffled=True,
    ),
)  # fmt: skip
CATALOGUE = {slug(arm.name): arm for arm in SINGLE}
APART = ("naive mixing", SHUFFLED_LABELS)
DEFAULT = (*(arm.name for arm in SINGLE if arm.name not in APART), BEST_PAIR, SHUFFLED_LABELS)
QUICK = (REAL_ONLY, DUPLICATION, "classic augmentation", LATENT_INTERPOLATION, PRIOR_SAMPLES, SHUFFLED_LABELS)
RUN = (REAL_ONLY, DUPLICATION, PRIOR_SAMPLES, LATENT_INTERPOLATION)


def find_arms(names: Sequence[str]) -> tuple[CatalogueArm, ...]:
    """The arms of these names ("prior samples" or "prior-samples"), the two references first whether named or not.

    Raises ValueError, with the names there are, for another one.
    """
    found = {arm.name: arm for arm in map(find_arm, (REAL_ONLY, DUPLICATION, *names))}
    return tuple(found.values())


def find_arm(name: str) -> CatalogueArm:
    """The arm of this name, or the pair "one+other": both add records, or one does and the other trains otherwise.

    Raises ValueError, with the names there are, for an unknown arm, and for another pair.
    """
    parts = [CATALOGUE.get(slug(part)) for part in name.split("+")]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        raise ValueError(f"arm {name!r} is unknown; expected {', '.join(CATALOGUE)}, or two of them joined by +")
    if len(known) == 1:
        return known[0]
    adding = [part for part in known if part.methods and not part.shuffled]
    training = [part for part in known if part.training]
    if len(adding) == len(training) == 1 and len(known) == 2:
        one, other = adding[0], training[0]
        return CatalogueArm(f"{one.name}{PAIR}{other.name}", f"{one.what}; {other.what}", one.methods, other.training)
    copies = any(part.name == DUPLICATION for part in known)
    if len(adding) != 2 or len(known) != 2 or known[0] == known[1] or copies:
        raise ValueError(
            f"arm {name!r}: expected two different arms that make records, or one that adds records and one that "
            f"trains otherwise, such as {BEST_PAIR!r}"
        )
    one, other = known
    made = (one.methods[0], other.methods[0])
    return CatalogueArm(f"{one.name}{PAIR}{other.name}", f"half {one.name}, half {other.name}", made)
