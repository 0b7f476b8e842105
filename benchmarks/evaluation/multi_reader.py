"""Errors, power and coverage of the test behind a comparison's verdicts, beside those of other tests.

    python -m benchmarks.evaluation.multi_reader --result docs/results/multi-reader.json

Two arms of several networks score the same patients, and every trial draws patients and networks anew. Networks err on
records of their own (training noise); arms differ by record; a quality may be common to the networks of a seed in both
arms, or belong to each network, or to a draw of the training records, where those are drawn several times. Without a
difference 5 % of 95 % intervals should be clear of 0. The true difference is 3.09 true standard errors of AUROC, which
an oracle that knows the standard error finds in 87 % of trials. Tests: that of `vqecg compare`; Obuchowski and Rockette
with Hillis' degrees of freedom; a t-test over seeds (over draws where there are several); patients alone, the networks
as they are; the two-way bootstrap (in the first trials only, as it is slow). Structures of several draws have as many
times the networks: they have the middle prevalence alone, and fewer trials by that factor.
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from benchmarks.measuring import Report, benchmark_parser, cell, share
from vqecg.evaluation.statistics.bootstrap import paired_difference, replicate_metric
from vqecg.evaluation.statistics.jackknife import JackknifedMetric, jackknife_metric
from vqecg.evaluation.statistics.multi_reader import (
    ReaderDesign,
    obuchowski_rockette,
    patient_variance,
    reader_design,
    reader_difference,
    t_interval,
)
from vqecg.evaluation.statistics.resampling import draw_bootstrap
from vqecg.evaluation.statistics.weighted_metrics import METRICS
from vqecg.reports.results import METRIC_TITLES, Value

APART = 1.5  # standard deviations between patients with and without the class
EFFECT = norm.ppf(0.975) + norm.ppf(0.87)  # true standard errors that an oracle finds in 87 % of trials
OURS, CLASSIC, OVER_SEEDS, PATIENTS, BOOTSTRAP = TESTS = (
    "of compare",
    "Obuchowski-Rockette",
    "t over seeds",
    "patients alone",
    "bootstrap",
)
VALID = 0.08  # the largest type I error of a test that counts as valid


@dataclass(frozen=True)
class Structure:
    """The chances in the scores of two arms, as standard deviations beside patients' of 1."""

    name: str
    noise: float = 0.5  # of a network on each record
    record: float = 0.0  # of an arm on each record
    seed: float = 0.0  # of the quality common to a seed's networks in both arms
    network: float = 0.0  # of each network's quality
    draw: float = 0.0  # of the quality common to an arm's networks of a draw
    draw_record: float = 0.0  # of the networks of a draw of an arm on each record
    draws: int = 1


STRUCTURES = (
    Structure("training noise"),
    Structure("arms by record", record=0.35),
    Structure("quality of a seed", record=0.35, seed=0.2),
    Structure("small quality of networks", record=0.35, network=0.1),
    Structure("quality of networks", record=0.35, network=0.25),
    Structure("three equal draws", record=0.35, draws=3),
    Structure("three draws", record=0.35, draw_record=0.25, draw=0.1, draws=3),
    Structure("three draws far apart", record=0.35, draw_record=0.25, draw=0.3, draws=3),
)


@dataclass(frozen=True)
class Setting:
    """One line of the tables: a structure with the number of patients, those with the class, and seeds."""

    structure: Structure
    patients: int
    prevalence: float
    seeds: int
    shift: float = 0.0  # more signal in the first arm

    @property
    def name(self) -> str:
        """The structure and the share of patients with the class."""
        return f"{self.structure.name}, {100 * self.prevalence:g} % positive"

    @property
    def cut(self) -> float:
        """The threshold of F1, between the classes' scores and higher where the class is rare."""
        return APART / 2 + 0.5 * math.log((1 - self.prevalence) / self.prevalence)

    def scores(self, generator: np.random.Generator) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """Labels (patients, 1) and the scores (readers, patients, 1) of both arms."""
        of, seeds = self.structure, self.seeds
        labels = (np.arange(self.patients) < round(self.prevalence * self.patients)).astype(float)[:, None]
        shared = generator.normal(size=labels.shape) + APART * labels
        of_seed = of.seed * generator.normal(size=(of.draws * seeds, 1, 1))
        arms = []
        for shift in (self.shift, 0.0):
            of_draw = np.repeat(of.draw * generator.normal(size=of.draws), seeds)[:, None, None]
            quality = shift + of_seed + of_draw + of.network * generator.normal(size=of_seed.shape)
            by_draw = of.draw_record * np.repeat(generator.normal(size=(of.draws, *labels.shape)), seeds, axis=0)
            by_network = of.noise * generator.normal(size=(len(of_seed), *labels.shape))
            by_record = of.record * generator.normal(size=labels.shape)
            arms.append(shared + quality * labels + by_record + by_draw + by_network)
        return labels, (arms[0], arms[1])


@dataclass(frozen=True, eq=False)
class Outcome:
    """The estimates of all trials, and the intervals by test and metric."""

    estimates: np.ndarray  # (trials, metrics)
    intervals: dict[tuple[str, str], np.ndarray]  # (test, metric) -> (trials, 2)

    def clear(self, test: str, metric: str = "auroc") -> Value:
        """The share of intervals clear of 0."""
        low, high = self.intervals[test, metric].T
        return share(int(((low > 0) | (high < 0)).sum()), len(low))

    def covering(self, test: str, metric: str) -> Value:
        """The share of intervals that hold the true difference: the mean of the estimates."""
        truth = self.estimates[:, METRICS.index(metric)].mean()
        low, high = self.intervals[test, metric].T
        return share(int(((low <= truth) & (truth <= high)).sum()), len(low))


def main(arguments: list[str] | None = None) -> None:
    """Draws, compares and prints."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--patients", type=int, default=400, help="in the test part, one record each")
    parser.add_argument("--prevalences", type=float, nargs="+", default=[0.05, 0.15, 0.4], help="of the class")
    parser.add_argument("--networks", type=int, default=5, help="classifiers of an arm in each draw")
    parser.add_argument("--trials", type=int, default=1500, help="comparisons for each row, without a difference")
    parser.add_argument("--with-difference", type=int, default=600, help="and with one")
    parser.add_argument("--bootstrapped", type=int, default=100, help="of them by the bootstrap too")
    parser.add_argument("--replicates", type=int, default=399, help="bootstrap draws of a comparison")
    options = parser.parse_args(arguments)
    report = Report(__spec__.name, __doc__, arguments, options)
    settings = [
        Setting(structure, options.patients, prevalence, options.networks)
        for structure in STRUCTURES
        for prevalence in middle(options.prevalences, structure.draws)
    ]
    null, alternative, oracle = dict[str, Outcome](), dict[str, Outcome](), dict[str, float]()
    for setting in settings:
        without = trials(setting, options.trials, options, 0)
        error = float(without.estimates[:, 0].std())
        shifted = replace(setting, shift=EFFECT * error / slope(setting))
        null[setting.name], alternative[setting.name] = without, trials(shifted, options.with_difference, options, 1)
        oracle[setting.name] = float((np.abs(alternative[setting.name].estimates[:, 0]) > 1.96 * error).mean())
        print(setting.name, null[setting.name].clear(OURS), alternative[setting.name].clear(OURS), flush=True)
    write_tables(report, null, alternative, oracle)
    counts = {"patients": options.patients, "comparisons": options.trials, "classifiers of an arm": options.networks}
    report.write(counts | {"comparisons with a difference": options.with_difference})


def middle(prevalences: Sequence[float], draws: int) -> Sequence[float]:
    """All prevalences, or of several draws the middle one."""
    return prevalences if draws == 1 else [sorted(prevalences)[len(prevalences) // 2]]


def slope(setting: Setting) -> float:
    """The true difference in AUROC per unit of signal."""
    auroc = [
        jackknife_metric("auroc", labels, arm, np.arange(setting.patients)).values.mean()
        for shift in (0.0, 0.1)
        for seed in range(100)
        for labels, (arm, _) in [replace(setting, shift=shift).scores(np.random.default_rng((2, seed)))]
    ]
    return float(np.mean(auroc[100:]) - np.mean(auroc[:100])) / 0.1


def trials(setting: Setting, count: int, options: argparse.Namespace, stream: int) -> Outcome:
    """So many comparisons of a setting, or fewer by the number of draws."""
    count //= setting.structure.draws
    structure, readers = setting.structure, setting.structure.draws * setting.seeds
    design = reader_design(np.arange(setting.patients), readers, draws=structure.draws)
    rows: dict[tuple[str, str], list[tuple[float, float]]] = {}
    estimates = np.empty((count, len(METRICS)))
    for trial in range(count):
        labels, scores = setting.scores(np.random.default_rng((stream, trial)))
        cuts = np.full((readers, 1), setting.cut)
        for column, metric in enumerate(METRICS):
            arm, reference = (jackknife_metric(metric, labels, one, design.patient_of, cuts) for one in scores)
            ours = reader_difference(arm, reference, design, ["class"])
            estimates[trial, column] = ours.estimate
            rows.setdefault((OURS, metric), []).append((ours.low, ours.high))
            for test, ends in others(arm, reference, design).items():
                rows.setdefault((test, metric), []).append(ends)
        if trial < options.bootstrapped // structure.draws:
            rows.setdefault((BOOTSTRAP, "auroc"), []).append(bootstrapped(labels, scores, structure, options, trial))
    return Outcome(estimates, {key: np.array(ends) for key, ends in rows.items()})


def others(arm: JackknifedMetric, reference: JackknifedMetric, design: ReaderDesign) -> dict[str, tuple[float, float]]:
    """The intervals of the other tests but the bootstrap."""
    whole, left = (arm.values - reference.values)[:, 0], (arm.left_out - reference.left_out)[:, :, 0]
    patients, degrees = patient_variance(left, design.fold_of), design.degrees_of_patients
    if design.draws > 1:
        whole = whole.reshape(design.draws, -1).mean(axis=1)
        left = left.reshape(len(left), design.draws, -1).mean(axis=2)
        design = reader_design(design.patient_of, design.draws)
    estimate, classic = float(whole.mean()), obuchowski_rockette(whole, left, design)
    half = student.ppf(0.975, len(whole) - 1) * whole.std(ddof=1) / math.sqrt(len(whole))
    return {
        CLASSIC: t_interval(estimate, math.sqrt(classic.variance), classic.degrees_of_freedom, 0.95)[:2],
        OVER_SEEDS: (estimate - half, estimate + half),
        PATIENTS: t_interval(estimate, math.sqrt(patients), degrees, 0.95)[:2],
    }


def bootstrapped(
    labels: np.ndarray, scores: Sequence[np.ndarray], structure: Structure, options: argparse.Namespace, seed: int
) -> tuple[float, float]:
    """The interval of the two-way bootstrap."""
    names = [str(number) for number in range(len(labels))]
    draw = draw_bootstrap(names, len(scores[0]), options.replicates, seed, draws=structure.draws)
    one, other = (replicate_metric("auroc", labels, arm, draw) for arm in scores)
    difference = paired_difference(one, other, draw, ["class"])
    return difference.low, difference.high


def write_tables(
    report: Report, null: dict[str, Outcome], alternative: dict[str, Outcome], oracle: dict[str, float]
) -> None:
    """Type I errors, power and coverage."""
    errors = {test: {name: number(one.clear(test)) for name, one in null.items()} for test in TESTS}
    clear = [[name, *(one.clear(test) for test in TESTS)] for name, one in null.items()]
    heads = ["", *(f"errors: {test}" for test in TESTS)]
    report.table("95 % intervals clear of 0 without a difference, AUROC", heads, clear)
    everywhere = [test for test, of_test in errors.items() if max(of_test.values()) <= VALID]
    rows = []
    for name, one in alternative.items():
        power = {test: number(one.clear(test)) for test in TESTS}
        here = max((power[test] for test in TESTS if errors[test][name] <= VALID), default=math.nan)
        valid = max((power[test] for test in everywhere), default=math.nan)
        ratios = [cell(power[OURS] / best if best else math.nan, 3) for best in (oracle[name], here, valid)]
        rows.append([name, *(one.clear(test) for test in TESTS), cell(oracle[name], 3), *ratios])
    heads = ["", *(f"power: {test}" for test in (*TESTS, "oracle"))]
    heads += [f"power: share of {best}" for best in ("oracle", "best valid there", "best valid in all")]
    report.table("95 % intervals clear of 0 with a difference, AUROC", heads, rows)
    names = [METRIC_TITLES[metric] for metric in METRICS]
    wrong = {name: [one.clear(OURS, metric) for metric in METRICS] for name, one in null.items()}
    held = {name: [one.covering(OURS, metric) for metric in METRICS] for name, one in alternative.items()}
    by_metric, covering = ([[name, *line] for name, line in of.items()] for of in (wrong, held))
    report.table("Errors by metric, test of compare", ["", *(f"errors in {name}" for name in names)], by_metric)
    heads = ["", *(f"coverage in {name}" for name in names)]
    report.table("95 % intervals that hold the true difference", heads, covering)
    rows = [
        [
            title,
            *(cell(end(number(line[column]) for line in of.values()), 3) for of in (wrong, held) for end in (min, max)),
        ]
        for column, title in enumerate(names)
    ]
    heads = ["", "fewest errors", "most errors", "least coverage", "most coverage"]
    report.table("Over all rows, test of compare", heads, rows)


def number(share_of: Value) -> float:
    """A share without its interval."""
    return float(share_of.value or 0)


if __name__ == "__main__":
    main()
