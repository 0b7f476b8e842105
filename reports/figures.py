"""Charts of a report, in one quiet style. Object API only: no figure is registered with pyplot."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

INK, SOFT, RULE = "#1f2328", "#5b626b", "#d5d9de"
FIRST, SECOND = "#8b939c", "#0a58a8"  # reference, and the series compared with it
SERIES = ("#0a58a8", "#c2571a", "#12694a", "#7a4a9c")
VERDICT_COLORS = {"gain": "#12694a", "no detectable difference": "#4b525b", "harm": "#9a3412"}
PAGE_WIDTH = 780.0  # points; the width of the page's column
SMALL, TEXT = 9.0, 9.5  # points
ROUND_STEPS = [1, 2, 5, 10]


def label_bars(counts: pd.DataFrame) -> Figure:
    """Training records per class before and after augmentation; `counts` as in DataSection.label_counts."""
    left = _name_width(counts["class_name"])
    row = 22.0 if len(counts) <= 25 else 14.0
    axes = _axes(PAGE_WIDTH, row * len(counts) + 32, left=left, right=120, top=24, bottom=8)[0]
    before = counts["train_before"].to_numpy(float)
    added = np.maximum(counts["train_after"].to_numpy(float) - before, 0)
    y = np.arange(len(counts))
    axes.barh(y, before, height=0.6, color=FIRST, label="real")
    axes.barh(y, added, left=before, height=0.6, color=SECOND, label="added")
    reach = max(float((before + added).max(initial=0)), 1.0)
    for at, (real, extra) in enumerate(zip(before, added, strict=True)):
        text = f"{real:,.0f}" + (f" + {extra:,.0f}" if extra else "")
        axes.text(real + extra + 0.01 * reach, at, text, va="center", fontsize=SMALL, color=INK)
    axes.set(xlim=(0, reach), ylim=(len(counts) - 0.5, -0.5))
    _name_rows(axes, counts["class_name"].tolist())
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    _legend(axes, 2)
    return cast(Figure, axes.figure)


def level_bars(levels: pd.DataFrame) -> Figure:
    """PRD with quartiles by levels used, and codes used and perplexity of every level."""
    panels = _axes(PAGE_WIDTH, 175, left=48, right=6, top=26, bottom=38, columns=3, between=56)
    x = levels["levels"].to_numpy(int)
    middle = levels["prd_median"].to_numpy(float)
    spread = np.stack([middle - levels["prd_lower"], levels["prd_upper"] - middle])
    panels[0].errorbar(x, middle, spread, fmt="o-", color=SECOND, markersize=4, linewidth=1.2, elinewidth=1)
    size = levels["codebook_size"].to_numpy(float)
    panels[1].bar(x, 100 * levels["codes_used"].to_numpy(float) / size, width=0.6, color=SECOND)
    panels[2].bar(x, levels["perplexity"].to_numpy(float), width=0.6, color=SECOND)
    panels[2].plot(x, size, linestyle="none", marker="_", markersize=14, color=INK)
    titles = (
        "PRD by levels used, % (quartiles)",
        "Codes in use by level, %",
        "Perplexity (bar: codebook size)",
    )
    tops = (1.08 * float(levels["prd_upper"].max()), 104.0, 1.08 * float(size.max()))
    for axes, title, top in zip(panels, titles, tops, strict=True):
        axes.set(ylim=(0, top), xlim=(x.min() - 0.6, x.max() + 0.6), xlabel="level", xticks=x)
        _title(axes, title)
    panels[0].set_xlabel("levels used")
    return cast(Figure, panels[0].figure)


def learning_curve(
    history: pd.DataFrame,
    panels_of: Mapping[str, Sequence[str]],
    best_step: int | None,
    names: Mapping[str, str] = MappingProxyType({}),
) -> Figure:
    """One panel per group of metrics over steps; a thin upright marks the step whose weights were selected.

    Args:
        history: a column `step` and one column per metric.
        panels_of: title of a panel -> the metrics drawn in it.
        best_step: the step to mark, if any.
        names: metric -> its name in the legend, where that is another.
    """
    columns = len(panels_of)
    width = PAGE_WIDTH if columns > 1 else PAGE_WIDTH / 2
    panels = _axes(width, 185, left=52, right=8, top=40, bottom=38, columns=columns, between=60)
    for axes, (title, metrics) in zip(panels, panels_of.items(), strict=True):
        for metric, color in zip(metrics, SERIES * len(metrics), strict=False):
            known = history[["step", metric]].dropna()
            dot = "o" if len(known) < 40 else ""
            axes.plot(
                known["step"],
                known[metric],
                color=color,
                linewidth=1.2,
                marker=dot,
                markersize=2.5,
                label=names.get(metric, metric),
            )
        if best_step is not None:
            axes.axvline(best_step, color=INK, linewidth=0.8, linestyle=(0, (3, 2)), label="weights kept")
        axes.set_xlabel("step")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=ROUND_STEPS))
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=ROUND_STEPS))
        _title(axes, title, lift=18)
        _legend(axes, 4)
    return cast(Figure, panels[0].figure)


def paired_dots(table: pd.DataFrame, first: str, second: str, names: tuple[str, str], title: str) -> Figure:
    """Two AUROCs per class on one line, from the columns `first` and `second` of a table with `class_name`."""
    left = _name_width(table["class_name"])
    axes = _axes(PAGE_WIDTH / 2 - 12, 20.0 * len(table) + 78, left=left, right=14, top=40, bottom=38)[0]
    y = np.arange(len(table))
    one, two = table[first].to_numpy(float), table[second].to_numpy(float)
    axes.hlines(y, np.fmin(one, two), np.fmax(one, two), color=RULE, linewidth=2.5)
    # a ring, so that it shows around a dot at the same place; not clipped, so that it is whole at an AUROC of 1
    ring: dict[str, Any] = {"markersize": 8, "markerfacecolor": "none", "markeredgewidth": 1.6}
    axes.plot(one, y, "o", color=FIRST, label=names[0], clip_on=False, **ring)
    axes.plot(two, y, "o", color=SECOND, label=names[1], clip_on=False, markersize=5)
    values = np.concatenate([one, two])
    lowest = min(0.5, float(np.nanmin(values))) if np.isfinite(values).any() else 0.5
    axes.axvline(0.5, color=RULE, linewidth=0.8)
    axes.set(xlim=(lowest - 0.01, 1.0), ylim=(len(table) - 0.5, -0.5), xlabel="AUROC (0.5 is chance)")
    _name_rows(axes, table["class_name"].tolist())
    _title(axes, title, lift=20)
    _legend(axes, 2)
    return cast(Figure, axes.figure)


def forest(differences: pd.DataFrame, references: Sequence[str], metric_name: str) -> Figure:
    """Differences with intervals, a panel per reference arm, rows by class group; the colour is the verdict's.

    Args:
        differences: rows of ComparisonSection.differences of one metric.
        references: the arms compared against, one panel for each.
    """
    rows: list[tuple[str, str]] = []
    for group in differences["group"].drop_duplicates():
        arms = differences.loc[differences["group"] == group, "arm"].drop_duplicates()
        rows += [(group, ""), *((group, arm) for arm in arms)]
    height = 19.0 * len(rows) + 78
    left = 14 + _name_width(arm or group for group, arm in rows)
    columns = len(references)
    panels = _axes(PAGE_WIDTH, height, left=left, right=26, top=34, bottom=40, columns=columns, between=52)
    reach = 1.12 * max(float(np.nanmax(differences[["low", "high"]].abs().to_numpy(float), initial=0)), 0.005)
    for axes, reference in zip(panels, references, strict=True):
        against = differences[differences["against"] == reference].set_index(["group", "arm"])
        axes.axvline(0, color=INK, linewidth=0.8)
        for y, key in enumerate(rows):
            if key not in against.index:
                continue
            row = against.loc[[key]].iloc[0]
            color = VERDICT_COLORS[row["verdict"]]
            axes.plot([row["low"], row["high"]], [y, y], color=color, linewidth=1.8, solid_capstyle="butt")
            axes.plot(row["estimate"], y, "s", color=color, markersize=5.5)
        axes.set(xlim=(-reach, reach), ylim=(len(rows) - 0.4, -0.6), xlabel=f"difference in {metric_name}")
        axes.xaxis.set_major_locator(MaxNLocator(7, symmetric=True, steps=ROUND_STEPS))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:+.3g}".replace("-", "−") if abs(value) > 1e-9 else "0")
        axes.grid(axis="x", color=RULE, linewidth=0.5)
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])
        _title(axes, f"against {reference}", lift=12)
    for y, (group, arm) in enumerate(rows):
        weight = "normal" if arm else "bold"
        panels[0].annotate(
            arm or group,
            (0, y),
            (-left if not arm else 12 - left, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            fontsize=TEXT,
            weight=weight,
            color=INK,
            parse_math=False,
            annotation_clip=False,
        )
    return cast(Figure, panels[0].figure)


def _axes(
    width: float,
    height: float,
    left: float,
    right: float,
    top: float,
    bottom: float,
    columns: int = 1,
    between: float = 0.0,
) -> list[Axes]:
    """A figure of that size with a row of equal axes; everything in points."""
    figure = Figure(figsize=(width / 72, height / 72), facecolor="none")
    FigureCanvasAgg(figure)
    panel = (width - left - right - between * (columns - 1)) / columns
    panels = []
    for i in range(columns):
        x = left + i * (panel + between)
        axes = figure.add_axes((x / width, bottom / height, panel / width, (height - top - bottom) / height))
        axes.set_facecolor("none")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(SOFT)
            axes.spines[side].set_linewidth(0.6)
        axes.tick_params(labelsize=SMALL, labelcolor=SOFT, color=SOFT, width=0.6, length=3)
        axes.xaxis.label.set(fontsize=SMALL, color=SOFT)
        axes.yaxis.label.set(fontsize=SMALL, color=SOFT)
        panels.append(axes)
    return panels


def _title(axes: Axes, text: str, lift: float = 8.0, left: float = 0.0) -> None:
    """A panel's title, so many points above its top left corner."""
    axes.annotate(
        text,
        (0, 1),
        (left, lift),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=TEXT,
        weight="bold",
        color=INK,
        parse_math=False,
    )


def _legend(axes: Axes, columns: int) -> None:
    legend = axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        frameon=False,
        fontsize=SMALL,
        labelcolor=SOFT,
        handlelength=1.1,
        handletextpad=0.5,
        columnspacing=1.2,
        borderaxespad=0.1,
        borderpad=0.1,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)  # names are names


def _name_width(names: Iterable[str]) -> float:
    """Room for the longest of the names at the left of an axis, points."""
    return 14 + 6.0 * max((len(name) for name in names), default=0)


def _name_rows(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(np.arange(len(names)), [name.replace("$", r"\$") for name in names])
    axes.tick_params(axis="y", length=0, labelsize=TEXT, labelcolor=INK)
    axes.spines["left"].set_visible(False)
