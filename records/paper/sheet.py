"""A sheet of ECG paper in millimetres: its grid, rows of leads, lines of text, and the mark of a synthetic ECG."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

PAPER_SPEED = 25.0  # mm per second
PAPER_GAIN = 10.0  # mm per millivolt
TRACE_START = 15.0  # mm from the left edge; the calibration pulse stands before it
MARGIN = 5.0  # mm at the right edge and between rows and the text lines
TEXT_LINE = 5.0  # mm
ROW_DISTANCE = 20.0  # mm between two baselines at least
LABEL_HEIGHT = 5.0  # mm from a lead name's foot to what may be drawn above it
LABEL_SPAN = 8.0  # mm to the right of a column's start that a lead name covers

PAPER, FINE_LINE, COARSE_LINE = "#fffdfc", "#f8e3df", "#efc2bb"
INK, TEXT = "#1c1c1e", "#55504f"
FIRST_INK, SECOND_INK = "#77787c", "#0a58a8"  # of a pair: a broad grey line, and a narrow blue one on it
WATERMARK = "#e6d8d4"
LETTER, TITLE_LETTER = 1.55, 2.0  # mm, the mean width of a letter in the lines of text and in the title
BETWEEN = "  ·  "  # two remarks


@dataclass(frozen=True)
class Strip:
    """One lead's stretch of paper."""

    lead: str
    start: float  # mm from the left edge
    x: np.ndarray  # (samples,) mm
    height: np.ndarray  # (signals, samples) mm above the row's baseline; one signal, or two with `over`


@dataclass(frozen=True)
class SheetTexts:
    """All that is written on a sheet but the names of leads."""

    title: str = ""
    remarks: tuple[str, ...] = ()  # side by side in the text lines below the rows
    note: str = ""  # a text line of its own below these
    legend: tuple[str, ...] = ()  # names of the two signals
    watermark: str = ""  # a word across the paper, behind the traces


def draw_sheet(rows: Sequence[Sequence[Strip]], seconds: float, texts: SheetTexts) -> Figure:
    """The rows under each other on as much paper as they need; `seconds` of signal across."""
    width = math.ceil((TRACE_START + seconds * PAPER_SPEED) / 5) * 5 + MARGIN
    lines = [*wrapped(texts.remarks, width), *textwrap.wrap(texts.note, int((width - 2 * MARGIN) / LETTER))]
    titles = textwrap.wrap(texts.title, int((width - 2 * MARGIN) / TITLE_LETTER))
    baselines, height = _baselines(rows, MARGIN + TEXT_LINE * len(lines), MARGIN + TEXT_LINE * len(titles))
    axes = _sheet(width, height)
    if texts.watermark:
        _draw_watermark(axes, texts.watermark, width, height)
    for strips, baseline in zip(rows, baselines, strict=True):
        _draw_row(axes, strips, baseline)
    for number, line in enumerate(reversed(lines)):
        axes.text(MARGIN, MARGIN + TEXT_LINE * number, line, fontsize=8, color=TEXT, va="center", parse_math=False)
    for number, line in enumerate(titles):
        place = height - MARGIN - TEXT_LINE * number
        axes.text(MARGIN, place, line, fontsize=10, color=INK, va="center", parse_math=False)
    if texts.legend:
        _draw_legend(axes, texts.legend, width)
    return cast(Figure, axes.get_figure(root=True))


def wrapped(remarks: Sequence[str], width: float) -> list[str]:
    """Remarks side by side, in as many lines as a sheet of that width (mm) needs."""
    lines: list[str] = []
    for remark in remarks:
        joined = f"{lines[-1]}{BETWEEN}{remark}" if lines else remark
        if lines and len(joined) * LETTER <= width - 2 * MARGIN:
            lines[-1] = joined
        else:
            lines.append(remark)
    return lines


def _label_foot(strip: Strip) -> float:
    """The foot of a lead's name, mm above the baseline: on top of whatever is drawn in its place."""
    below = strip.height[:, strip.x < strip.start + LABEL_SPAN]
    return max(5.0, float(np.nanmax(below, initial=0.0)) + 1.0)


def _baselines(rows: Sequence[Sequence[Strip]], foot: float, head: float) -> tuple[list[float], float]:
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


def _draw_watermark(axes: Axes, word: str, width: float, height: float) -> None:
    """A word across the paper, pale and behind everything."""
    size = min(72.0, 2.2 * width / len(word), 1.5 * height)  # points
    axes.text(
        width / 2, height / 2, word, fontsize=size, color=WATERMARK, ha="center", va="center", rotation=15, zorder=0,
        parse_math=False, gid="watermark",
    )  # fmt: skip


def _draw_row(axes: Axes, strips: Sequence[Strip], baseline: float) -> None:
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
        axes.text(
            strip.start + 1,
            baseline + _label_foot(strip),
            strip.lead,
            fontsize=9,
            color=INK,
            weight="bold",
            parse_math=False,
        )
        if strip.start > TRACE_START:
            axes.plot([strip.start] * 2, [baseline - 1.5, baseline + 1.5], color=TEXT, linewidth=0.6, clip_on=False)


def _draw_legend(axes: Axes, names: Sequence[str], width: float) -> None:
    """Names of the two signals at the right end of the text line."""
    left = width - MARGIN
    for name, color, line in ((names[1], SECOND_INK, 0.9), (names[0], FIRST_INK, 1.4)):
        left -= 14 + 1.7 * len(name)  # mm; a letter of this size is at most that wide
        axes.plot([left, left + 8], [MARGIN, MARGIN], color=color, linewidth=line, clip_on=False)
        axes.text(left + 10, MARGIN, name, fontsize=8, color=TEXT, va="center", parse_math=False)
