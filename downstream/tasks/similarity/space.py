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
    scales: Mapping[str, np.ndarray]  # (width,) of each part; infinite for a constant
    directions: np.ndarray  # (width of all parts, dimensions)

    @classmethod
    def fit(cls, vectors: Mapping[str, np.ndarray], dimensions: int) -> Self:
        """Of parts (records, width) each, NaN where unknown. Fewer dimensions where there are fewer records.

        Raises ValueError for fewer than two records.
        """
        records = len(next(iter(vectors.values())))
        if records < 2:
            raise ValueError(f"got {records} vectors; expected two or more to compare")
        means, scales = dict[str, np.ndarray](), dict[str, np.ndarray]()
        for name, part in vectors.items():
            means[name], spread = mean_and_spread(part.astype(np.float64))
            constant = spread <= LEAST_SPREAD * np.abs(means[name]).clip(1)
            scales[name] = np.where(constant, np.inf, spread) * part.shape[1] ** 0.5
        scaled = scaled_parts(vectors, means, scales)
        scaled -= scaled.mean(0)  # unknown numbers count as the mean: it is not quite 0
        _, directions = np.linalg.eigh(scaled.T @ scaled)
        return cls(means, scales, directions[:, ::-1][:, : min(dimensions, records - 1)])

    def points(self, vectors: Mapping[str, np.ndarray]) -> np.ndarray:
        """(records, dimensions) float64. Raises ValueError for other parts than the space was fitted on."""
        if set(vectors) != set(self.means):
            raise ValueError(f"got the parts {', '.join(vectors)}; expected {', '.join(self.means)}")
        return scaled_parts(vectors, self.means, self.scales) @ self.directions


def mean_and_spread(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column (records, width), unknown numbers (NaN) left out; 0 of none known."""
    known = np.isfinite(part)
    count = known.sum(0).clip(1)
    mean = np.where(known, part, 0).sum(0) / count
    return mean, np.sqrt(np.where(known, np.square(part - mean), 0).sum(0) / count)


def scaled_parts(
    vectors: Mapping[str, np.ndarray], means: Mapping[str, np.ndarray], scales: Mapping[str, np.ndarray]
) -> np.ndarray:
    """All parts side by side, standardised, 0 where unknown: (records, width of all) float64."""
    return np.hstack([np.nan_to_num((vectors[name] - mean) / scales[name]) for name, mean in means.items()])
