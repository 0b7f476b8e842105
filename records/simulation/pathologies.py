"""The effect of each statement on the simulated heart: which wave, which interval, by how much.

Textbook criteria in terms of the dipole of records/simulation/heart.py, with a severity that is drawn once a patient.
"""

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np

from vqecg.records.simulation.heart import Heart, Patient, normal_heart, rotation, sokolow_lyon


def _anterior_infarct(reach: tuple[float, float, float, float], heart: Heart, rng: np.random.Generator) -> Heart:
    """R gone in the chest leads over the scar (`reach` in V1-V4): forces point backwards from the start, T inverts."""
    depth = rng.uniform(0.75, 1.15)
    vectors, local = heart.qrs_vectors.copy(), heart.qrs_local.copy()
    vectors[0] = [0.04, vectors[0, 1], 0.30 * depth]
    vectors[1] = [0.75 * vectors[1, 0], 0.8 * vectors[1, 1], 0.30 * depth]
    local[1, 2:6] -= depth * np.array(reach)
    t_local = heart.t_local.copy()
    t_local[2:6] -= 0.9 * np.array(reach) * rng.uniform(0.1, 1.0)
    st_local = heart.st_local.copy()
    st_local[2:6] += np.array(reach) * rng.uniform(0.1, 0.45)
    t_vector = heart.t_vector * [0.7, 0.9, -rng.uniform(0.2, 0.9)]
    return replace(heart, qrs_vectors=vectors, qrs_local=local, t_vector=t_vector, t_local=t_local, st_local=st_local)


def _anterior(heart: Heart, rng: np.random.Generator) -> Heart:
    return _anterior_infarct((0.05, 0.25, 0.45, 0.55), heart, rng)


def _anteroseptal(heart: Heart, rng: np.random.Generator) -> Heart:
    return _anterior_infarct((0.10, 0.25, 0.25, 0.05), heart, rng)


def _inferior(heart: Heart, rng: np.random.Generator) -> Heart:
    """Q of 40 ms in II, III, aVF: the first forces point to the head, and for longer; T inverts there."""
    depth = rng.uniform(0.45, 0.75)
    vectors, widths, centres = heart.qrs_vectors.copy(), heart.qrs_widths.copy(), heart.qrs_centres.copy()
    vectors[0] = [0.02, -depth, vectors[0, 2]]
    vectors[1:3, 1] *= rng.uniform(0.55, 0.9)
    widths[0] *= 1.35
    centres += [0.005, 0.010, 0.010, 0.008]
    t_vector = heart.t_vector * [1, 0, 1] + [0.03, -rng.uniform(0.02, 0.20), -0.04]
    st_vector = heart.st_vector + np.array([0.0, rng.uniform(0.0, 0.05), 0.0])
    return replace(
        heart, qrs_vectors=vectors, qrs_widths=widths, qrs_centres=centres, t_vector=t_vector, st_vector=st_vector,
        qrs_duration=heart.qrs_duration + 0.008,
    )  # fmt: skip


def _left_anterior_fascicle(heart: Heart, rng: np.random.Generator) -> Heart:
    """First to the feet, then late to the left and head: axis beyond -45 degrees, q in aVL, rS in II, III, aVF."""
    size = rng.uniform(0.85, 1.2)
    y = size * np.array([0.22, -0.10, -0.72, -0.50])
    vectors = np.column_stack([heart.qrs_vectors[:, 0] + [0.02, 0.05, 0.10, 0.25], y, heart.qrs_vectors[:, 2]])
    return replace(heart, qrs_vectors=vectors, qrs_duration=heart.qrs_duration + 0.008)


def _left_bundle(heart: Heart, rng: np.random.Generator) -> Heart:
    """No septal q, all forces slow, to the left and back, notched; ST and T point the other way."""
    duration = rng.uniform(0.128, 0.162)
    # the third wave fills the chest leads' S where the lateral leads have their notch
    vectors = np.array(
        [[0.26, 0.15, 0.16], [0.80, 0.28, 0.70], [-0.05, 0.0, 0.50], [0.86, 0.10, 0.85], [0.48, -0.06, 0.36]]
    )
    vectors = vectors * rng.uniform(0.8, 1.2) * np.exp(rng.normal(0, 0.06, (5, 1)))
    vectors = vectors @ rotation(rng.normal(0, 0.25), rng.normal(0.06, 0.10)).T
    opposite = -vectors.sum(0) * rng.uniform(0.9, 1.2)
    return replace(
        heart,
        qrs_duration=duration,
        qt_corrected=heart.qt_corrected + 0.035,
        qrs_centres=duration * np.array([0.20, 0.37, 0.51, 0.64, 0.82]),
        qrs_widths=duration * np.array([0.085, 0.095, 0.09, 0.105, 0.085]),
        qrs_vectors=vectors,
        qrs_local=np.zeros((5, 8)),
        st_vector=0.05 * opposite,
        t_vector=np.array([0.13, 0.05, 0.15]) * opposite,
    )


def _right_bundle(duration: float, size: float, heart: Heart) -> Heart:
    """The right ventricle last and slowly: to the right and front. r' in V1, wide s in I and V6, T inverts in V1."""
    vectors = heart.qrs_vectors.copy()
    vectors[-1] *= 0.4
    late = size * np.array([[-0.46, -0.02, -0.62], [-0.30, 0.0, -0.40]])
    tail = max(duration - heart.qrs_duration, 0.015)
    centres = duration - tail * np.array([0.75, 0.40]) - np.array([0.016, 0.008])
    return replace(
        heart,
        qrs_duration=duration,
        qrs_centres=np.concatenate([heart.qrs_centres, centres]),
        qrs_widths=np.concatenate([heart.qrs_widths, [max(0.013, 0.3 * tail), max(0.010, 0.2 * tail)]]),
        qrs_vectors=np.vstack([vectors, late]),
        qrs_local=np.vstack([heart.qrs_local, np.zeros((2, 8))]),
        t_vector=heart.t_vector + size * np.array([0.02, 0.0, 0.17]),
        qt_corrected=heart.qt_corrected + 0.5 * (duration - heart.qrs_duration),
    )


def _complete_right(heart: Heart, rng: np.random.Generator) -> Heart:
    return _right_bundle(rng.uniform(0.124, 0.152), rng.uniform(0.8, 1.25), heart)


def _incomplete_right(heart: Heart, rng: np.random.Generator) -> Heart:
    return _right_bundle(rng.uniform(0.104, 0.118), rng.uniform(0.42, 0.6), heart)


def _first_degree_block(heart: Heart, rng: np.random.Generator) -> Heart:
    return replace(heart, pr_interval=rng.uniform(0.212, 0.300), heart_rate=min(heart.heart_rate, 85.0))


def _hypertrophy(heart: Heart, rng: np.random.Generator) -> Heart:
    """The left ventricle's forces grow, to the left and back; `build_heart` then sets the voltage."""
    vectors = heart.qrs_vectors * np.where(heart.qrs_vectors > 0, [1.15, 0.95, 1.30], 1.0)
    t_vector = heart.t_vector * [rng.uniform(0.4, 1.0), 0.9, 1.2]
    return replace(heart, qrs_vectors=vectors, t_vector=t_vector, qrs_duration=heart.qrs_duration + 0.006)


def _flat_t(heart: Heart, rng: np.random.Generator) -> Heart:
    size = rng.uniform(-0.15, 0.30)
    return replace(heart, t_vector=heart.t_vector * [size, size, 0.4], t_local=0.4 * heart.t_local)


def _sagging_st(heart: Heart, rng: np.random.Generator) -> Heart:
    st_vector = heart.st_vector + rng.uniform(0.7, 1.3) * np.array([-0.035, -0.035, 0.015])
    return replace(heart, st_vector=st_vector, t_vector=0.7 * heart.t_vector)


def _ischaemia(heart: Heart, rng: np.random.Generator) -> Heart:
    size = rng.uniform(0.4, 1.0)
    st_vector = heart.st_vector + size * np.array([-0.055, -0.035, 0.02])
    return replace(heart, st_vector=st_vector, t_vector=heart.t_vector * [-size, -0.6 * size, 0.5])


def _depressed_st(heart: Heart, rng: np.random.Generator) -> Heart:
    st_vector = rng.uniform(0.9, 1.6) * np.array([-0.11, -0.10, 0.04])
    return replace(heart, st_vector=st_vector, t_vector=0.75 * heart.t_vector)


def _tachycardia(heart: Heart, rng: np.random.Generator) -> Heart:
    rate = rng.uniform(103, 135)
    return replace(heart, heart_rate=rate, pr_interval=max(0.115, heart.pr_interval - 0.0004 * (rate - 70)))


def _bradycardia(heart: Heart, rng: np.random.Generator) -> Heart:
    return replace(heart, heart_rate=rng.uniform(43, 56.5))


def _fibrillation_rate(heart: Heart, rng: np.random.Generator) -> Heart:
    return replace(heart, heart_rate=float(np.clip(rng.normal(88, 20), 55, 140)))


# In this order: scars and fascicles shape the QRS complex, bundles replace or lengthen it, ST and T come last.
EFFECTS: dict[str, Callable[[Heart, np.random.Generator], Heart]] = {
    "AFIB": _fibrillation_rate, "STACH": _tachycardia, "SBRAD": _bradycardia, "1AVB": _first_degree_block,
    "AMI": _anterior, "ASMI": _anteroseptal, "IMI": _inferior, "LAFB": _left_anterior_fascicle,
    "LVH": _hypertrophy, "CLBBB": _left_bundle, "CRBBB": _complete_right, "IRBBB": _incomplete_right,
    "NDT": _flat_t, "NST_": _sagging_st, "ISC_": _ischaemia, "STD_": _depressed_st,
}  # fmt: skip


def build_heart(patient: Patient, statements: Collection[str]) -> Heart:
    """The patient's heart under these statements; the same patient and statements give the same heart.

    Voltage is settled once the QRS complex has its shape: with LVH the Sokolow-Lyon sum lies in 3.3-5.2 mV, without
    it stays at or below 3.3 mV (left bundle branch block aside, where the criterion does not apply).
    """
    heart = normal_heart(patient)
    for number, (statement, effect) in enumerate(EFFECTS.items(), start=1):
        if statement in statements:
            heart = effect(heart, np.random.default_rng([patient.shape_seed, number]))
    if "CLBBB" in statements:
        return heart
    voltage = sokolow_lyon(heart, patient.lead_matrix)
    target = np.random.default_rng([patient.shape_seed, 99]).uniform(3.4, 5.0) if "LVH" in statements else 3.3
    if "LVH" in statements or voltage > target:
        factor = min(target / voltage, 2.6)
        heart = replace(heart, qrs_vectors=factor * heart.qrs_vectors, qrs_local=factor * heart.qrs_local)
    if "LVH" in statements:  # a thicker wall repolarises with higher voltages too: strain
        heart = replace(heart, st_vector=factor * heart.st_vector, t_vector=np.sqrt(factor) * heart.t_vector)
    return heart
