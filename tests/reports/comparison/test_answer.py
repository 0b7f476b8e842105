"""The first lines of a report: right for every arm and every verdict."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vqecg.downstream.comparison.arms.registry import PAIR_PLACES, all_arms, find_arm
from vqecg.downstream.comparison.tables import ADDED
from vqecg.evaluation.statistics.bootstrap import GAIN, HARM, NO_DIFFERENCE, VERDICTS
from vqecg.reports.comparison.answer import answer_of
from vqecg.reports.comparison.section_data import ComparisonSection

ARMS = [arm.name for arm in all_arms() if arm.name != "real only"]
FIGURES = {
    GAIN: (0.0124, 0.0031, 0.0217),
    HARM: (-0.02, -0.03, -0.01),
    NO_DIFFERENCE: (-0.004, -0.0101, 0.0031),
    "": (np.nan, np.nan, np.nan),
}


def section(arm: str, verdict: str, synthetic: int = 437, **others: Any) -> ComparisonSection:
    """A comparison of one arm with real records, with that verdict on all classes and on MI."""
    estimate, low, high = FIGURES[verdict]
    row = {"arm": arm, "against": "real only", "metric": "auroc", "estimate": estimate, "low": low, "high": high}
    row |= {"verdict": verdict or NO_DIFFERENCE, "smallest_detectable": 0.0091 if verdict else np.nan}
    groups = [row | {"group": "all classes", "p": 0.4, "seeds": 3}]
    classes = [row | {"group": "all classes", "class_name": "MI", "test_positives": 9, "p_holm": 0.4, "tests": 1}]
    per_class = ["class_name", "test_positives", "arm", "auroc", "average_precision", "f1"]
    names = {"arm": ["real only", arm], "description": "", "real_records": 1234, "synthetic_records": [0, synthetic]}
    return ComparisonSection(
        main_arm=arm,
        primary_metric="auroc",
        arms=pd.DataFrame(names),
        scores=pd.DataFrame(columns=["arm", "group", "metric", "mean", "std", "seeds"]),
        differences=pd.DataFrame(groups),
        group_classes={"all classes": ("NORM", "MI")},
        threshold_policy="",
        class_differences=pd.DataFrame(classes),
        per_class=pd.DataFrame(columns=per_class),
        **others,
    )


def chosen(arm: str, *shares: float) -> tuple[dict[str, Any], ...]:
    """Candidates of the tuning, a chosen one per share, and one that was not chosen."""
    return tuple({"arm": arm, "share": share, "chosen": share != 0.7} for share in (*shares, 0.7))


@pytest.mark.parametrize("arm", [*ARMS, *PAIR_PLACES, "mixture + simulated first", "pseudo-labels + mixture"])
@pytest.mark.parametrize("verdict", [*VERDICTS, ""])
def test_every_arm_and_verdict_is_one_plain_sentence(arm: str, verdict: str) -> None:
    headline = answer_of(section(arm, verdict)).headline
    verbs = {GAIN: " helped: +0.012 AUROC, +0.003 to +0.022", HARM: " did harm: −0.020 AUROC, −0.030 to −0.010"}
    verbs |= {NO_DIFFERENCE: " did not measurably help: −0.004 AUROC, −0.010 to +0.003"}
    verbs |= {"": " could not be judged: too few test records have, or lack, the classes"}
    assert headline.endswith(verbs[verdict])
    assert headline[0].isupper() and not {"{", "}", "_"} & set(headline)


@pytest.mark.parametrize("arm", ARMS)
def test_every_registered_arm_says_in_words_what_it_does(arm: str) -> None:
    assert find_arm(arm).doing or find_arm(arm).training, "an arm that adds, averages or pretrains: give it `doing`"


def test_the_sentences_of_the_arms_that_are_asked_for_most() -> None:
    words = {
        "prior samples": "Adding 437 generated ECGs helped",
        "simulated first": "Starting from simulated records helped",
        "mixture": "Filling half of every batch with generated ECGs helped",
        "mixture 0.3": "Filling 30 % of every batch with generated ECGs helped",
        "mixture + simulated first": "Starting from simulated records and filling half of every batch with generated "
        "ECGs helped",
        "prior samples + classic augmentation": "Adding 437 generated ECGs and augmenting the training ECGs in the "
        "ordinary ways helped",
        "prior samples + latent interpolation": "Adding 437 ECGs (half generated ECGs, half ECGs interpolated between "
        "two real ones) helped",
        "two networks": "Averaging two networks helped",
        "axis rotation": "Training with axis rotation helped",
    }
    for arm, sentence in words.items():
        assert answer_of(section(arm, GAIN)).headline.startswith(f"{sentence}: "), arm


def test_a_share_is_the_one_that_was_chosen_and_none_is_said_to_be_none() -> None:
    def headline(arm: str, *shares: float) -> str:
        return answer_of(section(arm, NO_DIFFERENCE, candidates=chosen(arm, *shares))).headline

    assert headline("mixture", 0.2).startswith("Filling a fifth of every batch with generated ECGs did not")
    assert headline("mixture", 0.5, 0.0, 0.2).startswith("Filling 0 % to 50 % of every batch")
    assert headline("mixture", 0.0).startswith("Using no generated ECGs, which the validation records chose, did not")
    both = headline("mixture + simulated first", 0.0)
    assert both.startswith("Starting from simulated records and using no generated ECGs did not measurably help")


def test_copies_are_counted_as_what_was_added() -> None:
    copies = section("duplication", HARM, synthetic=0)
    arms = copies.arms.assign(real_records=[1234, 1300])
    assert answer_of(replace(copies, arms=arms)).headline.startswith("Adding 66 copies of real ECGs did harm")


def test_what_could_have_been_seen_comes_next_and_no_harm_is_kept_silent() -> None:
    answer = answer_of(section("prior samples", NO_DIFFERENCE))
    assert answer.lines[0] == (
        "What could have been seen: a true gain of 0.009 AUROC or more, four times in five. A smaller one, or a "
        "smaller harm, may be there."
    )
    assert "macro AUROC to training on real records alone, over all classes, and its 95 % interval" in answer.lines[1]
    assert "0.5 is guessing" in answer.lines[1]
    harmed = answer_of(section("prior samples", HARM)).lines
    assert "Harm, against training on real records alone, in: MI (myocardial infarction)." in harmed


def test_an_arm_of_an_extension_that_is_not_there_and_a_broken_instrument() -> None:
    assert answer_of(section("strange", GAIN)).headline.startswith("The arm strange helped: ")
    broken = section("prior samples", GAIN, cautions=(ADDED.format(gains="all classes"),))
    assert answer_of(broken).headline == "No answer: the control failed, so that nothing here can be believed"


def test_arms_that_cannot_be_told_apart_are_said_to_be_alike() -> None:
    alike = section("simulated first", NO_DIFFERENCE)
    nothing = alike.differences.assign(estimate=-1e-9, low=0.0, high=0.0, smallest_detectable=0.0)
    answer = answer_of(replace(alike, differences=nothing))
    assert answer.headline.startswith("Starting from simulated records changed nothing: classifiers with and without")
    assert answer.lines[0].startswith("What could have been seen: nothing.")


def test_a_main_arm_that_is_the_reference_cannot_be_judged() -> None:
    real = section("prior samples", GAIN)
    assert "no difference was measured" in answer_of(replace(real, main_arm="real only")).headline
