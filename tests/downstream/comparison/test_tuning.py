"""Tuning: every arm alike, by other seeds, on the validation part, and written into the comparison."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vqecg.downstream.augmentation.plan import plan_additions
from vqecg.downstream.classifiers.metrics import classification_metrics
from vqecg.downstream.classifiers.settings import CLASSIFIER_FIT, ClassifierSettings
from vqecg.downstream.classifiers.signals import data_digest, record_digests
from vqecg.downstream.comparison.arms.arm_data import (
    Arm,
    ArmData,
    EnsembleArm,
    NetworkMember,
    TrainingArm,
    added_by,
    duplicate,
)
from vqecg.downstream.comparison.comparison import (
    ComparisonSettings,
    ReadyComparison,
    compare_ready,
    get_ready,
    read_comparison,
)
from vqecg.downstream.comparison.design import Design
from vqecg.downstream.comparison.results import Analysis
from vqecg.downstream.comparison.tuning import Candidate, chosen_way, tuned
from vqecg.downstream.comparison.tuning_settings import TuningSettings
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.reports.comparison.page import comparison_page
from vqecg.scripts.cli.arguments import plain

FIT = dataclasses.replace(CLASSIFIER_FIT, steps=2, batch_size=8, warmup_steps=1, evaluate_every=2)
TUNING = TuningSettings(steps=(3, 1), shares=(0.5, 0.0), times=(0.05, 0.1), seeds=(100, 101))
SETTINGS = ComparisonSettings(
    ClassifierSettings(fit=FIT), Analysis(main_arm="mixture", replicates=50), seeds=(0, 1), tuning=TUNING
)
TWICE = EnsembleArm("two networks", (NetworkMember(), NetworkMember(1)), "two averaged")


def ready_of(store: RecordStore, settings: ComparisonSettings = SETTINGS, *more: Arm) -> ReadyComparison:
    """Real only, duplication, a mixture of noise, and more arms."""
    task = store.task("superdiagnostic")
    rows = FoldSplit(train=(1, 2, 3, 4, 5, 6), validation=(7, 8), test=(9, 10)).indices(store.table)
    parts = [RecordSelection(store, part) for part in (rows.train, rows.validation, rows.test)]
    labels = parts[0].labels(task)
    plan = plan_additions(labels, task.class_names, ("HYP",), seed=0, count=3)
    noise = np.random.default_rng(0).normal(scale=0.1, size=(7, 8, 1000)).astype(np.float32)
    changes = {"mixture.share": 0.25}
    mixture = ArmData("mixture", noise, labels[:7], "noise", changes=changes, stream=True)
    arms = [duplicate(parts[0], plan), mixture, *more]
    return get_ready(*parts, dict.fromkeys(settings.seeds, arms), task, ("HYP",), settings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tuned")


@pytest.fixture(scope="module")
def chosen(simulated_store: RecordStore, folder: Path) -> ReadyComparison:
    return tuned(ready_of(simulated_store), folder, progress=False)


def test_every_arm_has_the_same_choice_of_steps_and_a_mixture_that_of_share_and_records(chosen: ReadyComparison):
    of = {
        arm: [(row["steps"], row["share"], row["records"]) for row in chosen.candidates if row["arm"] == arm]
        for arm in ("real only", "duplication", "mixture")
    }
    assert of["real only"] == of["duplication"] == [(1, None, None), (3, None, None)]
    real = len(chosen.train)
    counts = [round(0.05 * real), 7]  # times 0.1 would be more than there are
    per_step = [(0.0, None), *((0.5, count) for count in counts)]
    assert of["mixture"] == [(steps, share, records) for steps in (1, 3) for share, records in per_step]
    for arm, rows in of.items():
        picked = [row for row in chosen.candidates if row["arm"] == arm and row["chosen"]]
        assert len(rows) > 1 and len(picked) == 1
        assert picked[0]["score"] == max(row["score"] for row in chosen.candidates if row["arm"] == arm)
        assert picked[0]["seeds"] == 2 and picked[0]["metric"] == "auroc" and picked[0]["std"] >= 0


def test_candidates_are_judged_on_validation_by_seeds_of_their_own_and_never_see_the_test_part(
    chosen: ReadyComparison, folder: Path
):
    places = sorted(folder.glob("real-only-*/run.json"))
    assert [path.parent.name[:13] for path in places] == ["real-only-100"] * 2 + ["real-only-101"] * 2
    prepared, values = chosen.prepared, dict[int, list[float]]()
    for path in places:
        identity = json.loads(path.read_text())["identity"]
        assert identity["data"]["test"] == identity["data"]["validation"] == prepared.digests["validation"]
        with np.load(path.parent / "scores.npz") as scores:
            assert np.array_equal(scores["test"], scores["validation"])
            metrics = classification_metrics(
                prepared.validation.labels, scores["validation"], 0.5, prepared.class_names, ""
            )
        values.setdefault(identity["classifier"]["fit"]["steps"], []).append(metrics.macro["auroc"])
    rows = {row["steps"]: row["score"] for row in chosen.candidates if row["arm"] == "real only"}
    assert rows == {steps: pytest.approx(np.mean(of_steps)) for steps, of_steps in values.items()}


def test_a_tuned_comparison_is_resumed_and_written_with_its_choices(
    simulated_store: RecordStore, chosen: ReadyComparison, folder: Path
):
    written = {path: path.stat().st_mtime_ns for path in folder.glob("*/scores.npz")}
    again = tuned(ready_of(simulated_store), folder, progress=False)
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/scores.npz")} == written
    assert [run.identity for run in again.runs] == [run.identity for run in chosen.runs]
    comparison = compare_ready(chosen, folder, progress=False)
    assert comparison.candidates == chosen.candidates
    assert json.dumps(read_comparison(folder).to_dict()) == json.dumps(comparison.to_dict())
    steps = next(row["steps"] for row in chosen.candidates if row["chosen"] and row["arm"] == "real only")
    identity = json.loads((folder / "real-only-0" / "run.json").read_text())["identity"]
    assert identity["classifier"]["fit"]["steps"] == steps
    assert f"real only, chosen on validation: {steps} steps" in comparison.conclusion()
    page = str(comparison_page(comparison, "simulated", "today").render())
    assert "Chosen for every arm alike by macro AUROC on the validation part" in page
    with pytest.raises(ValueError, match="is to be tuned"):
        compare_ready(ready_of(simulated_store), folder, progress=False)


def best(arm: str, candidate: Candidate, ready: ReadyComparison, folder: Path) -> ReadyComparison:
    """The comparison with a candidate that is the only one of its arm."""
    settings = TuningSettings(
        steps=(candidate.steps,),
        shares=() if candidate.share is None else (candidate.share,),
        times=() if candidate.records is None else ((candidate.records + 0.1) / len(ready.train),),
        seeds=(100,),
    )
    only = dataclasses.replace(ready, settings=dataclasses.replace(ready.settings, tuning=settings))
    return tuned(only, folder, progress=False)


def test_a_share_of_0_is_the_very_classifier_of_real_only_and_says_so(simulated_store: RecordStore, folder: Path):
    classic = {"augmentation.name": "classic", "mixture.share": 0.25}
    ready = ready_of(simulated_store, SETTINGS, TWICE)
    mixture = next(arm for arm in ready.arms[0] if isinstance(arm, ArmData) and arm.stream)
    other = dataclasses.replace(mixture, name="mixture + classic augmentation", changes=classic)
    ready = ready_of(simulated_store, SETTINGS, TWICE, other, dataclasses.replace(TWICE, name="both", trained=mixture))
    nothing = best("mixture", Candidate(1, 0.0), ready, folder)
    arms = {arm.name: arm for arm in nothing.arms[0] if arm is not None}
    runs = {(run.name, run.seed): run for run in nothing.runs}
    zero: Any = runs["mixture", 0]
    assert [member.keyed_slug for member in zero.members] == [runs["real only", 0].keyed_slug]
    assert arms["mixture"].note == "noise; tuned on validation: 1 steps, share 0"
    trained = arms["mixture + classic augmentation"]
    assert isinstance(trained, TrainingArm) and dict(trained.changes) == {"augmentation.name": "classic"}
    both = arms["both"]
    assert isinstance(both, EnsembleArm) and both.trained is None
    comparison = compare_ready(nothing, folder, overwrite=True, progress=False)
    assert "share 0 (on validation nothing synthetic is best)" in comparison.conclusion()
    row = comparison.difference("mixture", "real only", "all classes", "auroc")
    assert row["estimate"] == 0 and row["verdict"] == "no detectable difference"
    assert comparison.arms.set_index("arm").loc["mixture", "synthetic_records"] == 0


def test_a_share_that_falls_from_twice_its_mean_has_half_at_most_and_none_without_a_stream(
    simulated_store: RecordStore, folder: Path
):
    mixture = next(arm for arm in ready_of(simulated_store).arms[0] if isinstance(arm, ArmData) and arm.stream)
    falling = dataclasses.replace(mixture, name="falling", changes={**mixture.changes, "mixture.schedule": "linear"})
    choice = TuningSettings(shares=(0.0, 0.25, 0.75), seeds=(100,))
    ready = tuned(
        ready_of(simulated_store, dataclasses.replace(SETTINGS, tuning=choice), falling), folder, progress=False
    )
    shares = {name: [row["share"] for row in ready.candidates if row["arm"] == name] for name in ("mixture", "falling")}
    assert shares == {"mixture": [0.0, 0.25, 0.75], "falling": [0.0, 0.25]}


def test_share_and_first_records_of_the_stream_are_those_chosen(simulated_store: RecordStore, folder: Path):
    few = best("mixture", Candidate(1, 0.5, 3), ready_of(simulated_store), folder)
    arm = next(arm for arm in few.arms[1] if isinstance(arm, ArmData) and arm.stream)
    assert arm.changes == {"mixture.share": 0.5} and len(arm.labels) == len(arm.signals) == 3
    cards = [path.read_text(encoding="utf-8") for path in folder.glob("mixture-100-*/model/README.md")]
    assert any(f"Trained on {len(few.train) + 3} records (mixture)" in card for card in cards), "the stream's too"
    run = next(run for run in few.runs if run.name == "mixture" and run.seed == 1)
    assert run.identity["classifier"]["mixture"] == {"share": 0.5} and run.settings.fit.steps == 1
    assert run.identity["data"]["mixture"] == data_digest(record_digests(arm.signals), arm.labels)
    whole = best("mixture", Candidate(1, 0.5, 7), ready_of(simulated_store), folder)
    assert whole.prepared.added == ready_of(simulated_store).prepared.added


def test_a_seed_whose_stream_is_smaller_than_the_tuned_one_takes_it_whole(simulated_store: RecordStore, folder: Path):
    ready = ready_of(simulated_store)
    mixture = next(arm for arm in ready.arms[1] if isinstance(arm, ArmData) and arm.stream)
    fewer = dataclasses.replace(mixture, signals=mixture.signals[np.arange(4)], labels=mixture.labels[:4])
    digest = data_digest(record_digests(fewer.signals), fewer.labels)
    arms = {0: ready.arms[0], 1: tuple(fewer if arm is mixture else arm for arm in ready.arms[1])}
    prepared = dataclasses.replace(ready.prepared, added={**ready.prepared.added, (1, "mixture"): digest})
    few = best("mixture", Candidate(1, 0.5, 5), dataclasses.replace(ready, arms=arms, prepared=prepared), folder)
    runs = {run.seed: run for run in few.runs if run.name == "mixture"}
    assert [len(added_by([runs[seed].arm])[0].labels) for seed in (0, 1)] == [5, 4]
    assert runs[1].identity["data"]["mixture"] == digest


def test_the_first_records_of_joined_streams_have_their_part_of_the_copies(simulated_store: RecordStore):
    mixture = next(arm for arm in ready_of(simulated_store).arms[0] if isinstance(arm, ArmData) and arm.stream)
    half = chosen_way(dataclasses.replace(mixture, copies=4), Candidate(1, 0.5, 4))
    assert isinstance(half, ArmData) and (len(half.labels), half.copies) == (4, 2)


def test_an_arm_with_steps_of_its_own_keeps_them_and_nothing_to_choose_changes_nothing(
    simulated_store: RecordStore, folder: Path
):
    longer = TrainingArm("longer", {"fit.steps": 4}, "more steps")
    choice = dataclasses.replace(SETTINGS, tuning=TuningSettings(steps=(1,), seeds=(100,)))
    ready = tuned(ready_of(simulated_store, choice, longer), folder, progress=False)
    assert {run.name: run.settings.fit.steps for run in ready.runs} == {
        "real only": 1,
        "duplication": 1,
        "mixture": 1,
        "longer": 4,
    }
    untuned = ready_of(simulated_store, dataclasses.replace(SETTINGS, tuning=TuningSettings()))
    assert tuned(untuned, folder, progress=False) is untuned


@pytest.mark.bad_input("settings")
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"metric": "f1"}, "metric is 'f1'; expected one of auroc"),
        ({"steps": (0,)}, "steps is 0"),
        ({"shares": (1.0,)}, "shares is 1.0"),
        ({"times": (2.0, 2.0)}, "none twice"),
        ({"seeds": ()}, "expected at least one"),
    ],
)
def test_choices_that_cannot_be_are_refused(wrong: dict[str, Any], told: str):
    with pytest.raises(ValueError, match=told):
        TuningSettings(**wrong)


@pytest.mark.bad_input("settings")
def test_a_tuning_that_does_not_fit_the_comparison_is_refused():
    with pytest.raises(ValueError, match="expected none in both"):
        ComparisonSettings(seeds=(0, 1), tuning=TuningSettings(steps=(1,), seeds=(1,)))
    with pytest.raises(ValueError, match="no arm is a mixture"):
        Design(tuning=TuningSettings(shares=(0.5,))).check()
    with pytest.raises(ValueError, match="is 0 synthetic records"):
        Design(arms=("mixture",), tuning=TuningSettings(shares=(0.001,))).check()
    with pytest.raises(ValueError, match="is 0 synthetic records"):
        Design(arms=("mixture 0.001",)).check()
    design = Design(arms=("mixture", "prior samples"), tuning=TuningSettings(times=(2.0, 3.0)))
    design.check()
    assert design.of_streams.times == 3 and "tuning" in plain(design) and "tuning" not in plain(Design())
