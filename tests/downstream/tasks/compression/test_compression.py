"""Recordings to codes of as many levels as their error asks for, and back."""

import numpy as np
import pytest
import torch

from vqecg.downstream.tasks.compression.compression import (
    CompressionSettings,
    SegmentCoder,
    decode_signals,
    encode_signals,
    split,
)
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.modeling import ECGTokenizer


@pytest.fixture(scope="module")
def signals(simulated_store: RecordStore) -> list[np.ndarray]:
    """Of three lengths."""
    whole = simulated_store.signals(np.arange(6))
    return [*whole[:4], whole[4, :, :333], whole[5, :, :40]]


def depths(tokenizer: ECGTokenizer, signals: list[np.ndarray], error: float) -> np.ndarray:
    return np.concatenate([one.depths for one in encode_signals(tokenizer, signals, CompressionSettings(error=error))])


def test_a_smaller_error_takes_more_levels(tiny_tokenizer: ECGTokenizer, signals: list[np.ndarray]):
    few, more, all_levels = (depths(tiny_tokenizer, signals, error) for error in (1e5, 40.0, 1e-3))
    assert not few.any() and (all_levels == tiny_tokenizer.num_levels).all()
    assert (more <= all_levels).all() and 0 < more.mean() < tiny_tokenizer.num_levels
    off = []
    for error in (200.0, 40.0):
        codes = encode_signals(tiny_tokenizer, signals[:4], CompressionSettings(error=error))
        decoded = np.stack(decode_signals(tiny_tokenizer, codes, [1000] * 4))
        off.append(float(np.square(decoded - np.stack(signals[:4])).mean()))
    assert off[1] < off[0]


def test_with_all_levels_it_is_the_tokenizers_own_reconstruction(
    tiny_tokenizer: ECGTokenizer, signals: list[np.ndarray]
):
    settings = CompressionSettings(error=1e-3, beams=1)
    for signal in (signals[0], signals[4], signals[5]):
        (codes,) = encode_signals(tiny_tokenizer, [signal], settings)
        (decoded,) = decode_signals(tiny_tokenizer, [codes], [signal.shape[1]])
        with torch.inference_mode():
            waveform = torch.from_numpy(signal[None])
            expected = tiny_tokenizer.decode(tiny_tokenizer.encode(waveform), signal.shape[1])[0].numpy()
        np.testing.assert_allclose(decoded, expected, atol=1e-5)


def test_segments_of_all_lengths_survive_bytes_in_their_order(tiny_tokenizer: ECGTokenizer, signals: list[np.ndarray]):
    codes = encode_signals(tiny_tokenizer, signals, CompressionSettings(error=60.0))
    writing, reading = SegmentCoder(tiny_tokenizer), SegmentCoder(tiny_tokenizer)
    contents = [writing.encode(one) for one in codes]
    samples = [signal.shape[1] for signal in signals]
    again = [reading.decode(content, count) for content, count in zip(contents, samples, strict=True)]
    decoded, expected = (decode_signals(tiny_tokenizer, one, samples) for one in (again, codes))
    for one, other in zip(decoded, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_recording_is_split_into_segments():
    parts = split(np.zeros((8, 2500), np.float32), 1000)
    assert [part.shape for part in parts] == [(8, 1000), (8, 1000), (8, 500)]
