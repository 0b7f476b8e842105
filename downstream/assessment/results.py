"""The results of an assessment: tidy tables, to JSON and back."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd

from vqecg.training.checkpoint import json_values, rows_with_nan

TEST, TRAINING, SYNTHETIC, RECONSTRUCTIONS = "test", "training", "synthetic", "reconstructions"  # sets of records
CEILING_OF_TSTR, CEILING_OF_TRTS = "ceiling of TSTR", "ceiling of TRTS"  # designs, with reconstructions for synthetic
TABLES = ("utility", "ratios", "distances", "physiology", "amplitudes", "shapes", "adherence")


@dataclass(frozen=True, eq=False)
class Assessment:
    """Everything measured, as tidy tables. Fractions of 1 unless a unit is named."""

    about: Mapping[str, Any]  # plain values: the records compared, N, settings, policy
    utility: pd.DataFrame  # `Utility.scores`
    ratios: pd.DataFrame  # `Utility.ratios`
    distances: pd.DataFrame  # `distance_table`
    physiology: pd.DataFrame  # `label_distributions` with the column compared: "synthetic" or "reconstructions"
    amplitudes: pd.DataFrame  # the first of `shape_tables`
    shapes: pd.DataFrame  # the second of `shape_tables`
    adherence: pd.DataFrame  # `adherence_table` with the column compared
    memorisation: Mapping[str, Any]  # `MemorisationReport`

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; tables as lists of rows, NaN as None."""
        content = {part.name: getattr(self, part.name) for part in fields(self)}
        return json_values(content | {name: content[name].to_dict("records") for name in TABLES})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Assessment":
        """The reverse of `to_dict`."""
        content = dict(values)
        for name in TABLES:
            content[name] = pd.DataFrame(rows_with_nan(content[name]))
        return cls(**content)
