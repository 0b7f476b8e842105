"""Chance called a difference by a bootstrap, by the number of test patients with the class.

    python -m benchmarks.evaluation.few_positives --patients 400 --positives 1 2 3 5 10 20 --trials 300

Two arms score the same patients, one record each, with noise of their own; every trial draws both anew. Their AUROC is
compared by the functions of `vqecg compare`. Of 95 % intervals 5 % should be clear of 0. It is why a class that fewer
than comparison_tables.LEAST_PATIENTS test patients have is not judged.
"""

import numpy as np

from benchmarks.measuring import Report, benchmark_parser, share
from vqecg.evaluation.statistics.bootstrap import paired_difference, replicate_metric
from vqecg.evaluation.statistics.resampling import draw_bootstrap

APART = 1.5  # standard deviations between patients with and without the class
NOISE = 0.5  # standard deviations of an arm's own noise


def main(arguments: list[str] | None = None) -> None:
    """Draws, compares and prints."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--patients", type=int, default=400, help="in the test part")
    parser.add_argument(
        "--positives", type=int, nargs="+", default=[1, 2, 3, 5, 10, 20], help="patients with the class"
    )
    parser.add_argument("--trials", type=int, default=300, help="comparisons for each number of positives")
    parser.add_argument("--replicates", type=int, default=399, help="bootstrap draws of a comparison")
    options = parser.parse_args(arguments)
    report = Report(__spec__.name, __doc__, arguments, options)
    rows = []
    for positives in options.positives:
        clear = sum(is_clear(options.patients, positives, options.replicates, seed) for seed in range(options.trials))
        rows.append([str(positives), share(clear, options.trials)])
    title = f"{options.patients} patients, one seed of classifiers, {options.trials} comparisons without a difference"
    report.table(title, ("with the class", "95 % intervals clear of 0"), rows)
    report.write({"patients": options.patients, "comparisons": options.trials})


def is_clear(patients: int, positives: int, replicates: int, seed: int) -> bool:
    """True where the interval of the difference of two arms that do not differ is clear of 0."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(patients) < positives).astype(np.float64)[:, None]
    shared = generator.normal(size=(patients, 1)) + APART * labels
    draw = draw_bootstrap([str(number) for number in range(patients)], 1, replicates, seed)
    one, other = (
        replicate_metric("auroc", labels, (shared + NOISE * generator.normal(size=shared.shape))[None], draw)
        for _ in range(2)
    )
    difference = paired_difference(one, other, draw, ["class"])
    return difference.low > 0 or difference.high < 0


if __name__ == "__main__":
    main()
