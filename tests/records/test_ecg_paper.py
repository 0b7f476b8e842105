"""ECG paper: its millimetres, its rows, its legend and its files."""

import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from vqecg.records.ecg_paper import figure_png, figure_svg, plot_ecg, plot_leads, save_figure
from vqecg.records.leads import INDEPENDENT_LEADS

MILLIMETRES = 25.4
TWELVE = ["I", "aVR", "V1", "V4", "II", "aVL", "V2", "V5", "III", "aVF", "V3", "V6", "II"]  # the rhythm strip last


def beats(leads: int = 8, seconds: float = 10.0, sampling_rate: int = 100, height: float = 1.0) -> np.ndarray:
    """A narrow positive wave a second in every lead, mV."""
    t = np.arange(round(seconds * sampling_rate)) / sampling_rate
    wave = height * np.exp(-(((t % 1.0) - 0.5) ** 2) / (2 * 0.015**2))
    return np.tile(wave, (leads, 1)).astype(np.float32)


def lines(figure: Figure, name: str) -> list[np.ndarray]:
    """(points, 2) in mm of the lines with that name."""
    return [np.array(line.get_xydata()) for line in figure.axes[0].lines if line.get_gid() == name]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_ten_seconds_are_250_mm_wide_at_the_figures_own_size() -> None:
    figure = plot_ecg(beats(), 100)
    width, height = figure.get_size_inches() * MILLIMETRES
    axes = figure.axes[0]
    assert width == pytest.approx(270)
    assert axes.get_xlim() == pytest.approx((0, width))
    assert axes.get_ylim() == pytest.approx((0, height))
    assert axes.get_position().bounds == pytest.approx((0, 0, 1, 1))
    strip = lines(figure, "lead-II")[-1]  # the rhythm strip
    assert strip[-1, 0] - strip[0, 0] == pytest.approx(250 - 0.25)  # 1,000 samples span 999 steps


def test_a_millivolt_is_ten_millimetres_and_so_is_the_calibration_pulse() -> None:
    figure = plot_ecg(beats(height=1.0), 100)
    for trace in lines(figure, "lead-V2"):
        assert np.ptp(trace[:, 1]) == pytest.approx(10, abs=0.01)
    pulses = lines(figure, "calibration")
    assert len(pulses) == 4
    for pulse in pulses:
        top = pulse[pulse[:, 1] == pulse[:, 1].max()]
        assert np.ptp(pulse[:, 1]) == pytest.approx(10)
        assert np.ptp(top[:, 0]) == pytest.approx(5)  # 0.2 s


def test_the_grid_has_lines_every_1_and_5_mm() -> None:
    figure = plot_ecg(beats(), 100)
    for step in (1, 5):
        (grid,) = lines(figure, f"grid-{step}mm")
        upright = np.unique(grid[0:-1:3][grid[0:-1:3, 0] == grid[1::3, 0], 0])
        assert np.allclose(np.diff(upright), step)


def test_all_leads_are_named_in_the_standard_layout() -> None:
    figure = plot_ecg(beats(12), 100, title="Record 1")
    names = [text for text in figure.axes[0].texts if text.get_weight() == "bold"]
    rows = ["I aVR V1 V4", "II aVL V2 V5", "III aVF V3 V6", "II"]
    assert [text.get_text() for text in names] == " ".join(rows).split()
    assert {"25 mm/s  ·  10 mm/mV  ·  100 Hz", "Record 1"} <= set(texts(figure))


@pytest.mark.parametrize("height", [0.1, 1.0, 3.5, -3.5, 40.0])
def test_rows_never_overlap(height: float) -> None:
    figure = plot_ecg(beats(12, height=height), 100)
    rows = [("lead-I", "lead-aVR", "lead-V1", "lead-V4"), ("lead-aVL", "lead-V5"), ("lead-III", "lead-V6")]
    above = figure.axes[0].get_ylim()[1]
    extents = [np.concatenate([line for name in row for line in lines(figure, name)])[:, 1] for row in rows]
    extents.append(lines(figure, "lead-II")[-1][:, 1])
    for row in extents:
        assert row.max() < above
        above = row.min()
    assert above > 0
    assert any("clipped at ±5 mV" in text for text in texts(figure)) == (abs(height) > 5)


def test_the_second_signal_lies_over_the_first_with_a_legend() -> None:
    signal = beats()
    figure = plot_ecg(signal, 100, over=0.5 * signal, names=("recorded", "decoded"))
    first, second = lines(figure, "lead-V3")
    assert np.ptp(second[:, 1]) == pytest.approx(0.5 * np.ptp(first[:, 1]), rel=1e-5)
    assert {"recorded", "decoded"} <= set(texts(figure))
    drawn = [line for line in figure.axes[0].lines if line.get_gid() == "lead-V3"]
    assert drawn[0].get_color() != drawn[1].get_color()


def test_a_title_is_text_and_not_a_formula() -> None:
    assert "<title> $x^{$" in texts(plot_ecg(beats(), 100, title="<title> $x^{$"))
    assert "&lt;title&gt; $x^{$" in figure_svg(plot_ecg(beats(), 100, title="<title> $x^{$"))


def test_other_lengths_and_rates_keep_the_scale() -> None:
    short = plot_ecg(beats(seconds=4, sampling_rate=500), 500)
    assert short.get_size_inches()[0] * MILLIMETRES == pytest.approx(15 + 100 + 5)
    long = plot_ecg(beats(seconds=30), 100)
    assert long.get_size_inches()[0] * MILLIMETRES == pytest.approx(270)
    assert any("first 10 s of 30 s" in text for text in texts(long))


def test_a_gap_in_a_lead_is_drawn_as_a_gap() -> None:
    signal = beats(12)
    signal[6] = np.nan
    assert figure_png(plot_ecg(signal, 100)).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("signal", "rate", "over", "message"),
    [
        (np.zeros((3, 1000)), 100, None, r"shape \(3, 1000\)"),
        (np.zeros(1000), 100, None, r"shape \(1000,\)"),
        (np.zeros((8, 50)), 100, None, "at least 1 s"),
        (np.zeros((8, 1000)), 0, None, "above 0"),
        (np.full((8, 1000), np.inf), 100, None, "infinite"),
        (np.zeros((8, 1000)), 100, np.zeros((8, 900)), "over has 900 samples"),
    ],
)
def test_bad_input_is_named(signal: np.ndarray, rate: float, over: np.ndarray | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plot_ecg(signal, rate, over=over)


@pytest.mark.parametrize(
    ("leads", "rows"),
    [
        (("MLII", "V5"), ["MLII", "V5"]),
        (("I", "II", "III", "aVR", "aVL", "aVF"), ["I", "II", "III", "aVR", "aVL", "aVF"]),
        (("V6", "V5", "V4", "V3", "V2", "V1", "aVF", "I"), TWELVE),
        ((*INDEPENDENT_LEADS, "vx", "vy"), [*TWELVE, "vx", "vy"]),
        (("II", "II", "V1"), ["II", "II", "V1"]),
        (("$x^{$",), ["$x^{$"]),
    ],
)
def test_any_leads_are_drawn_the_twelve_in_their_places_and_others_below(leads: tuple[str, ...], rows: list[str]):
    figure = plot_leads(beats(len(leads), sampling_rate=360), 360, leads)
    assert [text.get_text() for text in figure.axes[0].texts if text.get_weight() == "bold"] == rows
    assert figure_svg(figure).lstrip().startswith("<?xml")
    strip = lines(figure, f"lead-{rows[-1]}")[-1]
    assert strip[-1, 0] - strip[0, 0] == pytest.approx(250, abs=0.1), "the last row has all ten seconds"


def test_leads_that_do_not_fit_their_names_are_refused() -> None:
    for signal, leads, message in (
        (beats(2), ("II",), "1 lead names"),
        (np.zeros(1000), ("II",), "1 lead names"),
        (np.zeros((1, 50)), ("II",), "at least 1 s"),
        (np.full((1, 1000), np.inf), ("II",), "infinite"),
    ):
        with pytest.raises(ValueError, match=message):
            plot_leads(signal, 100, leads)


def test_long_texts_take_several_lines_and_the_paper_grows() -> None:
    short = plot_ecg(beats(seconds=2), 100, title="Record 1")
    long = plot_ecg(beats(seconds=2), 100, title="Record 1, " + "a long list of statements, " * 6, note="A note. " * 9)
    assert long.get_size_inches()[1] > short.get_size_inches()[1]
    height = long.axes[0].get_ylim()[1]
    assert all(0 < text.get_position()[1] < height for text in long.axes[0].texts)


def test_a_watermark_lies_behind_the_traces() -> None:
    figure = plot_ecg(beats(), 100, watermark="synthetic")
    (mark,) = [text for text in figure.axes[0].texts if text.get_gid() == "watermark"]
    assert mark.get_text() == "synthetic"
    assert mark.get_zorder() < min(line.get_zorder() for line in figure.axes[0].lines)


def test_svg_paths_come_back_to_the_trace() -> None:
    signal = np.cumsum(np.random.default_rng(0).normal(0, 0.05, (8, 1000)), axis=1)
    figure = plot_ecg(signal, 100)
    last = [line for line in figure.axes[0].lines if line.get_gid() == "lead-II"][-1].get_xydata()[-1]
    path = re.findall(r'<g id="lead-II">\s*<path d="([^"]*)"', figure_svg(figure))[-1]
    numbers = np.array(re.findall(r"-?\d*\.?\d+", path), dtype=float).reshape(-1, 2)
    page_height = figure.get_size_inches()[1] * 72
    expected = np.array([last[0], page_height * MILLIMETRES / 72 - last[1]]) * 72 / MILLIMETRES
    assert numbers.sum(axis=0) == pytest.approx(expected, abs=0.02)


def test_files_are_compact_and_the_same_every_time(tmp_path: Path) -> None:
    figure = plot_ecg(beats(), 100, over=beats(height=0.9))
    for name in ("ecg.svg", "ecg.png"):
        save_figure(figure, tmp_path / name)
        first = (tmp_path / name).read_bytes()
        save_figure(plot_ecg(beats(), 100, over=beats(height=0.9)), tmp_path / name)
        assert (tmp_path / name).read_bytes() == first
    assert (tmp_path / "ecg.svg").stat().st_size < 80_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ecg.png", "ecg.svg"]
    with pytest.raises(ValueError, match=r"\.svg or \.png"):
        save_figure(figure, tmp_path / "ecg.jpg")


def test_no_pyplot_is_involved() -> None:
    code = "import sys, vqecg.records.ecg_paper; print('matplotlib.pyplot' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_sheet_takes_less_than_a_third_of_a_second() -> None:
    times = []
    for _ in range(5):
        start = time.process_time()
        figure_svg(plot_ecg(beats(), 100))
        times.append(time.process_time() - start)
    assert min(times) < 0.3


@pytest.mark.real
def test_a_real_record_fits_on_paper(real_data: Path) -> None:
    import wfdb

    record = wfdb.rdrecord(str(next((real_data / "ptb-xl" / "records100").rglob("*.hea")).with_suffix("")))
    figure = plot_ecg(record.p_signal.T, record.fs)
    assert len(figure_svg(figure)) < 80_000
