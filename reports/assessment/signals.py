"""The section of an assessment's page on signals: amplitudes, spectra, and measures of rhythm and waves."""

from typing import Any

import pandas as pd
from markupsafe import Markup

from vqecg.downstream.assessment.results import SYNTHETIC, Assessment
from vqecg.downstream.assessment.utility import MACRO
from vqecg.reports.html import folded, join, records_of, table
from vqecg.reports.numbers import count, number, significant

LEADS_OF = ("r_amplitude", "t_amplitude", "sd", "slew", "low_rms", "middle_rms", "high_rms", "correlation")

MEASURE_NAMES = {
    "rr_variation": "RR variation",
    "rmssd": "RMSSD",
    "pr": "PR",
    "qrs": "QRS",
    "qt": "QT",
    "qtc": "QTc",
    "axis": "QRS axis",
    "p_share": "beats with a P wave",
    "r_amplitude": "R amplitude",
    "t_amplitude": "T amplitude",
    "sd": "standard deviation",
    "slew": "maximum slew",
    "low_rms": "RMS, 0.5 to 5 Hz",
    "middle_rms": "RMS, 5 to 15 Hz",
    "high_rms": "RMS, 15 to 40 Hz",
    "correlation": "inter-lead correlation",
}


def signal_section(assessment: Assessment) -> Markup:
    """Amplitudes lead by lead, spectra and correlations, and measures by label."""
    parts = []
    for name, part in assessment.amplitudes.groupby("compared", sort=False):
        rows: list[Any] = []
        for measure, by_lead in part.groupby("measure", sort=False):
            name_and_unit = f"{in_words(str(measure))}, {by_lead['unit'].iloc[0]}"
            rows.append([name_and_unit, *(number(value, 2) for value in by_lead["ratio"])])
            rows.append(["  real training", *(number(value, 2) for value in by_lead["reference_ratio"])])
        leads = list(dict.fromkeys(part["lead"]))
        caption = f"Median of {compared(assessment, name)} over that of {tested(assessment)}, lead by lead; 1 is equal."
        parts.append(table(["Measure", *leads], rows, caption))
    rows = [
        [row.compared, f"{row.measure}, {row.unit}", significant(row.value), significant(row.reference)]
        for row in records_of(assessment.shapes)
    ]
    caption = (
        "Distance of mean spectra (0.5 to 40 Hz, mean over leads) and mean inter-lead correlations from real test."
    )
    parts.append(table(["Compared", "Measure", "Distance", "Real training"], rows, caption, texts=2))
    for name, part in assessment.physiology.groupby("compared", sort=False):
        parts.append(measure_table(assessment, str(name), part))
    return join(parts)


def measure_table(assessment: Assessment, name: str, part: pd.DataFrame) -> Markup:
    """Distances of the distributions, mean over classes, and medians per class, folded away."""
    macro = part[part["class_name"] == MACRO].assign(group=lambda t: [group_of(one) for one in t["measure"]])
    mean = macro.groupby("group", sort=False)[["ks", "ks_reference"]].mean()
    rows = [[in_words(str(group)), number(row["ks"]), number(row["ks_reference"])] for group, row in mean.iterrows()]
    caption = (
        f"Distributions of {compared(assessment, name)} from those of {tested(assessment)} with the same label: "
        "Kolmogorov-Smirnov statistic, mean over labels (and over leads), 0 = equal. Beside it one half of the real "
        "patients from the other half."
    )
    distances = table(["Measure", name.capitalize(), "Real half from half"], rows, caption)
    by_label = part[(part["class_name"] != MACRO) & ~part["measure"].map(group_of).isin(LEADS_OF)]
    rows = [
        [
            row.class_name,
            f"{in_words(str(row.measure))}, {row.unit}",
            count(row.real),
            count(row.synthetic),
            significant(row.real_median),
            significant(row.synthetic_median),
            significant(row.wasserstein),
            significant(row.wasserstein_reference),
            number(row.ks, 2),
            number(row.ks_reference, 2),
        ]
        for row in records_of(by_label)
    ]
    heads = ["Label", "Measure", "Real, N", f"{name.capitalize()}, N", "Median", "Median", "Wasserstein", "real", "KS"]
    numbers = table([*heads, "real"], rows, texts=2)
    return distances + folded(f"Rhythm and intervals by label, {name}", numbers)


def group_of(measure: str) -> str:
    """The measure without its leads: r_amplitude_V1 -> r_amplitude."""
    return next((name for name in LEADS_OF if measure.startswith(f"{name}_")), measure)


def in_words(measure: str) -> str:
    """A measure in plain words."""
    return MEASURE_NAMES.get(measure, measure.replace("_", " "))


def compared(assessment: Assessment, name: object) -> str:
    """The records compared with real test records, and their number."""
    about = assessment.about
    if name == SYNTHETIC:
        return f"the {about['synthetic_records']:,} synthetic records"
    return f"the {about['training_records']:,} reconstructions"


def tested(assessment: Assessment) -> str:
    """The real test records, and their number."""
    return f"the {assessment.about['test_records']:,} real test records"
