"""Training a tokenizer on simulated recordings: it learns, repeats itself bit for bit, and resumes exactly."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.tokenizer.training import TokenizerTraining, train_tokenizer, validate
from vqecg.training.checkpoint import fingerprint


def test_training_lowers_prd(
    simulated_store: RecordStore, simulated_split: SplitIndices, tokenizer_training: TokenizerTraining
):
    model = replace(tokenizer_training.model, codebook_size=64, levels=6)
    longer = replace(tokenizer_training.fit, steps=40, learning_rate=3e-3, evaluate_every=10)
    settings = replace(tokenizer_training, model=model, fit=longer)
    train, validation = simulated_split.train, simulated_split.validation
    trained = train_tokenizer(simulated_store, train, validation, settings, progress=False)
    values = [row["prd/median"] for row in trained.result.history]
    assert values[-1] < 0.95 * values[0] < 50
    assert trained.result.best_value == min(values)
    signal = torch.from_numpy(simulated_store.signals(simulated_split.validation))
    assert validate(trained.tokenizer, signal)["prd/median"] == trained.result.best_value
    assert {"train/loss/time", "prd/half_levels", "vq/perplexity_3", "vq/restarts_0"} <= set(trained.result.history[0])


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(
    simulated_store: RecordStore,
    simulated_split: SplitIndices,
    tokenizer_training: TokenizerTraining,
    tiny_tokenizer: ECGTokenizer,
):
    train, validation = simulated_split.train, simulated_split.validation
    again = train_tokenizer(simulated_store, train, validation, tokenizer_training, progress=False)
    assert fingerprint(again.tokenizer) == fingerprint(tiny_tokenizer)
    other = replace(tokenizer_training, fit=replace(tokenizer_training.fit, seed=1))
    trained = train_tokenizer(simulated_store, train, validation, other, progress=False)
    assert fingerprint(trained.tokenizer) != fingerprint(tiny_tokenizer)


def test_an_interrupted_training_resumes_exactly(
    simulated_store: RecordStore,
    simulated_split: SplitIndices,
    tokenizer_training: TokenizerTraining,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    train, validation = simulated_split.train, simulated_split.validation
    settings = replace(tokenizer_training, fit=replace(tokenizer_training.fit, steps=9, evaluate_every=4))
    settings = replace(settings, fit=replace(settings.fit, average_decay=0.9))
    whole = train_tokenizer(simulated_store, train, validation, settings, tmp_path / "whole", progress=False)

    calls = iter(range(1, 100))
    forward = ECGTokenizer.forward

    def interrupted(self: ECGTokenizer, *signals: torch.Tensor):
        if next(calls) == 7:
            raise KeyboardInterrupt
        return forward(self, *signals)

    with monkeypatch.context() as patch:
        patch.setattr(ECGTokenizer, "forward", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_tokenizer(simulated_store, train, validation, settings, tmp_path / "parts", progress=False)
    resumed = train_tokenizer(simulated_store, train, validation, settings, tmp_path / "parts", progress=False)
    assert fingerprint(resumed.tokenizer) == fingerprint(whole.tokenizer)
    assert resumed.result.history == whole.result.history


def test_a_run_of_another_model_is_not_resumed(
    simulated_store: RecordStore,
    simulated_split: SplitIndices,
    tokenizer_training: TokenizerTraining,
    tmp_path: Path,
):
    train, validation = simulated_split.train, simulated_split.validation
    short = replace(tokenizer_training, fit=replace(tokenizer_training.fit, steps=1))
    train_tokenizer(simulated_store, train, validation, short, tmp_path, progress=False)
    other = replace(short, model=replace(short.model, slope_weight=0.5))
    with pytest.raises(ValueError, match=r"model\.slope_weight 0\.3 there, 0\.5 asked for"):
        train_tokenizer(simulated_store, train, validation, other, tmp_path, progress=False)


def test_another_sampling_rate_and_missing_validation_are_refused(
    simulated_store: RecordStore, simulated_split: SplitIndices, tokenizer_training: TokenizerTraining
):
    train, validation = simulated_split.train, simulated_split.validation
    fast = replace(tokenizer_training, model=replace(tokenizer_training.model, sampling_rate=500))
    with pytest.raises(ValueError, match="settings are for 500 Hz, the store holds 100 Hz"):
        train_tokenizer(simulated_store, train, validation, fast, progress=False)
    with pytest.raises(ValueError, match="no validation records"):
        train_tokenizer(simulated_store, train, np.zeros(0, np.int64), tokenizer_training, progress=False)


def test_validation_starts_the_count_of_codebook_use_anew(simulated_store: RecordStore, tiny_tokenizer: ECGTokenizer):
    signal = torch.from_numpy(simulated_store.signals(np.arange(4)))
    validate(tiny_tokenizer, signal)
    again = validate(tiny_tokenizer, signal)
    assert again["vq/used_0"] == 0 and again["vq/perplexity_0"] == 1
