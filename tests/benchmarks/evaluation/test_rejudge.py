"""Stored comparisons judged again: from their scores alone, the earlier verdict beside the new one."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.evaluation import rejudge
from vqecg.downstream.comparison.results import FORMAT, Analysis, ArmScores, analyse

NAMES = ("MI", "HYP")


def stored(folder: Path) -> Path:
    """A comparison of the format before this one, with its scores, in which MI of the last arm was no gain."""
    generator = np.random.default_rng(0)
    labels = (generator.random((120, 2)) < 0.4).astype(float)
    patients = [f"p{row}" for row in range(120)]
    signal, arms = labels + generator.normal(size=labels.shape), []
    for arm in ("real only", "duplication", "prior samples"):
        change = labels * (np.array(NAMES) == "MI") * (arm == "prior samples")
        scores = signal + change + generator.normal(scale=0.2, size=(2, *labels.shape))
        arms.append(ArmScores(arm, "made up", 100, 0, scores, np.full((2, 2), 0.5)))
        for seed in range(2):
            place = folder / "runs" / f"{arm.replace(' ', '-')}-{seed}"
            place.mkdir(parents=True)
            (place / "run.json").write_text(json.dumps({"policy": "by hand"}))
            np.savez(place / "scores.npz", test=scores[seed], validation=scores[seed], thresholds=np.full(2, 0.5))
    table = pd.DataFrame(labels, columns=list(NAMES)).assign(record_id=patients, patient_id=patients)
    table.to_parquet(folder / "runs" / "test.parquet")
    values = analyse(
        arms, labels, patients, NAMES, ("MI",), (0, 1), "by hand", {"steps": 2}, Analysis(replicates=99)
    ).to_dict()
    for row in (*values["differences"], *values["class_differences"]):
        row |= {"verdict": "no detectable difference"}
    values["format"] = FORMAT - 1
    (folder / "runs" / "comparison.json").write_text(json.dumps(values))
    return folder


def test_the_verdict_before_stands_beside_the_new_one_and_the_folder_stays(run, tmp_path: Path):
    folder = stored(tmp_path / "old")
    before = (folder / "runs" / "comparison.json").read_bytes()
    printed = run(rejudge, str(folder), "--result", str(tmp_path / "rejudged.json"))
    (line,) = [line for line in printed.splitlines() if "prior samples against real only, AUROC of MI" in line]
    assert line.split("of MI")[1].split()[:4] == ["no", "detectable", "difference", "gain"]
    assert " of 15 verdicts are other ones" in printed
    assert (folder / "runs" / "comparison.json").read_bytes() == before
    assert json.loads((tmp_path / "rejudged.json").read_text())["counts"]["verdicts"] == 15


@pytest.mark.bad_input("a folder without a comparison")
def test_a_folder_without_scores_says_what_was_expected(tmp_path: Path):
    with pytest.raises(ValueError, match=r"no comparison\.json and no test\.parquet; expected the folder"):
        rejudge.main([str(tmp_path)])
