"""Training a prior on the codes of simulated recordings: it learns its codes and conditions, and repeats itself."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vqecg.prior.config import ECGPriorConfig, PriorShape
from vqecg.prior.examples import CodeExamples, Variants, encode_examples, mean_losses
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.modeling import ECGPrior
from vqecg.prior.requests import training_conditions
from vqecg.prior.sketch.layout import PLAIN
from vqecg.prior.sketch.loss import SketchLoss
from vqecg.prior.sketch.traits import measure
from vqecg.prior.training import (
    PriorTraining,
    prior_loss,
    train_prior,
    trait_basis,
    validate_sketch,
)
from vqecg.records.attributes import ATTRIBUTES, Attribute
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import fingerprint
from vqecg.training.fit import FitSettings, fit


def some_examples(records: int = 200, **shares: float) -> CodeExamples:
    """Three variants of each record, whose codes tell which variant of which record they are."""
    codes = np.arange(3)[:, None, None, None] * 1000 + np.arange(records)[:, None, None] + np.zeros((3, records, 5, 2))
    times = np.where(np.arange(4) < 3, codes[:, :, :1, 0] % 7 + np.arange(4), np.nan).astype(np.float32)
    labels = np.eye(2, dtype=np.float32)[np.arange(records) % 2]
    age = np.linspace(20, 90, records).astype(np.float32)
    traits = np.repeat(codes[:, :, 0, :1], PLAIN + 2, axis=2).astype(np.float32) % 7
    attributes = {"age": age, "sex": np.arange(records) % 2 + 1}
    return CodeExamples(codes.astype(np.int16), times, traits, labels, attributes, **shares)


def test_encoded_examples_are_the_codes_of_the_records_and_what_the_table_says(
    simulated_store: RecordStore,
    simulated_split: SplitIndices,
    tiny_tokenizer: ECGTokenizer,
    prior_training: PriorTraining,
):
    indices, task = np.array([5, 2, 70]), simulated_store.task("superdiagnostic")
    basis = trait_basis(simulated_store, simulated_split.train, prior_training)
    variants = Variants(2, shift=4, gain=0.05)
    found = encode_examples(simulated_store, indices, tiny_tokenizer, basis, task, 2, variants, progress=False)
    assert found.codes.shape == (2, 3, 125, 2) and found.codes.dtype == np.int16 and len(found) == 3
    codes = tiny_tokenizer.encode(torch.from_numpy(simulated_store.signals(indices)))
    np.testing.assert_array_equal(found.codes[0], codes[..., :2].numpy())
    assert not np.array_equal(found.codes[1], found.codes[0])
    beats = find_r_peaks(simulated_store.signals(indices)[1], 100) / 8
    np.testing.assert_allclose(found.times[0, 1, : len(beats)], beats)
    assert np.isnan(found.times[0, 1, len(beats) :]).all() and not np.array_equal(found.times[1], found.times[0])
    measures = measure(simulated_store.signals(indices)[1], find_r_peaks(simulated_store.signals(indices)[1], 100), 100)
    np.testing.assert_allclose(found.traits[0, 1], basis.traits(measures[None])[0], atol=1e-5)
    assert found.traits.shape == (2, 3, basis.count) and not np.array_equal(found.traits[1], found.traits[0])
    np.testing.assert_array_equal(found.labels, simulated_store.labels(task)[indices])
    table = simulated_store.table.iloc[indices]
    np.testing.assert_array_equal(found.attributes["age"], table["age"].to_numpy(np.float32))
    assert [("unknown", "female", "male")[sex] for sex in found.attributes["sex"]] == table["sex"].tolist()


def test_a_batch_draws_a_variant_of_each_record_and_keeps_its_condition():
    examples, rows = some_examples(), np.arange(0, 200, 2)
    batch = examples.batch(rows, np.random.default_rng(0))
    assert batch["codes"].shape == (100, 5, 2) and batch["codes"].dtype == torch.int64
    np.testing.assert_array_equal(batch["codes"][:, 0, 0] % 1000, rows)
    assert set((batch["codes"][:, 0, 0] // 1000).tolist()) == {0, 1, 2}
    np.testing.assert_array_equal(batch["labels"], examples.labels[rows])
    np.testing.assert_array_equal(batch["attribute/age"], examples.attributes["age"][rows])
    np.testing.assert_array_equal(batch["attribute/sex"], examples.attributes["sex"][rows])
    assert not bool(batch["hidden"].any())
    again = examples.batch(rows, np.random.default_rng(0))
    assert all(torch.equal(batch[name].nan_to_num(), again[name].nan_to_num()) for name in batch)


def test_the_asked_share_of_conditions_ages_and_sexes_is_hidden_each_by_itself():
    examples = some_examples(4000, label_dropout=0.2, attribute_dropout=0.4)
    batch = examples.batch(np.arange(4000), np.random.default_rng(0))
    no_age, no_sex = batch["attribute/age"].isnan(), batch["attribute/sex"] == 0
    assert float(batch["hidden"].float().mean()) == pytest.approx(0.2, abs=0.03)
    assert float(no_age.float().mean()) == pytest.approx(0.4, abs=0.03)
    assert float(no_sex.float().mean()) == pytest.approx(0.4, abs=0.03)
    assert float((no_age & no_sex).float().mean()) == pytest.approx(0.16, abs=0.03)


def test_training_lowers_the_loss_below_that_of_guessing(
    simulated_store: RecordStore,
    simulated_split: SplitIndices,
    tiny_tokenizer: ECGTokenizer,
    prior_training: PriorTraining,
):
    settings = replace(prior_training, fit=replace(prior_training.fit, steps=24, learning_rate=5e-3, evaluate_every=12))
    trained = train_prior(
        simulated_store,
        simulated_split.train,
        simulated_split.validation,
        tiny_tokenizer,
        simulated_store.task("superdiagnostic"),
        settings,
        progress=False,
    )
    history = trained.result.history
    assert history[-1]["loss"] < history[0]["loss"] < math.log(32)
    assert history[-1]["loss"] == pytest.approx((history[-1]["nats/level_0"] + history[-1]["nats/level_1"]) / 2)
    assert {"train/loss", "train/loss/level_1"} <= set(history[0])
    assert {"train/loss/traits", "train/loss/beats"} <= set(trained.sketch.history[0])
    assert trained.sketch.history[-1]["loss"] < trained.sketch.history[0]["loss"] and trained.detail is not None
    config = trained.prior.config
    assert config.tokenizer_fingerprint == fingerprint(tiny_tokenizer)
    assert (config.codebook_size, config.levels, config.frames) == (32, 2, 125)


@pytest.mark.slow
def test_a_prior_learns_what_a_trait_means():
    """Codes that are a trait itself: shown the trait, a trained prior is nearly sure, at the first step already."""
    labels = np.eye(2, dtype=np.float32)[np.arange(64) % 2]
    codes = np.broadcast_to((3 * labels[:, 1]).astype(np.int16)[None, :, None, None], (1, 64, 4, 2))
    times = np.full((1, 64, 1), 2, np.float32)
    traits = np.random.default_rng(0).normal(size=(1, 64, PLAIN + 2)).astype(np.float32)
    traits[..., 0] = 2 * labels[:, 1] - 1
    age = np.full(64, np.nan, np.float32)
    examples = CodeExamples(codes, times, traits, labels, {"age": age, "sex": np.zeros(64, np.int64)})
    torch.manual_seed(0)
    shape: dict[str, Any] = {"codebook_size": 8, "levels": 2, "frames": 4, "width": 16, "layers": 1, "heads": 2}
    prior = ECGPrior(ECGPriorConfig(class_names=("A", "B"), **shape, components=2, dropout=0.0))
    settings = FitSettings(steps=400, batch_size=32, learning_rate=1e-2, warmup_steps=5, mixed_precision="no")
    fit(prior, examples, prior_loss, settings, progress=False)
    assert mean_losses(prior, examples, prior_loss)["loss"] < 0.1
    others = traits.copy()
    others[..., 0] *= -1
    assert mean_losses(prior, replace(examples, traits=others), prior_loss)["loss"] > 1


def test_validation_is_the_mean_over_records_whatever_the_batches(tiny_generator: ECGGenerator):
    records = np.random.default_rng(0).integers(0, 32, (1, 7, 125, 2)).astype(np.int16)
    labels, age = np.eye(5, dtype=np.float32)[np.arange(7) % 5], np.full(7, 50, np.float32)
    times = np.sort(np.random.default_rng(1).random((1, 7, 9), np.float32) * 125)
    times[0, np.arange(9) > np.arange(7)[:, None]] = np.nan  # one beat in the first record, seven in the last
    traits = np.random.default_rng(2).normal(size=(1, 7, tiny_generator.prior.sketch.basis.count)).astype(np.float32)
    examples = CodeExamples(records, times, traits, labels, {"age": age, "sex": np.ones(7, np.int64)})
    sketch = tiny_generator.prior.sketch
    whole = mean_losses(sketch, examples, SketchLoss())
    intervals = np.isfinite(times[0]).sum(1) + 1
    parts = mean_losses(sketch, examples, SketchLoss(), {"loss/beats": intervals}, batch_size=3)
    assert {name: parts[name] for name in ("nats/beats", "nats/traits")} == pytest.approx(
        {name: whole[name] for name in ("nats/beats", "nats/traits")}
    )
    assert validate_sketch(sketch, examples) == pytest.approx(whole)


def test_the_same_seed_gives_the_same_bits(
    simulated_store: RecordStore,
    simulated_split: SplitIndices,
    tiny_tokenizer: ECGTokenizer,
    tiny_generator: ECGGenerator,
    prior_training: PriorTraining,
    tmp_path: Path,
):
    task = simulated_store.task("superdiagnostic")
    train, validation = simulated_split.train, simulated_split.validation
    again = train_prior(
        simulated_store, train, validation, tiny_tokenizer, task, prior_training, tmp_path, progress=False
    )
    assert fingerprint(again.prior) == fingerprint(tiny_generator.prior)
    assert (tmp_path / "history.jsonl").is_file()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"model": PriorShape(levels=5)}, "levels is 5; expected 1 to 4"),
    ],
)
def test_impossible_settings_are_refused(
    simulated_store: RecordStore,
    tiny_tokenizer: ECGTokenizer,
    prior_training: PriorTraining,
    wrong: dict[str, Any],
    told: str,
):
    rows, task = np.arange(4), simulated_store.task("superdiagnostic")
    settings = replace(prior_training, **wrong)
    with pytest.raises(ValueError, match=told):
        train_prior(simulated_store, rows, rows, tiny_tokenizer, task, settings, progress=False)


@pytest.fixture
def height() -> Iterator[str]:
    """A further attribute, as an extension registers one."""
    ATTRIBUTES.register("height", 50)(Attribute("height", unit="cm", highest=250, scale=100, offset=1.7, step=10))
    yield "height"
    ATTRIBUTES.remove("height")


@pytest.mark.slow
def test_a_prior_is_conditioned_on_a_further_attribute_by_naming_it(
    height: str,
    simulated_store: RecordStore,
    simulated_split: SplitIndices,
    tiny_tokenizer: ECGTokenizer,
    prior_training: PriorTraining,
    tmp_path: Path,
):
    centimetres = 160 + np.arange(len(simulated_store)) % 30.0
    store = replace(simulated_store, table=simulated_store.table.assign(height=centimetres))
    settings = replace(prior_training, model=replace(prior_training.model, attributes=("age", "sex", height)))
    train, validation, task = simulated_split.train, simulated_split.validation, store.task("superdiagnostic")
    prior = train_prior(store, train, validation, tiny_tokenizer, task, settings, progress=False).prior
    conditions = training_conditions(store, train, task, prior.config.attributes)
    assert (
        list(conditions.columns) == ["labels", "age", "sex", height, "count"] and (conditions[height] % 10 == 0).all()
    )
    ECGGenerator(tiny_tokenizer, prior, task, conditions, 1000).save_pretrained(tmp_path / "generator")
    generator = ECGGenerator.from_pretrained(tmp_path / "generator")
    assert generator.attributes == ("age", "sex", height) and fingerprint(generator.prior) == fingerprint(prior)
    requests = generator.requests(["NORM"], 2, seed=0, height=175.0)
    made = generator.generate(requests, seed=0)
    assert made.attributes[height].tolist() == [175, 175] and np.isfinite(made.signal).all()


def test_missing_validation_and_another_sampling_rate_are_refused(
    simulated_store: RecordStore, tiny_tokenizer: ECGTokenizer, prior_training: PriorTraining
):
    rows, none, task = np.arange(4), np.zeros(0, np.int64), simulated_store.task("superdiagnostic")
    with pytest.raises(ValueError, match="no validation records"):
        train_prior(simulated_store, rows, none, tiny_tokenizer, task, prior_training, progress=False)
    fast = ECGTokenizer(replace(tiny_tokenizer.config, sampling_rate=500))
    with pytest.raises(ValueError, match="trained at 500 Hz, the signals are at 100 Hz"):
        train_prior(simulated_store, rows, rows, fast, task, prior_training, progress=False)
