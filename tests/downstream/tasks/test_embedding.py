"""A vector for each recording: of all parts, and the same in any batch."""

import numpy as np
import pytest
import torch

from vqecg.downstream.tasks.embedding.embedding import embed_signals
from vqecg.downstream.tasks.embedding.registry import PARTS
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.sketch.sketch import Sketch
from vqecg.records.store.record_store import RecordStore


@pytest.fixture(scope="module")
def signal(simulated_store: RecordStore) -> np.ndarray:
    return simulated_store.signals(np.arange(5))


def test_every_part_is_a_row_of_numbers(tiny_generator: ECGGenerator, signal: np.ndarray):
    vectors = embed_signals(tiny_generator, signal)
    assert tuple(vectors) == PARTS.names() == ("tokenizer", "sketch", "transformer")
    config, dimension = tiny_generator.prior.config, tiny_generator.tokenizer.config.dimension
    widths = {name: part.shape for name, part in vectors.items()}
    assert widths["tokenizer"] == (5, 4 * dimension)
    assert widths["transformer"] == (5, 2 * (config.layers + 1) * config.width)
    assert widths["sketch"] == (5, tiny_generator.prior.sketch.projection.shape[1] + 6)
    for part in vectors.values():
        assert part.dtype == np.float32 and np.isfinite(part).all() and part.std(0).max() > 0


def test_a_vector_does_not_depend_on_the_batch(tiny_generator: ECGGenerator, signal: np.ndarray):
    together = embed_signals(tiny_generator, signal)
    for row in (0, 4):
        alone = embed_signals(tiny_generator, signal[row : row + 1], ["transformer", "tokenizer"])
        assert set(alone) == {"transformer", "tokenizer"}
        for name, part in alone.items():
            np.testing.assert_allclose(part[0], together[name][row], atol=1e-4)


def test_the_last_states_are_those_that_give_the_codes(tiny_generator: ECGGenerator, signal: np.ndarray):
    prior = tiny_generator.prior
    codes = tiny_generator.tokenizer.encode(torch.from_numpy(signal), prior.config.levels)
    sketch: Sketch = prior.sketch.measured(signal)
    with torch.inference_mode():
        layers = prior.layer_states(codes, sketch)
        loss = prior(codes, sketch).code_loss
        tables = prior.code_tables()
        first = prior.logits(layers[-1], tables)[:, 0, 0]
    expected = torch.nn.functional.cross_entropy(first, codes[:, 0, 0])
    assert len(layers) == prior.config.layers + 1
    assert 0 < float(expected) < 3 * float(loss) + 3


def test_what_does_not_fit_is_refused(tiny_generator: ECGGenerator, signal: np.ndarray):
    with pytest.raises(ValueError, match="the length of the generator's training"):
        embed_signals(tiny_generator, signal[:, :, :500])
    with pytest.raises(ValueError, match="part of an embedding"):
        embed_signals(tiny_generator, signal, ["nothing"])
