"""The page of a grid: one answer over all cells, each cell folded under its own."""

from dataclasses import replace

import numpy as np
import pytest

from vqecg.downstream.comparison.results import Analysis, ArmScores, Comparison, analyse
from vqecg.reports.comparison.grid_page import grid_page

DESCRIBED = "PTB-XL 1.0.3, 3,864 of 21,799 records (a subset)"


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """Samples of the prior that make the only class easier to see."""
    generator = np.random.default_rng(0)
    labels = (generator.random((200, 2)) < 0.4).astype(float)
    noise = generator.normal(size=labels.shape)
    arms = []
    for name, change in (("real only", 0.0), ("duplication", 0.0), ("prior samples", 1.0)):
        scores = labels * (1 + change) + noise + generator.normal(scale=0.2, size=(3, *labels.shape))
        arms.append(ArmScores(name, "", 100, 40 if change else 0, scores, np.full((3, 2), 0.5)))
    patients = [f"p{row}" for row in range(200)]
    analysis = Analysis(replicates=199)
    return analyse(arms, labels, patients, ("NORM", "MI"), ("MI",), (0, 1, 2), "", {"model": "resnet"}, analysis)


def nothing_in(comparison: Comparison) -> Comparison:
    """The same without any difference."""
    table = comparison.differences
    return replace(comparison, differences=table.assign(estimate=0.001, low=-0.01, high=0.012, verdict=SAME))


SAME = "no detectable difference"


def test_cells_are_counted_by_what_their_main_arms_did(comparison: Comparison) -> None:
    page = grid_page({"gaining": comparison, "even": nothing_in(comparison)}, DESCRIBED, "1 May 2030")
    assert page.answer is not None
    assert page.answer.headline == "The main arm helped in 1 of 2 comparisons, did not measurably help in 1"
    assert page.answer.lines[0].startswith("What could have been seen, four times in five: a true gain of 0.0")
    assert "or more in gaining; " in page.answer.lines[0] and "6 differences" not in page.answer.headline
    text = page.render()
    assert "<summary>Adding 40 generated ECGs helped: +" in text and "Classes: NORM = normal ECG" in text
    assert 'href="cells/gaining/comparison.html"' in text and text.count("<details") == 2


def test_a_single_cell_gives_its_answer_and_simulated_data_are_said(comparison: Comparison) -> None:
    page = grid_page({"even": nothing_in(comparison)}, "synthetic records in PTB-XL's layout, 9 records", "1 May 2030")
    assert page.answer is not None and page.answer.headline.startswith("Adding 40 generated ECGs did not measurably")
    assert page.notices and page.notices[0].startswith("Simulated data")
    undefined = comparison.differences.assign(estimate=np.nan, low=np.nan, high=np.nan, smallest_detectable=np.nan)
    both = grid_page({name: replace(comparison, differences=undefined) for name in "ab"}, DESCRIBED, "1 May 2030")
    assert both.answer is not None and both.answer.headline == "The main arm could not be judged in 2 of 2 comparisons"
