"""The figure of a recording with its waves shaded."""

import numpy as np

from vqecg.evaluation.waves.segmenter import CLASSES
from vqecg.records.ecg_paper import figure_svg
from vqecg.records.leads import INDEPENDENT_LEADS
from vqecg.reports.wave_plot import plot_waves


def test_every_lead_is_drawn_and_the_waves_that_it_has_are_shaded():
    signal = np.sin(np.arange(8 * 200).reshape(8, 200) / 20)
    classes = np.zeros((8, 200), np.uint8)
    classes[:, 50:80] = CLASSES.index("QRS")
    figure = plot_waves(signal, classes, 100, "record 7")
    assert [axes.get_ylabel() for axes in figure.axes] == [f"{lead} (mV)" for lead in INDEPENDENT_LEADS]
    areas = [len(collection.get_paths()) for collection in figure.axes[0].collections]
    assert areas == [0, 1, 0], "no P wave, one QRS complex, no T wave"
    assert "record 7: P green, QRS red, T blue" in figure_svg(figure)
