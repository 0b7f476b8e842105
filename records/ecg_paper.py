"""Twelve-lead ECGs drawn on paper: 25 mm/s, 10 mm/mV, three rows of four leads and a rhythm strip of lead II.

The layout is the usual one of a printed resting ECG (Kligfield et al., AHA/ACC/HRS Recommendations for the
Standardization and Interpretation of the Electrocardiogram, Part I, 2007): 2.5 s a lead, simultaneous columns, a
calibration pulse of 1 mV x 0.2 s before every row. One axis covers the figure and its unit is the millimetre, so a
figure that is printed at its own size can be measured with a ruler.
"""

import io
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vqecg.records.files.atomic import atomic_file
from vqecg.records.leads import LEADS, twelve_leads

PAPER_SPEED = 25.0  # mm per second
PAPER_GAIN = 10.0  # mm per millivolt
GRID = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
RHYTHM_LEAD = "II"
LONGEST = 10.0  # seconds on one sheet; what follows is not drawn, and the sheet says so
VOLTAGE_LIMIT = 5.0  # mV; an artefact beyond it is clipped so that it does not blow up the sheet

TRACE_START = 15.0  # mm from the left edge; the calibration pulse stands before it
MARGIN = 5.0  # mm at the right edge and between rows and the text lines
TEXT_LINE = 5.0  # mm
ROW_DISTANCE = 20.0  # mm between two baselines at least
LABEL_HEIGHT = 5.0  # mm from a lead name's foot to what may be drawn above it
LABEL_SPAN = 8.0  # mm to the right of a column's start that a lead name covers

PAPER, FINE_LINE, COARSE_LINE = "#fffdfc", "#f8e3df", "#efc2bb"
INK, TEXT = "#1c1c1e", "#55504f"
FIRST_INK, SECOND_INK = "#77787c", "#0a58a8"  # of a pair: a broad grey line, and a narrow blue one on it


@dataclass(frozen=True)
class _Strip:
    """One lead's stretch of paper."""

    lead: str
    start: float  # mm from the left edge
    x: np.ndarray  # (samples,) mm
    height: np.ndarray  # (signals, samples) mm above the row's baseline; one signal, or two with `over`


def plot_ecg(
    signal: np.ndarray,
    sampling_rate: float,
    title: str = "",
    over: np.ndarray | None = None,
    names: tuple[str, str] = ("original", "reconstruction"),
    remark: str = "",
) -> Figure:
    """Draw one ECG on paper: I aVR V1 V4 / II aVL V2 V5 / III aVF V3 V6 and ten seconds of lead II below.

    Rows move apart for high voltages, so neighbours never overlap. Voltages beyond 5 mV are clipped and a recording
    longer than 10 s is cut; the text line below the rows then says so. A shorter one has narrower columns.

    Args:
        signal: (8, samples) independent leads or (12, samples) in the order of LEADS, mV; a NaN leaves a gap.
        sampling_rate: Hz.
        title: a line above the rows; none if empty.
        over: a second signal of the same form, drawn over the first in another colour with a legend.
        names: the legend's names for `signal` and `over`.
        remark: first words of the text line below the rows.

    Returns:
        A figure that is 270 mm wide for 10 s. It is not registered with pyplot, so there is nothing to close.

    Raises:
        ValueError: another shape, less than a second of signal, or an `over` of another length.
    """
    if not sampling_rate > 0:
        raise ValueError(f"sampling_rate is {sampling_rate}, expected Hz above 0")
    signals = [_as_twelve_leads(signal, "signal")]
    if over is not None:
        signals.append(_as_twelve_leads(over, "over"))
        if signals[1].shape != signals[0].shape:
            raise ValueError(
                f"over has {signals[1].shape[1]} samples, signal has {signals[0].shape[1]}: both must be the same "
                "stretch at the same sampling rate"
            )
    seconds = signals[0].shape[1] / sampling_rate
    if seconds < 1:
        raise ValueError(f"signal is {seconds:.2f} s long ({signals[0].shape[1]} samples), expected at least 1 s")
    drawn = min(seconds, LONGEST)
    voltages = np.stack(signals)[:, :, : round(drawn * sampling_rate)]
    remarks = [*filter(None, (remark,)), f"{PAPER_SPEED:g} mm/s", f"{PAPER_GAIN:g} mm/mV", f"{sampling_rate:g} Hz"]
    remarks += [f"first {LONGEST:g} s of {seconds:g} s"] if seconds > LONGEST else []
    if np.nanmax(np.abs(voltages), initial=0.0) > VOLTAGE_LIMIT:
        voltages = np.clip(voltages, -VOLTAGE_LIMIT, VOLTAGE_LIMIT)
        remarks.append(f"clipped at ±{VOLTAGE_LIMIT:g} mV")

    rows = _rows(voltages * PAPER_GAIN, sampling_rate)
    baselines, height = _baselines(rows, MARGIN + TEXT_LINE, MARGIN + TEXT_LINE if title else MARGIN)
    width = math.ceil((TRACE_START + drawn * PAPER_SPEED) / 5) * 5 + MARGIN
    axes = _sheet(width, height)
    for strips, baseline in zip(rows, baselines, strict=True):
        _draw_row(axes, strips, baseline)
    axes.text(MARGIN, MARGIN, "  ·  ".join(remarks), fontsize=8, color=TEXT, va="center")
    if title:
        axes.text(MARGIN, height - MARGIN, title, fontsize=10, color=INK, va="center", parse_math=False)
    if over is not None:
        _draw_legend(axes, names, width)
    return cast(Figure, axes.get_figure(root=True))


def figure_png(figure: Figure, dpi: int = 110) -> bytes:
    """The figure as a PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def figure_svg(figure: Figure) -> str:
    """The figure as a compact SVG: text stays text, and lines go in relative steps of 0.004 mm on paper."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "vqecg"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = buffer.getvalue()
    svg = re.sub(r'(?<= d=")[^"]*', lambda match: _shorten(match.group()), svg)
    # the layout is computed with matplotlib's wide font; readers see the narrower one of their system
    return re.sub(r"'DejaVu Sans'[^;\"]*", "'Helvetica Neue', Helvetica, Arial, sans-serif", svg)


def save_figure(figure: Figure, path: Path, dpi: int = 110) -> None:
    """Write the figure as .svg or .png, by the path's suffix; ValueError for any other."""
    path = Path(path)
    if path.suffix not in (".svg", ".png"):
        raise ValueError(f"cannot write a figure as {path.name!r}: the name must end in .svg or .png")
    content = figure_svg(figure).encode() if path.suffix == ".svg" else figure_png(figure, dpi)
    with atomic_file(path) as aside:
        aside.write_bytes(content)


def _as_twelve_leads(signal: np.ndarray, name: str) -> np.ndarray:
    signal = np.asarray(signal, dtype=np.float64)
    if signal.ndim != 2 or signal.shape[0] not in (8, 12):
        raise ValueError(
            f"{name} has the shape {signal.shape}, expected (8, samples) for I, II, V1-V6 or (12, samples) for the "
            "standard leads, in mV"
        )
    if np.isinf(signal).any():
        raise ValueError(f"{name} holds infinite values, expected mV; check the record's gain")
    return signal if signal.shape[0] == 12 else twelve_leads(signal)


def _rows(heights: np.ndarray, sampling_rate: float) -> list[list[_Strip]]:
    """Cut (signals, 12, samples) in mm into the strips of the four rows, top to bottom."""
    samples = heights.shape[-1]
    edges = [round(samples * column / 4) for column in range(5)]
    x = TRACE_START + np.arange(samples) / sampling_rate * PAPER_SPEED

    def strip(lead: str, first: int, end: int) -> _Strip:
        return _Strip(lead, float(x[first]), x[first:end], heights[:, LEADS.index(lead), first:end])

    rows = [[strip(lead, edges[i], edges[i + 1]) for i, lead in enumerate(leads)] for leads in GRID]
    return [*rows, [strip(RHYTHM_LEAD, 0, samples)]]


def _label_foot(strip: _Strip) -> float:
    """The foot of a lead's name, mm above the baseline: on top of whatever is drawn in its place."""
    below = strip.height[:, strip.x < strip.start + LABEL_SPAN]
    return max(5.0, float(np.nanmax(below, initial=0.0)) + 1.0)


def _baselines(rows: list[list[_Strip]], foot: float, head: float) -> tuple[list[float], float]:
    """Baselines of the rows and the sheet's height, mm from the bottom and all on 5 mm lines."""
    tops, bottoms = [], []
    for strips in rows:
        names = max(_label_foot(strip) + LABEL_HEIGHT for strip in strips)
        tops.append(max(names, PAPER_GAIN, *(float(np.nanmax(strip.height, initial=0.0)) for strip in strips)))
        bottoms.append(min(-1.0, *(float(np.nanmin(strip.height, initial=0.0)) for strip in strips)))
    baseline = math.ceil((foot - bottoms[-1]) / 5) * 5.0
    baselines = [baseline]
    for i in range(len(rows) - 2, -1, -1):
        baseline += math.ceil(max(ROW_DISTANCE, tops[i + 1] - bottoms[i] + 1.0) / 5) * 5.0
        baselines.insert(0, baseline)
    return baselines, math.ceil((baseline + tops[0] + head) / 5) * 5.0


def _sheet(width: float, height: float) -> Axes:
    """Empty paper of that size in mm; the axis unit is the mm."""
    figure = Figure(figsize=(width / 25.4, height / 25.4), facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    for step, color, line in ((1, FINE_LINE, 0.35), (5, COARSE_LINE, 0.6)):
        # each family is one line with gaps: hundreds of separate artists would be slow and make a large SVG
        across, up = np.arange(0, width + 0.5, step), np.arange(0, height + 0.5, step)
        gap = np.nan
        x = np.concatenate([np.ravel([(at, at, gap) for at in across]), np.ravel([(0, width, gap) for _ in up])])
        y = np.concatenate([np.ravel([(0, height, gap) for _ in across]), np.ravel([(at, at, gap) for at in up])])
        axes.plot(x, y, color=color, linewidth=line, solid_capstyle="butt", gid=f"grid-{step}mm", clip_on=False)
    return axes


def _draw_row(axes: Axes, strips: list[_Strip], baseline: float) -> None:
    """Calibration pulse, traces, lead names and the short bars between columns."""
    pulse_x = TRACE_START - np.array([9.0, 7.5, 7.5, 2.5, 2.5, 1.0])
    pulse_y = baseline + np.array([0, 0, 1, 1, 0, 0]) * PAPER_GAIN
    axes.plot(pulse_x, pulse_y, color=INK, linewidth=0.8, solid_joinstyle="miter", gid="calibration", clip_on=False)
    pens = [(INK, 0.85)] if len(strips[0].height) == 1 else [(FIRST_INK, 1.4), (SECOND_INK, 0.8)]
    for strip in strips:
        for heights, (color, line) in zip(strip.height, pens, strict=True):
            axes.plot(
                strip.x,
                baseline + heights,
                color=color,
                linewidth=line,
                solid_joinstyle="round",
                gid=f"lead-{strip.lead}",
                clip_on=False,
            )
        axes.text(strip.start + 1, baseline + _label_foot(strip), strip.lead, fontsize=9, color=INK, weight="bold")
        if strip.start > TRACE_START:
            axes.plot([strip.start] * 2, [baseline - 1.5, baseline + 1.5], color=TEXT, linewidth=0.6, clip_on=False)


def _draw_legend(axes: Axes, names: tuple[str, str], width: float) -> None:
    """Names of the two signals at the right end of the text line."""
    left = width - MARGIN
    for name, color, line in ((names[1], SECOND_INK, 0.9), (names[0], FIRST_INK, 1.4)):
        left -= 14 + 1.7 * len(name)  # mm; a letter of this size is at most that wide
        axes.plot([left, left + 8], [MARGIN, MARGIN], color=color, linewidth=line, clip_on=False)
        axes.text(left + 10, MARGIN, name, fontsize=8, color=TEXT, va="center", parse_math=False)


def _shorten(path: str) -> str:
    """An SVG path of moves and lines in steps of 0.01 point (0.004 mm), relative; any other path unchanged."""
    tokens = path.split()
    if set(tokens[::3]) - {"M", "L"}:
        return path
    points = np.rint(np.array([tokens[1::3], tokens[2::3]], dtype=np.float64).T * 100).astype(np.int64)
    steps = np.diff(points, axis=0, prepend=np.zeros((1, 2), np.int64)) / 100
    parts, before = [], ""
    for command, (x, y) in zip(tokens[::3], steps.tolist(), strict=True):
        # a repeated "l" may be left out, and so may the space before a minus
        command = "m" if command == "M" else "l"
        parts.append(("" if command == before == "l" else command) + f"{x:g}" + ("" if y < 0 else " ") + f"{y:g}")
        before = command
    return re.sub(r"(?<!\d)0\.", ".", re.sub(r" (?=[-ml])", "", " ".join(parts)))
