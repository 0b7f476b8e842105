"""Twelve-lead ECGs drawn on paper: 25 mm/s, 10 mm/mV, three rows of four leads and a rhythm strip of lead II.

The layout is the usual one of a printed resting ECG (Kligfield et al., AHA/ACC/HRS Recommendations for the
Standardization and Interpretation of the Electrocardiogram, Part I, 2007): 2.5 s a lead, simultaneous columns, a
calibration pulse of 1 mV x 0.2 s before every row. One axis covers the figure and its unit is the millimetre, so a
figure that is printed at its own size can be measured with a ruler.
"""

import io
import re
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from vqecg.records.files.atomic import atomic_file
from vqecg.records.leads import LEADS, canonical_rows, has_twelve, independent_leads, twelve_leads
from vqecg.records.paper.sheet import PAPER_GAIN, PAPER_SPEED, TRACE_START, SheetTexts, Strip, draw_sheet

GRID = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
RHYTHM_LEAD = "II"
LONGEST = 10.0  # seconds on one sheet; what follows is not drawn, and the sheet says so
VOLTAGE_LIMIT = 5.0  # mV; an artefact beyond it is clipped so that it does not blow up the sheet


def plot_ecg(
    signal: np.ndarray,
    sampling_rate: float,
    title: str = "",
    over: np.ndarray | None = None,
    names: tuple[str, str] = ("original", "reconstruction"),
    remark: str = "",
    note: str = "",
    watermark: str = "",
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
        note: a text line of its own below that one.
        watermark: a word across the paper, pale and behind the traces.

    Returns:
        A figure that is 270 mm wide for 10 s. It is not registered with pyplot, so there is nothing to close.

    Raises:
        ValueError: another shape, less than a second of signal, or an `over` of another length.
    """
    signals = [_as_twelve_leads(signal, "signal")]
    if over is not None:
        signals.append(_as_twelve_leads(over, "over"))
        if signals[1].shape != signals[0].shape:
            raise ValueError(
                f"over has {signals[1].shape[1]} samples, signal has {signals[0].shape[1]}: both must be the same "
                "stretch at the same sampling rate"
            )
    heights, seconds, remarks = _drawable(np.stack(signals), sampling_rate)
    legend = () if over is None else names
    texts = SheetTexts(title, (*filter(None, (remark,)), *remarks), note, legend, watermark)
    return draw_sheet(_rows(heights, sampling_rate), seconds, texts)


def plot_leads(
    signal: np.ndarray,
    sampling_rate: float,
    leads: Sequence[str],
    title: str = "",
    remark: str = "",
    note: str = "",
    watermark: str = "",
) -> Figure:
    """Draw a recording of any leads on paper: the twelve as `plot_ecg` does where they are there, all others below.

    Without the eight independent leads (or two limb leads to derive I and II from) each lead has a row of its own. The
    first ten seconds are drawn; the text line says so.

    Args:
        signal: (leads, samples) mV; a NaN leaves a gap.
        sampling_rate: Hz.
        leads: the name of every row.
        title, remark, note, watermark: as those of `plot_ecg`.

    Raises:
        ValueError: names and rows differ in number, infinite values, or less than a second of signal.
    """
    signal = np.asarray(signal, dtype=np.float64)
    if signal.ndim != 2 or len(signal) != len(leads) or not len(leads):
        raise ValueError(
            f"signal of shape {signal.shape} with {len(leads)} lead names, expected (leads, samples) in mV"
        )
    _check_finite(signal, "signal")
    heights, seconds, remarks = _drawable(signal[None], sampling_rate)
    rows, alone = list[list[Strip]](), list(range(len(leads)))
    if has_twelve(leads):
        rows = _rows(twelve_leads(independent_leads(heights[0], leads)).astype(np.float64)[None], sampling_rate)
        alone = [row for row in alone if not canonical_rows(leads[row : row + 1])]
    rows += [[_strip(heights, sampling_rate, row, leads[row])] for row in alone]
    texts = SheetTexts(title, (*filter(None, (remark,)), *remarks), note, (), watermark)
    return draw_sheet(rows, seconds, texts)


def _drawable(voltages: np.ndarray, sampling_rate: float) -> tuple[np.ndarray, float, list[str]]:
    """The part of (signals, leads, samples) mV that fits on a sheet, in mm; its seconds; remarks on scale and cuts."""
    if not sampling_rate > 0:
        raise ValueError(f"sampling_rate is {sampling_rate}, expected Hz above 0")
    seconds = voltages.shape[-1] / sampling_rate
    if seconds < 1:
        raise ValueError(f"signal is {seconds:.2f} s long ({voltages.shape[-1]} samples), expected at least 1 s")
    drawn = min(seconds, LONGEST)
    voltages = voltages[..., : round(drawn * sampling_rate)]
    remarks = [f"{PAPER_SPEED:g} mm/s", f"{PAPER_GAIN:g} mm/mV", f"{sampling_rate:g} Hz"]
    remarks += [f"first {LONGEST:g} s of {seconds:g} s"] if seconds > LONGEST else []
    if np.nanmax(np.abs(voltages), initial=0.0) > VOLTAGE_LIMIT:
        voltages = np.clip(voltages, -VOLTAGE_LIMIT, VOLTAGE_LIMIT)
        remarks.append(f"clipped at ±{VOLTAGE_LIMIT:g} mV")
    return voltages * PAPER_GAIN, drawn, remarks


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
    _check_finite(signal, name)
    return signal if signal.shape[0] == 12 else twelve_leads(signal)


def _check_finite(signal: np.ndarray, name: str) -> None:
    if np.isinf(signal).any():
        raise ValueError(f"{name} holds infinite values, expected mV; check the record's gain")


def _rows(heights: np.ndarray, sampling_rate: float) -> list[list[Strip]]:
    """Cut (signals, 12, samples) in mm into the strips of the four rows, top to bottom."""
    samples = heights.shape[-1]
    edges = [round(samples * column / 4) for column in range(5)]

    def cut(lead: str, first: int, end: int) -> Strip:
        return _strip(heights, sampling_rate, LEADS.index(lead), lead, first, end)

    rows = [[cut(lead, edges[i], edges[i + 1]) for i, lead in enumerate(leads)] for leads in GRID]
    return [*rows, [cut(RHYTHM_LEAD, 0, samples)]]


def _strip(
    heights: np.ndarray, sampling_rate: float, row: int, lead: str, first: int = 0, end: int | None = None
) -> Strip:
    """The samples `first` to the one before `end` of a row of (signals, leads, samples) in mm."""
    x = TRACE_START + np.arange(heights.shape[-1]) / sampling_rate * PAPER_SPEED
    return Strip(lead, float(x[first]), x[first:end], heights[:, row, first:end])


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
