"""Archives without loss: what codes leave, and whole recordings."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vqecg.downstream.tasks.compression.compression import CompressionSettings, SegmentCodes, encode_signals
from vqecg.downstream.tasks.compression.lossless import LosslessCoder, whole_microvolts
from vqecg.downstream.tasks.compression.remainder import MOST, decode_remainder, encode_remainder
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.modeling import ECGTokenizer

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 80))


@given(arrays(np.int64, SHAPES, elements=st.one_of(st.integers(-40, 40), st.integers(-MOST, MOST))))
@settings(max_examples=80, deadline=None)
def test_any_remainder_comes_back(remainder: np.ndarray):
    np.testing.assert_array_equal(decode_remainder(encode_remainder(remainder), *remainder.shape), remainder)


@given(st.binary(max_size=64))
@settings(max_examples=80, deadline=None)
def test_other_bytes_are_refused_or_some_remainder(content: bytes):
    try:
        assert decode_remainder(content, 2, 30).shape == (2, 30)
    except ValueError as error:
        assert "remainder" in str(error)


def test_a_remainder_costs_little_more_than_its_entropy():
    rng = np.random.default_rng(0)
    for scale in (2.0, 40.0, 900.0):
        errors = np.rint(rng.laplace(0, scale, (8, 1000))).astype(np.int64)
        entropy = errors.size * np.log2(2 * np.e * scale) / 8  # bytes, of a Laplace distribution in steps of 1
        assert entropy * 0.97 < len(encode_remainder(errors)) < entropy * 1.05 + 60


def test_a_smooth_remainder_costs_less_than_one_in_disorder():
    rng = np.random.default_rng(0)
    smooth = np.cumsum(np.rint(rng.laplace(0, 5, (8, 1000))), axis=1).astype(np.int64)
    mixed = rng.permuted(smooth, axis=1)
    assert len(encode_remainder(smooth)) < 0.8 * len(encode_remainder(mixed))


def test_past_the_most_nothing_is_written():
    with pytest.raises(ValueError, match="within"):
        encode_remainder(np.full((1, 3), MOST + 1))
    with pytest.raises(ValueError, match="expected"):
        encode_remainder(np.zeros((8, 0), np.int64))


@pytest.fixture(scope="module")
def signals(simulated_store: RecordStore) -> list[np.ndarray]:
    """Segments of 10 s, 3.33 s and 0.4 s."""
    whole = simulated_store.signals(np.arange(3))
    return [whole[0], whole[1, :, :333], whole[2, :, :40]]


def coded(tokenizer: ECGTokenizer, signals: list[np.ndarray], error: float = 40.0) -> list[SegmentCodes]:
    return encode_signals(tokenizer, signals, CompressionSettings(error=error))


def test_a_recording_comes_back_sample_for_sample(tiny_tokenizer: ECGTokenizer, signals: list[np.ndarray]):
    for error in (1e-3, 40.0, 1e5):  # all levels, some, none
        writing, reading = LosslessCoder(tiny_tokenizer), LosslessCoder(tiny_tokenizer)
        contents = writing.encode(signals, coded(tiny_tokenizer, signals, error))
        again = reading.decode(contents, [signal.shape[1] for signal in signals])
        assert again.dtype == np.float32
        np.testing.assert_array_equal(again, np.concatenate(signals, axis=1))


def test_a_decoder_that_is_a_little_off_changes_nothing(tiny_tokenizer: ECGTokenizer, signals: list[np.ndarray]):
    contents = LosslessCoder(tiny_tokenizer).encode(signals[:1], coded(tiny_tokenizer, signals[:1]))
    other = LosslessCoder(tiny_tokenizer)
    with torch.no_grad():
        for parameter in other.exact.parameters():
            parameter.mul_(1 + 1e-13)  # as the order of sums on another machine
    np.testing.assert_array_equal(other.decode(contents, [1000]), signals[0])


def test_a_decoder_that_is_far_off_is_found(tiny_tokenizer: ECGTokenizer, signals: list[np.ndarray]):
    contents = LosslessCoder(tiny_tokenizer).encode(signals[:1], coded(tiny_tokenizer, signals[:1]))
    other = LosslessCoder(tiny_tokenizer)
    with torch.no_grad():
        for parameter in other.exact.parameters():
            parameter.mul_(1.01)
    with pytest.raises(ValueError, match="other samples than were archived"):
        other.decode(contents, [1000])


def test_samples_between_whole_microvolts_are_refused():
    with pytest.raises(ValueError, match="off whole microvolts"):
        whole_microvolts(np.full((8, 4), 0.0123456, np.float32))
    steps = np.arange(-32767, 32768, 13)
    np.testing.assert_array_equal(whole_microvolts((steps / 1000).astype(np.float32)[None]), steps[None])
