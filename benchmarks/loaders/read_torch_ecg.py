"""Reads a data set with torch_ecg's own class for PTB-XL, in torch_ecg's own environment.

python read_torch_ecg.py FOLDER RESULT.npz
"""

import json
import sys

import numpy as np
import pandas as pd
from torch_ecg.databases import PTBXL


def superclasses(annotation: dict) -> list[str]:
    """The superclasses in what load_ann says of the statements of a record."""
    classes = {meaning["diagnostic_class"] for meaning in annotation.values() if meaning["diagnostic"] == 1}
    return sorted(name for name in classes if pd.notna(name))


def main(folder: str, result: str) -> None:
    """Reads everything, writes signals and descriptions."""
    default, low = PTBXL(folder, verbose=0), PTBXL(folder, fs=100, verbose=0)
    assert default.fs == 500 and not default.default_train_val_test_split["val"]
    assert not default.default_train_val_test_split["test"]
    places = range(len(default))
    described = [
        json.dumps(
            {
                "statements": list(default.load_ann(place)),
                "superclasses": superclasses(default.load_ann(place, with_interpretation=True)),
                "age": float(default.load_metadata(place, "age")),
                "sex": int(default.load_metadata(place, "sex")),
            }
        )
        for place in places
    ]
    np.savez(
        result,
        ecg_id=np.array([int(default.all_records[place]) for place in places]),
        described=np.array(described),
        signals_500=np.stack([default.load_data(place) for place in places]).astype(np.float32),
        signals_100=np.stack([low.load_data(place) for place in places]).astype(np.float32),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
