"""Reads a data set with ecgen's own class for PTB-XL, in ecgen's own environment.

python read_ecgen.py FOLDER RESULT.npz
"""

import json
import sys

import numpy as np
from ecgen.data.datasets.ptbxl import PTBXL


def named(dataset: PTBXL, place: int) -> list[str]:
    """The labels of a record in the vocabulary of the data set."""
    return [name for name, there in zip(dataset.label_names, dataset[place]["cond"]["scp"], strict=True) if there]


def main(folder: str, result: str) -> None:
    """Reads everything, writes signals and descriptions."""
    default, low, classes = PTBXL(folder), PTBXL(folder, sampling_rate=100), PTBXL(folder, labels="superclass")
    assert default.fs == 500 and len(PTBXL(folder, split="val")) == len(PTBXL(folder, split="test")) == 0
    places = range(len(default))
    ages = default.records["age"]
    described = [
        json.dumps(
            {
                "statements": named(default, place),
                "superclasses": named(classes, place),
                "age": float(ages[place]),
                "sex": int(default[place]["cond"]["sex"]),
            }
        )
        for place in places
    ]
    np.savez(
        result,
        ecg_id=np.array([default[place]["meta"]["ecg_id"] for place in places]),
        described=np.array(described),
        signals_500=np.stack([default.load_ecg(place) for place in places]),
        signals_100=np.stack([low.load_ecg(place) for place in places]),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
