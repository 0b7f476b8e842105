"""From a recording of any rate, length and lead order to the (8, samples) mV array that every model here reads."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import scipy  # its parts load when they are first used: scipy.signal takes a second

from vqecg.records.leads import independent_leads
from vqecg.records.store.signal_spec import HIGHEST_RATE, LOWEST_RATE, SignalSpec

if TYPE_CHECKING:
    from vqecg.records.record import ECGRecord

MIN_SECONDS = 5.0  # shorter recordings hold too few beats to be padded to ten seconds
MAX_PEAK_TO_PEAK = 20.0  # mV, median over leads; 6.5 mV is the largest of 3,864 PTB-XL records
MIN_PEAK_TO_PEAK = 0.01  # mV, median over leads; 0.47 mV is the smallest there

PASS_EDGE, STOP_EDGE = 0.8, 1.0  # of the lower rate's Nyquist frequency: 40 and 50 Hz at 100 Hz
ATTENUATION = 80.0  # dB
MAX_DENOMINATOR = 100  # a rate such as 499.76 Hz is taken as a fraction with at most this denominator


class UnusableRecordError(ValueError):
    """A recording that must not be used; `reason` is one of quality.REASONS, the message says the rest."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.reason, self.detail)


@lru_cache(maxsize=32)
def _lowpass(up: int, down: int) -> np.ndarray:
    """The anti-alias and anti-image filter at `up` times the input rate, odd length, float32, sum 1."""
    slower = max(up, down)
    length, beta = scipy.signal.kaiserord(ATTENUATION, (STOP_EDGE - PASS_EDGE) / slower)
    centre = (PASS_EDGE + STOP_EDGE) / 2 / slower
    return scipy.signal.firwin(2 * math.ceil(length / 2) + 1, centre, window=("kaiser", beta)).astype(np.float32)


def resample(signal: np.ndarray, from_rate: float, to_rate: float) -> np.ndarray:
    """Change the sampling rate by a polyphase filter: flat to 0.8 and 80 dB down at 1.0 of the lower Nyquist frequency.

    Zero phase: sample k of the result is the signal at k / to_rate seconds. Before filtering the signal is
    continued by its point reflection at either end, so that neither an offset nor a slope rings there.

    Args:
        signal: (..., samples) mV, finite (a nan would spread over the length of the filter).
        from_rate, to_rate: Hz, any two positive rates; a broken rate is taken as a fraction n / 100 or coarser.

    Returns:
        (..., ceil(samples * to_rate / from_rate)) float32.

    Raises:
        ValueError: a rate that is not positive, or no samples.
    """
    if not (math.isfinite(from_rate) and math.isfinite(to_rate) and from_rate > 0 and to_rate > 0):
        raise ValueError(f"cannot resample from {from_rate} Hz to {to_rate} Hz; expected two positive rates")
    samples = signal.shape[-1]
    if samples == 0:
        raise ValueError("cannot resample a signal of no samples")
    source, target = (Fraction(rate).limit_denominator(MAX_DENOMINATOR) for rate in (from_rate, to_rate))
    if 0 in (source, target):
        raise ValueError(f"cannot resample from {from_rate} Hz to {to_rate} Hz; expected rates of 0.01 Hz or more")
    up, down = (target / source).as_integer_ratio()
    if up == down:
        return np.array(signal, dtype=np.float32)
    window = _lowpass(up, down)
    # A multiple of `down`, so that the first sample of the padded result is on the grid of the result.
    padding = math.ceil(len(window) / 2 / up / down) * down
    widths = [(0, 0)] * (signal.ndim - 1) + [(padding, padding)]
    padded = np.pad(np.asarray(signal, dtype=np.float32), widths, mode="reflect", reflect_type="odd")
    start = padding * up // down
    length = -(-samples * up // down)
    return scipy.signal.resample_poly(padded, up, down, axis=-1, window=window)[..., start : start + length].astype(
        np.float32
    )


def used_part(signal: np.ndarray, sampling_rate: float, seconds: float) -> np.ndarray:
    """The samples of a recording (leads, samples) that `prepare` uses for `seconds`: the centre of a longer one."""
    wanted = math.ceil(seconds * sampling_rate)
    excess = max(0, signal.shape[-1] - wanted)
    return signal[..., excess // 2 : excess // 2 + wanted]


def _fit_length(signal: np.ndarray, samples: int) -> np.ndarray:
    """Keep the centre of a long signal; continue a short one at both ends by its first and last sample."""
    excess = signal.shape[-1] - samples
    if excess >= 0:
        return signal[..., excess // 2 : excess // 2 + samples]
    before = -excess // 2
    return np.pad(signal, ((0, 0), (before, -excess - before)), mode="edge")


def _check_unit(signal: np.ndarray) -> None:
    """Refuse a signal whose size says that it is not in mV: the median lead decides, one artefact does not."""
    size = float(np.median(np.ptp(signal, axis=-1)))
    if size > MAX_PEAK_TO_PEAK:
        raise UnusableRecordError(
            "wrong unit", f"median peak to peak {size:.4g} mV, expected below {MAX_PEAK_TO_PEAK:g}: is it in microvolt?"
        )
    if 0 < size < MIN_PEAK_TO_PEAK:
        raise UnusableRecordError(
            "wrong unit", f"median peak to peak {size:.4g} mV, expected above {MIN_PEAK_TO_PEAK:g}: is it in volt?"
        )


def prepare(record: ECGRecord, spec: SignalSpec, min_seconds: float | None = None) -> np.ndarray:
    """The eight independent leads of a recording at the rate and length of `spec`, not filtered or scaled otherwise.

    Of a longer recording the centre is kept (the ends hold the electrode settling). A shorter one is continued at both
    ends by its first and last sample, which makes no step; one below `min_seconds` (None: MIN_SECONDS, or half of
    `spec.seconds` where that is more), or below `spec.seconds` where that is less, is refused.

    Returns:
        (8, spec.samples) float32 mV in the order of INDEPENDENT_LEADS.

    Raises:
        UnusableRecordError (a ValueError): "sampling rate" (below 50 Hz or above 32 kHz), "missing lead", "nan" (not
        finite, anywhere in the eight leads), "too short", or "wrong unit" (the median lead's peak to peak is beyond 20
        mV or below 0.01 mV), checked in this order.
    """
    if not LOWEST_RATE <= record.sampling_rate <= HIGHEST_RATE:
        raise UnusableRecordError(
            "sampling rate", f"{record.sampling_rate:g} Hz, expected from {LOWEST_RATE} to {HIGHEST_RATE:,} Hz"
        )
    try:
        signal = independent_leads(record.signal, record.leads)
    except ValueError as error:
        raise UnusableRecordError("missing lead", str(error)) from error
    unknown = int(np.count_nonzero(~np.isfinite(signal)))
    if unknown:
        raise UnusableRecordError("nan", f"{unknown} of {signal.size} samples of the eight leads are not finite")
    least = max(MIN_SECONDS, spec.seconds / 2) if min_seconds is None else min_seconds
    needed = min(least, spec.seconds)
    if signal.shape[1] == 0 or record.seconds < needed - 0.5 / record.sampling_rate:
        raise UnusableRecordError("too short", f"{record.seconds:.2f} s, expected at least {needed:g} s")
    _check_unit(signal)
    return _fit_length(resample(signal, record.sampling_rate, spec.sampling_rate), spec.samples)
