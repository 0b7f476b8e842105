"""Reads a data set as the utilities of the PTB-XL benchmark do, in an environment with pandas and wfdb.

    python read_ptbxl_benchmark.py FOLDER RESULT.npz

Strodthoff et al., IEEE J Biomed Health Inform 25:1519 (2021): `load_dataset` takes paths from filename_hr at 500 Hz and
filename_lr at 100 Hz, the signals from wfdb.rdsamp, and the superclasses from the rows of scp_statements.csv whose
`diagnostic` is 1. It asks for the rate, and its experiments for 100 Hz.
"""

import ast
import json
import sys

import numpy as np
import pandas as pd
import wfdb


def main(folder: str, result: str) -> None:
    """Reads everything, writes signals and descriptions."""
    table = pd.read_csv(f"{folder}/ptbxl_database.csv", index_col="ecg_id")
    codes = table["scp_codes"].apply(ast.literal_eval)
    meanings = pd.read_csv(f"{folder}/scp_statements.csv", index_col=0)
    diagnostic = meanings[meanings["diagnostic"] == 1.0]["diagnostic_class"].dropna()
    signals = {}
    for rate, column in ((500, "filename_hr"), (100, "filename_lr")):
        read = [wfdb.rdsamp(f"{folder}/{name}") for name in table[column]]
        assert all(fields["fs"] == rate for _, fields in read)
        signals[f"signals_{rate}"] = np.array([signal.T for signal, _ in read], dtype=np.float32)
    described = [
        json.dumps(
            {
                "statements": list(record),
                "superclasses": sorted({diagnostic[name] for name in record if name in diagnostic.index}),
                "age": float(age),
                "sex": int(sex),
            }
        )
        for record, age, sex in zip(codes, table["age"], table["sex"], strict=True)
    ]
    np.savez(result, ecg_id=table.index.to_numpy(), described=np.array(described), **signals)


if __name__ == "__main__":
    main(*sys.argv[1:])
