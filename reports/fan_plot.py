"""A recording with its gaps filled in several ways: where the draws lie, and one of them."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vqecg.records.leads import INDEPENDENT_LEADS

SHOWN = ("II", "V2", "V5")  # leads
BAND = (5, 95)  # percentiles
FEWEST = 10  # draws, without which no band is shown


class Stretch(Protocol):
    """Samples from `start` to the one before `stop`."""

    @property
    def start(self) -> int: ...

    @property
    def stop(self) -> int: ...


def plot_fan(signals: np.ndarray, gaps: Sequence[Stretch], sampling_rate: float, title: str, first: int = 0) -> Figure:
    """Leads II, V2 and V5 of the draws (draws, 8, samples) mV: what was recorded, the first draw, and a band of all.

    `first` is the number of the first sample in the whole recording. The band, from the 5th to the 95th percentile, is
    left out of fewer than FEWEST draws.
    """
    times = (first + np.arange(signals.shape[2])) / sampling_rate
    figure = Figure(figsize=(14, 7), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, lead in zip(figure.subplots(len(SHOWN), 1, sharex=True), SHOWN, strict=True):
        of_lead = signals[:, INDEPENDENT_LEADS.index(lead)]
        recorded = of_lead[0].copy()
        for gap in gaps:
            rows = slice(max(0, gap.start - 1), gap.stop + 1)  # up to the recording on either side
            axes.axvspan(
                (first + gap.start) / sampling_rate, (first + gap.stop) / sampling_rate, color="#f3e6d8", zorder=0
            )
            if len(signals) >= FEWEST:
                low, high = np.percentile(of_lead[:, rows], BAND, axis=0)
                axes.fill_between(times[rows], low, high, color="#d98a3d", alpha=0.45, linewidth=0)
            axes.plot(times[rows], of_lead[0, rows], color="#b3441e", linewidth=1.0)
            recorded[gap.start : gap.stop] = np.nan
        axes.plot(times, recorded, color="#1c1c1e", linewidth=0.9)
        axes.set(xlim=(times[0], times[-1]), ylabel=f"{lead} (mV)")
    axes.set_xlabel("time (s)")
    band = f", band: 5 to 95 % of {len(signals)} draws" if len(signals) >= FEWEST else ""
    figure.suptitle(f"{title}. Black: recorded; red: filled in, not recorded{band}")
    return figure
