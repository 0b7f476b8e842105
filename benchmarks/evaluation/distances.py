"""Seconds and memory of the distances between two sets of features, against a Frechet distance by a matrix root.

The features are random: what they cost does not depend on what they are. `--records 20000` shows that 20,000 against
20,000 fit into 4 GiB.
"""

import time

import numpy as np
from scipy.linalg import sqrtm

from benchmarks.measuring import Report, benchmark_parser
from vqecg.evaluation.fidelity.distributions import distribution_distance
from vqecg.evaluation.fidelity.feature_distances import frechet_distance
from vqecg.reports.results import Value
from vqecg.training.progress import peak_memory_mb


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--records", type=int, default=2000, help="on either side")
    parser.add_argument("--dimensions", type=int, default=512, help="features per record")
    options = parser.parse_args(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, 1)
    generator = np.random.default_rng(0)
    real, synthetic = generator.standard_normal((2, options.records, options.dimensions))
    synthetic += 0.05
    before, rows = peak_memory_mb(), []
    for name, work in (
        ("all distances", lambda: distribution_distance(real, synthetic).frechet),
        ("Frechet alone", lambda: frechet_distance(real, synthetic)),
        ("Frechet by scipy.linalg.sqrtm", lambda: frechet_by_root(real, synthetic)),
    ):
        began = time.process_time()
        value = work()
        rows.append((name, Value(value, 4), Value(time.process_time() - began, 1), Value(peak_memory_mb(), 0)))
    title = f"{options.records:,} against {options.records:,}, {options.dimensions} features (before: {before:.0f} MiB)"
    report.table(title, ("", "Frechet", "CPU seconds", "peak MiB so far"), rows)
    report.write({"records": options.records, "features": options.dimensions})


def frechet_by_root(real: np.ndarray, synthetic: np.ndarray) -> float:
    """The usual way: the trace of the root of the product of the covariances."""
    first, second = np.cov(real, rowvar=False), np.cov(synthetic, rowvar=False)
    gap = real.mean(0) - synthetic.mean(0)
    return float(gap @ gap + np.trace(first + second - 2 * np.real(sqrtm(first @ second))))


if __name__ == "__main__":
    main()
