"""Groups of recordings as one self-contained page: how far they can be believed, and each with its medoid on paper."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqecg.downstream.tasks.similarity.agreement import Agreement, Lift
from vqecg.records.ecg_paper import plot_ecg
from vqecg.reports.html import inline_figure, join, key_figures, paragraph, table
from vqecg.reports.numbers import count, number
from vqecg.reports.page import Page, Section

TITLE = "Groups of recordings"


@dataclass(frozen=True, eq=False)
class GroupOnPage:
    """One group."""

    name: str
    records: int
    lifts: Sequence[Lift]
    medoid: str  # record
    signal: np.ndarray  # (8, samples) mV, of the medoid
    labels: str  # of the medoid


def groups_page(
    groups: Sequence[GroupOnPage],
    agreement: Agreement,
    stability: Sequence[float],
    task: str,
    sampling_rate: float,
    described: str,
    date: str,
) -> Page:
    """Figures first, then a table of all groups, then the medoids."""
    records = sum(one.records for one in groups)
    keys = [
        ("Groups", count(len(groups)), f"of {count(records)} records"),
        ("Stability", number(float(np.median(stability))) if stability else "-", stability_remark(stability)),
        ("Information on classes", number(agreement.information), "normalized mutual information; 0 none, 1 all"),
        ("Agreement with classes", number(agreement.rand), "adjusted Rand index; 0 chance, 1 the same"),
    ]
    note = (
        f"Classes: {task}, over the {count(agreement.records)} records that have exactly one. No label had a part in "
        "the groups. A group is no diagnosis: it holds what looks alike to the vectors, rate and noise included."
    )
    rows = [
        [one.name, ", ".join(lift_text(lift) for lift in one.lifts) or "-", one.medoid, count(one.records)]
        for one in groups
    ]
    caption = "More often than in all records: the share in the group, and in all records."
    heads = ["Group", "More often", "Medoid", "Records"]
    pictures = [
        inline_figure(
            plot_ecg(one.signal, sampling_rate),
            f"Group {one.name}: record {one.medoid} ({one.labels or 'no label'}), the one nearest to the centre.",
            f"group-{one.name}",
            f"12-lead ECG of record {one.medoid}",
        )
        for one in groups
    ]
    sections = (
        Section("groups", "All groups", key_figures(keys) + paragraph(note) + table(heads, rows, caption, texts=3)),
        Section("medoids", "A typical recording of each", join(pictures)),
    )
    return Page(TITLE, date, sections, about=(described, f"{date}, vqecg {Page.version}"))


def stability_remark(stability: Sequence[float]) -> str:
    """The stability in words: its measure, and the range over draws."""
    if not stability:
        return "not measured: --clustering.replicates 0"
    return (
        f"adjusted Rand index with groups of {len(stability)} draws of the patients, median; {min(stability):.2f} to "
        f"{max(stability):.2f}"
    )


def lift_text(lift: Lift) -> str:
    """A label with its shares."""
    return f"{lift.name} {lift.share:.0%} ({lift.share_of_all:.0%})"
