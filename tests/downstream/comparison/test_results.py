"""From scores to verdicts: made-up scores with a known gain, a known harm, and none."""

import functools
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from vqecg.downstream.comparison.comparison import read_comparison
from vqecg.downstream.comparison.results import Analysis, ArmScores, Comparison, analyse, class_groups
from vqecg.downstream.comparison.tables import group_line
from vqecg.evaluation.statistics.bootstrap import NO_DIFFERENCE
from vqecg.evaluation.statistics.significance import holm
from vqecg.reports.comparison.page import comparison_page

NAMES = ("NORM", "MI", "STTC", "CD", "HYP")


def scored_arms(better: float, worse: float = 0.0) -> tuple[list[ArmScores], np.ndarray, list[str]]:
    """Made-up scores of three arms for 300 test records of 150 patients.

    "prior samples" sees `better` more of MI and `worse` less of NORM.
    """
    generator = np.random.default_rng(0)
    labels = np.repeat(generator.random((150, 5)) < 0.3, 2, axis=0).astype(float)
    signal = labels + np.repeat(generator.normal(size=(150, 5)), 2, axis=0)
    arms = []
    for name in ("real only", "duplication", "prior samples"):
        change = better * (np.array(NAMES) == "MI") - worse * (np.array(NAMES) == "NORM")
        more = labels * change * (name == "prior samples")
        scores = signal + more + generator.normal(scale=0.2, size=(3, *labels.shape))
        arms.append(ArmScores(name, "made up", 100, 10, scores, np.full((3, 5), 0.8)))
    return arms, labels, [f"p{row // 2}" for row in range(300)]


@functools.cache
def analysed(better: float, worse: float = 0.0, seeds: int = 3, replicates: int = 399) -> Comparison:
    arms, labels, patients = scored_arms(better, worse)
    arms = [replace(arm, scores=arm.scores[:seeds], thresholds=arm.thresholds[:seeds]) for arm in arms]
    settings = Analysis(replicates=replicates)
    return analyse(arms, labels, patients, NAMES, ("MI",), tuple(range(seeds)), "by hand", {}, settings)


def test_a_gain_in_the_scarce_class_is_said_for_that_group_and_not_for_the_others() -> None:
    result = analysed(better=1.0)
    for metric in ("auroc", "average_precision", "f1"):
        for against in ("real only", "duplication"):
            assert result.difference("prior samples", against, "scarce classes", metric)["verdict"] == "gain"
            common = result.difference("prior samples", against, "common classes", metric)
            assert common["verdict"] == "no detectable difference"
    assert "prior samples against duplication, scarce classes: gain" in result.conclusion()


def test_harm_in_a_common_class_is_said_as_loudly_as_gain_in_a_scarce_one() -> None:
    result = analysed(better=1.0, worse=1.0)
    lines = result.conclusion().splitlines()
    both = "(against real only, duplication)"
    assert f"scarce classes {both}, MI {both}" in lines[0] and lines[0].startswith("GAIN from prior samples: ")
    assert f"common classes {both}, NORM {both}" in lines[1] and lines[1].startswith("HARM from prior samples: ")
    assert lines[2:4] == ["GAIN from duplication: none detected", "HARM from duplication: none detected"]
    harmed = result.class_difference("prior samples", "duplication", "NORM", "auroc")
    assert (harmed["verdict"], harmed["group"]) == ("harm", "common classes") and harmed["high"] < 0
    with pytest.raises(ValueError, match="no difference for"):
        result.class_difference("prior samples", "duplication", "AFIB", "auroc")


def test_verdicts_on_classes_are_after_holm_over_the_classes_of_one_arm_reference_and_metric() -> None:
    table = analysed(better=0.1, worse=0.1).class_differences
    for _, own in table.groupby(["arm", "against", "metric"]):
        assert own["p_holm"].tolist() == pytest.approx(holm(own["p"].to_numpy()))
        assert (own["tests"] == 5).all() and ((own["p_holm"] <= 0.05) == (own["verdict"] != NO_DIFFERENCE)).all()
        quantiles = student.ppf(0.995, own["degrees_of_freedom"]) + student.ppf(0.8, own["degrees_of_freedom"])
        assert (own["smallest_detectable"] / own["standard_error"]).tolist() == pytest.approx(quantiles.tolist())
        assert (quantiles > 3.4175).all()
    changed = (table["p"] <= 0.05) & (table["p_holm"] > 0.05)
    assert changed.any()  # or the test shows nothing


def test_a_class_without_test_positives_is_no_test_for_holm() -> None:
    arms, labels, patients = scored_arms(1.0)
    labels[:, 4] = 0
    result = analyse(arms, labels, patients, NAMES, ("MI",), (0, 1, 2), "by hand", {}, Analysis(replicates=199))
    own = result.class_difference("prior samples", "real only", "HYP", "auroc")
    assert math.isnan(own["p_holm"]) and own["tests"] == 4 and own["verdict"] == NO_DIFFERENCE


def test_a_class_of_few_test_patients_is_not_judged_and_said() -> None:
    arms, labels, patients = scored_arms(1.0)
    labels[:, 4] = 0
    labels[:8, 4] = 1  # two records each of four patients
    given = ("MI", "HYP"), (0, 1, 2), "by hand", {}, Analysis(replicates=199)
    result = analyse(arms, labels, patients, NAMES, *given)
    own = result.class_difference("prior samples", "real only", "HYP", "auroc")
    assert math.isnan(own["p"]) and own["test_positives"] == 8 and own["verdict"] == NO_DIFFERENCE
    scarce = result.difference("prior samples", "real only", "scarce classes", "auroc")
    assert scarce["skipped"] == "HYP" and scarce["classes"] == 1 and scarce["verdict"] == "gain"
    assert result.unjudged == ("HYP",) and "test patients have, or lack, HYP: not judged" in result.conclusion()
    assert "HYP (" not in result.conclusion()
    labels[8, 4] = 1  # of a fifth
    assert analyse(arms, labels, patients, NAMES, *given).unjudged == ()


def test_what_keeps_a_comparison_from_a_conclusion_is_said() -> None:
    assert analysed(better=1.0).cautions == ()
    one = analysed(1.0, seeds=1, replicates=100)
    assert "One seed" in one.conclusion()
    assert "100 bootstrap draws are too few for Holm's correction" in one.conclusion()
    assert "Ask for 199 or more" in one.conclusion()
    assert set(one.class_differences["bootstrap_verdict"]) == {NO_DIFFERENCE}
    assert "a second opinion that is cautious, says otherwise: prior samples against" in one.conclusion()
    assert "Two seeds hardly tell how much chance in them moves" in analysed(1.0, seeds=2).conclusion()


def test_a_verdict_of_the_bootstrap_stands_beside_and_rarely_contradicts() -> None:
    table = analysed(better=1.0).differences
    assert (table["bootstrap_low"] <= table["estimate"]).all() and (table["estimate"] <= table["bootstrap_high"]).all()
    assert (table["verdict"] == table["bootstrap_verdict"]).mean() > 0.8
    assert (table["bootstrap_p"] <= 1).all() and (table["replicates"] == 399).all()


def test_of_several_draws_the_interval_knows_that_they_differ() -> None:
    arms, labels, patients = scored_arms(0.0)
    lucky = [np.repeat(change, 3)[:, None, None] for change in ([0.0] * 3, [0.0] * 3, [-0.3, 0.0, 0.6])]
    arms = [
        replace(arm, scores=np.tile(arm.scores, (3, 1, 1)) + by * labels, thresholds=np.full((9, 5), 0.8))
        for arm, by in zip(arms, lucky, strict=True)
    ]
    given = labels, patients, NAMES, ("MI",), (0, 1, 2), "by hand", {}, Analysis(replicates=99)
    drawn = analyse(arms, *given, draws=3)
    row = drawn.difference("prior samples", "real only", "all classes", "auroc")
    assert (drawn.draws, row["draws"], row["seeds"], row["verdict"]) == (3, 3, 3, NO_DIFFERENCE)
    assert row["low"] < 0 < row["high"] and row["share_of_readers"] > 0.5
    assert "3 seeds in each of 3 draws, 150 patients" in drawn.conclusion()
    assert Comparison.from_dict(json.loads(json.dumps(drawn.to_dict()))).draws == 3
    first = [replace(arm, scores=arm.scores[:3], thresholds=arm.thresholds[:3]) for arm in arms]
    one = analyse(first, *given).difference("prior samples", "real only", "all classes", "auroc")
    assert one["verdict"] == "harm", "which one draw alone would have said"


def test_without_a_difference_no_gain_is_claimed() -> None:
    result = analysed(better=0.0)
    for table in (result.differences, result.class_differences):
        assert set(table["verdict"]) == {"no detectable difference"}
    assert "GAIN from prior samples: none detected" in result.conclusion()
    assert "HARM from prior samples: none detected" in result.conclusion()


def test_tables_have_a_row_for_every_arm_group_metric_and_class() -> None:
    result = analysed(better=0.0)
    assert len(result.scores) == 3 * 3 * 3
    assert len(result.differences) == (2 + 1) * 3 * 3
    assert len(result.class_differences) == (2 + 1) * 5 * 3
    assert len(result.per_class) == 3 * 5
    assert result.test_patients == 150 and result.test_records == 300


def test_a_comparison_without_its_references_is_refused() -> None:
    arms, labels, patients = scored_arms(0.0)
    for missing in range(3):
        rest = [arm for number, arm in enumerate(arms) if number != missing]
        with pytest.raises(ValueError, match="a comparison needs it"):
            analyse(rest, labels, patients, NAMES, ("MI",), (0, 1, 2), "by hand", {}, Analysis(replicates=5))


def test_groups_are_all_scarce_and_common_classes() -> None:
    assert class_groups(NAMES, ("HYP", "MI"))["scarce classes"] == ("MI", "HYP")
    assert "common classes" not in class_groups(("MI",), ("MI",))
    with pytest.raises(ValueError, match="not all among the classes"):
        class_groups(NAMES, ("AFIB",))


def test_a_comparison_survives_json_with_its_undefined_classes(tmp_path: Path) -> None:
    arms, labels, patients = scored_arms(0.5)
    labels[:, 1] = 0
    result = analyse(
        arms, labels, patients, NAMES, ("MI",), (0, 1, 2), "by hand", {"steps": 2}, Analysis(replicates=20)
    )
    (tmp_path / "comparison.json").write_text(json.dumps(result.to_dict(), allow_nan=False))
    again = read_comparison(tmp_path)
    for table in ("arms", "scores", "differences", "class_differences", "per_class"):
        pd.testing.assert_frame_equal(getattr(again, table), getattr(result, table))
    assert (again.analysis, again.group_classes, again.seeds) == (result.analysis, result.group_classes, result.seeds)
    row = again.difference("prior samples", "real only", "scarce classes", "auroc")
    assert math.isnan(row["estimate"]) and row["skipped"] == "MI" and row["verdict"] == "no detectable difference"
    old = {name: value for name, value in result.to_dict().items() if name != "format"}
    (tmp_path / "comparison.json").write_text(json.dumps(old))
    with pytest.raises(ValueError, match="has format 1, expected 4: give the same command again"):
        read_comparison(tmp_path)
    with pytest.raises(ValueError, match=r"no comparison\.json"):
        read_comparison(tmp_path / "elsewhere")


def controlled(gain: float) -> Comparison:
    """Made-up scores in which shuffled labels, and no other arm, see `gain` more of MI."""
    arms, labels, patients = scored_arms(gain)
    arms = [*arms[:2], replace(arms[1], name="prior samples"), replace(arms[2], name="shuffled labels")]
    settings = {"steps": 2}
    return analyse(arms, labels, patients, NAMES, ("MI",), (0, 1, 2), "by hand", settings, Analysis(replicates=399))


def test_a_gain_from_shuffled_labels_says_first_and_loudly_that_the_instrument_is_broken() -> None:
    result = controlled(gain=1.0)
    assert result.conclusion().startswith("THE INSTRUMENT IS BROKEN: shuffled labels, ")
    assert "scarce classes (against real only)" in result.alarm and "MI (against real only)" in result.alarm
    assert result.cautions[0] == result.alarm
    page = comparison_page(result, "made up", "1 May 2030").render()
    assert "THE INSTRUMENT IS BROKEN" in page.split("<h2", 2)[1], "in the summary"


def test_a_gain_from_a_mixture_of_shuffled_labels_says_first_that_it_is_not_by_the_labels() -> None:
    arms, labels, patients = scored_arms(1.0)
    arms = [*arms[:2], replace(arms[1], name="mixture"), replace(arms[2], name="mixture of shuffled labels")]
    settings, analysis = {"steps": 2}, Analysis(main_arm="mixture", replicates=399)
    result = analyse(arms, labels, patients, NAMES, ("MI",), (0, 1, 2), "by hand", settings, analysis)
    assert result.conclusion().startswith("NOT BY THE LABELS: mixture of shuffled labels, ")
    assert "MI (against real only)" in result.alarm and "BROKEN" not in result.alarm


def test_shuffled_labels_without_a_gain_or_with_harm_raise_no_alarm() -> None:
    for gain in (0.0, -1.0):
        result = controlled(gain)
        assert result.alarm == "" and "BROKEN" not in result.conclusion()
    assert analysed(better=1.0).alarm == "", "a gain of another arm is no alarm"


def test_remarks_on_the_setting_are_cautions_and_survive_the_file() -> None:
    result = replace(analysed(better=0.0), remarks=("Made of thin air.",))
    again = Comparison.from_dict(json.loads(json.dumps(result.to_dict())))
    assert again.remarks == result.remarks and "Made of thin air." in again.conclusion()
    older = {name: value for name, value in result.to_dict().items() if name != "remarks"}
    assert Comparison.from_dict(older).remarks == ()


def test_a_group_that_cannot_be_judged_has_no_figures_in_the_conclusion():
    row = pd.Series({"arm": "prior samples", "against": "real only", "group": "scarce classes", "estimate": math.nan})
    assert group_line(row).startswith("prior samples against real only, scarce classes: not judged")
