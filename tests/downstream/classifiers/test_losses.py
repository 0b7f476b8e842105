"""Losses of classifiers: equal to binary cross entropy at their neutral parameters, and the published formulas else."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn.functional import binary_cross_entropy_with_logits

from vqecg.downstream.classifiers.losses import asymmetric, bce, focal, positive_weights, weighted_bce

logit = st.floats(-60, 60, width=32)
rows = st.lists(st.tuples(logit, st.floats(0, 1, width=32)), min_size=1, max_size=8)


@settings(deadline=None)
@given(rows)
@example([(-12.580643653869629, 0.003)])  # in float32 the loss itself is rounded by more than the bound
def test_all_are_binary_cross_entropy_at_their_neutral_parameters(pairs: list[tuple[float, float]]):
    logits, labels = torch.tensor(pairs, dtype=torch.float64).T[:, None]
    expected = float(binary_cross_entropy_with_logits(logits, labels))
    for value in (
        bce(logits, labels),
        weighted_bce(logits, labels, torch.ones(len(pairs), dtype=torch.float64)),
        focal(logits, labels, gamma=0),
        asymmetric(logits, labels, 0, 0, 0),
    ):
        assert float(value) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_focal_is_lins_formula():
    probability = torch.tensor([[0.9, 0.2]])
    value = focal(torch.logit(probability), torch.tensor([[1.0, 0.0]]), gamma=2)
    assert float(value) == pytest.approx(-(0.1**2 * np.log(0.9) + 0.2**2 * np.log(0.8)) / 2, rel=1e-5)


def test_asymmetric_is_ridniks_formula_with_its_minus_sign():
    probability, labels = torch.tensor([[0.7, 0.4]]), torch.tensor([[1.0, 0.0]])
    value = asymmetric(torch.logit(probability), labels, 1, 4, 0.05)
    expected = -(0.3 * np.log(0.7) + 0.35**4 * np.log(0.65)) / 2
    assert expected > 0 and float(value) == pytest.approx(expected, rel=1e-5)


def test_an_absent_class_below_the_margin_counts_nothing_and_pulls_nowhere():
    logits = torch.logit(torch.tensor([[0.04, 0.01]])).requires_grad_()
    loss = asymmetric(logits, torch.zeros(1, 2), 0, 4, 0.05)
    loss.backward()
    assert float(loss.detach()) == 0 and logits.grad is not None and not logits.grad.any()


@settings(deadline=None)
@given(rows, st.sampled_from([0.0, 1.0, 2.5]), st.sampled_from([0.0, 1.0, 4.0]), st.sampled_from([0.0, 0.05]))
def test_losses_and_slopes_are_finite_and_not_negative(pairs, positive: float, negative: float, margin: float):
    logits, labels = torch.tensor(pairs).T[:, None]
    logits = logits.clone().requires_grad_()
    loss = asymmetric(logits, labels, positive, negative, margin)
    loss.backward()
    assert float(loss.detach()) >= 0 and logits.grad is not None and torch.isfinite(logits.grad).all()


def test_positive_weights_are_the_odds_of_absence_within_1_and_the_cap():
    labels = np.zeros((100, 4), np.float32)
    labels[:20, 0], labels[:80, 1], labels[:2, 2] = 1, 1, 1
    assert positive_weights(labels, 10).tolist() == [4, 1, 10, 10]
    with pytest.raises(ValueError, match=r"expected 1 \(no weighting\) or more"):
        positive_weights(labels, 0.5)


def test_a_rare_class_that_is_present_counts_by_its_weight():
    logits, labels = torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])
    assert float(weighted_bce(logits, labels, torch.tensor([3.0, 5.0]))) == pytest.approx(2 * np.log(2))


@pytest.mark.parametrize("wrong", [(-1, 0, 0), (0, 0.5, 0), (0, 0, 1), (0, 0, -0.1), (float("nan"), 0, 0)])
def test_parameters_without_a_finite_slope_are_refused(wrong: tuple[float, float, float]):
    with pytest.raises(ValueError, match="expected"):
        asymmetric(torch.zeros(1, 1), torch.zeros(1, 1), *wrong)
