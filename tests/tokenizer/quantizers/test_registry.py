"""A quantizer from outside the package: a tokenizer trains with it, comes back from its folder; a prior generates."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from vqecg.prior.generator import ECGGenerator
from vqecg.prior.requests import training_conditions
from vqecg.prior.training import PriorTraining, train_prior
from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.config import ECGTokenizerConfig
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.tokenizer.quantizers.base import QUANTIZERS, Quantizer, code_usage
from vqecg.tokenizer.training import TokenizerTraining, train_tokenizer
from vqecg.training.checkpoint import fingerprint


class FixedVectors(Quantizer):
    """Random vectors that never move, half as long at every level."""

    name = "fixed"
    help = "vectors that are drawn once"
    vectors: Tensor

    def __init__(self, config: ECGTokenizerConfig) -> None:
        super().__init__(config)
        drawn = torch.randn(self.levels, self.codebook_size, self.dimension, generator=torch.Generator().manual_seed(0))
        self.register_buffer("vectors", drawn / 2.0 ** torch.arange(self.levels)[:, None, None])

    def code_vectors(self) -> Tensor:
        return self.vectors


@pytest.fixture(scope="module")
def fixed() -> Iterator[str]:
    QUANTIZERS.register(FixedVectors.name)(FixedVectors)
    yield FixedVectors.name
    QUANTIZERS.remove(FixedVectors.name)


@pytest.mark.slow
def test_a_quantizer_from_outside_trains_a_tokenizer_and_a_prior_that_generates(
    fixed: str,
    simulated_store: RecordStore,
    simulated_split: SplitIndices,
    tokenizer_training: TokenizerTraining,
    prior_training: PriorTraining,
    tmp_path: Path,
):
    train, validation = simulated_split.train, simulated_split.validation
    settings = replace(tokenizer_training, model=replace(tokenizer_training.model, quantizer=fixed))
    trained = train_tokenizer(simulated_store, train, validation, settings, progress=False)
    assert trained.result.history[-1]["vq/used_0"] > 0 and trained.result.history[-1]["vq/restarts_0"] == 0
    trained.tokenizer.save_pretrained(tmp_path / "tokenizer")
    tokenizer = ECGTokenizer.from_pretrained(tmp_path / "tokenizer")
    assert isinstance(tokenizer.quantizer, FixedVectors) and fingerprint(tokenizer) == fingerprint(trained.tokenizer)
    task = simulated_store.task("superdiagnostic")
    prior = train_prior(simulated_store, train, validation, tokenizer, task, prior_training, progress=False).prior
    conditions = training_conditions(simulated_store, train, task)
    generator = ECGGenerator(tokenizer, prior, task, conditions, simulated_store.spec.samples)
    generator.save_pretrained(tmp_path / "generator")
    loaded = ECGGenerator.from_pretrained(tmp_path / "generator")
    made = loaded.generate(loaded.requests(["NORM"], 2, seed=0), seed=0)
    assert made.signal.shape == (2, 8, 1000) and np.isfinite(made.signal).all()


def test_what_the_base_class_gives_fits_the_vectors(fixed: str):
    quantizer = QUANTIZERS.get(fixed)(ECGTokenizerConfig(levels=3, codebook_size=16, dimension=4))
    embedding = torch.randn(5, 7, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
    output = quantizer(embedding)
    assert torch.equal(output.codes, quantizer.encode(embedding)) and output.codes.shape == (5, 7, 3)
    torch.testing.assert_close(output.quantized, quantizer.embed(output.codes))
    torch.testing.assert_close(output.commitment_loss, (embedding - output.quantized).square().mean())
    (straight,) = torch.autograd.grad(output.quantized.sum(), embedding)
    assert bool((straight == 1).all())
    assert torch.equal(quantizer.usage, code_usage(output.codes, 16))
    quantizer.reset_statistics()
    assert int(quantizer.usage.sum()) == 0


def test_a_quantizer_that_nobody_registered_is_refused():
    with pytest.raises(ValueError, match="quantizer 'lattice' is unknown; expected one of residual"):
        ECGTokenizer(ECGTokenizerConfig(quantizer="lattice"))
    with pytest.raises(NotImplementedError):
        Quantizer(ECGTokenizerConfig(levels=1, codebook_size=2)).code_vectors()
