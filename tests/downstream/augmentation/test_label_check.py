"""What rejects a made record: cuts from held-out scores of training records, rules that real records keep."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from vqecg.downstream.augmentation.label_check import (
    CLASSIFIER,
    RULE,
    LabelCheck,
    LabelCheckSettings,
    Verdict,
    lowest_scores,
    meets_rule,
    rules_of_real,
)
from vqecg.downstream.classifiers.settings import CLASSIFIER_FIT, ClassifierSettings
from vqecg.evaluation.waves.adherence_rules import RULES
from vqecg.prior.synthetic_records import SyntheticRecords
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.folds import SplitIndices
from vqecg.records.labels import LabelTask
from vqecg.records.patients import patient_parts
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection

TASK = LabelTask.named("superdiagnostic")
SHORT = ClassifierSettings(fit=replace(CLASSIFIER_FIT, steps=3, batch_size=16, warmup_steps=1, evaluate_every=3))


def made(store: RecordStore, rows: np.ndarray, task: LabelTask = TASK) -> SyntheticRecords:
    """Real records, as if they were made."""
    real = RecordSelection(store, rows)
    return replace(
        SyntheticRecords.derived(real.signals, real, task, ("age", "sex")), parents=np.full((len(rows), 2), -1)
    )


class Says(nn.Module):
    """Gives every record the same scores."""

    def __init__(self, *scores: float) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(scores).logit())

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(signal), -1)


def test_records_made_of_real_ones_are_judged_by_who_has_not_seen_these(simulated_store: RecordStore):
    lowest = np.array([0.5, *[-np.inf] * 4])
    severe, lenient = Says(0.1, 0.5, 0.5, 0.5, 0.5), Says(0.9, 0.5, 0.5, 0.5, 0.5)
    check = LabelCheck(TASK, 100, [severe, lenient], lowest, part_of={0: 0, 1: 0, 2: 1, 3: 1})
    records = replace(made(simulated_store, np.arange(6)), labels=np.eye(5, dtype=np.float32)[[0] * 6])
    parents = np.array([[0, -1], [2, -1], [0, 1], [3, 2], [0, 2], [-1, -1]])
    found = check.scores(replace(records, parents=parents))[:, 0]
    np.testing.assert_allclose(found, [0.1, 0.9, 0.1, 0.9, 0.5, 0.5], atol=1e-6)
    np.testing.assert_allclose(check.scores(records)[:, 0], 0.5, atol=1e-6)


def test_a_record_is_rejected_for_the_classes_asked_for_that_are_not_seen(simulated_store: RecordStore):
    lowest = np.array([0.5, 0.5, 0.5, 0.5, -np.inf])
    check = LabelCheck(TASK, 100, [Says(0.9, 0.1, 0.9, 0.1, 0.1)], lowest)
    labels = np.array([[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]], np.float32)
    records = replace(made(simulated_store, np.arange(5)), labels=labels)
    found = check.judge(records)
    assert found == [Verdict(), Verdict(CLASSIFIER, ("MI",)), Verdict(CLASSIFIER, ("MI", "CD")), Verdict(), Verdict()]
    assert "MI 0.500" in check.describe() and "HYP" not in check.describe()
    assert check.judge(replace(records, signal=records.signal[:0], labels=labels[:0], statements=[])) == []


def test_a_record_is_rejected_for_a_rule_that_it_breaks_and_not_for_one_that_cannot_be_measured(
    simulated_store: RecordStore,
):
    rules = tuple(rule for rule in RULES if rule.statement in ("STACH", "SBRAD", "1AVB"))
    check = LabelCheck(TASK, 100, [], np.full(5, -np.inf), rules)
    rate = np.array([len(find_r_peaks(signal, 100)) for signal in simulated_store.signals(slice(0, 40))])
    slow, fast = int(np.argmin(rate)), int(np.argmax(rate))
    records = made(simulated_store, np.array([fast, slow, slow, fast]))
    said = [{"STACH": 100.0}, {"STACH": 100.0}, {"1AVB": 100.0}, {"SR": 100.0, "NORM": 100.0}]
    found = check.judge(replace(records, statements=said))
    fits = Verdict() if rate[fast] > 17 else Verdict(RULE, ("STACH",))
    assert found == [fits, Verdict(RULE, ("STACH",)), Verdict(), Verdict()]
    table = pd.DataFrame({"heart_rate": [50.0, 70.0, np.nan]})
    rule = next(rule for rule in rules if rule.statement == "SBRAD")
    np.testing.assert_array_equal(meets_rule(rule, table), [1, 0, np.nan])


@pytest.mark.slow
def test_the_check_is_fitted_on_training_records_alone_and_read_the_second_time(
    simulated_store: RecordStore, simulated_split: SplitIndices, tmp_path: Path
):
    training, task = RecordSelection(simulated_store, simulated_split.train), simulated_store.task("superdiagnostic")
    settings = LabelCheckSettings(least=5, rule_share=0.5)
    check = LabelCheck.fit(training, task, SHORT, tmp_path, settings, progress=False)
    assert len(check.classifiers) == 2 and np.isfinite(check.lowest).any()
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("model.safetensors")}
    assert len(written) == 2
    again = LabelCheck.fit(training, task, SHORT, tmp_path, settings, progress=False)
    np.testing.assert_array_equal(again.lowest, check.lowest)
    assert {path: path.stat().st_mtime_ns for path in written} == written
    verdicts = check.judge(made(simulated_store, simulated_split.train, task))
    assert sum(bool(verdict.reason) for verdict in verdicts) < len(verdicts) / 2
    real = check.kept_by_real.set_index("rule")
    assert real.loc["1AVB: pr", "records"] == 0, "PR is not measured without a segmenter"
    assert all(rule.columns == ("heart_rate",) or rule.columns == ("rr_variation",) for rule in check.rules)
    pd.testing.assert_frame_equal(rules_of_real(training, None), check.kept_by_real)


@given(st.integers(2, 4), st.integers(0, 20), st.lists(st.sampled_from("abcdefgh"), min_size=4, max_size=40))
def test_no_patient_is_in_two_parts_and_no_part_is_empty(parts: int, seed: int, names: list[str]):
    patients = np.array([*names, "a", "b", "c", "d"], object)
    found = patient_parts(patients, parts, seed)
    assert set(found.tolist()) == set(range(parts))
    for name in set(patients):
        assert len(set(found[patients == name])) == 1


def test_a_cut_is_the_percentile_of_the_records_with_the_class():
    labels = np.zeros((200, 2))
    labels[:100, 0] = 1
    labels[:3, 1] = 1
    scores = np.tile(np.linspace(0, 1, 200)[:, None], (1, 2))
    low = lowest_scores(labels, scores, LabelCheckSettings(percentile=10, least=20))
    assert low[0] == pytest.approx(np.percentile(scores[:100, 0], 10)) and low[1] == -np.inf


def test_impossible_settings_are_refused():
    impossible: list[dict[str, Any]] = [{"percentile": 100.0}, {"parts": 1}]
    for wrong in impossible:
        with pytest.raises(ValueError, match="expected a percentile below 100"):
            LabelCheckSettings(**wrong)
    with pytest.raises(ValueError, match="1 patients; expected at least 2"):
        patient_parts(np.array(["a", "a"]), 2, 0)
