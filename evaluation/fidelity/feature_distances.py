"""Two clouds of features: the distance of their Gaussians, and their pairs in blocks of bounded memory."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

BLOCK = 8_000_000  # pairs worked on at a time: 64 MB for each array of them


def frechet_distance(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Squared Frechet distance between Gaussians fitted to (n, d) and (m, d), n and m at least 2.

    With covariances A'A and B'B the trace of (A'A B'B)^(1/2) is the sum of the singular values of AB'. Nothing is
    squared and no root of a matrix taken, so that fewer records than features do no harm.
    """
    gap = real.mean(axis=0, dtype=np.float64) - synthetic.mean(axis=0, dtype=np.float64)
    first, second = _covariance_factor(real), _covariance_factor(synthetic)
    shared = np.linalg.svd(first @ second.T, compute_uv=False).sum()
    return max(0.0, float(gap @ gap + (first**2).sum() + (second**2).sum() - 2 * shared))


def _covariance_factor(features: np.ndarray) -> np.ndarray:
    """R, (at most d, d) float64, with R'R the covariance of features (n, d), by QR block after block."""
    mean = features.mean(axis=0, dtype=np.float64)
    factor = np.empty((0, features.shape[1]))
    step = max(256, 4 * features.shape[1])
    for start in range(0, len(features), step):
        block = features[start : start + step].astype(np.float64) - mean
        factor = np.asarray(np.linalg.qr(np.concatenate([factor, block]), mode="r"))
    return factor / math.sqrt(len(features) - 1)


@dataclass(frozen=True)
class Between:
    """Figures of all pairs of a real and a synthetic record."""

    kernel: float  # mean over all pairs
    precision: float
    recall: float
    density: float  # mean number of real neighbourhoods around a synthetic record
    coverage: float


def _pairs(left: np.ndarray, right: np.ndarray, centre: np.ndarray) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Rows of `left`, and their squared distances and kernel values (rows, right); both clouds have `centre` off."""
    left_square, right_square = np.einsum("nd,nd->n", left, left), np.einsum("nd,nd->n", right, right)
    left_offset, right_offset = left @ centre, right @ centre + centre @ centre
    step = max(1, BLOCK // len(right))
    for start in range(0, len(left), step):
        rows = slice(start, start + step)
        product = left[rows] @ right.T
        distance = left_square[rows, None] + right_square
        distance -= 2 * product
        np.maximum(distance, 0, out=distance)
        product += left_offset[rows, None]
        product += right_offset  # now the product of the features as they came
        product /= left.shape[1]
        product += 1
        yield rows, distance, product * product * product


def within(points: np.ndarray, centre: np.ndarray, neighbours: int) -> tuple[float, np.ndarray]:
    """Mean kernel over pairs of different points, and the squared distance (n,) to the `neighbours`-th nearest."""
    total, radii = 0.0, np.empty(len(points))
    for rows, distance, kernel in _pairs(points, points, centre):
        numbers = np.arange(len(points))[rows]  # of this block; a point is no neighbour of itself
        distance[numbers - rows.start, numbers] = np.inf
        kernel[numbers - rows.start, numbers] = 0
        total += float(kernel.sum())
        radii[rows] = np.partition(distance, neighbours - 1, axis=1)[:, neighbours - 1]
    return total / (len(points) * (len(points) - 1)), radii


def between(
    real: np.ndarray, synthetic: np.ndarray, centre: np.ndarray, real_radii: np.ndarray, synthetic_radii: np.ndarray
) -> Between:
    """Kernel, precision, recall, density and coverage from all pairs, given squared neighbourhood radii."""
    total, around = 0.0, np.zeros(len(synthetic), np.int64)
    covered, recalled = np.zeros(len(real), bool), np.zeros(len(real), bool)
    for rows, distance, kernel in _pairs(real, synthetic, centre):
        total += float(kernel.sum())
        inside = distance <= real_radii[rows, None]
        around += inside.sum(axis=0)
        covered[rows] = inside.any(axis=1)
        recalled[rows] = (distance <= synthetic_radii).any(axis=1)
    return Between(
        kernel=total / (len(real) * len(synthetic)),
        precision=float((around > 0).mean()),
        recall=float(recalled.mean()),
        density=float(around.mean()),
        coverage=float(covered.mean()),
    )
