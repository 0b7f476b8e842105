"""The comparison of a whole run: a mixture where labels are few, and a share that may be 0 where they are many."""

from dataclasses import replace

import pytest

from vqecg.scripts.cli.presets import SMALL, TINY, MainMixture, preset
from vqecg.scripts.steps.designing import design_of, main_arm_text, with_mixture


def test_where_labels_are_few_steps_and_share_are_chosen_for_every_arm():
    mixture = SMALL.mixture
    design = with_mixture(design_of(SMALL), mixture, mixture.few - 1)
    design.check()
    names = [arm.name for arm in design.catalogue]
    assert names == ["real only", "duplication", "mixture", "latent interpolation"]
    assert design.analysis.main_arm == "mixture" and design.stream.times == 5
    steps = SMALL.classifier.fit.steps
    assert design.tuning.steps == (steps // 8, steps // 4, steps // 2, steps) and 0.0 in design.tuning.shares
    assert design.training.augmentation.name == "classic"
    assert replace(design.training, augmentation=SMALL.classifier.augmentation) == SMALL.classifier
    assert "1,499 labelled training records are few" in main_arm_text(design, mixture, 1499)
    plain = with_mixture(design_of(SMALL), replace(mixture, classic=False), 10)
    assert plain.training == SMALL.classifier
    mixup = SMALL.classifier.changed({"augmentation.name": "mixup"})
    assert with_mixture(replace(design_of(SMALL), training=mixup), mixture, 10).training == mixup


def test_where_labels_are_many_the_share_alone_is_chosen_and_may_be_0():
    mixture = SMALL.mixture
    design = with_mixture(design_of(SMALL), mixture, mixture.few)
    design.check()
    assert [arm.name for arm in design.catalogue] == [
        "real only",
        "duplication",
        "prior samples",
        "latent interpolation",
        "mixture",
    ]
    assert design.tuning.steps == () and design.tuning.shares == (0.0, 0.2) and design.stream.times == 1
    assert design.training == SMALL.classifier
    assert "are many" in main_arm_text(design, mixture, 5000)
    assert with_mixture(design_of(SMALL), replace(mixture, few=0), 1).tuning.steps == ()


def test_the_steps_follow_those_of_the_classifier_and_none_is_tried_twice():
    short = replace(design_of(TINY), training=TINY.classifier.of_steps(2))
    assert with_mixture(short, SMALL.mixture, 10).tuning.steps == (1, 2)  # a quarter of 2 is 0, which is no training
    other = preset("small", "s4d")
    assert with_mixture(design_of(other), other.mixture, 10).tuning.steps[-1] == other.classifier.fit.steps
    with pytest.raises(ValueError, match=r"mixture.shares is empty"):
        MainMixture(shares=())


def test_where_some_records_have_no_labels_pseudo_labels_stand_beside_the_mixture():
    few, many = (with_mixture(design_of(SMALL), SMALL.mixture, records, 5) for records in (10, 10**6))
    assert few.arms[-2:] == ("pseudo-labels", "pseudo-labels + mixture") and many.arms[-2:] == (
        "pseudo-labels",
        "mixture",
    )
    assert "pseudo-labels" not in with_mixture(design_of(SMALL), SMALL.mixture, 10).arms


def test_where_the_simulator_knows_a_class_the_main_arm_starts_from_simulated_records():
    mixture = SMALL.mixture
    design = with_mixture(design_of(SMALL), mixture, 10, simulated=True)
    design.check()
    assert design.arms[-2:] == ("simulated first", "mixture + simulated first")
    assert design.analysis.main_arm == "mixture + simulated first"
    assert "from weights that started with simulated records" in main_arm_text(design, mixture, 10)
    started = design.controls.pretraining.simulated
    assert (started.records, started.fit.steps) == (mixture.simulated.records, mixture.simulated.steps)
    off = replace(mixture, simulated=replace(mixture.simulated, records=0))
    assert with_mixture(design_of(SMALL), off, 10, simulated=True) == with_mixture(design_of(SMALL), mixture, 10)
    many = with_mixture(design_of(SMALL), mixture, mixture.few, simulated=True)
    assert many == with_mixture(design_of(SMALL), mixture, mixture.few)
