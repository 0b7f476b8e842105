"""Advices on simulated scores: chance taken for a gain, with and without the choice by halves, power, and coverage.

    python -m benchmarks.evaluation.advice_chance --patients 400 --arms 8 --trials 200

Real records alone and several arms score the same patients; the hardness of a patient is common to all seeds of all
arms, the rest of the noise is each seed's own. The first arm is better by a number of standard deviations, the others
not at all. "Advised" is the rule of `vqecg advise` without its look at harm: the lower end of the 90 % interval of the
cross-fitted gain is above 0. "Naive" takes the arm that is best on all records and measures it on the same.
"""

from collections.abc import Mapping

import numpy as np
from scipy.stats import norm

from benchmarks.measuring import Cell, Report, benchmark_parser, cell, share
from vqecg.downstream.advice.candidates import REAL, WITHOUT, Candidate, Trial
from vqecg.downstream.advice.contrasts import Cases
from vqecg.downstream.advice.halves import halves
from vqecg.downstream.advice.schedule import Costs, Schedule
from vqecg.downstream.advice.selection import Scoreboard, cross_fit, finalists, plain_difference

APART = 1.5  # standard deviations between patients with and without the class
NOISE = 0.7  # standard deviations of a patient's hardness, and of each seed's own
FIRST, LAST = (0,), (1, 2, 3, 4)
CONFIDENCE = 0.9
BASE = Candidate("real only", REAL)


def main(arguments: list[str] | None = None) -> None:
    """Draws, advises and prints."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--patients", type=int, default=400, help="in validation, a third of them with the class")
    parser.add_argument("--arms", type=int, default=8, help="beside real records alone")
    parser.add_argument(
        "--gains", type=float, nargs="+", default=[0.0, 0.1, 0.2, 0.3], help="of the first arm, in standard deviations"
    )
    parser.add_argument("--trials", type=int, default=200, help="advices for each gain")
    options = parser.parse_args(arguments)
    report = Report(__spec__.name, __doc__, arguments, options)
    rows: list[list[Cell]] = []
    for gain in options.gains:
        trials = [advised(options.patients, options.arms, gain, seed) for seed in range(options.trials)]
        means = {name: float(np.mean([one[name] for one in trials])) for name in ("gain", "naive gain", "true gain")}
        counted = (sum(bool(one[name]) for one in trials) for name in ("advised", "naively advised", "covered"))
        shares = [share(count, options.trials) for count in counted]
        rows.append([f"{gain:g}", *(cell(value, 4, signed=True) for value in means.values()), *shares])
    heads = ("gain of one arm", "estimate", "naive", "true, of the choices", "advised", "naively advised", "covered")
    report.table(f"{options.arms} arms, {options.patients} patients, {options.trials} advices each", heads, rows)
    report.write({"patients": options.patients, "advices": options.trials})


def advised(patients: int, arms: int, gain: float, seed: int) -> Mapping[str, float]:
    """One advice on drawn scores: its gain, the naive one and the true one, and whether each rule advises."""
    others = [Candidate(f"arm {number}", WITHOUT) for number in range(arms)]
    apart = {BASE: APART} | {one: APART + (gain if one == others[0] else 0.0) for one in others}
    board = drawn_board(apart, patients, np.random.default_rng(seed))
    schedule = Schedule(1.0, Costs(1e-3, {}, {}), tuple(apart), len(FIRST), 1.0, len(LAST), (), ())
    among, _ = finalists(board, schedule, FIRST)
    fitted = cross_fit(board, among, FIRST, LAST, CONFIDENCE)
    honest = fitted.difference("challenger", "base", board.columns)
    seeds = [*FIRST, *LAST]
    naive = plain_difference(board, board.best(others, seeds), BASE, seeds, board.columns, CONFIDENCE)
    truth = {one: float(norm.cdf(distance / (2 * NOISE))) for one, distance in apart.items()}  # AUROC
    true = float(np.mean([truth[choice.challenger] - truth[BASE] for choice in fitted.choices.values()]))
    return {
        "gain": honest.estimate,
        "naive gain": naive.estimate,
        "true gain": true,
        "advised": honest.low > 0,
        "naively advised": naive.low > 0,
        "covered": honest.low <= true <= honest.high,
    }


def drawn_board(apart: Mapping[Candidate, float], patients: int, generator: np.random.Generator) -> Scoreboard:
    """Scores of every candidate and seed; `apart` is the distance of both kinds of patients for each candidate."""
    labels = (np.arange(patients) % 3 == 0).astype(float)[:, None]
    names = np.array([f"patient {number}" for number in range(patients)], object)
    hard = NOISE * generator.normal(size=labels.shape)
    scores = {
        Trial(one, seed): distance * labels + hard + NOISE * generator.normal(size=labels.shape)
        for one, distance in apart.items()
        for seed in (*FIRST, *LAST)
    }
    return Scoreboard(Cases(labels, names, halves(names, labels)), scores, "auroc", np.array([0]))


if __name__ == "__main__":
    main()
