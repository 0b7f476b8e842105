"""The codec that the tokenizer has to beat: PCA over leads, DCT over time, uniform quantizer, ideal entropy coding.

As strong as a linear transform coder gets without adapting to the record: the transform is orthonormal in the metric of
PRD (squared error over twelve leads), the DCT spans the whole record, reconstruction points and the entropy tables, one
for each coefficient, are fitted on training records. Bits are counted as -log2 of the tables' probability, which
arithmetic coding reaches. Run alone it does nothing; compression.py and speed.py use it.
"""

from dataclasses import dataclass

import numpy as np
from scipy.fft import dct, idct

from vqecg.records.leads import INDEPENDENT_LEADS, twelve_leads

PRIOR_WEIGHT = 4.0  # records that the two-sided geometric prior of a coefficient's table counts as
LONGEST_CODE = 48.0  # bits: a symbol that the tables hardly know is written out in plain
STEP_BITS = 8  # per record, to name its quantizer step
STEP_ROUNDING = 0.03  # of the logarithm of a record's own step
SHIFT_RECORDS = 300  # training records that its reconstruction points are fitted on: they give millions of coefficients
LARGEST_COUNTED = 255  # symbols beyond have the prior's probability alone


@dataclass(frozen=True)
class LeadTransform:
    """Samples to coefficients and back, linear."""

    forward: np.ndarray  # (8, 8) leads in mV -> components, largest first
    backward: np.ndarray  # (8, 8) its inverse

    @classmethod
    def fit(cls, signal: np.ndarray) -> "LeadTransform":
        """PCA over the leads of training records (records, 8, samples) mV, each record without its mean."""
        derived = twelve_leads(np.eye(len(INDEPENDENT_LEADS)))
        values, vectors = np.linalg.eigh(derived.T @ derived)
        metric = (vectors * np.sqrt(values)) @ vectors.T  # its square sums the error over twelve leads
        weighted = metric @ (signal - signal.mean(-1, keepdims=True))
        covariance = np.einsum("nit,njt->ij", weighted, weighted, optimize=True)
        components = np.linalg.eigh(covariance)[1][:, ::-1].T
        forward = components @ metric
        return cls(forward.astype(np.float32), np.linalg.inv(forward).astype(np.float32))

    def analyse(self, signal: np.ndarray) -> np.ndarray:
        """(records, 8, samples) mV -> coefficients of the same shape, component by frequency."""
        return dct(self.forward @ signal, norm="ortho", axis=-1).astype(np.float32)

    def synthesise(self, coefficients: np.ndarray) -> np.ndarray:
        """The reverse of `analyse`."""
        return self.backward @ idct(coefficients, norm="ortho", axis=-1).astype(np.float32)


def quantize(coefficients: np.ndarray, step: float) -> np.ndarray:
    """Nearest multiple of `step`, as int32."""
    return np.rint(coefficients / step).astype(np.int32)


@dataclass(frozen=True)
class EntropyTables:
    """Quantizer step, reconstruction points and symbol probabilities, all from training records."""

    step: float  # mV
    shift: np.ndarray  # (4,) steps from symbol 0, 1, 2, 3 and more to the mean of what falls there
    counts: np.ndarray  # (coefficients, 2 * reach + 1) how often each symbol occurred
    decay: np.ndarray  # (coefficients,) of the geometric prior
    records: int  # training records

    @classmethod
    def fit(cls, coefficients: np.ndarray, step: float) -> "EntropyTables":
        """Counts the symbols of training coefficients (records, 8, samples) at a quantizer step."""
        symbols = quantize(coefficients, step).reshape(len(coefficients), -1)
        reach = int(min(LARGEST_COUNTED, np.abs(symbols).max()))
        width = 2 * reach + 1
        counts = np.zeros(symbols.shape[1] * width, np.int64)
        place = np.arange(symbols.shape[1]) * width + reach
        for part in np.array_split(symbols, max(1, len(symbols) // 128)):
            counts += np.bincount((part + place)[np.abs(part) <= reach], minlength=len(counts))
        # half a count on top: a symbol never seen in training must stay possible
        size = (np.abs(symbols).sum(0) + 0.5) / (len(symbols) + 1)
        decay = (np.sqrt(1 + size**2) - 1) / size  # of the two-sided geometric distribution with this mean size
        shift = reconstruction_shift(coefficients, symbols.reshape(coefficients.shape), step)
        return cls(step, shift, counts.reshape(-1, width), decay, len(symbols))

    def bits(self, symbols: np.ndarray) -> np.ndarray:
        """Ideal code length of each record's symbols (records, 8, samples): (records,) bits."""
        flat = symbols.reshape(len(symbols), -1)
        reach = self.counts.shape[1] // 2
        inside = np.clip(flat, -reach, reach)
        counted = np.where(inside == flat, self.counts[np.arange(flat.shape[1]), inside + reach], 0)
        geometric = (1 - self.decay) / (1 + self.decay) * self.decay ** np.abs(flat)
        probability = (counted + PRIOR_WEIGHT * geometric) / (self.records + PRIOR_WEIGHT)
        return -np.log2(np.maximum(probability, 2**-LONGEST_CODE)).sum(1)

    def dequantize(self, symbols: np.ndarray) -> np.ndarray:
        """Symbols to coefficients, float32."""
        return dequantize(symbols, self.shift, self.step)


def dequantize(symbols: np.ndarray, shift: np.ndarray, step: float) -> np.ndarray:
    """Symbols to coefficients, float32, each moved from zero by its `shift`, see `reconstruction_shift`."""
    size = np.abs(symbols)
    return (np.sign(symbols) * (size + shift[np.minimum(size, 3)]) * step).astype(np.float32)


def reconstruction_shift(coefficients: np.ndarray, symbols: np.ndarray, step: float) -> np.ndarray:
    """Mean distance, in steps and away from zero, from symbol 0, 1, 2, 3 and more to its coefficients: (4,)."""
    size = np.minimum(np.abs(symbols), 3).ravel()
    excess = (np.abs(coefficients) / step - np.abs(symbols)).ravel()
    total = np.bincount(size, weights=excess, minlength=4)
    shift = total / np.maximum(np.bincount(size, minlength=4), 1)
    shift[0] = 0  # symbol 0 has no sign
    return shift.astype(np.float32)


@dataclass(frozen=True)
class RateCurve:
    """The baseline over test records at several quantizer steps."""

    steps: np.ndarray  # (steps,) mV
    bit_rate: np.ndarray  # (steps, records) bit/s
    prd: np.ndarray  # (steps, records) %

    def at_same_rate(self, bit_rate: float) -> float:
        """Median PRD (%) when every record takes `bit_rate` by a step of its own; NaN outside the measured rates.

        Between steps the curve of each record is interpolated on logarithmic axes.
        """
        values_at_rate = [
            interpolate(rates, values, bit_rate) for rates, values in zip(self.bit_rate.T, self.prd.T, strict=True)
        ]
        return float(np.median(values_at_rate))

    def own_steps(self, bit_rate: float) -> np.ndarray:
        """The quantizer step (mV) at which each record takes `bit_rate`: (records,), NaN outside the measured rates."""
        return np.array([interpolate(rates, self.steps, bit_rate) for rates in self.bit_rate.T])

    def at_mean_rate(self, bit_rate: float) -> float:
        """Median PRD (%) when all records share one step and take `bit_rate` on average; NaN outside."""
        return interpolate(self.bit_rate.mean(1), np.median(self.prd, axis=1), bit_rate)


def interpolate(rates: np.ndarray, values: np.ndarray, rate: float) -> float:
    """The value at a rate, between points (points,) on logarithmic axes; NaN outside them."""
    order = np.argsort(rates)
    logarithm = np.interp(np.log(rate), np.log(rates[order]), np.log(values[order]), left=np.nan, right=np.nan)
    return float(np.exp(logarithm))


def rate_curve(train: np.ndarray, test: np.ndarray, seconds: float, steps: np.ndarray) -> RateCurve:
    """PRD and bit rate on test signals (records, 8, samples) mV for each quantizer step (mV), tables from `train`."""
    transform = LeadTransform.fit(train)
    known, unknown = transform.analyse(train), transform.analyse(test)
    rates, values = [], []
    for step in steps:
        tables = EntropyTables.fit(known, float(step))
        symbols = quantize(unknown, float(step))
        rates.append((tables.bits(symbols) + STEP_BITS) / seconds)
        values.append(prd(test, transform.synthesise(tables.dequantize(symbols))))
    return RateCurve(steps, np.array(rates), np.array(values))


def decode_at_rate(train: np.ndarray, test: np.ndarray, curve: RateCurve, bit_rate: float) -> np.ndarray:
    """Test signals (records, 8, samples) mV as the baseline gives them back when every record takes `bit_rate`.

    Steps are rounded to a few percent, so that records share reconstruction points. Raises ValueError when a record's
    curve does not reach the rate.
    """
    steps = curve.own_steps(bit_rate)
    if np.isnan(steps).any():
        raise ValueError(f"{np.isnan(steps).sum()} records cannot take {bit_rate:g} bit/s; measure with more steps")
    transform = LeadTransform.fit(train)
    known, unknown = transform.analyse(train[:: max(1, len(train) // SHIFT_RECORDS)]), transform.analyse(test)
    rounded = np.exp(np.round(np.log(steps) / STEP_ROUNDING) * STEP_ROUNDING)
    decoded = np.empty_like(test)
    for step in np.unique(rounded):
        rows = rounded == step
        shift = reconstruction_shift(known, quantize(known, step), step)
        decoded[rows] = transform.synthesise(dequantize(quantize(unknown[rows], step), shift, step))
    return decoded


def prd(signal: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """PRD of each record in percent over twelve leads, as in tokenizer/metrics.py: (records, 8, samples) twice."""
    original, error = twelve_leads(signal), twelve_leads(decoded - signal)
    energy = np.square(original - original.mean(-1, keepdims=True)).sum((1, 2))
    return 100 * np.sqrt(np.square(error).sum((1, 2)) / energy)
