"""Verdicts of an earlier version beside those on the same scores."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from vqecg.downstream.comparison.comparison import is_comparison, read_comparison, write_comparison
from vqecg.downstream.comparison.results import FORMAT, Analysis, ArmScores, Comparison, analyse
from vqecg.evaluation.statistics.bootstrap import GAIN, NO_DIFFERENCE
from vqecg.reports.comparison.page import comparison_page

NAMES = ("MI", "HYP")


def judged(confidence: float = 0.95, moved: float = 0.0) -> Comparison:
    """Three arms of two seeds, the last one better at MI; `moved` changes the scores of that arm."""
    generator = np.random.default_rng(0)
    labels = (generator.random((120, 2)) < 0.4).astype(float)
    signal = labels + generator.normal(size=labels.shape)
    arms = []
    for name in ("real only", "duplication", "prior samples"):
        change = (1.0 + moved) * labels * (np.array(NAMES) == "MI") * (name == "prior samples")
        scores = signal + change + generator.normal(scale=0.2, size=(2, *labels.shape))
        arms.append(ArmScores(name, "made up", 100, 0, scores, np.full((2, 2), 0.5)))
    settings = Analysis(replicates=99, confidence=confidence)
    patients = [f"p{row}" for row in range(120)]
    return analyse(arms, labels, patients, NAMES, ("MI",), (0, 1), "by hand", {"steps": 2}, settings)


def written_before(folder: Path) -> dict[str, Any]:
    """A file of the format before this one, in which nothing but MI was a gain."""
    values = judged().to_dict()
    for name in ("differences", "class_differences"):
        values[name] = [
            {key: value for key, value in row.items() if not key.startswith(("bootstrap_", "earlier_"))}
            | {"verdict": GAIN if row.get("class_name") == "MI" else NO_DIFFERENCE}
            for row in values[name]
        ]
    values["format"] = FORMAT - 1
    (folder / "comparison.json").write_text(json.dumps(values))
    return values


def test_a_folder_of_an_earlier_version_is_judged_again_with_its_verdicts_beside(tmp_path: Path) -> None:
    written_before(tmp_path)
    assert not is_comparison(tmp_path)
    for _ in range(2):  # and they stay when it is judged once more
        again = write_comparison(tmp_path, judged())
        assert is_comparison(tmp_path) and read_comparison(tmp_path).other_verdicts == again.other_verdicts
        assert (again.differences["earlier_verdict"] == NO_DIFFERENCE).all()
        own = again.class_difference("prior samples", "real only", "MI", "auroc")
        assert (own["verdict"], own["earlier_verdict"]) == (GAIN, GAIN)
        (line,) = [line for line in again.other_verdicts if line.startswith("An earlier version")]
        assert "scarce classes (no detectable difference, here gain)" in line and ", MI (" not in line
        assert line in again.conclusion()
        assert (
            "An earlier version judged the same scores otherwise" in comparison_page(again, "", "1 May 2030").render()
        )


def test_other_scores_or_another_confidence_have_no_earlier_verdict(tmp_path: Path) -> None:
    for other in (judged(confidence=0.9), judged(moved=0.1)):
        written_before(tmp_path)
        again = write_comparison(tmp_path, other)
        of_arm = again.differences[again.differences["arm"] == "prior samples"]
        assert (of_arm["earlier_verdict"] == "").all()
