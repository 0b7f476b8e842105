"""The space in which recordings are near or far: the vectors of `vqecg embed`, all parts of one weight."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from vqecg.records.bounds import Checked, Count

LEAST_SPREAD = 1e-6  # of a number over all records; a constant says nothing


@dataclass(frozen=True)
class SpaceSettings(Checked):
    """What is compared."""

    parts: tuple[str, ...] = ()  # columns of vectors; none = all
    dimensions: Count = 32  # principal components


@dataclass(frozen=True, eq=False)
class VectorSpace:
    """Vectors -> points: each number standardised, each part of weight one, then principal components."""

    means: Mapping[str, np.ndarray]  # (width,) of each part
    scales: Mapping[str, np.ndarray]  # (width,) of each part
    directions: np.ndarray  # (width of all parts, dimensions)

    @classmethod
    def fit(cls, vectors: Mapping[str, np.ndarray], dimensions: int) -> Self:
        """Of parts (records, width) each, NaN where unknown. Fewer dimensions where there are fewer records.

        Raises ValueError for fewer than two records.
        """
        records = len(next(iter(vectors.values())))
        if records < 2:
            raise ValueError(f"got {records} vectors; expected two or more to compare")
        means = {name: np.nan_to_num(np.nanmean(part, axis=0)) for name, part in vectors.items()}
        scales = {
            name: np.nan_to_num(np.nanstd(part, axis=0)).clip(LEAST_SPREAD) * part.shape[1] ** 0.5
            for name, part in vectors.items()
        }
        scaled = scaled_parts(vectors, means, scales)
        directions = np.linalg.svd(scaled, full_matrices=False)[2][: min(dimensions, records - 1)].T
        return cls(means, scales, directions)

    def points(self, vectors: Mapping[str, np.ndarray]) -> np.ndarray:
        """(records, dimensions) float64. Raises ValueError for other parts than the space was fitted on."""
        if set(vectors) != set(self.means):
            raise ValueError(f"got the parts {', '.join(vectors)}; expected {', '.join(self.means)}")
        return scaled_parts(vectors, self.means, self.scales) @ self.directions


def scaled_parts(
    vectors: Mapping[str, np.ndarray], means: Mapping[str, np.ndarray], scales: Mapping[str, np.ndarray]
) -> np.ndarray:
    """All parts side by side, standardised, 0 where unknown: (records, width of all) float64."""
    return np.hstack([np.nan_to_num((vectors[name] - mean) / scales[name]) for name, mean in means.items()])
