"""The arms that a comparison knows by name."""

import pytest

from vqecg.downstream.augmentation.methods import METHODS
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.comparison.arm_catalogue import BEST_PAIR, CATALOGUE, DEFAULT, QUICK, RUN, find_arm, find_arms


def test_every_arm_says_what_it_is_and_differs_in_additions_or_in_training():
    for arm in map(find_arm, (*DEFAULT, *CATALOGUE)):
        assert arm.what and set(arm.methods) <= set(METHODS)
        assert not (arm.methods and arm.training) or "+" in arm.name
        assert arm.name == "real only" or arm.methods or arm.training
        ClassifierSettings().changed(arm.training)
    assert len(DEFAULT) == len(set(DEFAULT)) == 13 and BEST_PAIR in DEFAULT and "shuffled labels" in DEFAULT
    assert set(QUICK) | set(RUN) <= set(DEFAULT)


def test_the_references_come_first_named_or_not_and_an_arm_counts_once():
    names = [arm.name for arm in find_arms(("mixup", "prior-samples", "Prior samples", "duplication"))]
    assert names == ["real only", "duplication", "mixup", "prior samples"]


def test_two_methods_make_a_pair():
    pair = find_arm("infilling+latent-interpolation")
    assert pair.name == "infilling + latent interpolation" and pair.methods == ("infilling", "interpolation")
    both = find_arm(BEST_PAIR)
    assert both.methods == ("prior",) and both.training == {"augmentation.name": "classic"}
    assert find_arm("classic-augmentation+prior-samples") == both
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
