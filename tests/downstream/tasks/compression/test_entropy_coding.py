"""Codes to bytes and back: exact for any codes, and few bits where codes are likely."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vqecg.downstream.tasks.compression.entropy_coding import (
    CodeTables,
    DepthCounts,
    decode_segment,
    encode_segment,
)
from vqecg.tokenizer.modeling import ECGTokenizer

LEVELS, CODES = 4, 32


def tables(seed: int = 0) -> CodeTables:
    """Codes of which some are a thousand times as likely as others."""
    return CodeTables(np.random.default_rng(seed).integers(1, 1000, (LEVELS, CODES)) ** 2)


@settings(deadline=None, max_examples=60)
@given(frames=st.lists(st.integers(1, 40), min_size=1, max_size=4), seed=st.integers(0, 2**16))
def test_segments_come_back_as_they_were(frames: list[int], seed: int):
    generator, models = np.random.default_rng(seed), tables().models()
    codes = [generator.integers(0, CODES, (count, LEVELS)) for count in frames]
    depths = [generator.integers(0, LEVELS + 1, count) for count in frames]
    writing, reading = DepthCounts(LEVELS), DepthCounts(LEVELS)
    for of_codes, of_depths in zip(codes, depths, strict=True):
        content = encode_segment(of_codes, of_depths, models, writing)
        found, found_depths = decode_segment(content, len(of_depths), models, reading)
        np.testing.assert_array_equal(found_depths, of_depths)
        np.testing.assert_array_equal(found, np.where(np.arange(LEVELS) < of_depths[:, None], of_codes, 0))
    np.testing.assert_array_equal(writing.weights, reading.weights)


def test_likely_codes_take_few_bits():
    weights = np.ones((1, CODES), np.int64)
    weights[0, 3] = 1000
    models, frames = CodeTables(weights).models(), 400
    likely = encode_segment(np.full((frames, 1), 3), np.ones(frames, np.int64), models, DepthCounts(1))
    unlikely = encode_segment(np.full((frames, 1), 4), np.ones(frames, np.int64), models, DepthCounts(1))
    assert 8 * len(likely) < 0.1 * frames < 8 * len(unlikely) / 8


def test_numbers_of_levels_are_learned():
    models, counts = tables().models(), DepthCounts(LEVELS)
    nothing, depths = np.zeros((200, LEVELS), np.int64), np.tile([0, 4], 100)
    sizes = [len(encode_segment(nothing, depths, models, counts)) for _ in range(2)]
    without = [len(encode_segment(nothing, np.zeros(200, np.int64), models, DepthCounts(LEVELS)))]
    assert sizes[1] <= sizes[0] and without[0] < sizes[1]


def test_tables_are_those_of_the_tokenizers_training(tiny_tokenizer: ECGTokenizer):
    found = CodeTables.of(tiny_tokenizer).weights
    assert found.shape == (tiny_tokenizer.num_levels, tiny_tokenizer.codebook_size)
    assert found.dtype == np.int64 and found.min() >= 1
    use = tiny_tokenizer.quantizer.code_use()
    assert int(found[0].argmax()) == int(use[0].argmax())
    assert bool((use > 0).all()) and torch.equal(use, tiny_tokenizer.quantizer.code_use())


@pytest.mark.parametrize("data", [b"", b"abc", b"\xff" * 400, b"\0" * 2000])
def test_bytes_of_something_else_are_refused(data: bytes):
    with pytest.raises(ValueError, match="codes"):
        decode_segment(data, 5, tables().models(), DepthCounts(LEVELS))
