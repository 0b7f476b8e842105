"""Variants of classic augmentation: limb leads that are never masked, and the heart's axis turned."""

from vqecg.downstream.classifiers.batch_augmentation import CLASSIC
from vqecg.downstream.comparison.arms.registry import ARMS, ComparisonArm

AXIS_LIMIT = 10.0  # degrees: the frontal axis then moves less than between two recordings of one patient
OTHER_KINDS = ("wander", "noise", "mask_seconds", "lead_share", "scaling")
TURNED = {"augmentation.name": CLASSIC, "augmentation.classic.axis_rotation": AXIS_LIMIT}

for _rank, _name, _help, _training in (
    (
        5.1,
        "classic augmentation, limb leads whole",
        "classic augmentation that leaves out no limb lead, only chest leads",
        {"augmentation.name": CLASSIC, "augmentation.classic.mask_limb_leads": False},
    ),
    (
        5.2,
        "classic augmentation with axis rotation",
        f"classic augmentation, and the heart turned by up to {AXIS_LIMIT:g} degrees",
        TURNED,
    ),
    (
        5.3,
        "axis rotation",
        f"the heart turned by up to {AXIS_LIMIT:g} degrees in the vectorcardiogram, anew each step",
        TURNED | {f"augmentation.classic.{kind}": 0.0 for kind in OTHER_KINDS},
    ),
):
    ARMS.register(_name, _rank)(ComparisonArm(_name, _help, training=_training))
