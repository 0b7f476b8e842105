"""Differences of two arms with seeds as readers and patients as cases: variance, degrees of freedom, draws, errors."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t as student

from vqecg.evaluation.statistics.bootstrap import NO_DIFFERENCE, verdict
from vqecg.evaluation.statistics.jackknife import jackknife_metric
from vqecg.evaluation.statistics.multi_reader import (
    ReaderDesign,
    ReaderDifference,
    obuchowski_rockette,
    reader_design,
    reader_difference,
    spread_of_mean,
    t_interval,
)


def difference(
    generator: np.random.Generator,
    shift: float = 0.0,
    readers: int = 5,
    draws: int = 1,
    quality: float = 0.0,
    records: float = 0.0,
    patients: int = 200,
    metric: str = "auroc",
) -> ReaderDifference:
    """Two arms that read the same signal with noise of their own, the first with `shift` more of it.

    `quality` is how much the draws of an arm differ in it, `records` how much arms differ by record.
    """
    labels = (np.arange(patients) < 0.3 * patients).astype(float)[:, None]
    signal = 1.5 * labels + generator.normal(size=labels.shape)
    arms = []
    for more in (shift, 0.0):
        of_draw = np.repeat(quality * generator.normal(size=draws), readers // draws)[:, None, None] + more
        own = records * generator.normal(size=labels.shape) + 0.5 * generator.normal(size=(readers, *labels.shape))
        arms.append(signal + of_draw * labels + own)
    design = reader_design(np.arange(patients), readers, draws=draws)
    cuts = np.full((readers, 1), 1.0)
    values = [jackknife_metric(metric, labels, scores, design.patient_of, cuts) for scores in arms]
    return reader_difference(*values, design, ["class"])


def rejections(trials: int, **options: float) -> float:
    """The share of trials with a verdict."""
    results = [difference(np.random.default_rng(seed), **options) for seed in range(trials)]  # type: ignore[arg-type]
    assert all((one.p <= 0.05) == (one.low > 0 or one.high < 0) for one in results)
    return float(np.mean([verdict(one) != NO_DIFFERENCE for one in results]))


def test_without_a_difference_few_intervals_are_clear_of_zero_in_every_structure() -> None:
    for options in ({}, {"records": 0.4}, {"draws": 5, "quality": 0.3}, {"metric": "average_precision"}):
        assert rejections(150, **options) <= 0.1, options  # type: ignore[arg-type]


def test_a_true_difference_is_seen() -> None:
    assert rejections(60, shift=0.3) > 0.8


def test_a_draw_that_moves_all_of_its_seeds_is_no_difference() -> None:
    assert rejections(150, readers=6, draws=3, quality=0.4) <= 0.12
    as_seeds = [difference(np.random.default_rng(seed), readers=6, draws=3, quality=0.4) for seed in range(20)]
    assert all((one.draws, one.seeds) == (3, 2) for one in as_seeds)
    assert np.median([one.share_of_readers for one in as_seeds]) > 0.5


def random_differences(readers: int, patients: int = 40, common: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Differences (readers,) and their values without each patient: means over patients."""
    generator = np.random.default_rng(3)
    parts = generator.normal(size=(patients, readers)) + common * generator.normal(size=(patients, 1))
    whole = parts.mean(axis=0)
    return whole, (parts.sum(axis=0) - parts) / (patients - 1)


def design_of(patients: int, readers: int, draws: int = 1) -> ReaderDesign:
    return reader_design(np.arange(patients), readers, draws=draws)


def test_the_spread_is_that_of_obuchowski_and_rockette_where_readers_differ_by_more_than_their_records() -> None:
    whole, left = random_differences(4, common=1.0)
    apart = np.array([0.5, -0.5, 1.0, -1.0])
    whole, left = whole + apart, left + apart
    ours, theirs = (analysis(whole, left, design_of(40, 4)) for analysis in (spread_of_mean, obuchowski_rockette))
    assert ours.variance == pytest.approx(theirs.variance)
    # by hand: the paper's mean square and covariance of the differences
    covariance = np.cov(left.T) * 39**2 / 40
    between = (covariance.sum() - np.trace(covariance)) / 12
    assert theirs.of_readers == pytest.approx(whole.var(ddof=1) / 4) and theirs.of_patients == pytest.approx(between)
    hillis = theirs.variance**2 / (theirs.of_readers**2 / 3)
    assert theirs.degrees_of_freedom == pytest.approx(hillis) and ours.degrees_of_freedom <= hillis


def test_the_spread_is_that_of_the_patients_where_readers_differ_by_less() -> None:
    whole, left = random_differences(5)
    whole = np.full(5, whole.mean())
    spread = spread_of_mean(whole, left, design_of(40, 5))
    assert spread.of_readers == 0 and spread.variance == pytest.approx(left.mean(axis=1).var() * 39)
    assert spread.degrees_of_freedom == pytest.approx(39)
    one = spread_of_mean(whole[:1], left[:, :1], design_of(40, 1))
    assert one.of_readers == 0 and one.variance == pytest.approx(left[:, 0].var() * 39)
    with pytest.raises(ValueError, match="expected two or more"):
        obuchowski_rockette(whole[:1], left[:, :1], design_of(40, 1))


def test_a_negative_covariance_of_patients_counts_as_none() -> None:
    whole, left = random_differences(2)
    left[:, 1] = 2 * left[:, 1].mean() - left[:, 0]  # what one reader gains by a patient, the other one loses
    assert obuchowski_rockette(whole, left, design_of(40, 2)).of_patients == 0
    spread = spread_of_mean(whole, left, design_of(40, 2))
    assert spread.of_patients == pytest.approx(0, abs=1e-12) and spread.variance >= 0


def test_patients_vary_within_their_fold_where_scores_are_pooled() -> None:
    whole, left = random_differences(3)
    left[:20] += 1.0  # a fold whose patients all pull one way
    pooled = reader_design(np.arange(40), 3, folds=np.repeat(["1", "2"], 20))
    assert spread_of_mean(whole, left, pooled).variance < 0.1 * spread_of_mean(whole, left, design_of(40, 3)).variance


def test_few_patients_with_the_class_are_no_reason_to_call_chance_a_difference() -> None:
    clear = []
    for seed in range(100):
        labels = (np.arange(150) < 6).astype(float)[:, None]
        generator = np.random.default_rng(seed)
        scores = labels + generator.normal(size=labels.shape) + 0.5 * generator.normal(size=(2, 3, *labels.shape))
        values = [jackknife_metric("auroc", labels, one, np.arange(150)) for one in scores]
        clear.append(verdict(reader_difference(*values, design_of(150, 3), ["class"])) != NO_DIFFERENCE)
    assert np.mean(clear) <= 0.1


def test_arms_that_are_alike_have_no_difference_and_undefined_classes_no_figures() -> None:
    generator = np.random.default_rng(0)
    labels = np.zeros((50, 2))
    labels[:25, 0], labels[:1, 1] = 1, 1
    value = jackknife_metric("auroc", labels, generator.normal(size=(3, 50, 2)), np.arange(50))
    same = reader_difference(value, value, design_of(50, 3), ["a", "b"])
    assert (same.estimate, same.low, same.high, same.p) == (0, 0, 0, 1) and same.skipped == ("b",)
    assert verdict(same) == NO_DIFFERENCE and same.classes == 1 and same.smallest_detectable() == 0
    nothing = reader_difference(value, value, design_of(50, 3), ["a", "b"], ["a"], unjudged=["a"])
    assert math.isnan(nothing.estimate) and math.isnan(nothing.p) and verdict(nothing) == NO_DIFFERENCE


def test_the_smallest_detectable_difference_grows_where_few_seeds_say_how_networks_differ() -> None:
    known = difference(np.random.default_rng(0))
    hardly = replace(known, degrees_of_freedom=4.0)
    expected = student.ppf(0.975, 4) + student.ppf(0.8, 4)
    assert hardly.smallest_detectable() / hardly.standard_error == pytest.approx(expected)
    assert hardly.smallest_detectable() > known.smallest_detectable()
    assert t_interval(1.0, 0.0, 3.0, 0.95) == (1.0, 1.0, 0.0)


@pytest.mark.bad_input("readers that do not fit the draws")
def test_readers_that_are_not_as_many_in_every_draw_are_refused() -> None:
    with pytest.raises(ValueError, match="got 5 readers in 3 draws"):
        reader_design(np.arange(4), 5, draws=3)
    labels = np.eye(2)[np.arange(20) % 2]
    scores = np.random.default_rng(0).normal(size=(3, 20, 2))
    one, other = (jackknife_metric(name, labels, scores, np.arange(20)) for name in ("auroc", "average_precision"))
    with pytest.raises(ValueError, match="cannot subtract average_precision"):
        reader_difference(one, other, design_of(20, 3), ["a", "b"])
    with pytest.raises(ValueError, match="classes among"):
        reader_difference(one, one, design_of(20, 3), ["a", "b"], ["c"])
