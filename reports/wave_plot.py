"""A recording with its P waves, QRS complexes and T waves shaded, lead by lead."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vqecg.evaluation.waves.segmenter import CLASSES
from vqecg.records.leads import INDEPENDENT_LEADS

COLOURS = {"P": "#3b8f4a", "QRS": "#c0392b", "T": "#2c6fb3"}  # green, red, blue


def plot_waves(signal: np.ndarray, classes: np.ndarray, sampling_rate: float, title: str) -> Figure:
    """The eight leads of a recording under each other, P waves, QRS complexes and T waves shaded.

    `signal`: (8, samples) mV, `classes`: (8, samples) places in CLASSES, both at `sampling_rate` (Hz).
    """
    times = np.arange(signal.shape[1]) / sampling_rate
    figure = Figure(figsize=(14, 12), layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(len(signal), 1, sharex=True)
    for axes, lead, voltage, lead_classes in zip(rows, INDEPENDENT_LEADS, signal, classes, strict=True):
        low, high = float(voltage.min()) - 0.1, float(voltage.max()) + 0.1
        for wave, colour in COLOURS.items():
            axes.fill_between(
                times, low, high, where=lead_classes == CLASSES.index(wave), color=colour, alpha=0.25, linewidth=0
            )
        axes.plot(times, voltage, color="#1c1c1e", linewidth=0.8)
        axes.set(xlim=(0, times[-1]), ylim=(low, high), ylabel=f"{lead} (mV)")
    rows[-1].set_xlabel("time (s)")
    figure.suptitle(f"{title}: P green, QRS red, T blue")
    return figure
