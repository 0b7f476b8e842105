"""Classifiers on generated and on reconstructed ECGs, and plain measures of their signals.

TRTS (train on real, test on synthetic) asks whether a record shows what it was asked to show; TSTR (train on synthetic,
test on real) whether all that a classifier needs is there (Esteban et al. 2017). Both stand beside train on real, test
on real (TRTR).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from torch import nn

from vqecg.downstream.classifiers.signals import Signals, in_batches
from vqecg.downstream.classifiers.training import predict
from vqecg.evaluation.statistics.weighted_metrics import MACRO, weighted_auroc
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.datasets.registry import read_record
from vqecg.records.leads import LEADS, canonical_lead, einthoven_residual
from vqecg.records.record import RecordTable


def auroc_table(class_names: Sequence[str], columns: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """AUROC per class and, in the last row, their mean: columns class_name and one for each of `columns`.

    `columns` maps a name to (labels, scores), both (records, classes). A class without a positive or without a negative
    record is NaN, and the mean is over the others.
    """
    table: dict[str, list[str] | list[float]] = {"class_name": [*class_names, MACRO]}
    for name, (labels, scores) in columns.items():
        one = np.ones((1, len(labels)), np.float32)
        values = np.array([weighted_auroc(labels[:, c], scores[:, c], one)[0] for c in range(len(class_names))])
        table[name] = [*values, np.nanmean(values) if np.isfinite(values).any() else np.nan]
    return pd.DataFrame(table)


def mean_scores(models: Sequence[nn.Module], signals: Signals) -> np.ndarray:
    """Scores (records, classes) of several classifiers, averaged."""
    return np.mean([predict(model, signals) for model in models], axis=0)


def signal_checks(real: Signals, synthetic: Signals, sampling_rate: int) -> pd.DataFrame:
    """Medians over records of plain measures: columns measure (with unit), real, synthetic."""
    columns = {"real": record_measures(real, sampling_rate), "synthetic": record_measures(synthetic, sampling_rate)}
    names = list(columns["real"])
    return pd.DataFrame(
        {"measure": names}
        | {name: [float(np.nanmedian(measures[m])) for m in names] for name, measures in columns.items()}
    )


def record_measures(signals: Signals, sampling_rate: int) -> dict[str, np.ndarray]:
    """Measures of each record, by name with unit: (records,) each, NaN where a record shows too few beats."""
    rows = []
    for batch in in_batches(signals):
        for signal in batch:
            beats = np.diff(find_r_peaks(signal, sampling_rate)) / sampling_rate
            rows.append(
                {
                    "standard deviation (mV, median lead)": np.median(signal.std(1)),
                    "peak to peak (mV, median lead)": np.median(np.ptp(signal, axis=1)),
                    "maximum slew (mV/s, median lead)": np.median(np.abs(np.diff(signal)).max(1)) * sampling_rate,
                    "heart rate (beats/min)": 60 / np.median(beats) if len(beats) > 1 else np.nan,
                    "variation of RR (SD over mean, %)": 100 * beats.std() / beats.mean() if len(beats) > 1 else np.nan,
                }
            )
    table = pd.DataFrame(rows)
    return {name: table[name].to_numpy() for name in table.columns}


def largest_einthoven_residual(table: RecordTable) -> float:
    """Greatest disagreement of the limb leads with I and II over all files of a data set, in mV.

    0 before rounding, as only eight leads are generated; what remains is the rounding of the files to 1 microvolt.
    Raises ValueError when a record lacks one of the twelve leads.
    """
    worst = 0.0
    for row in table.records.itertuples(index=False):
        record = read_record(row)
        rows = {canonical_lead(name): number for number, name in enumerate(record.leads)}
        missing = [lead for lead in LEADS if lead not in rows]
        if missing:
            raise ValueError(f"record {record.record_id} lacks {', '.join(missing)}; expected all twelve leads")
        worst = max(worst, einthoven_residual(record.signal[[rows[lead] for lead in LEADS]]))
    return worst
