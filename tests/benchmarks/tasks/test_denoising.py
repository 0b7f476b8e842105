"""The benchmark of denoising, and its wavelets, on simulated recordings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.tasks.denoising import main, ratios
from benchmarks.tasks.wavelet import composed, decomposed, level_norms, levels_of, wavelet_denoised
from vqecg.records.store.record_store import RecordStore
from vqecg.reports.results import read_experiment
from vqecg.tokenizer.modeling import ECGTokenizer


def test_wavelets_give_a_signal_back_and_know_the_size_of_white_noise():
    signal = np.random.default_rng(0).normal(size=(3, 1000))
    details, approximation = decomposed(signal, 5)
    assert np.allclose(composed(details, approximation), signal)
    noise = np.random.default_rng(1).normal(size=(200, 1000))
    measured = [float(one.std()) for one in decomposed(noise, 5)[0]]
    assert measured == pytest.approx(level_norms(1000, 5), rel=0.05)
    assert levels_of(100) == 7 and levels_of(500) == 9


def test_wavelets_take_noise_and_wander_from_a_pulse():
    times = np.arange(1000) / 100
    pulse = np.exp(-0.5 * ((times % 1 - 0.5) / 0.03) ** 2)[None]
    noise = 0.1 * np.random.default_rng(0).normal(size=(1, 1000)) + np.sin(2 * np.pi * 0.1 * times)
    cleaned = wavelet_denoised(100, 1.0, pulse + noise)
    before, after = ratios(pulse[None], (pulse + noise)[None]), ratios(pulse[None], cleaned[None])
    assert after[0] > before[0] + 6


def test_every_method_is_measured(tiny_tokenizer: ECGTokenizer, simulated_store: RecordStore, tmp_path: Path):
    denoiser = ECGTokenizer(replace(tiny_tokenizer.config, noise_share=0.5))
    denoiser.load_state_dict(tiny_tokenizer.state_dict())
    denoiser.save_pretrained(tmp_path / "denoiser", "")
    result = tmp_path / "denoising.json"
    words = ["--store", str(simulated_store.folder), "--tokenizer", str(tmp_path / "denoiser"), "--result", str(result)]
    main([*words, "--test", *"123456789", "--records", "6"])
    experiment = read_experiment(result)
    values = {(one.of, one.measure): one.value.value for one in experiment.figures}
    assert experiment.counts["recordings"] == 6
    for kind in ("wander", "muscle", "motion", "wander and muscle", "recorded"):
        assert values[f"denoised: {kind}, as recorded", "0 dB"] == pytest.approx(0.0, abs=0.01)
        assert values[f"denoised: {kind}, best band", "0 dB"] >= values[f"denoised: {kind}, filter", "0 dB"] - 1e-6
        assert (f"denoised: {kind}, codes", "minus the filter's") in values
    assert values["denoised: wander, filter", "0 dB"] > 3
