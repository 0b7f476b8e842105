"""Differences between trials in two halves of the patients: their intervals, and the choice that they do not see."""

import numpy as np
import pytest

from vqecg.downstream.advice.candidates import REAL, WITHOUT, Candidate, Trial
from vqecg.downstream.advice.contrasts import Cases, estimate
from vqecg.downstream.advice.halves import halves
from vqecg.downstream.advice.schedule import Costs, Schedule
from vqecg.downstream.advice.selection import Scoreboard, averaging, cross_fit, finalists, plain_difference
from vqecg.evaluation.statistics.weighted_metrics import weighted_auroc

BASE = Candidate("real only", REAL)
ARMS = tuple(Candidate(f"arm {number}", WITHOUT) for number in range(8))
FIRST, LAST = (0,), (1, 2, 3, 4)
CHANCE_SCHEDULE = Schedule(100, Costs(0.1, {}, {}), (BASE, *ARMS), 1, 60.0, 4, (), ())


def drawn_board(seed: int, gain: float = 0.0, patients: int = 200) -> Scoreboard:
    """Scores of a base and eight arms, of which the first is better by `gain` standard deviations."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(patients) % 3 == 0).astype(float)[:, None]
    names = np.array([f"patient {number}" for number in range(patients)], object)
    scores = {}
    hard = generator.normal(size=labels.shape)
    for candidate in (BASE, *ARMS):
        signal = 1.5 + (gain if candidate == ARMS[0] else 0.0)
        for trial_seed in (*FIRST, *LAST):
            noise = 0.7 * hard + 0.7 * generator.normal(size=labels.shape)
            scores[Trial(candidate, trial_seed)] = signal * labels + noise
    return Scoreboard(Cases(labels, names, halves(names, labels)), scores, "auroc", np.array([0]))


def fitted(board: Scoreboard):
    among, honest = finalists(board, CHANCE_SCHEDULE, FIRST)
    assert honest
    return cross_fit(board, among, FIRST, LAST, 0.9)


def test_halves_hold_whole_patients_with_even_labels():
    generator = np.random.default_rng(0)
    patients = np.array([f"p{number}" for number in generator.integers(0, 90, 150)], object)
    labels = (generator.random((150, 4)) < [0.5, 0.3, 0.2, 0.1]).astype(float)
    half = halves(patients, labels)
    assert all(len(set(half[patients == name])) == 1 for name in set(patients))
    of_half = [len(set(patients[half == number])) for number in (0, 1)]
    assert abs(of_half[0] - of_half[1]) <= 1
    order = generator.permutation(150)
    assert (halves(patients[order], labels[order]) == half[order]).all()


def test_a_metric_without_each_patient_is_that_of_the_others():
    board = drawn_board(0, patients=40)
    cases, scores = board.cases, board.scores[Trial(BASE, 1)]
    for half, measured in enumerate(cases.measure(scores, "auroc")):
        inside = np.flatnonzero(cases.half == half)
        for number, name in enumerate(np.unique(cases.patients[inside])):
            rest = inside[cases.patients[inside] != name]
            expected = weighted_auroc(cases.labels[rest, 0], scores[rest, 0], np.ones((1, len(rest))))
            assert measured[1 + number, 0] == pytest.approx(expected[0])


def test_the_best_of_eight_equal_arms_looks_better_than_it_is_but_not_to_the_other_halves():
    naive, honest, advised = [], [], 0
    for seed in range(40):
        board = drawn_board(seed)
        best = board.best(ARMS, [*FIRST, *LAST])
        naive.append(plain_difference(board, best, BASE, [*FIRST, *LAST], [0], 0.9).estimate)
        gain = fitted(board).difference("challenger", "base", [0])
        honest.append(gain.estimate)
        advised += gain.low > 0
    assert np.mean(naive) > 0.01 > 0.004 > abs(np.mean(honest))
    assert advised <= 6  # 5 % of 40, with chance


def test_a_gain_is_measured_within_its_interval_and_by_the_choosers():
    board = drawn_board(3, gain=0.8, patients=400)
    result = fitted(board)
    gain = result.difference("challenger", "base", [0])
    assert gain.low > 0 and result.agreeing == 4 and gain.degrees_of_freedom >= 1
    assert {choice.challenger for choice in result.choices.values()} == {ARMS[0]}
    assert result.difference("challenger", "base", [0], "average_precision").estimate > 0
    assert result.difference("challenger", "without", [0]).estimate == pytest.approx(0)


def test_two_networks_are_better_than_one_by_what_averaging_takes_of_their_noise():
    gain = averaging(drawn_board(0, patients=400), BASE, LAST, [0], 0.9)
    assert gain.low > 0 and gain.seeds == 4


@pytest.mark.bad_input("one seed")
def test_one_seed_has_no_interval():
    with pytest.raises(ValueError, match="the differences of 1 seeds; expected at least 2"):
        estimate([(np.zeros(5), np.zeros(5))], 0.9)
