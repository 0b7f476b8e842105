"""The gate through which recordings enter a corpus: one reason per rejected record, every reason counted."""

from dataclasses import dataclass

import numpy as np

from vqecg.records.leads import INDEPENDENT_LEADS, independent_leads
from vqecg.records.record import ECGRecord
from vqecg.records.store.lead_agreement import disagreement
from vqecg.records.store.missing_signal import CONSTANT_SECONDS, missing_stretch
from vqecg.records.store.preprocessing import UnusableRecordError, prepare, used_part
from vqecg.records.store.signal_spec import SignalSpec

# In the order in which they are looked for. "unreadable", "not what its header describes" and "duplicate signal" are
# noticed by build_store: two need the files, the last one the whole corpus.
REASONS = (
    "unreadable",
    "not what its header describes",
    "sampling rate",
    "missing lead",
    "nan",
    "too short",
    "wrong unit",
    "flat lead",
    "clipped",
    "missing signal",
    "leads disagree",
    "duplicate signal",
)

FLAT_RANGE = 0.02  # mV peak to peak of a prepared lead; the smallest in 3,864 PTB-XL records is 0.21 mV
STUCK_TOLERANCE = 0.0005  # mV, half a step of the usual 1 microvolt converter
STUCK_FRACTION = 0.05  # of a lead's samples at its extremes; the largest share there is 0.016
MAX_MILLIVOLT = 32.767  # what 16 bit microvolt hold; the largest sample there is 28.4 mV


@dataclass(frozen=True, eq=False)
class Examination:
    """The prepared signal of a good record, or the reason and detail of a bad one."""

    signal: np.ndarray | None  # (8, samples) float32 mV, None when rejected
    reason: str | None = None  # one of REASONS
    detail: str = ""


def examine(record: ECGRecord, spec: SignalSpec) -> Examination:
    """Prepare a record and say whether it may be used; every check but those of the file and of the corpus.

    In order: sampling rate, missing lead, nan, too short, wrong unit (all by `prepare`), flat lead (a prepared lead of
    less than 0.02 mV range), clipped (more than 5 % of a lead's samples are at its lowest or highest value, or the
    signal leaves what 16 bit microvolt hold), missing signal (a lead holds still: see missing_signal.py), leads
    disagree (the limb leads contradict each other: see lead_agreement.py). The last three are looked for in the part
    that is used, as recorded. Baseline wander, noise and mains hum are no reason: clinical records have them.
    """
    try:
        signal = prepare(record, spec)
    except UnusableRecordError as error:
        return Examination(None, error.reason, error.detail)
    ranges = np.ptp(signal, axis=1)
    flat = [f"{lead} {size:.4f} mV" for lead, size in zip(INDEPENDENT_LEADS, ranges, strict=True) if size < FLAT_RANGE]
    if flat:
        return Examination(None, "flat lead", f"range of {', '.join(flat)}, expected at least {FLAT_RANGE} mV")
    largest = float(np.abs(signal).max())
    if largest > MAX_MILLIVOLT:
        return Examination(None, "clipped", f"reaches {largest:.2f} mV; 16 bit microvolt hold up to {MAX_MILLIVOLT} mV")
    fault = _fault_as_recorded(record, spec)
    return Examination(signal) if fault is None else Examination(None, *fault)


def _fault_as_recorded(record: ECGRecord, spec: SignalSpec) -> tuple[str, str] | None:
    """Reason and detail of a fault that shows in the samples as recorded (the resampling filter would round it off)."""
    recorded = used_part(record.signal, record.sampling_rate, spec.seconds)
    signal = independent_leads(recorded, record.leads)
    stuck = stuck_fraction(signal)
    worst = int(np.argmax(stuck))
    if stuck[worst] > STUCK_FRACTION:
        share = f"{stuck[worst]:.1%} of {INDEPENDENT_LEADS[worst]}"
        return "clipped", f"{share} is at its lowest or highest value, expected up to 5 %"
    stretch = missing_stretch(signal, record.sampling_rate)
    if stretch is not None:
        row, start, stop = stretch
        return "missing signal", (
            f"{INDEPENDENT_LEADS[row]} holds still for {stop - start:.2f} s, from {start:.2f} s to {stop:.2f} s of the "
            f"{signal.shape[1] / record.sampling_rate:.2f} s used; expected less than {CONSTANT_SECONDS:g} s"
        )
    contradiction = disagreement(recorded, record.leads, record.sampling_rate)
    return None if contradiction is None else ("leads disagree", contradiction)


def stuck_fraction(signal: np.ndarray) -> np.ndarray:
    """Share of every lead's samples that lie at its lowest or highest value: (leads, samples) mV -> (leads,)."""
    highest, lowest = signal.max(axis=1, keepdims=True), signal.min(axis=1, keepdims=True)
    at_extreme = (signal >= highest - STUCK_TOLERANCE) | (signal <= lowest + STUCK_TOLERANCE)
    return at_extreme.mean(axis=1)


def check_quality(record: ECGRecord, spec: SignalSpec) -> str | None:
    """The reason (one of REASONS) why a record must not be used with `spec`, or None. See `examine` for the checks."""
    return examine(record, spec).reason
