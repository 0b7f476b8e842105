"""Classic augmentation: what each kind does and its bounds, that polarity stays, and what the draws depend on."""

import dataclasses

import numpy as np
import pytest
import torch

from vqecg.downstream.classifiers.signal_augmentation import ClassicAugmentation, augment
from vqecg.records.simulation.heart import DOWER

OFF = ClassicAugmentation(share=1.0, wander=0, noise=0, mask_seconds=0, lead_share=0, scaling=0)
RATE = 100


def ecgs(records: int = 40, samples: int = 500) -> np.ndarray:
    return (0.5 + 0.1 * np.random.default_rng(0).random((records, 8, samples))).astype(np.float32)


def changed(seed: int = 0, **kinds: float) -> np.ndarray:
    return augment(ecgs(), RATE, dataclasses.replace(OFF, **kinds), np.random.default_rng(seed))


def test_all_off_changes_nothing_and_the_input_is_never_written_to():
    signal = ecgs()
    assert np.array_equal(augment(signal, RATE, OFF, np.random.default_rng(0)), signal)
    assert np.array_equal(augment(signal, RATE, ClassicAugmentation(share=0), np.random.default_rng(0)), signal)
    given = signal.copy()
    altered = augment(signal, RATE, ClassicAugmentation(), np.random.default_rng(0))
    assert np.array_equal(signal, given)
    assert altered.dtype == np.float32 and altered.shape == signal.shape and np.isfinite(altered).all()


def test_wander_is_slow_and_within_its_millivolts():
    wander = changed(wander=0.2) - ecgs()
    assert 0.1 < np.abs(wander).max() <= 0.2 + 1e-5
    fastest = 2 * np.pi * OFF.wander_highest / RATE * 0.2
    assert np.abs(np.diff(wander, axis=2)).max() <= fastest + 1e-5


def test_noise_has_at_most_its_standard_deviation():
    spread = (changed(noise=0.05) - ecgs()).std(axis=(1, 2))
    assert spread.max() < 0.055 and spread.min() < 0.02


def test_a_mask_is_one_stretch_in_all_leads():
    hidden = changed(mask_seconds=1.0) == 0
    assert (hidden == hidden[:, :1]).all()
    assert hidden.sum(axis=2).max() <= 101
    assert (np.abs(np.diff(hidden[:, 0].astype(int), axis=1)).sum(axis=1) <= 2).all()
    assert hidden.any()


@pytest.mark.parametrize("lead_share", [0.2, 1.0])
def test_left_out_leads_are_flat_and_one_lead_always_stays(lead_share: float):
    flat = (changed(lead_share=lead_share) == 0).all(axis=2)
    assert (flat.sum(axis=1) <= 7).all() and flat.any()
    assert ((changed(lead_share=lead_share) == 0).any(axis=2) == flat).all()


def test_limb_leads_can_be_spared_by_the_lead_mask():
    flat = (changed(lead_share=0.9, mask_limb_leads=False) == 0).all(axis=2)
    assert flat[:, 2:].any() and not flat[:, :2].any()
    hidden = (changed(mask_seconds=1.0, mask_limb_leads=False) == 0).any(axis=(1, 2))
    assert hidden.any(), "the stretch of all leads is another kind"


def test_the_heart_is_turned_by_at_most_its_limit_and_the_rest_of_the_leads_stays():
    seen = np.linalg.pinv(DOWER)
    given, turned = ecgs(), changed(axis_rotation=10.0)
    before, after = seen @ given, seen @ turned
    sizes = np.linalg.norm(before, axis=1)
    assert np.allclose(np.linalg.norm(after, axis=1), sizes, rtol=1e-4), "a rotation"
    angles = np.degrees(np.arccos(np.clip((before * after).sum(axis=1) / sizes**2, -1, 1)))
    assert 5 < angles.max() < 10.1
    assert np.allclose(turned - DOWER @ after, given - DOWER @ before, atol=1e-5), "what is no dipole stays"


def test_turning_the_heart_leaves_the_other_kinds_as_they_were():
    usual = ClassicAugmentation()
    plain = augment(ecgs(), RATE, usual, np.random.default_rng(5))
    turned = augment(ecgs(), RATE, dataclasses.replace(usual, axis_rotation=20.0), np.random.default_rng(5))
    untouched = (plain == turned).all(axis=(1, 2))
    assert 0.2 < untouched.mean() < 0.8
    assert np.array_equal(plain == 0, turned == 0), "the same stretches and leads are masked"
    scaled_only = changed(3, scaling=0.5) / ecgs()
    both = changed(3, scaling=0.5, axis_rotation=20.0)
    assert np.allclose(both / scaled_only, changed(3, axis_rotation=20.0), atol=1e-5), "turned, then scaled"


@pytest.mark.bad_input("leads")
@pytest.mark.parametrize("kind", [{"axis_rotation": 5.0}, {"mask_limb_leads": False}])
def test_twelve_leads_cannot_be_turned(kind: dict):
    twelve = np.zeros((2, 12, 100), np.float32)
    with pytest.raises(ValueError, match="got 12 leads; expected I, II, V1"):
        augment(twelve, RATE, dataclasses.replace(OFF, **kind), np.random.default_rng(0))


def test_scaling_is_one_positive_factor_a_record():
    factor = changed(scaling=2.0) / ecgs()
    assert (factor > 0).all(), "never upside down"
    assert np.allclose(factor, factor[:, :1, :1], rtol=1e-4) and factor.std() > 0.1


def test_a_share_of_the_records_is_changed():
    untouched = (changed(wander=0.2, share=0.25) == ecgs()).all(axis=(1, 2))
    assert 0.5 < untouched.mean() < 0.95


def test_the_draws_depend_on_the_generator_alone():
    first, again, other = changed(3, noise=0.1), changed(3, noise=0.1), changed(4, noise=0.1)
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    with_wander = changed(3, noise=0.1, wander=0.1) - changed(3, wander=0.1)
    assert np.allclose(with_wander, first - ecgs(), atol=1e-5), "another kind leaves the noise as it was"


@pytest.mark.parametrize(
    "change",
    [
        {"share": 1.1},
        {"lead_share": -0.1},
        {"noise": -1},
        {"wander": float("nan")},
        {"wander_lowest": 0},
        {"axis_rotation": 200.0},
    ],
)
def test_settings_out_of_range_are_refused(change: dict):
    with pytest.raises(ValueError, match="expected"):
        dataclasses.replace(OFF, **change)


def test_the_settings_are_a_transform_of_arrays_and_tensors_of_one_record_or_many():
    classic, signal = ClassicAugmentation(), ecgs()
    expected = augment(signal, RATE, classic, np.random.default_rng(3))
    np.testing.assert_array_equal(classic(signal, RATE, np.random.default_rng(3)), expected)
    tensor = classic(torch.from_numpy(signal), RATE, np.random.default_rng(3))
    assert torch.equal(tensor, torch.from_numpy(expected))
    one = classic(signal[0], RATE, np.random.default_rng(3))
    np.testing.assert_array_equal(one, augment(signal[:1], RATE, classic, np.random.default_rng(3))[0])
    for wrong in (signal.astype(np.float64), signal[0, 0]):
        with pytest.raises(ValueError, match="expected float32 mV"):
            classic(wrong, RATE, np.random.default_rng(3))
