"""One ECG on paper, given as a record or as an array."""

import numpy as np
from matplotlib.figure import Figure

from vqecg.records.ecg_paper import plot_ecg
from vqecg.records.record import ECGRecord

NAMES = ("original", "reconstruction")


def plot(
    ecg: ECGRecord | np.ndarray,
    sampling_rate: float | None = None,
    title: str | None = None,
    over: np.ndarray | None = None,
    names: tuple[str, str] = NAMES,
) -> Figure:
    """Draws one ECG on paper at 25 mm/s and 10 mm/mV: an array of twelve leads, or a record of any.

    Args:
        ecg: a record, or an array of mV, (8, samples) in the order I, II, V1-V6 or (12, samples) in that of LEADS.
        sampling_rate: Hz, of an array; a record knows its rate.
        title: a line above the rows; None: what is known of a record, nothing for an array.
        over: a second array of the same form, drawn over the first; for arrays alone.
        names: the legend's names for the two.

    Returns:
        A figure that is 270 mm wide for 10 s. It is not registered with pyplot, so there is nothing to close.

    Raises:
        ValueError: an array without a sampling rate, a record with one or with `over`, several records, and as
            `plot_ecg`.
    """
    if isinstance(ecg, ECGRecord):
        if sampling_rate is not None or over is not None:
            given = "over" if sampling_rate is None else "a sampling rate"
            raise ValueError(f"got {given} beside a record; it goes with an array: leave it out, or give record.signal")
        return ecg.plot(title)
    if not isinstance(ecg, np.ndarray):
        raise ValueError(f"got a {type(ecg).__name__} to plot; expected one ECGRecord, such as records[0], or an array")
    if sampling_rate is None:
        raise ValueError("got an array without a sampling rate; expected one in Hz: plot(signal, sampling_rate=100)")
    return plot_ecg(ecg, sampling_rate, title or "", over, names)
