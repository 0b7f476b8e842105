"""Noise removed by a tokenizer that was trained for a moment on simulated recordings."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vqecg.downstream.tasks.denoising.denoising import denoise, window_starts
from vqecg.downstream.tasks.denoising.registry import DENOISERS
from vqecg.records.folds import SplitIndices
from vqecg.records.simulation.disturbances import disturbed
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.metrics import prd
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.tokenizer.noise import NoiseSettings, NoisyExamples
from vqecg.tokenizer.training import TokenizerTraining, train_tokenizer
from vqecg.training.checkpoint import fingerprint
from vqecg.training.examples import SignalExamples


@pytest.fixture(scope="module")
def settings(tokenizer_training: TokenizerTraining) -> TokenizerTraining:
    model = replace(tokenizer_training.model, noise_share=0.9, levels=8, codebook_size=64, width=32)
    fit = replace(tokenizer_training.fit, steps=120, learning_rate=5e-3, evaluate_every=40)
    return replace(tokenizer_training, model=model, fit=fit)


@pytest.fixture(scope="module")
def denoiser(simulated_store: RecordStore, simulated_split: SplitIndices, settings: TokenizerTraining) -> ECGTokenizer:
    train, validation = simulated_split.train, simulated_split.validation
    return train_tokenizer(simulated_store, train, validation, settings, progress=False).tokenizer


@pytest.fixture(scope="module")
def noisy(simulated_store: RecordStore, simulated_split: SplitIndices) -> tuple[np.ndarray, np.ndarray]:
    """Test recordings, (records, 8, samples) mV, and the same with as much noise as signal."""
    clean = simulated_store.signals(simulated_split.test)
    shares = {"wander": 1.0, "muscle": 1.0}
    return clean, np.stack([disturbed(one, 100, shares, 1.0, np.random.default_rng(n)) for n, one in enumerate(clean)])


def error(clean: np.ndarray, signal: np.ndarray) -> float:
    return float(prd(torch.from_numpy(clean), torch.from_numpy(signal)).median())


def test_a_denoising_tokenizer_is_nearer_than_what_came_and_codes_are_whole(
    denoiser: ECGTokenizer, noisy: tuple[np.ndarray, np.ndarray]
):
    clean, disturbed_signals = noisy
    before = error(clean, disturbed_signals)
    for method in ("codes", "high pass and codes", "without codes"):
        after = error(clean, np.stack([denoise(denoiser, one, method) for one in disturbed_signals]))
        assert after < 0.75 * before, method
    same = denoise(denoiser, disturbed_signals[0])
    assert same.dtype == np.float32 and same.shape == clean[0].shape
    assert np.array_equal(same, denoise(denoiser, disturbed_signals[0]))


@pytest.mark.parametrize("method", DENOISERS.names())
@pytest.mark.parametrize("samples", [300, 1000, 1001, 2750])
def test_recordings_of_any_length_keep_it(denoiser: ECGTokenizer, method: str, samples: int):
    signal = np.tile(np.random.default_rng(0).normal(0, 0.1, (8, 550)), 5)[:, :samples].astype(np.float32)
    cleaned = denoise(denoiser, signal, method)
    assert cleaned.shape == signal.shape and np.isfinite(cleaned).all()


def test_windows_cover_everything_and_overlap():
    for samples in (10, 1000, 1001, 1899, 1900, 1901, 12345):
        length = min(samples, 1000)
        starts = window_starts(samples, length, 100)
        covered = np.zeros(samples, int)
        for start in starts:
            covered[start : start + length] += 1
        assert starts[0] == 0 and starts[-1] + length == samples and covered.min() >= 1
        assert (np.diff(starts) <= length - 100).all()


def test_the_filter_leaves_a_wave_within_its_band_and_takes_wander_away(denoiser: ECGTokenizer):
    times = np.arange(1000) / 100
    wave = np.tile(np.sin(2 * np.pi * 8 * times), (8, 1)).astype(np.float32)
    cleaned = denoise(denoiser, wave + 2 * np.sin(2 * np.pi * 0.1 * times).astype(np.float32), "filter")
    assert np.abs(cleaned - wave)[:, 200:-200].max() < 0.1


def test_a_plain_tokenizer_and_strange_signals_are_refused(tiny_tokenizer: ECGTokenizer, denoiser: ECGTokenizer):
    signal = np.zeros((8, 1000), np.float32)
    with pytest.raises(ValueError, match=r"gives a recording back with its noise; expected one .*noise-share above 0"):
        denoise(tiny_tokenizer, signal)
    with pytest.raises(ValueError, match=r"of shape \(12, 1000\); expected \(8, samples\)"):
        denoise(denoiser, np.zeros((12, 1000), np.float32))
    signal[0, 3] = np.nan
    with pytest.raises(ValueError, match="1 of 8,000 samples are unknown, expected none"):
        denoise(denoiser, signal)
    with pytest.raises(
        ValueError, match="'magic' is unknown; expected one of codes, high pass and codes, without codes, filter"
    ):
        denoise(denoiser, np.zeros((8, 1000), np.float32), "magic")


def test_noise_is_drawn_anew_each_time_and_the_target_is_as_recorded(simulated_store: RecordStore):
    rows = np.arange(8)
    examples = NoisyExamples(SignalExamples(simulated_store, rows), NoiseSettings(), 0.5)
    first = examples.batch(rows, np.random.default_rng(0))
    other = examples.batch(rows, np.random.default_rng(1))
    assert np.array_equal(first["signal"], simulated_store.signals(rows)) and len(examples) == 8
    changed = (first["disturbed"] != first["signal"]).any(2).any(1)
    assert 0 < int(changed.sum()) < 8 and not torch.equal(first["disturbed"], other["disturbed"])


def test_training_can_start_from_another_tokenizer_of_the_same_shape(
    simulated_store: RecordStore, simulated_split: SplitIndices, settings: TokenizerTraining, denoiser: ECGTokenizer
):
    train, validation = simulated_split.train, simulated_split.validation
    still = replace(settings.fit, steps=1, learning_rate=0.0, evaluate_every=1)
    one = train_tokenizer(
        simulated_store, train, validation, replace(settings, fit=still), progress=False, start=denoiser
    )
    assert torch.equal(one.tokenizer.analysis.weight, denoiser.analysis.weight)
    other = replace(settings, model=replace(settings.model, width=16, noise_share=0.0))
    with pytest.raises(ValueError, match=r"has width 32 \(asked for: 16\); expected the same"):
        train_tokenizer(simulated_store, train, validation, other, progress=False, start=denoiser)


def test_settings_of_noise_refuse_what_cannot_be(simulated_store: RecordStore, settings: TokenizerTraining):
    with pytest.raises(ValueError, match="expected least below most"):
        NoiseSettings(least=2.0, most=1.0)
    with pytest.raises(ValueError, match="expected one or more, each once"):
        NoiseSettings(kinds=("wander", "wander"))
    with pytest.raises(ValueError, match="'thunder' is unknown"):
        NoiseSettings(kinds=("thunder",))
    mains = replace(settings, noise=NoiseSettings(kinds=("mains",)))
    with pytest.raises(ValueError, match="does not exist at 100 Hz"):
        train_tokenizer(simulated_store, np.arange(8), np.arange(8), mains, progress=False)


def test_a_tokenizer_without_noise_is_named_as_before(tiny_tokenizer: ECGTokenizer, denoiser: ECGTokenizer):
    """The setting is not in the fingerprint of tokenizers that do without it."""
    config = replace(tiny_tokenizer.config, noise_share=0.0)
    twin = ECGTokenizer(config)
    twin.load_state_dict(tiny_tokenizer.state_dict())
    assert fingerprint(twin) == fingerprint(tiny_tokenizer)
    assert denoiser.config.denoises and not tiny_tokenizer.config.denoises
