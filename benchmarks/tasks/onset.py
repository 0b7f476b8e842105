"""Statements that a patient's later record has and an earlier one has not: are they foreseen from the earlier one?

    python -m benchmarks.tasks.onset --store runs/ptbxl/store --generator runs/ptbxl/prior

Pairs of consecutive records of a patient whose earlier one is without the statement; the later one has it, or not.
The risk is the score of a logistic regression on the vectors of `vqecg embed` that tells records with the statement
from those without, learned on the patients who have one record: what the earlier record has of the statement already.
Age alone is the control. AUROC, with the bootstrap's interval by patient. Pairs are few, and no time between them is
known; the generator saw most of these recordings, none of them with what came later.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.measuring import Cell, Report, benchmark_parser, cell
from vqecg.downstream.tasks.embedding.embedding import embed_store
from vqecg.evaluation.statistics.bootstrap import replicate_metric
from vqecg.evaluation.statistics.intervals import percentile_interval
from vqecg.evaluation.statistics.resampling import draw_bootstrap
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore

STATEMENTS = ("AFIB", "PVC", "PAC", "1AVB", "STACH", "LVH")
RIDGE = 1e-3  # inverse strength of the penalty: vectors are wider than some statements have records
REPLICATES, CONFIDENCE = 1000, 0.95


def main(arguments: list[str] | None = None) -> None:
    """Learns, foretells, measures and prints."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder that `vqecg prepare` wrote")
    parser.add_argument("--generator", type=Path, required=True, help="folder that `vqecg train-prior` wrote")
    parser.add_argument("--statements", nargs="+", default=list(STATEMENTS), help="that may begin")
    parser.add_argument("--least", type=int, default=3, help="onsets, below which a statement is left out")
    options = parser.parse_args(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, torch.get_num_threads())
    store, generator = RecordStore.open(options.store), ECGGenerator.from_pretrained(options.generator)
    parts = list(embed_store(generator, store))
    vectors = np.nan_to_num(np.hstack([np.concatenate([part[name] for part in parts]) for name in parts[0]]))
    table = store.table.assign(row=np.arange(len(store)))
    age = table["age"].fillna(table["age"].median()).to_numpy(np.float64)
    earlier, later = consecutive(table)
    alone = table.loc[~table["patient_id"].duplicated(keep=False), "row"].to_numpy()
    rows: list[Sequence[Cell]] = []
    for statement in options.statements:
        has = np.array([statement in names for names in table["statements"]])
        free = ~has[earlier]
        onset = has[later][free]
        if onset.sum() < options.least or has[alone].sum() < options.least:
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(C=RIDGE, max_iter=1000))
        risk = model.fit(vectors[alone], has[alone]).decision_function(vectors[earlier[free]])
        patients = table["patient_id"].iloc[earlier[free]].astype(str).tolist()
        measured = [auroc(onset, scores, patients) for scores in (risk, age[earlier[free]])]
        rows.append((statement, *measured, cell(float(onset.sum()), 0), cell(float(len(onset)), 0)))
    if not rows:
        raise ValueError(f"no statement of {options.statements} begins in {options.least} patients; name others")
    report.table("onset", ("statement", "vectors", "age", "onsets", "pairs"), rows, "onset")
    report.write({"patients with several records": int(table["patient_id"].iloc[earlier].nunique())})


def consecutive(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the earlier and the later record of every pair, in the order of the records' numbers: (pairs,) each."""
    number = table["record_id"].str.extract(r"(\d+)", expand=False).astype(int)
    ordered = table.assign(number=number).sort_values(["patient_id", "number"])
    same = ordered["patient_id"].eq(ordered["patient_id"].shift(-1))
    rows = ordered["row"].to_numpy()
    first = np.flatnonzero(same)
    return rows[first], rows[first + 1]


def auroc(onset: np.ndarray, scores: np.ndarray, patients: Sequence[str]) -> Cell:
    """AUROC of those with an onset over the others, with its interval by patient."""
    draw = draw_bootstrap(patients, 1, REPLICATES, 0)
    labels = onset.astype(np.float64)[:, None]
    values = replicate_metric("auroc", labels, scores[None, :, None], draw).values[:, 0, 0]
    values = values[np.isfinite(values)]
    return cell(float(values[0]), 3, "", *percentile_interval(values[1:], CONFIDENCE))


if __name__ == "__main__":
    main()
