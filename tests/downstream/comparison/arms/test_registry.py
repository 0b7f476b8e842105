"""The arms that a comparison knows by name."""

from dataclasses import replace

import pytest

from vqecg.downstream.augmentation.methods.registry import METHODS
from vqecg.downstream.classifiers.batch_augmentation import CLASSIC
from vqecg.downstream.classifiers.pretraining.registry import PRETRAININGS
from vqecg.downstream.classifiers.settings import ClassifierSettings, recipe
from vqecg.downstream.comparison.arms.classic_variants import AXIS_LIMIT
from vqecg.downstream.comparison.arms.registry import (
    ARMS,
    BEST_PAIR,
    QUICK,
    RUN,
    AveragingArm,
    ComparisonArm,
    all_arms,
    arm_help,
    arms_of,
    find_arm,
    find_arms,
)
from vqecg.downstream.comparison.arms.training_otherwise import LongerArm
from vqecg.downstream.comparison.design import Design
from vqecg.downstream.comparison.results import Analysis


def test_every_arm_says_what_it_is_and_differs_in_additions_or_in_training():
    names = [arm.name for arm in all_arms()]
    for arm in map(find_arm, (*arms_of(), *names)):
        assert arm.help and set(arm.methods) <= set(METHODS.names())
        assert not (arm.methods and arm.training) or "+" in arm.name or arm.stream
        special = arm.pretrained or isinstance(arm, (AveragingArm, LongerArm))
        assert arm.name == "real only" or arm.methods or arm.training or special
        ClassifierSettings().changed(arm.training)
    assert set(METHODS.names()) <= set(names)
    assert f"mixup: {find_arm('mixup').help}" in arm_help() and "prior-samples: " in arm_help()


def test_comparisons_that_name_no_arm_have_theirs_in_this_order():
    start = ("real only", "duplication", "class-weighted loss", "asymmetric loss", "classic augmentation", "mixup")
    made = ("reconstructions", "signal mixing", "latent interpolation", "prior samples", "infilling")
    assert arms_of() == (*start, *made, BEST_PAIR, "shuffled labels")
    assert arms_of(QUICK) == (
        *("real only", "duplication", "classic augmentation"),
        *("latent interpolation", "prior samples", "shuffled labels"),
    )
    assert arms_of(RUN) == ("real only", "duplication", "prior samples", "latent interpolation")
    listed = (*start, *made[:3], "naive mixing", *made[3:], "shuffled labels", *PRETRAININGS.names())
    assert tuple(arm.name for arm in all_arms() if arm.name in listed) == listed


def test_the_references_come_first_named_or_not_and_an_arm_counts_once():
    names = [arm.name for arm in find_arms(("mixup", "prior-samples", "Prior samples", "duplication"))]
    assert names == ["real only", "duplication", "mixup", "prior samples"]


def test_an_arm_from_outside_is_found_and_pairs_but_is_in_no_comparison_that_names_none():
    smaller = ComparisonArm("smaller batches", "half the records per step", training={"fit.batch_size": 32})
    ARMS.register("smaller batches")(smaller)
    try:
        assert find_arm("Smaller-Batches") is smaller and all_arms()[-1] is smaller
        assert find_arm("smaller batches + prior").training == {"fit.batch_size": 32}
        assert "smaller-batches: half the records per step" in arm_help() and "smaller batches" not in arms_of()
    finally:
        ARMS.remove("smaller batches")


def test_a_main_arm_may_be_spelled_as_arms_are():
    assert Design(analysis=Analysis(main_arm="Prior-Samples")).analysis.main_arm == "prior samples"
    with pytest.raises(ValueError, match="the main arm is 'smote', the arms are real only"):
        Design(analysis=Analysis(main_arm="smote")).check()


def test_two_methods_make_a_pair():
    pair = find_arm("infilling+latent-interpolation")
    assert pair.name == "infilling + latent interpolation" and pair.methods == ("infilling", "latent interpolation")
    both = find_arm(BEST_PAIR)
    assert both.methods == ("prior samples",) and both.training == {"augmentation.name": "classic"}
    assert find_arm("classic-augmentation+prior-samples") == both
    assert find_arm("prior+Classic Augmentation") == both and find_arm("interpolation").name == "latent interpolation"
    assert find_arm("class-weighted-loss + duplication").name == "duplication + class-weighted loss"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("smote", "arm 'smote' is unknown; expected real-only, duplication, class-weighted-loss"),
        ("mixup+classic augmentation", "expected two different arms that make records"),
        ("mixup+shuffled labels", "expected two different arms that make records"),
        ("infilling+infilling", "expected two different arms that make records"),
        ("infilling+shuffled labels", "expected two different arms that make records"),
        ("infilling+prior samples+signal mixing", "expected two different arms"),
        ("duplication+infilling", "expected two different arms"),
    ],
)
def test_what_is_no_arm_is_refused(name: str, told: str):
    with pytest.raises(ValueError) as error:
        find_arms((name,))
    assert told in str(error.value)


@pytest.mark.parametrize("name", ["axis-rotation", "classic-augmentation-with-axis-rotation"])
def test_variants_of_classic_augmentation_train_otherwise(name: str):
    usual = recipe("resnet")
    training = usual.changed(find_arm(name).training).augmentation
    assert training.name == CLASSIC and training.classic.axis_rotation == AXIS_LIMIT
    alone = replace(training.classic, axis_rotation=0.0) != usual.augmentation.classic
    assert alone == (name == "axis-rotation"), "the other kinds are off in one of the two"
    whole = find_arm("prior samples + classic augmentation, limb leads whole")
    assert whole.methods == ("prior samples",) and not whole.training["augmentation.classic.mask_limb_leads"]


def test_a_pretraining_is_joined_with_another_way_to_train():
    joined = find_arm("classic augmentation + simulated first")
    assert joined.name == "simulated first + classic augmentation" and joined.pretrained == "simulated first"
    assert joined.training == {"augmentation.name": "classic"} and not joined.needs_generator
    for pair in ("class-weighted loss + mixup", "simulated first + contrastive pretraining"):
        with pytest.raises(ValueError, match="expected two different arms"):
            find_arm(pair)


def test_arms_say_whether_they_need_a_generator():
    needing = ("mixture", "prior samples", "reading", "masked-code pretraining", "two networks + mixture")
    needing += ("pseudo-labels + mixture", "reconstructions of unlabelled", "mixture + simulated first")
    for name in ("real only", "duplication", "two networks", "pseudo-labels", "simulated first", *needing):
        arm = find_arm(name)
        trained = getattr(arm, "trained", None)
        assert (arm.needs_generator or bool(trained and trained.needs_generator)) == (name in needing), name
