"""Signs of single leads: ST level, Q, R and S of the median beat in all twelve, against the level before QRS.

The level of ST is taken 60 ms after the J point, where it is less steep than at it (Thygesen et al. 2018 measure
elevation at J, older criteria of ischaemia 60 to 80 ms later). Beats and the ends of QRS are the segmenter's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vqecg.records.leads import LEADS, twelve_leads

if TYPE_CHECKING:  # needs torch
    from vqecg.evaluation.waves.delineation import Beats

MEASURED = {"st": "level 60 ms after QRS", "q": "depth of Q", "r": "height of R", "s": "depth of S"}
LEAD_SIGN_UNITS = {f"{wave}_{lead}": f"mV, {words} in {lead}" for wave, words in MEASURED.items() for lead in LEADS}
BEFORE_QRS = (0.04, 0.008)  # s before its onset, between which lies the level that all is measured from
AFTER_J, J_WIDTH = 0.06, 0.012  # s after its offset, the middle and the half width of what ST is the mean of
FEWEST_BEATS = 2  # of which there is a median
NO_R = 0.05  # mV; a lead whose QRS rises no higher has none: what goes down is Q (a QS complex)


def lead_signs(signal: np.ndarray, beats: Beats, sampling_rate: float) -> dict[str, float]:
    """LEAD_SIGN_UNITS of one record by name: (8, samples) mV; NaN with fewer than FEWEST_BEATS whole beats.

    Depths are positive where a wave goes down, and 0 where there is none.
    """
    nothing = dict.fromkeys(LEAD_SIGN_UNITS, float("nan"))
    onset, offset = beats.r_peak - beats.qrs_onset, beats.qrs_offset - beats.r_peak
    known = np.isfinite(onset) & np.isfinite(offset)
    if known.sum() < FEWEST_BEATS:
        return nothing
    first = -round((np.median(onset[known]) + BEFORE_QRS[0]) * sampling_rate)
    start, end = -round(np.median(onset[known]) * sampling_rate), round(np.median(offset[known]) * sampling_rate)
    last = end + round((AFTER_J + J_WIDTH) * sampling_rate)
    peaks = np.round(beats.r_peak[known] * sampling_rate).astype(np.int64)
    whole = peaks[(peaks + first >= 0) & (peaks + last < signal.shape[1])]
    if len(whole) < FEWEST_BEATS:
        return nothing
    median = np.median(signal[:, whole[:, None] + np.arange(first, last + 1)], axis=1)
    beat = twelve_leads(median.astype(np.float32)).astype(np.float64)
    quiet = max(1, start - first - round(BEFORE_QRS[1] * sampling_rate))
    beat = beat - np.median(beat[:, :quiet], axis=1, keepdims=True)
    complex_ = beat[:, start - first : end - first + 1]
    st = beat[:, -1 - 2 * round(J_WIDTH * sampling_rate) :]
    values = {"st": st.mean(1), **waves_of(complex_)}
    return {f"{wave}_{lead}": float(values[wave][row]) for wave in MEASURED for row, lead in enumerate(LEADS)}


def waves_of(complex_: np.ndarray) -> dict[str, np.ndarray]:
    """Q, R and S of QRS complexes (leads, samples) mV: (leads,) each."""
    highest = complex_.argmax(1)
    r = complex_.max(1)
    samples = np.arange(complex_.shape[1])
    ahead, behind = samples <= highest[:, None], samples >= highest[:, None]
    q = np.where(r < NO_R, -complex_.min(1), -np.where(ahead, complex_, 0.0).min(1))
    s = np.where(r < NO_R, 0.0, -np.where(behind, complex_, 0.0).min(1))
    return {"q": np.maximum(q, 0.0), "r": np.where(r < NO_R, 0.0, r), "s": np.maximum(s, 0.0)}
