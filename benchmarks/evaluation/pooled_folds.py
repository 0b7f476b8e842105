"""Arms that rank records alike, called different by pooled folds when one arm's scores move by fold.

    python -m benchmarks.evaluation.pooled_folds --moved 0 0.3 0.5 --trials 100

Two arms score the same patients with noise of their own, which is as large in both. The logits of one of them are moved
by an amount drawn for every fold, as classifiers do that are trained anew, with other added records, for every fold.
Their AUROC is compared by the functions of `vqecg compare`, with scores as they are and with ranks within the fold. Of
95 % intervals 5 % should be clear of 0. It is why folds are ranked within before they are pooled.
"""

import argparse

import numpy as np
from scipy.special import expit

from benchmarks.measuring import Report, benchmark_parser, share
from vqecg.downstream.comparison.out_of_fold import FoldScores, pool_folds
from vqecg.evaluation.statistics.bootstrap import paired_difference, replicate_metric
from vqecg.evaluation.statistics.resampling import draw_bootstrap

POSITIVE = 0.15  # share of patients with the class
APART = 1.5  # standard deviations between patients with and without it
NOISE = 0.5  # standard deviations of a classifier's own noise


def main(arguments: list[str] | None = None) -> None:
    """Draws, compares and prints."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--moved", type=float, nargs="+", default=[0.0, 0.3, 0.5], help="standard deviations of logits")
    parser.add_argument("--folds", type=int, default=9)
    parser.add_argument("--patients", type=int, default=100, help="in a fold, one record each")
    parser.add_argument("--seeds", type=int, default=5, help="classifiers of an arm")
    parser.add_argument("--trials", type=int, default=100, help="comparisons for each row")
    parser.add_argument("--replicates", type=int, default=399, help="bootstrap draws of a comparison")
    options = parser.parse_args(arguments)
    report = Report(__spec__.name, __doc__, arguments, options)
    rows = []
    for moved in options.moved:
        counts = np.sum([verdicts(options, moved, seed) for seed in range(options.trials)], axis=0)
        rows.append([f"{moved:g}", *(share(int(count), options.trials) for count in counts.ravel())])
    title = f"{options.folds} folds of {options.patients} patients, {options.seeds} seeds, {options.trials} comparisons"
    report.table(title, ("moved", "raw: harm", "raw: gain", "ranks: harm", "ranks: gain"), rows)
    counts = {"folds": options.folds, "patients of a fold": options.patients, "comparisons": options.trials}
    report.write(counts)


def verdicts(options: argparse.Namespace, moved: float, seed: int) -> list[list[bool]]:
    """True where the moved arm is called worse, and where better: as scores are, and with ranks within the fold."""
    generator = np.random.default_rng(seed)
    one, other = list[FoldScores](), list[FoldScores]()
    for fold in range(options.folds):
        labels = (np.arange(options.patients) < POSITIVE * options.patients).astype(np.float64)[:, None]
        shared = generator.normal(size=labels.shape) + APART * labels
        for arm, by in ((one, 0.0), (other, moved * generator.normal())):
            scores = expit(shared + by + NOISE * generator.normal(size=(options.seeds, *labels.shape)))
            names = tuple(f"{fold}-{number}" for number in range(options.patients))
            arm.append(FoldScores((fold,), scores, np.full((options.seeds, 1), 0.5), labels, names, names))
    decisions = []
    for normalise in (False, True):
        first, second = pool_folds(one, normalise), pool_folds(other, normalise)
        draw = draw_bootstrap(first.patient_ids, options.seeds, options.replicates, seed, first.folds)
        metrics = [replicate_metric("auroc", first.labels, pooled.scores, draw) for pooled in (second, first)]
        difference = paired_difference(metrics[0], metrics[1], draw, ["class"])
        decisions.append([difference.high < 0, difference.low > 0])
    return decisions


if __name__ == "__main__":
    main()
