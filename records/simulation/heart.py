"""The simulated heart in its body: waves as dipole moments, intervals, and the torso through which leads see them.

The heart is a dipole in Frank's axes (x to the left, y to the feet, z to the back, mV as in Frank's leads), and each
wave a Gaussian in time with a vector for height: the ECGSYN model (McSharry et al. 2003, IEEE Trans Biomed Eng 50:289)
in three dimensions (Sameni et al. 2007, EURASIP J Adv Signal Process 2007:43407). The vectors themselves are this
project's, tuned by eye and against textbook criteria; lead by lead standard deviations were compared with PTB-XL's.
"""

from dataclasses import dataclass

import numpy as np

# Dower, Machado, Osborne 1980 (Clin Cardiol 3:87): rows I, II, V1-V6 of the matrix from Frank's x, y, z to the leads.
DOWER = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)


# How far I, II, V1-V6 see more than the dipole: the chest leads lie on the heart, the limbs far away.
NEARNESS = np.array([0.3, 0.3, 0.8, 1.2, 1.2, 1.0, 0.8, 0.6])


@dataclass(frozen=True)
class Patient:
    """A person, the same from record to record: body, axis, voltage, intervals."""

    patient_id: str
    age: float  # years
    sex: str  # "female" or "male"
    heart_rate: float  # beats per minute at rest, when no statement asks for another
    pr_interval: float  # s
    qrs_duration: float  # s
    qt_corrected: float  # s, at 60 beats per minute
    voltage: float  # factor on every QRS vector
    frontal_rotation: float  # rad, positive turns the axis to the right and down
    horizontal_rotation: float  # rad, positive turns the axis to the back
    lead_matrix: np.ndarray  # (8, 3), Dower's matrix as this torso and these electrode positions change it
    shape_seed: int  # for everything else that is drawn once in a life


def draw_patient(
    rng: np.random.Generator, patient_id: str = "", age: float | None = None, sex: str | None = None
) -> Patient:
    """A person: normal ranges of adults, with the axis turning left and intervals lengthening slightly with age."""
    sex = sex if sex is not None else str(rng.choice(["female", "male"]))
    age = float(age) if age is not None else float(np.clip(np.round(rng.normal(60, 16)), 18, 95))
    female = sex == "female"
    neighbours = np.vstack([DOWER[:2], np.roll(DOWER[2:], -1, axis=0)])  # a chest electrode slips towards the next one
    neighbours[-1] = DOWER[-1]
    slip = np.concatenate([np.zeros(2), rng.normal(0, 0.12, 6)])[:, None]
    # a dipole deep in the chest underrates the leads nearest to the heart: real V2 is about 1.4 times Dower's
    gain = np.exp(rng.normal([0.10, 0, 0, 0.30, 0.12, 0, 0, 0], 0.10))[:, None]
    return Patient(
        patient_id=patient_id,
        age=age,
        sex=sex,
        heart_rate=float(np.clip(rng.normal(71 if female else 69, 9), 61, 95)),
        pr_interval=float(np.clip(rng.normal(0.155 + 0.0003 * (age - 50), 0.016), 0.118, 0.194)),
        qrs_duration=float(np.clip(rng.normal(0.086 if female else 0.093, 0.006), 0.074, 0.106)),
        qt_corrected=float(np.clip(rng.normal(0.412 if female else 0.402, 0.014), 0.36, 0.445)),
        voltage=float(np.exp(rng.normal(-0.06 if female else 0.04, 0.16))),
        frontal_rotation=float(np.clip(rng.normal(-0.10 - 0.008 * (age - 45), 0.28), -1.3, 0.5)),
        horizontal_rotation=float(rng.normal(0, 0.18)),
        lead_matrix=gain * ((1 - slip) * DOWER + slip * neighbours),
        shape_seed=int(rng.integers(2**31)),
    )


@dataclass(frozen=True)
class Heart:
    """One heart's beat. Times in s from QRS onset, heights in mV; `local` is what a lead sees beyond the dipole."""

    heart_rate: float  # beats per minute
    pr_interval: float  # s
    p_duration: float  # s
    qrs_duration: float  # s
    qt_corrected: float  # s
    p_vectors: np.ndarray  # (2, 3), right then left atrium
    qrs_centres: np.ndarray  # (waves,)
    qrs_widths: np.ndarray  # (waves,), standard deviation
    qrs_vectors: np.ndarray  # (waves, 3)
    qrs_local: np.ndarray  # (waves, 8)
    st_vector: np.ndarray  # (3,)
    st_local: np.ndarray  # (8,)
    t_vector: np.ndarray  # (3,)
    t_local: np.ndarray  # (8,)

    def qrs_leads(self, lead_matrix: np.ndarray, times: np.ndarray) -> np.ndarray:
        """The QRS complex alone: (8, times) mV."""
        bells = np.exp(-0.5 * ((times[None] - self.qrs_centres[:, None]) / self.qrs_widths[:, None]) ** 2)
        return (self.qrs_vectors @ lead_matrix.T + self.qrs_local).T @ bells


def sokolow_lyon(heart: Heart, lead_matrix: np.ndarray) -> float:
    """S in V1 plus the taller R of V5 and V6, mV (Sokolow and Lyon 1949; over 3.5 mV speaks for hypertrophy)."""
    leads = heart.qrs_leads(lead_matrix, np.arange(0, heart.qrs_duration, 0.002))
    return float(-leads[2].min() + leads[6:8].max())


def rotation(frontal: float, horizontal: float) -> np.ndarray:
    """(3, 3): first about y (left to back) by `horizontal`, then about z (left to feet) by `frontal`, in rad."""
    about_y = np.array(
        [[np.cos(horizontal), 0, -np.sin(horizontal)], [0, 1, 0], [np.sin(horizontal), 0, np.cos(horizontal)]]
    )
    about_z = np.array([[np.cos(frontal), -np.sin(frontal), 0], [np.sin(frontal), np.cos(frontal), 0], [0, 0, 1]])
    return about_z @ about_y


def normal_heart(patient: Patient) -> Heart:
    """A healthy heart in this body: septum, apex, free wall and base in turn; T to the left, feet and front."""
    rng = np.random.default_rng([patient.shape_seed, 0])
    duration = patient.qrs_duration
    turn = rotation(patient.frontal_rotation, patient.horizontal_rotation)
    vectors = np.array([[-0.16, -0.08, -0.34], [0.62, 0.70, -0.28], [0.82, 0.42, 0.62], [-0.20, -0.12, 0.42]])
    vectors = vectors * np.exp(rng.normal(0, [[0.30], [0.10], [0.10], [0.30]])) + rng.normal(0, 0.03, (4, 3))
    vectors = patient.voltage * vectors @ turn.T
    repolarisation = rotation(0.4 * patient.frontal_rotation + rng.normal(0, 0.15), rng.normal(0.0, 0.15))
    t_size = np.exp(rng.normal(0.0 if patient.sex == "female" else 0.18, 0.22)) * (1.15 - 0.004 * (patient.age - 30))
    return Heart(
        heart_rate=patient.heart_rate,
        pr_interval=patient.pr_interval,
        p_duration=float(rng.uniform(0.085, 0.11)),
        qrs_duration=duration,
        qt_corrected=patient.qt_corrected,
        p_vectors=np.exp(rng.normal(0, 0.22)) * np.array([[0.035, 0.085, -0.045], [0.05, 0.06, 0.04]]),
        qrs_centres=duration * (np.array([0.21, 0.42, 0.58, 0.80]) + rng.normal(0, 0.012, 4)),
        qrs_widths=duration * np.array([0.085, 0.10, 0.10, 0.09]),
        qrs_vectors=vectors,
        qrs_local=0.18 * rng.normal(size=(4, 8)) * np.linalg.norm(vectors, axis=1, keepdims=True) * NEARNESS,
        st_vector=np.array([0.010, 0.008, -0.022]) * rng.uniform(0.0, 1.6),
        st_local=np.zeros(8),
        t_vector=t_size * np.array([0.27, 0.20, -0.14]) @ repolarisation.T,
        t_local=0.05 * rng.normal(size=8) * NEARNESS,
    )
