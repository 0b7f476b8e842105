"""Remainders, whole microvolts that the codes of a segment leave of it <-> bytes, without loss.

As in FLAC (Coalson 2001) and Shorten (Robinson 1994): each lead is predicted from its last samples by a short filter
with integer weights, and the errors of that prediction are coded by their size in stretches of a quarter of a second,
which vary as the codes fit more or less well. Here a range coder takes the place of Rice codes. All probabilities are
ratios of integers, so that every machine has the same.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import constriction
import numpy as np

from vqecg.downstream.tasks.compression.entropy_coding import model_of

ORDER: Final = 2  # samples before, from which the next is predicted; more gain nothing on real recordings
SHIFT: Final = 8  # bits of a weight after the point
HALF: Final = 1 << (SHIFT - 1)  # rounds a prediction
MOST_WEIGHT: Final = 4 << SHIFT
STRETCH: Final = 25  # samples of one size
SIZES: Final = 48  # classes of size, two to a doubling of the mean; that of the first is 1/16
USUAL_SIZE: Final = 18  # from which that of the first stretch is told apart
COARSE: Final = 14  # size from which on lower bits are as good as even, one more for each doubling
TAIL: Final = 255  # symbol of a value past the table, which follows as it is
WORD: Final = 16  # bits of such a value at a time, of two
MOST: Final = 1 << 24  # microvolt, of a remainder


def encode_remainder(remainder: np.ndarray) -> bytes:
    """Bytes of a remainder (leads, samples) int64 microvolt. Raises ValueError for no samples, or one past MOST."""
    if remainder.ndim != 2 or not remainder.size or np.abs(remainder).max() > MOST:
        raise ValueError(f"a remainder of shape {remainder.shape}; expected (leads, samples) within {MOST:,} microvolt")
    weights = np.stack([fitted_weights(lead) for lead in remainder])
    folded = fold(remainder - predicted(remainder, weights))
    sizes = sizes_of(folded)
    encoder = constriction.stream.queue.RangeEncoder()
    encoder.encode(as_symbols(weights.ravel() + MOST_WEIGHT), even_model(2 * MOST_WEIGHT + 1))
    encoder.encode(as_symbols(np.diff(sizes.ravel(), prepend=USUAL_SIZE) + SIZES), step_model())
    for size, places in of_each_size(sizes, remainder.shape[1]):
        values, low = folded[places], low_bits(size)
        symbols = np.minimum(values >> low, TAIL)
        encoder.encode(as_symbols(symbols), size_model(size))
        past = values[symbols == TAIL]
        for part, bits in ((values[symbols < TAIL], low), (past >> WORD, WORD), (past, WORD)):
            if len(part) and bits:
                encoder.encode(as_symbols(part & ((1 << bits) - 1)), even_model(1 << bits))
    return bytes(encoder.get_compressed().astype("<u4").tobytes())


def decode_remainder(content: bytes, leads: int, samples: int) -> np.ndarray:
    """The remainder (leads, samples) int64 microvolt of such bytes. Raises ValueError for others."""
    if not content or len(content) % 4:
        raise ValueError("a remainder that is cut off")
    decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(content, "<u4").astype(np.uint32))
    try:
        weights, folded = _decoded(decoder, leads, samples)
        errors = (folded >> 1) ^ -(folded & 1)
        remainder = np.array([restored(*one) for one in zip(errors.tolist(), weights.tolist(), strict=True)], np.int64)
    except (AssertionError, OverflowError, ValueError) as error:  # constriction has the first for what it never wrote
        raise ValueError(f"a remainder that cannot be decoded ({error})") from error
    if not decoder.maybe_exhausted():
        raise ValueError("a longer remainder than its samples have")
    return remainder


def _decoded(decoder: Any, leads: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (leads, ORDER) and folded errors (leads, samples) of the prediction."""
    weights = decoder.decode(even_model(2 * MOST_WEIGHT + 1), leads * ORDER).astype(np.int64) - MOST_WEIGHT
    shape = (leads, -(-samples // STRETCH))
    steps = decoder.decode(step_model(), shape[0] * shape[1]).astype(np.int64) - SIZES
    sizes = (USUAL_SIZE + np.cumsum(steps)).reshape(shape)
    if sizes.min() < 0 or sizes.max() >= SIZES:
        raise ValueError("sizes that there are not")
    folded = np.zeros((leads, samples), np.int64)
    for size, places in of_each_size(sizes, samples):
        low = low_bits(size)
        symbols = decoder.decode(size_model(size), int(places.sum())).astype(np.int64)
        values, past = symbols << low, symbols == TAIL
        if low and not past.all():
            values[~past] += decoder.decode(even_model(1 << low), int((~past).sum()))
        if past.any():
            high, rest = (decoder.decode(even_model(1 << WORD), int(past.sum())).astype(np.int64) for _ in range(2))
            values[past] = (high << WORD) + rest
        folded[places] = values
    return weights.reshape(leads, ORDER), folded


def fitted_weights(lead: np.ndarray) -> np.ndarray:
    """The weights (ORDER,) int64, latest sample last, that predict a lead (samples,) best; 0 where nothing does."""
    padded = np.concatenate([np.zeros(ORDER), lead])
    before = np.lib.stride_tricks.sliding_window_view(padded, ORDER)[:-1]
    fitted = np.linalg.lstsq(before, lead.astype(np.float64), rcond=None)[0]
    return np.clip(np.rint(fitted * (1 << SHIFT)), -MOST_WEIGHT, MOST_WEIGHT).astype(np.int64)


def restored(errors: list[int], weights: list[int]) -> list[int]:
    """The samples of a lead from the errors of their prediction; each needs the two before it."""
    samples, older, newer = list[int](), 0, 0
    for error in errors:
        older, newer = newer, error + ((older * weights[0] + newer * weights[1] + HALF) >> SHIFT)
        samples.append(newer)
    return samples


def predicted(remainder: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The prediction of each sample of (leads, samples) from those before it, which are 0 before the first."""
    padded = np.pad(remainder, ((0, 0), (ORDER, 0)))
    before = np.lib.stride_tricks.sliding_window_view(padded, ORDER, axis=1)[:, :-1]
    return np.asarray(((before * weights[:, None]).sum(-1) + HALF) >> SHIFT)


def fold(errors: np.ndarray) -> np.ndarray:
    """Integers -> 0, 1, 2, 3, ... for 0, -1, 1, -2, ..."""
    return (errors << 1) ^ (errors >> 63)


def sizes_of(folded: np.ndarray) -> np.ndarray:
    """The class of the mean of each stretch: (leads, samples) -> (leads, stretches) int64 in 0..SIZES-1."""
    starts = np.arange(0, folded.shape[1], STRETCH)
    counts = np.diff(starts, append=folded.shape[1])
    means = np.add.reduceat(folded, starts, axis=1) / counts
    return np.clip(np.rint(2 * np.log2(16 * means + 1)), 0, SIZES - 1).astype(np.int64)


def of_each_size(sizes: np.ndarray, samples: int) -> Iterator[tuple[int, np.ndarray]]:
    """Each class that occurs, and its places (leads, samples) bool."""
    spread = np.repeat(sizes, STRETCH, axis=1)[:, :samples]
    for size in np.unique(sizes).tolist():
        yield size, spread == size


def low_bits(size: int) -> int:
    """The number of low bits that are coded as they are."""
    return max(0, (size - COARSE) // 2)


@cache
def size_model(size: int) -> Any:
    """The range coder's model of a class: a geometric distribution of what is left without the low bits."""
    mean, unit = (181 if size % 2 else 128) << (size // 2), 2048 << low_bits(size)  # 181 / 128 is the root of 2
    weights = [1 << 40]
    while len(weights) < TAIL:
        weights.append(max(1, weights[-1] * mean // (mean + unit)))
    weights.append(max(1, weights[-1] * mean // unit))  # all of the tail together
    return model_of(np.array(weights, np.int64))


@cache
def step_model() -> Any:
    """The range coder's model of the step from the class of one stretch to that of the next."""
    return model_of(np.array([1 << max(0, 24 - abs(step)) for step in range(-SIZES, SIZES + 1)], np.int64))


@cache
def even_model(count: int) -> Any:
    """The range coder's model of `count` symbols of equal probability."""
    return constriction.stream.model.Uniform(count)


def as_symbols(values: np.ndarray) -> np.ndarray:
    """Values in the type that the range coder takes."""
    return values.astype(np.int32)
