"""A prior whose sketches have beats of two kinds: trained, saved, drawn, shared out over shards."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vqecg.prior.config import SamplingSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.likelihood import losses_of_records
from vqecg.prior.requests import training_conditions
from vqecg.prior.sampled_shards import SamplingTask, decoded
from vqecg.prior.sketch.layout import PLAIN
from vqecg.prior.sketch.sketch import Sketch
from vqecg.prior.training import PriorTraining, train_prior, trait_basis
from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.tokenizer.modeling import ECGTokenizer


@pytest.fixture(scope="module")
def generator(
    simulated_store: RecordStore,
    simulated_split: SplitIndices,
    tiny_tokenizer: ECGTokenizer,
    prior_training: PriorTraining,
) -> ECGGenerator:
    """A generator of all simulated statements with a second beat of six components."""
    settings = replace(prior_training, model=replace(prior_training.model, other_components=6))
    train, validation = simulated_split.train, simulated_split.validation
    task = simulated_store.task("all")
    trained = train_prior(simulated_store, train, validation, tiny_tokenizer, task, settings, progress=False)
    conditions = training_conditions(simulated_store, train, task)
    return ECGGenerator(tiny_tokenizer, trained.prior, task, conditions, simulated_store.spec.samples)


def test_its_records_have_beats_of_another_kind_and_the_traits_of_these(generator: ECGGenerator):
    config = generator.prior.config
    assert config.other_components == 6
    assert generator.prior.sketch.basis.count == PLAIN + config.components + 6
    drawn = generator.generate(generator.requests(["PVC"], 40, seed=0), seed=1)
    assert drawn.sketch is not None and drawn.sketch.unlike is not None
    kinds, times = drawn.sketch.unlike, drawn.sketch.times
    assert 0 < float(kinds[times.isfinite()].float().mean()) < 0.5 and not bool(kinds[~times.isfinite()].any())
    own = drawn.sketch.traits[:, -6:]
    assert bool((own[kinds.any(1)] != 0).any(1).all()) and bool((own[~kinds.any(1)] == 0).all())


def test_it_is_read_as_it_was_saved(generator: ECGGenerator, tmp_path: Path):
    generator.save_pretrained(tmp_path / "generator")
    again, requests = ECGGenerator.from_pretrained(tmp_path / "generator"), generator.requests(["PVC"], 3, seed=0)
    np.testing.assert_array_equal(again.generate(requests, 0).signal, generator.generate(requests, 0).signal)
    assert again.prior.sketch.basis.other_components == 6


def test_sketches_with_and_without_kinds_are_joined_row_by_row(generator: ECGGenerator):
    drawn = generator.generate(generator.requests(["PVC"], 4, seed=0), seed=1).sketch
    assert drawn is not None and drawn.unlike is not None
    joined = Sketch.joined([Sketch(drawn.times, drawn.traits), drawn])
    assert joined.unlike is not None and joined.unlike.shape == joined.times.shape
    assert not bool(joined.unlike[:4].any()) and torch.equal(joined.unlike[4:], drawn.unlike)


def test_shards_decode_what_was_drawn(generator: ECGGenerator, tmp_path: Path):
    generator.save_pretrained(tmp_path / "generator")
    requests, settings = generator.requests(["PVC"], 12, seed=0), SamplingSettings()
    task = SamplingTask(tmp_path / "generator", generator.fingerprint, 0, settings, None)
    (tmp_path / "shard").write_bytes(task.sample(requests, 0))
    signal = np.concatenate(list(decoded(generator, [tmp_path / "shard"])))
    np.testing.assert_allclose(signal, generator.generate(requests, 0, settings).signal, atol=1e-5)


def test_real_records_have_a_likelihood_that_knows_their_kinds(generator: ECGGenerator, simulated_store: RecordStore):
    rows = np.flatnonzero(["PVC" in names for names in simulated_store.table["statements"]])
    records = RecordSelection(simulated_store, rows)
    assert np.isfinite(losses_of_records(generator, records)).all()
    sketch = generator.prior.sketch.measured(records.signals)
    assert sketch.unlike is not None and bool(sketch.unlike.any(1).float().mean() > 0.8)
    task = generator.task
    condition = torch.from_numpy(records.labels(task))
    assert condition.shape == (len(rows), len(task.class_names))


def test_where_too_few_records_have_such_beats_there_is_no_second_beat(
    simulated_store: RecordStore, simulated_split: SplitIndices, prior_training: PriorTraining
):
    regular = [
        row for row in simulated_split.train if not {"PVC", "AFIB"} & set(simulated_store.table["statements"][row])
    ]
    settings = replace(prior_training, model=replace(prior_training.model, other_components=6))
    basis = trait_basis(simulated_store, np.array(regular[:12]), settings)
    assert basis.other_components == 0 and basis.count == PLAIN + basis.components
