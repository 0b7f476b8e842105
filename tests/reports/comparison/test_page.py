"""The page of a comparison alone, from scores with a known gain and a known harm."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vqecg.downstream.comparison.results import Analysis, ArmScores, Comparison, analyse
from vqecg.reports.comparison.page import comparison_page, write_comparison_page
from vqecg.reports.comparison.section_data import ComparisonSection

NAMES = ("NORM", "MI", "HYP")


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """Six arms, of which "prior samples" sees MI better and NORM worse."""
    generator = np.random.default_rng(0)
    labels = (generator.random((200, 3)) < 0.4).astype(float)
    signal = labels + generator.normal(size=labels.shape)
    arms = []
    for name in ("real only", "duplication", "mixup", "infilling", "signal mixing", "prior samples"):
        change = np.array((-1, 1, 0)) * labels * (name == "prior samples")
        scores = signal + change + generator.normal(scale=0.2, size=(2, *labels.shape))
        arms.append(ArmScores(name, "made up", 100, 0, scores, np.full((2, 3), 0.5)))
    patients = [f"p{row}" for row in range(200)]
    settings = {"model": "resnet", "fit": {"steps": 600}}
    return analyse(arms, labels, patients, NAMES, ("MI",), (0, 1), "by hand", settings, Analysis(replicates=199))


@pytest.fixture(scope="module")
def page(comparison: Comparison) -> str:
    return comparison_page(comparison, "simulated", "1 May 2030").render()


def test_gain_and_harm_come_first_and_every_arm_and_class_follows(page: str) -> None:
    boxes = page[page.index('class="verdicts"') : page.index("Class group")]
    assert "<b>MI</b> against duplication" in boxes[: boxes.index('class="harm"')]
    assert "<b>NORM</b> against real only" in boxes[boxes.index('class="harm"') :]
    assert all(page.count(arm) > 3 for arm in ("mixup", "infilling", "duplication"))
    assert "Tested on 200 real records of 200 patients. 1 May 2030" in page
    assert "by the same rule in every arm: 600 steps, the weights of the last step" in page
    assert "model: resnet" in page and "Holm&#39;s step-down method" in page
    assert "<summary>F1 of every class</summary>" in page and "<summary>AUROC of every class</summary>" not in page


def test_steps_that_were_chosen_are_said(comparison: Comparison) -> None:
    row = {"arm": "mixup", "share": None, "records": None, "metric": "auroc", "score": 0.9, "std": None, "seeds": 1}
    tuned = [row | {"steps": steps, "chosen": steps < 600} for steps in (300, 150, 600)]
    page = comparison_page(replace(comparison, candidates=tuple(tuned)), "simulated", "1 May 2030").render()
    assert "every arm: 150 to 300 steps, by the choice for each arm, the weights of the last step" in page


def test_pooled_folds_and_cautions_are_said(comparison: Comparison) -> None:
    early = {"model": "zhang-sun", "fit": {"steps": 600, "patience": 3}}
    pooled = replace(comparison, folds=("8", "9"), normalised=True, seeds=(0,), settings=early)
    page = comparison_page(pooled, "simulated", "1 May 2030").render()
    assert "pooled out-of-fold scores of the folds 8, 9 (ranks within the fold)" in page
    assert "patients within their fold" in page
    assert "up to 600 steps, stopped early, the weights of the lowest validation loss" in page
    assert "One seed: the intervals know nothing of chance in training." in page
    assert ComparisonSection.of(comparison).tested_on == "the real test part"


def test_the_same_comparison_gives_the_same_file_and_nothing_beside_it(
    comparison: Comparison, page: str, tmp_path: Path
) -> None:
    write_comparison_page(comparison, tmp_path / "comparison.html", "simulated", "1 May 2030")
    assert (tmp_path / "comparison.html").read_text(encoding="utf-8") == page
    assert [path.name for path in tmp_path.iterdir()] == ["comparison.html"]
