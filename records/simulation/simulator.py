"""Simulated 12-lead ECGs whose truth is known: every wave's onset, peak and offset, every interval, every beat's kind.

A beat is a sum of Gaussians in time on a dipole vector (heart.py, pathologies.py), beats follow a rhythm
(rhythm.py), the vector is projected on the leads by Dower's matrix as each torso changes it, noise enters at
the electrodes (noise.py). Everything is evaluated in closed form around each wave's own time instead of
integrating ECGSYN's differential equation: the same waves, vectorised over beats and without an integrator's step.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vqecg.records.bounds import Checked, Factor, Hertz, Seconds
from vqecg.records.leads import LEADS, twelve_leads
from vqecg.records.record import ECGRecord
from vqecg.records.simulation.heart import Heart, Patient, draw_patient
from vqecg.records.simulation.noise import electrode_noise, fibrillation_waves
from vqecg.records.simulation.pathologies import EFFECTS, build_heart
from vqecg.records.simulation.rhythm import BeatTimes, draw_beat_times
from vqecg.records.store.preprocessing import resample

# statement -> likelihood in percent as PTB-XL writes it: diagnostic ones 100, form and rhythm ones 0 (unknown)
SIMULATED_STATEMENTS: dict[str, float] = {
    **dict.fromkeys(
        ("NORM", "IMI", "AMI", "ASMI", "LVH", "CLBBB", "CRBBB", "IRBBB", "LAFB", "1AVB", "NDT", "NST_", "ISC_"), 100.0
    ),
    **dict.fromkeys(("STD_", "PAC", "PVC", "SR", "STACH", "SBRAD", "SARRH", "AFIB"), 0.0),
}
EXCLUSIVE = (
    ("SR", "STACH", "SBRAD", "SARRH", "AFIB"),
    ("CLBBB", "CRBBB", "IRBBB"),
    ("CLBBB", "LAFB"),
    ("AFIB", "1AVB"),
    ("AFIB", "PAC"),
    *(("NORM", abnormal) for abnormal in EFFECTS if abnormal not in ("STACH", "SBRAD")),
)
USUAL_VOLTAGE = 1.1  # mV, of the largest of the dipoles that make a QRS complex
LOWEST_INTERNAL_RATE = 200  # Hz; below it QRS complexes alias: slower records are made at a multiple

TRUTH_COLUMNS = (
    "beat", "kind", "p_onset", "p_peak", "p_offset", "qrs_onset", "r_peak", "qrs_offset", "t_onset", "t_peak",
    "t_offset", "rr", "pr", "qrs", "qt",
)  # fmt: skip


@dataclass(frozen=True)
class SimulatorSettings(Checked):
    """Settings of a simulated record."""

    seconds: Seconds = 10.0  # length of a record, s
    sampling_rate: Hertz = 500  # of the signal, Hz
    noise: Factor = 1.0  # factor on baseline wander, muscle and electrode noise; 0 for none


@dataclass(frozen=True)
class SimulatedRecord:
    """A record and its truth.

    `beats` has one row per beat whose R peak lies in the record, with TRUTH_COLUMNS: `kind` N, A or V, times in s from
    the record's start (those of the first and last beat may lie outside), intervals `rr` (to the beat before), `pr`,
    `qrs`, `qt` in s, NaN where there is no P wave. Offset of T is where the tangent at its steepest fall meets zero.
    """

    record: ECGRecord  # 12 leads
    beats: pd.DataFrame
    patient: Patient


@dataclass(frozen=True)
class _Wave:
    """One Gaussian of every beat of a kind: centres and widths in s, one per beat; height as a dipole, mV."""

    centres: np.ndarray  # (beats,)
    left: np.ndarray  # (beats,) standard deviation before the centre
    right: np.ndarray  # (beats,) and after it
    vector: np.ndarray  # (3,)
    local: np.ndarray  # (8,) what the leads see beyond the dipole
    size: np.ndarray  # (beats,) factor on the height, beat by beat


def check_statements(statements: Collection[str]) -> None:
    """ValueError for a statement that cannot be simulated or two that exclude each other."""
    unknown = sorted(set(statements) - set(SIMULATED_STATEMENTS))
    if unknown or not statements:
        raise ValueError(f"cannot simulate {unknown or 'no statement'}: choose from {', '.join(SIMULATED_STATEMENTS)}")
    for group in EXCLUSIVE:
        both = [statement for statement in group if statement in statements]
        if len(both) > 1:
            raise ValueError(f"{' and '.join(both)} exclude each other: ask for one of them")


def simulate_record(
    statements: Collection[str],
    rng: np.random.Generator,
    settings: SimulatorSettings = SimulatorSettings(),
    patient: Patient | None = None,
    record_id: str = "simulated",
) -> SimulatedRecord:
    """One record under these PTB-XL statements (keys of SIMULATED_STATEMENTS), of this patient or of a new one.

    Signal (12, seconds * sampling_rate) float32 mV. The same generator state gives the same bits. ValueError for
    statements that are unknown or exclude each other, and for less than 3 s.
    """
    check_statements(statements)
    if settings.seconds < 3 or settings.sampling_rate <= 0 or settings.noise < 0:
        raise ValueError(f"{settings}: expected at least 3 s, a positive sampling rate and noise of 0 or more")
    patient = draw_patient(rng) if patient is None else patient
    heart = build_heart(patient, statements)
    breathing_rate = rng.uniform(0.18, 0.33)
    beats = draw_beat_times(statements, heart.heart_rate, breathing_rate, patient.age, settings.seconds, rng)
    waves, truth = _lay_out(heart, beats, "AFIB" in statements, patient, rng)
    internal_rate = settings.sampling_rate * math.ceil(LOWEST_INTERNAL_RATE / settings.sampling_rate)
    samples = round(settings.seconds * internal_rate)
    breathing = np.sin(2 * np.pi * (breathing_rate * np.arange(samples) / internal_rate + rng.uniform()))
    signal = _project(waves, patient.lead_matrix, internal_rate, breathing, rng)
    if "AFIB" in statements:
        signal += patient.lead_matrix @ fibrillation_waves(samples, internal_rate, rng).T
    signal += settings.noise * electrode_noise(samples, internal_rate, breathing, rng)
    if settings.sampling_rate != internal_rate:
        signal = resample(signal, internal_rate, settings.sampling_rate)
    signal = signal[:, : round(settings.seconds * settings.sampling_rate)]
    inside = (truth["r_peak"] >= 0) & (truth["r_peak"] < settings.seconds)
    truth = {name: column[inside] for name, column in truth.items()}
    record = ECGRecord(
        signal=twelve_leads(signal.astype(np.float32)),
        sampling_rate=float(settings.sampling_rate),
        leads=LEADS,
        record_id=record_id,
        patient_id=patient.patient_id,
        attributes={"age": patient.age, "sex": patient.sex},
        statements={name: SIMULATED_STATEMENTS[name] for name in SIMULATED_STATEMENTS if name in statements},
    )
    table = pd.DataFrame({"beat": np.arange(int(inside.sum()))} | truth, columns=list(TRUTH_COLUMNS))
    return SimulatedRecord(record=record, beats=table, patient=patient)


def _lay_out(
    heart: Heart, beats: BeatTimes, fibrillates: bool, patient: Patient, rng: np.random.Generator
) -> tuple[list[_Wave], dict[str, np.ndarray]]:
    """Every wave of every beat in time, and the truth that follows from it."""
    count = len(beats.onset)
    ventricular = beats.kind == "V"
    # QT follows the mean rate more than the last interval (hysteresis); Framingham's linear correction
    rr = 0.75 * float(np.median(beats.rr_before)) + 0.25 * beats.rr_before
    qt = np.clip(heart.qt_corrected - 0.154 * (1 - rr), 0.25, 0.60) + rng.normal(0, 0.002, count)
    pr = heart.pr_interval + rng.normal(0, 0.002, count)
    size = 1 + rng.normal(0, 0.015, count)
    pvc = _ventricular_beat(heart, patient)
    qrs = np.where(ventricular, pvc.qrs_duration, heart.qrs_duration)
    qt = np.where(ventricular, qt + 0.6 * (pvc.qrs_duration - heart.qrs_duration), qt)
    truth = {name: np.full(count, np.nan) for name in TRUTH_COLUMNS[2:]}
    truth |= {"kind": beats.kind, "rr": beats.rr_before, "qrs": qrs, "qt": qt}
    truth |= {"qrs_onset": beats.onset, "qrs_offset": beats.onset + qrs, "t_offset": beats.onset + qt}
    waves: list[_Wave] = []
    for chosen, shape in ((~ventricular, heart), (ventricular, pvc)):
        if not chosen.any():
            continue
        onset = beats.onset[chosen]
        t_left, t_right = 0.155 * qt[chosen], 0.105 * qt[chosen]
        t_peak = onset + qt[chosen] - 2 * t_right
        waves += _ventricular_waves(shape, onset, t_peak, t_left, t_right, size[chosen])
        truth["r_peak"][chosen] = onset + _r_delay(shape, patient.lead_matrix)
        truth["t_peak"][chosen] = t_peak
        truth["t_onset"][chosen] = np.maximum(t_peak - 2 * t_left, onset + shape.qrs_duration)
    if not fibrillates:
        for kind, twist in (("N", np.ones(3)), ("A", np.array([-0.6, 0.7, 1.4]))):  # an ectopic P starts elsewhere
            chosen = beats.kind == kind
            onset = beats.onset[chosen] - pr[chosen]
            truth["p_onset"][chosen], truth["p_offset"][chosen] = onset, onset + heart.p_duration
            truth["p_peak"][chosen] = onset + 0.5 * heart.p_duration
            truth["pr"][chosen] = pr[chosen]
            width = np.full(len(onset), 0.16 * heart.p_duration)
            for part, vector in zip((0.36, 0.64), heart.p_vectors, strict=True):
                centre = onset + part * heart.p_duration
                waves.append(_Wave(centre, width, width, vector * twist, np.zeros(8), size[chosen]))
    return waves, truth


def _ventricular_waves(
    heart: Heart, onset: np.ndarray, t_peak: np.ndarray, t_left: np.ndarray, t_right: np.ndarray, size: np.ndarray
) -> list[_Wave]:
    """QRS, ST and T of the beats that start at `onset`; all times in s."""
    waves = [
        _Wave(onset + centre, np.full(len(onset), width), np.full(len(onset), width), vector, local, size)
        for centre, width, vector, local in zip(
            heart.qrs_centres, heart.qrs_widths, heart.qrs_vectors, heart.qrs_local, strict=True
        )
    ]
    end = onset + heart.qrs_duration
    gap = np.maximum(t_peak - end, 0.04)
    for part in (0.16, 0.55):  # two overlapping bells make the ST segment's plateau
        waves.append(_Wave(end + part * gap, 0.12 * gap, 0.26 * gap, heart.st_vector, heart.st_local, size))
    early = np.array([0.25, 0.20, 0.45])  # the front repolarises a little earlier, so T peaks differ between leads
    waves.append(_Wave(t_peak, t_left, t_right, (1 - early) * heart.t_vector, 0.7 * heart.t_local, size))
    first = t_peak - 0.04 * gap
    waves.append(_Wave(first, t_left, t_right, early * heart.t_vector, 0.3 * heart.t_local, size))
    return waves


def _ventricular_beat(heart: Heart, patient: Patient) -> Heart:
    """The shape of this patient's ventricular extra beats: wide, tall, T against it, from either ventricle.

    In a heart of high voltages they are higher too.
    """
    rng = np.random.default_rng([patient.shape_seed, 50])
    duration = rng.uniform(0.138, 0.172)
    right = rng.uniform() < 0.5
    main = np.array([1.1, rng.uniform(-0.8, 1.1), 0.9]) if right else np.array([-0.8, rng.uniform(-1.0, 0.9), -0.9])
    vectors = main * np.array([[0.35], [0.95], [0.75], [-0.10]]) * np.exp(rng.normal(0, 0.12, (4, 3)))
    vectors = vectors * max(1.0, float(np.linalg.norm(heart.qrs_vectors, axis=1).max()) / USUAL_VOLTAGE)
    opposite = -vectors.sum(0)
    return Heart(
        **{
            **vars(heart),
            "qrs_duration": duration,
            "qrs_centres": duration * np.array([0.20, 0.38, 0.60, 0.82]),
            "qrs_widths": duration * np.array([0.09, 0.11, 0.12, 0.09]),
            "qrs_vectors": vectors,
            "qrs_local": np.zeros((4, 8)),
            "st_vector": 0.06 * opposite,
            "st_local": np.zeros(8),
            "t_vector": 0.22 * opposite,
            "t_local": np.zeros(8),
        }
    )


def _r_delay(heart: Heart, lead_matrix: np.ndarray) -> float:
    """From QRS onset to the peak of the vector magnitude over the eight leads, s."""
    times = np.arange(0, heart.qrs_duration, 0.001)
    return float(times[np.argmax((heart.qrs_leads(lead_matrix, times) ** 2).sum(0))])


def _project(
    waves: list[_Wave], lead_matrix: np.ndarray, rate: int, breathing: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The waves on the eight leads, (8, samples) mV at `rate` Hz, as breathing (-1..1) tilts and scales the heart."""
    samples = len(breathing)
    courses = np.zeros((len(waves), samples))
    for course, wave in zip(courses, waves, strict=True):
        reach = math.ceil(4.5 * max(wave.left.max(initial=0), wave.right.max(initial=0)) * rate)
        middle = np.rint(wave.centres * rate).astype(np.int64)
        index = middle[:, None] + np.arange(-reach, reach + 1)
        lag = index / rate - wave.centres[:, None]
        width = np.where(lag < 0, wave.left[:, None], wave.right[:, None])
        bells = wave.size[:, None] * np.exp(-0.5 * (lag / width) ** 2)
        inside = (index >= 0) & (index < samples)
        course += np.bincount(index[inside], weights=bells[inside], minlength=samples)
    vectors = np.array([wave.vector for wave in waves])
    heights = vectors @ lead_matrix.T + np.array([wave.local for wave in waves])
    tilt = np.cross(np.array([0.3, 0.0, 1.0]), vectors) @ lead_matrix.T  # d(vector)/d(angle), mostly frontal
    angle, swell = rng.normal(0, 0.05), rng.normal(0, 0.03)
    return heights.T @ (courses * (1 + swell * breathing)) + tilt.T @ (courses * (angle * breathing))
