"""The methods that fill an arm: the labels of the plan, named parents, and counts of what is rejected."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vqecg.downstream.augmentation.additions import (
    ALL,
    COPY,
    DRAWN,
    NOT_MADE,
    OTHER_LABELS,
    Additions,
    fill,
    joined_tallies,
    rejection_rates,
)
from vqecg.downstream.augmentation.likelihood_check import TOO_LIKELY, UNLIKELY, LikelihoodCheck, LikelihoodSettings
from vqecg.downstream.augmentation.methods.registry import (
    METHODS,
    AugmentationSettings,
    Ingredients,
    find_method,
    method_help,
)
from vqecg.downstream.augmentation.plan import AdditionPlan, plan_additions
from vqecg.downstream.augmentation.verdict import QualityFilter, Verdict
from vqecg.prior.conditioning import Condition
from vqecg.prior.copies.gate import CopyGate
from vqecg.prior.editing.interpolation import interpolate, mix_signals
from vqecg.prior.editing.pairing import shared_statements
from vqecg.prior.editing.settings import EXACT, SHARED, SUPPORTED, InfillingSettings, InterpolationSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.requests import Requests
from vqecg.prior.sampling import sample
from vqecg.prior.sketched_records import recordings_of, sketches_of
from vqecg.prior.synthetic_records import SyntheticRecords
from vqecg.records.beats.alignment import align_beats
from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection

DUPLICATION, RECONSTRUCTIONS, PRIOR_SAMPLES, INFILLING = "duplication", "reconstructions", "prior samples", "infilling"
RENDERED_SKETCHES, NOISY_SKETCHES = "rendered sketches", "noisy sketches"
LATENT_INTERPOLATION, NAIVE_MIXING, SIGNAL_MIXING = "latent interpolation", "naive mixing", "signal mixing"
RESAMPLED_BEATS = "resampled beats"
SIMULATED_HEARTS, TEXTBOOK_HEARTS = "simulated hearts", "textbook hearts"
SAMPLES = (PRIOR_SAMPLES, RENDERED_SKETCHES, NOISY_SKETCHES, SIMULATED_HEARTS, TEXTBOOK_HEARTS)
MIXING = (SIGNAL_MIXING, RESAMPLED_BEATS, LATENT_INTERPOLATION, NAIVE_MIXING)
NAMES = (DUPLICATION, RECONSTRUCTIONS, *MIXING, *SAMPLES[:3], INFILLING, *SAMPLES[3:])
SETTINGS = AugmentationSettings(infilling=InfillingSettings(candidates=1), least=1, attempts=3, seed=4)


@dataclass(frozen=True)
class Moody:
    """Rejects the records whose signal has a mean, in lead I, below a cut."""

    cut: float

    def judge(self, records: SyntheticRecords) -> list[Verdict]:
        return [Verdict("mood") if mean < self.cut else Verdict() for mean in records.signal[:, 0].mean(-1)]

    def describe(self) -> str:
        return "Moods."


@pytest.fixture(scope="module")
def own(simulated_store: RecordStore, simulated_split: SplitIndices, tiny_generator: ECGGenerator) -> Ingredients:
    task = simulated_store.task("superdiagnostic")
    return Ingredients(simulated_store, simulated_split.train, task, tiny_generator, SETTINGS)


@pytest.fixture(scope="module")
def plan(own: Ingredients) -> AdditionPlan:
    """Four records that every method can make."""
    labels = own.store.labels(own.task)[own.rows]
    able = np.all([find_method(method).eligible(own) for method in NAMES], axis=0)
    return plan_additions(labels, own.task.class_names, ("NORM", "CD"), 0, count=2, eligible=able)


@pytest.fixture(scope="module")
def whole(own: Ingredients, plan: AdditionPlan) -> Callable[[str], Additions]:
    """What a method makes for the whole plan, made once."""
    return functools.cache(lambda method: find_method(method).make(own, plan))


def test_methods_are_found_by_name_in_any_spelling_and_by_the_words_of_manifests():
    assert METHODS.names() == NAMES
    for name in NAMES:
        method = find_method(name)
        spellings = (name.replace(" ", "-"), name.upper(), method.manifest_name)
        assert {find_method(spelling).name for spelling in spellings} == {method.name} == {name}
        assert method.help and f"{name.replace(' ', '-')}: {method.help}" in method_help()
    mixing = ("signal mixing", "resampled beats", "interpolation", "naive mixing")
    words = ("duplication", "reconstruction", *mixing, "prior", "sketch", "noisy sketch", "infilling", *SAMPLES[3:])
    assert tuple(find_method(name).manifest_name for name in NAMES) == words


@pytest.mark.parametrize("method", NAMES)
def test_every_method_makes_the_planned_labels_from_training_records(
    own: Ingredients, plan: AdditionPlan, whole: Callable[[str], Additions], method: str
):
    made = whole(method)
    assert made.signal.shape == (len(plan), 8, 1000) and made.signal.dtype == np.float32
    assert np.isfinite(made.signal).all() and made.signal.std(axis=(1, 2)).min() > 0
    np.testing.assert_array_equal(made.labels, plan.labels)
    np.testing.assert_array_equal(own.task.encode(made.statements), plan.labels)
    assert made.method == method and made.passed.all() and (made.draws == 1).all()
    rows, patients = set(own.rows.tolist()), own.parents.patients
    for (first, second), weight in zip(made.parents.tolist(), made.weight, strict=True):
        assert first in rows if method not in SAMPLES else first == -1
        assert np.isfinite(weight) == (method in MIXING)
        if method in MIXING:
            assert second in rows and patients[first] != patients[second]
        else:
            assert second == -1
    drawn = made.rejected.set_index(["class_name", "reason"])["count"]
    assert drawn[ALL, DRAWN] == len(plan) and drawn["NORM", DRAWN] == plan.counts["NORM"]
    assert rejection_rates(made.rejected).empty


def test_the_methods_derive_from_the_same_records(
    own: Ingredients, plan: AdditionPlan, whole: Callable[[str], Additions]
):
    sources = own.rows[plan.source_indices]
    made = {method: whole(method) for method in NAMES if method not in SAMPLES}
    for additions in made.values():
        np.testing.assert_array_equal(additions.parents[:, 0], sources)
    np.testing.assert_array_equal(made[DUPLICATION].signal, own.store.signals(sources))
    tokenizer, pairs = own.generator.tokenizer, made[LATENT_INTERPOLATION].parents
    resampled = made[RESAMPLED_BEATS]
    np.testing.assert_array_equal(resampled.parents, pairs)
    assert (resampled.weight == 1).all()
    aligned = align_beats(*own.store.signals(pairs[0]), 100)
    np.testing.assert_array_equal(resampled.signal[0], aligned.signal)
    for method in (NAIVE_MIXING, SIGNAL_MIXING):
        np.testing.assert_array_equal(made[method].parents, pairs)
        np.testing.assert_array_equal(made[method].weight, made[LATENT_INTERPOLATION].weight)
    first, second = own.store.signals(pairs[0])
    weight = float(made[LATENT_INTERPOLATION].weight[0])
    np.testing.assert_allclose(
        made[LATENT_INTERPOLATION].signal[0], interpolate(tokenizer, first, second, weight), atol=1e-5
    )
    naive = interpolate(tokenizer, first, second, weight, aligned=False)
    np.testing.assert_allclose(made[NAIVE_MIXING].signal[0], naive, atol=1e-5)
    np.testing.assert_array_equal(made[SIGNAL_MIXING].signal[0], mix_signals(first, second, weight, 100))
    shared = shared_statements(*own.store.table["statements"].iloc[pairs[0]])
    assert made[LATENT_INTERPOLATION].statements[0] == shared


@pytest.mark.parametrize("method", [LATENT_INTERPOLATION, INFILLING, *SAMPLES, RECONSTRUCTIONS])
def test_a_set_made_in_parts_is_the_set_made_at_once(
    own: Ingredients, plan: AdditionPlan, whole: Callable[[str], Additions], method: str
):
    later = replace(plan, source_indices=plan.source_indices[2:], labels=plan.labels[2:])
    part = find_method(method).make(own, later, 2)
    np.testing.assert_allclose(part.signal, whole(method).signal[2:], atol=1e-4)
    np.testing.assert_array_equal(part.parents, whole(method).parents[2:])


@pytest.mark.slow
@pytest.mark.parametrize("method", [LATENT_INTERPOLATION, PRIOR_SAMPLES, INFILLING])
def test_a_rejected_record_is_drawn_anew_and_counted(own: Ingredients, plan: AdditionPlan, method: str):
    plain = find_method(method).make(own, plan)
    means = plain.signal[:, 0].mean(-1)
    cut = float(np.median(means))
    made = find_method(method).make(replace(own, check=Moody(cut)), plan)
    at_once = means >= cut
    np.testing.assert_array_equal(made.signal[at_once], plain.signal[at_once])
    assert (made.draws[at_once] == 1).all() and (made.draws[~at_once] > 1).all()
    np.testing.assert_array_equal(made.passed, made.signal[:, 0].mean(-1) >= cut)
    counts = made.rejected.set_index(["class_name", "reason"])["count"]
    assert counts[ALL, DRAWN] == made.draws.sum() and counts[ALL, "mood"] == made.draws.sum() - made.passed.sum()
    never = find_method(method).make(replace(own, check=Moody(np.inf)), plan)
    assert not never.passed.any() and (never.draws == SETTINGS.attempts).all()
    kept = made.only(made.passed)
    assert len(kept) == made.passed.sum() == len(kept.statements) and kept.passed.all()


@pytest.mark.slow
def test_near_copies_are_rejected_before_the_check_is_asked(own: Ingredients, plan: AdditionPlan):
    gate = CopyGate(own.store, own.rows, 2.0)
    made = find_method(LATENT_INTERPOLATION).make(replace(own, gate=gate, check=Moody(np.inf)), plan)
    assert set(rejection_rates(made.rejected)["reason"]) == {COPY}
    assert not made.passed.any() and set(made.nearest.tolist()) <= set(own.rows.tolist())
    assert (rejection_rates(made.rejected)["share"] == 1).all()


def test_rendered_sketches_are_those_of_the_samples(
    own: Ingredients, plan: AdditionPlan, whole: Callable[[str], Additions]
):
    prior, table = own.generator.prior, own.store.table.iloc[own.rows[plan.source_indices]]
    requests = Requests.like(own.task.encode(table["statements"].tolist()), table, own.generator.attributes)
    condition = Condition.of(requests.labels, requests.attributes)
    drawn = sample(prior, condition, SETTINGS.seed, SETTINGS.sampling)
    rendered = prior.sketch.rendered(drawn.sketch)[..., :1000].numpy()
    np.testing.assert_allclose(whole(RENDERED_SKETCHES).signal, rendered, atol=1e-5)
    assert "rendered sketches of the prior for the" in whole(RENDERED_SKETCHES).note
    noisy = whole(NOISY_SKETCHES)
    rest = np.abs(np.diff(noisy.signal - rendered, axis=2))
    asked = prior.sketch.levels(drawn.sketch.traits)[1].numpy()
    np.testing.assert_allclose(np.median(rest, axis=2), asked, rtol=0.15, atol=1e-4)
    assert "rendered sketches with noise of the prior for the" in noisy.note


def test_what_cannot_be_made_or_does_not_give_the_labels_is_told(own: Ingredients, plan: AdditionPlan):
    good = find_method(DUPLICATION).make(own, plan)

    def make(rows: np.ndarray, attempt: int) -> SyntheticRecords:
        statements = [{"SR": 100.0} if row == 1 else good.statements[row] for row in rows]
        parents = RecordSelection(own.store, good.parents[rows, 0])
        return SyntheticRecords.derived(
            good.signal[rows], parents, own.task, ("age", "sex"), statements=statements, valid=rows != 0
        )

    made = fill("made up", plan, own.task, make, "a test", attempts=2)
    assert made.passed.tolist() == [False, False] + [True] * (len(plan) - 2)
    reasons = made.rejected[made.rejected["class_name"] == ALL].set_index("reason")["count"]
    assert reasons[NOT_MADE] == 2 and reasons[OTHER_LABELS] == 2


def test_eligible_records_have_a_partner_or_statements_that_the_prior_knows(own: Ingredients):
    assert find_method(DUPLICATION).eligible(own).all() and find_method(INFILLING).eligible(own).all()
    assert 0 < find_method(LATENT_INTERPOLATION).eligible(own).mean() < 1
    assert find_method(PRIOR_SAMPLES).eligible(own).all()
    picky = replace(own, settings=replace(SETTINGS, least=10_000))
    labels = own.store.labels(own.task)[own.rows]
    np.testing.assert_array_equal(find_method(PRIOR_SAMPLES).eligible(picky), ~labels.any(1))
    with pytest.raises(ValueError, match=r"method 'magic' is unknown; expected one of duplication, reconstructions"):
        find_method("magic")


def test_records_with_more_labels_may_be_parents_by_shared_statements(own: Ingredients):
    sharing = replace(SETTINGS, interpolation=InterpolationSettings(pairing=SHARED))
    able = find_method(LATENT_INTERPOLATION).eligible(replace(own, settings=sharing))
    assert (able >= find_method(LATENT_INTERPOLATION).eligible(own)).all()
    with pytest.raises(ValueError, match="pairing is 'exact'; expected 'supported' or 'shared'"):
        AugmentationSettings(interpolation=InterpolationSettings(pairing=EXACT))
    assert AugmentationSettings().interpolation.pairing == SUPPORTED


def test_additions_come_back_from_a_file(own: Ingredients, plan: AdditionPlan, tmp_path: Path):
    made = find_method(LATENT_INTERPOLATION).make(replace(own, check=Moody(0.0)), plan)
    path = tmp_path / "part"
    path.write_bytes(made.to_bytes())
    again = Additions.read(path)
    for name in ("signal", "labels", "parents", "weight", "passed", "draws", "nearest", "distance"):
        np.testing.assert_array_equal(getattr(again, name), getattr(made, name))
    assert again.statements == made.statements and again.note == made.note
    for name in ("age", "sex"):
        np.testing.assert_array_equal(again.attributes[name], made.attributes[name])
    pd.testing.assert_frame_equal(again.rejected, made.rejected)
    twice = joined_tallies([made.rejected, again.rejected])
    assert twice["count"].sum() == 2 * made.rejected["count"].sum()


def test_likelihood_rejects_what_lies_outside_the_range_of_training_records(own: Ingredients):
    training = RecordSelection(own.store, own.rows)
    check = LikelihoodCheck.fit(own.generator, training, LikelihoodSettings(low=5, high=95, seed=1))
    assert check.lowest < check.highest and f"{check.highest:.1f} nats" in check.describe()
    records = SyntheticRecords.derived(training.signals, training, own.task, ("age", "sex"))
    reasons = [verdict.reason for verdict in check.judge(records)]
    assert set(reasons) == {"", UNLIKELY, TOO_LIKELY}
    assert np.mean([bool(reason) for reason in reasons]) == pytest.approx(0.1, abs=0.03)
    both = QualityFilter((check, Moody(np.inf)))
    verdicts = both.judge(records)
    assert [one.reason for one in verdicts] == [reason or "mood" for reason in reasons]
    assert "Moods." in both.describe() and check.judge(records[:0]) == []
    with pytest.raises(ValueError, match="expected percentiles with low below high"):
        LikelihoodSettings(low=99, high=1)


def test_a_textbook_heart_has_the_simulated_ones_beats_and_a_label_that_the_prior_need_not_know(
    own: Ingredients, plan: AdditionPlan, whole: Callable[[str], Additions]
):
    hearts, textbook = whole(SIMULATED_HEARTS), whole(TEXTBOOK_HEARTS)
    assert hearts.statements == textbook.statements
    sketch = sketches_of(own.generator, hearts.signal)
    redrawn, codes = recordings_of(own.generator, sketch, SETTINGS.seed, SETTINGS.sampling)
    np.testing.assert_allclose(redrawn, textbook.signal, atol=1e-4)
    assert codes.shape == (len(plan), own.generator.prior.config.frames, own.generator.prior.config.levels)
    unseen = replace(own, settings=replace(SETTINGS, least=10**6))
    for name, signal in ((SIMULATED_HEARTS, hearts.signal), (TEXTBOOK_HEARTS, textbook.signal)):
        made = find_method(name).make(unseen, plan)
        np.testing.assert_array_equal(made.labels, plan.labels)
        np.testing.assert_array_equal(made.signal, signal)


@pytest.mark.bad_input("recordings")
def test_recordings_of_another_length_have_no_sketch(own: Ingredients):
    with pytest.raises(ValueError, match=r"expected \(records, 8, 1000\)"):
        sketches_of(own.generator, np.zeros((2, 8, 500), np.float32))


@pytest.mark.parametrize("method", [SIMULATED_HEARTS, TEXTBOOK_HEARTS])
def test_a_simulated_heart_can_be_asked_for_by_a_class_that_no_training_record_has(own: Ingredients, method: str):
    task = own.task
    known = own.store.labels(task)[own.rows]
    column = task.class_names.index("CD")
    few = replace(own, rows=own.rows[known[:, column] == 0])
    invented = find_method(method).invents(few)
    assert "CD" in invented
    without = own.store.labels(task)[few.rows]
    plan = plan_additions(without, task.class_names, ("CD",), seed=0, count=3, invented=invented)
    made = find_method(method).make(few, plan)
    assert made.passed.all() and (made.labels[:, column] == 1).all() and (made.labels.sum(axis=1) == 1).all()
    np.testing.assert_array_equal(task.encode(list(made.statements)), made.labels)


def test_a_class_that_is_invented_leaves_out_what_excludes_it_in_the_record_whose_age_it_takes(own: Ingredients):
    task = own.store.task("subdiagnostic")
    fibrillating = np.array(["AFIB" in names for names in own.statements(own.rows)])
    few = replace(own, task=task, rows=own.rows[fibrillating])
    labels = own.store.labels(task, few.rows)
    plan = plan_additions(labels, task.class_names, ("_AVB",), seed=0, count=2, invented=("_AVB",))
    made = find_method(SIMULATED_HEARTS).make(few, plan)
    assert made.passed.all() and [set(names) for names in made.statements] == [{"1AVB", "SR"}] * 2
