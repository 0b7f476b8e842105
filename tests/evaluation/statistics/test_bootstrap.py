"""The paired bootstrap: weighted metrics against scikit-learn, resampling by patient, coverage, power."""

import math

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from vqecg.evaluation.statistics.bootstrap import (
    METRICS,
    PairedDifference,
    paired_difference,
    replicate_metric,
    verdict,
)
from vqecg.evaluation.statistics.resampling import draw_bootstrap


def two_arms(
    generator: np.random.Generator, patients: int = 150, seeds: int = 3, shift: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Labels (records, 2), the scores of two arms (seeds, records, 2), patients with two records each.

    The arms read the same signal with noise of their own; the first also has `shift` more of it.
    """
    labels = np.repeat(generator.random((patients, 2)) < 0.3, 2, axis=0).astype(float)
    signal = 1.5 * labels + np.repeat(generator.normal(size=(patients, 2)), 2, axis=0)
    noise = generator.normal(size=(2, seeds, *labels.shape)) * 0.5
    return labels, signal + shift * labels + noise[0], signal + noise[1], [f"p{n // 2}" for n in range(2 * patients)]


def difference(
    labels: np.ndarray,
    arm: np.ndarray,
    reference: np.ndarray,
    patients: list[str],
    metric: str = "auroc",
    **options: int,
) -> PairedDifference:
    options = {"replicates": 200, "bootstrap_seed": 0} | options
    draw = draw_bootstrap(patients, len(arm), options["replicates"], options["bootstrap_seed"])
    cuts = np.full((len(arm), labels.shape[1]), 1.0)
    values = [replicate_metric(metric, labels, scores, draw, cuts) for scores in (arm, reference)]
    return paired_difference(values[0], values[1], draw, [f"class {n}" for n in range(labels.shape[1])])


def test_a_patient_copied_record_by_record_does_not_make_the_interval_narrower() -> None:
    labels, arm, reference, patients = two_arms(np.random.default_rng(0))
    once = difference(labels, arm, reference, patients)
    four = np.repeat(np.arange(len(labels)), 4)
    copied = difference(labels[four], arm[:, four], reference[:, four], [patients[row] for row in four])
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))
    as_if_apart = difference(labels[four], arm[:, four], reference[:, four], [""] * len(four))
    assert as_if_apart.high - as_if_apart.low < 0.7 * (once.high - once.low)


def test_the_estimate_is_the_mean_over_seeds_of_the_difference_in_macro_auroc() -> None:
    labels, arm, reference, patients = two_arms(np.random.default_rng(1))
    expected = np.mean(
        [roc_auc_score(labels, a) - roc_auc_score(labels, r) for a, r in zip(arm, reference, strict=True)]
    )
    assert difference(labels, arm, reference, patients).estimate == pytest.approx(expected)


@pytest.mark.parametrize("metric", METRICS)
def test_a_known_gain_is_found_and_its_mirror_is_harm(metric: str) -> None:
    labels, arm, reference, patients = two_arms(np.random.default_rng(2), shift=1.0)
    assert verdict(difference(labels, arm, reference, patients, metric)) == "gain"
    assert verdict(difference(labels, reference, arm, patients, metric)) == "harm"


def test_an_arm_does_not_differ_from_itself() -> None:
    labels, arm, _, patients = two_arms(np.random.default_rng(3))
    result = difference(labels, arm, arm, patients)
    assert (result.estimate, result.low, result.high) == (0, 0, 0)
    assert verdict(result) == "no detectable difference"


def test_the_same_bootstrap_seed_gives_the_same_interval() -> None:
    data = two_arms(np.random.default_rng(4))
    assert difference(*data, bootstrap_seed=5) == difference(*data, bootstrap_seed=5)
    assert difference(*data, bootstrap_seed=5) != difference(*data, bootstrap_seed=6)


@pytest.mark.slow
def test_coverage_without_a_difference_is_near_nominal() -> None:
    """One seed: patients alone vary, and the interval should hold 0 in 95 of 100 trials."""
    trials = 200
    results = [
        difference(*two_arms(np.random.default_rng(trial), 80, 1), bootstrap_seed=trial) for trial in range(trials)
    ]
    covered = sum(result.low <= 0 <= result.high for result in results)
    assert 0.90 <= covered / trials <= 0.985


@pytest.mark.slow
def test_false_gains_stay_rare_when_training_is_noisy_too() -> None:
    """Five seeds whose quality varies about as much as patients do: at most nominal false verdicts, with tolerance."""
    trials, false = 150, 0
    for trial in range(trials):
        generator = np.random.default_rng(trial)
        labels, arm, reference, patients = two_arms(generator, 80, 5)
        quality = generator.normal(size=(2, 5, 1, 1)) * 0.1 * labels
        false += verdict(
            difference(labels, arm + quality[0], reference + quality[1], patients, bootstrap_seed=trial)
        ) != ("no detectable difference")
    assert false / trials <= 0.08


def test_a_class_without_test_positives_is_skipped_and_named() -> None:
    labels, arm, reference, patients = two_arms(np.random.default_rng(5))
    both = difference(labels, arm, reference, patients)
    labels[:, 1] = 0
    one = difference(labels, arm, reference, patients)
    assert (both.classes, both.skipped) == (2, ())
    assert (one.classes, one.skipped) == (1, ("class 1",))


def test_without_any_class_the_difference_is_nan_and_no_verdict_is_given() -> None:
    labels, arm, reference, patients = two_arms(np.random.default_rng(6))
    result = difference(np.zeros_like(labels), arm, reference, patients)
    assert math.isnan(result.estimate) and result.classes == 0
    assert verdict(result) == "no detectable difference"


def test_a_group_of_classes_is_averaged_alone() -> None:
    labels, arm, reference, patients = two_arms(np.random.default_rng(7))
    draw = draw_bootstrap(patients, 3, 50, 0)
    values = [replicate_metric("auroc", labels, scores, draw) for scores in (arm, reference)]
    group = paired_difference(values[0], values[1], draw, ("MI", "HYP"), ("HYP",))
    alone = [replicate_metric("auroc", labels[:, 1:], scores[:, :, 1:], draw) for scores in (arm, reference)]
    assert group == paired_difference(alone[0], alone[1], draw, ("HYP",))


def test_p_value_standard_error_and_detectable_difference_come_with_the_interval() -> None:
    result = difference(*two_arms(np.random.default_rng(9), shift=1.0))
    assert result.p == pytest.approx(2 / 201) and result.low > 0
    assert result.standard_error == pytest.approx((result.high - result.low) / 3.92, rel=0.15)
    assert result.smallest_detectable() == pytest.approx(2.8016 * result.standard_error, rel=1e-3)
    assert result.smallest_detectable(tests=5) == pytest.approx(3.4175 * result.standard_error, rel=1e-3)
    assert f"p {result.p:.3g}" in str(result)


def test_an_adjusted_p_value_takes_the_place_of_the_interval() -> None:
    gain = difference(*two_arms(np.random.default_rng(9), shift=1.0))
    assert verdict(gain) == verdict(gain, 0.04) == "gain"
    assert verdict(gain, 0.06) == verdict(gain, math.nan) == "no detectable difference"


def test_thresholds_may_differ_between_records() -> None:
    labels, arm, _, patients = two_arms(np.random.default_rng(10))
    draw = draw_bootstrap(patients, 3, 10, 0)
    shared = np.full((3, 2), 0.7)
    each = np.broadcast_to(shared[:, None, :], arm.shape)
    both = [replicate_metric("f1", labels, arm, draw, cuts).values for cuts in (shared, each)]
    assert np.array_equal(both[0], both[1])
    lifted = np.arange(len(labels))[None, :, None] % 2 * 5.0
    moved = replicate_metric("f1", labels, arm + lifted, draw, each + lifted).values
    assert np.array_equal(moved, both[0])


@pytest.mark.slow
def test_the_power_that_is_claimed_is_the_power_that_is_had() -> None:
    """A true difference of so many standard errors is found as often as the normal approximation says."""
    results = [
        difference(*two_arms(np.random.default_rng(trial), 80, 1, shift=0.3), bootstrap_seed=trial)
        for trial in range(200)
    ]
    error = np.mean([result.standard_error for result in results])
    true = np.mean([result.estimate for result in results])
    expected = norm.cdf(true / error - 1.96)
    found = np.mean([verdict(result) == "gain" for result in results])
    assert 0.3 < expected < 0.95
    assert found == pytest.approx(expected, abs=0.1)


def test_bad_input_is_refused() -> None:
    labels, arm, _, patients = two_arms(np.random.default_rng(8))
    draw = draw_bootstrap(patients, 3, 10, 0)
    with pytest.raises(ValueError, match="expected at least one of each"):
        draw_bootstrap(patients, 0, 10, 0)
    with pytest.raises(ValueError, match="auroc, average_precision, f1"):
        replicate_metric("accuracy", labels, arm, draw)
    with pytest.raises(ValueError, match="needs thresholds"):
        replicate_metric("f1", labels, arm, draw)
    with pytest.raises(ValueError, match="draw of 3 seeds"):
        replicate_metric("auroc", labels, arm[:2], draw)
    values = replicate_metric("auroc", labels, arm, draw)
    with pytest.raises(ValueError, match="classes among"):
        paired_difference(values, values, draw, ("MI", "HYP"), ("STTC",))
