"""Beats of another kind than a record's usual ones: ectopic, aberrant or paced now and then, or disturbed."""

import numpy as np

UNLIKE = 0.7  # correlation with the median beat over all leads, below which a beat is of another kind
REACH = (0.35, 0.55)  # s before and after the R peak: from P to the end of T
FEWEST_BEATS = 3  # whole ones, without which no median is the usual beat


def unlike_beats(signal: np.ndarray, peaks: np.ndarray, sampling_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """For each R peak, whether its beat is unlike the median one, and whether it lies whole in the record.

    (beats,) bool each. A beat is unlike where its correlation with the median beat, over all leads together, is below
    UNLIKE.
    """
    before, after = (round(seconds * sampling_rate) for seconds in REACH)
    whole = (peaks >= before) & (peaks + after <= signal.shape[1])
    unlike = np.zeros(len(peaks), bool)
    if whole.sum() >= FEWEST_BEATS:
        beats = signal[:, peaks[whole, None] + np.arange(-before, after)].transpose(1, 0, 2)
        centred = beats - beats.mean(2, keepdims=True)
        usual = np.median(beats, axis=0)
        usual = usual - usual.mean(1, keepdims=True)
        size = np.sqrt((centred**2).sum((1, 2)) * (usual**2).sum())
        unlike[whole] = (centred * usual).sum((1, 2)) < UNLIKE * size
    return unlike, whole
