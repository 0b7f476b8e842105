"""Choices among candidates by half of the patients and half of the seeds, and their estimates by the other halves.

The best of several on the same records looks better than it is. Here four choosers (a half of the patients, a half of
the last round's seeds; each with the seeds of the first round) take part: what one chooses is measured on the patients
and the seeds that it has not seen, and the four measurements are averaged (cross-fitting: Chernozhukov et al. 2018).
The advice itself is chosen on all of them, so the estimate is rather of a worse choice than of a better one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from vqecg.downstream.advice.candidates import REAL, WITH, WITHOUT, Candidate, Trial
from vqecg.downstream.advice.contrasts import Cases, estimate
from vqecg.downstream.advice.estimates import HALVES, Estimate, InHalves
from vqecg.downstream.advice.schedule import Schedule, last_seeds

CHALLENGERS = (WITHOUT, WITH)
ENOUGH = 6  # seeds of the last round, beyond which time goes into another finalist
MOST = 3  # further finalists
BOTH: tuple[int, ...] = HALVES
CHOOSERS: tuple[tuple[int, ...], ...] = ((0,), (1,), BOTH)  # a half of the patients, the other, and both together
Finalists = Mapping[tuple[int, ...], Sequence[Candidate]]  # of each chooser
Columns: TypeAlias = Sequence[int] | np.ndarray  # of classes


@dataclass(frozen=True, eq=False)
class Scoreboard:
    """Trials measured on the cases, for one metric and the classes that a gain is about."""

    cases: Cases
    scores: Mapping[Trial, np.ndarray]  # (records, classes)
    metric: str
    columns: np.ndarray  # (judged classes,) int64, whose mean is the gain
    measured: dict[Trial, InHalves] = field(default_factory=dict)

    def of(self, trial: Trial) -> InHalves:
        """The metric of each half, (1 + its patients, classes)."""
        if trial not in self.measured:
            self.measured[trial] = self.cases.measure(self.scores[trial], self.metric)
        return self.measured[trial]

    def value(self, candidate: Candidate, seeds: Sequence[int], by: Sequence[int] = BOTH) -> float:
        """The macro average of a candidate over seeds and halves."""
        return float(
            np.mean([self.of(Trial(candidate, seed))[half][0, self.columns].mean() for seed in seeds for half in by])
        )

    def best(self, among: Sequence[Candidate], seeds: Sequence[int], by: Sequence[int] = BOTH) -> Candidate:
        """The candidate of the highest value; the first of those that are equal."""
        return max(among, key=lambda one: self.value(one, seeds, by))


def finalists(board: Scoreboard, schedule: Schedule, first: Sequence[int]) -> tuple[Finalists, bool]:
    """The best candidates by the first round: of each kind, and runners-up as long as enough seeds are left for all.

    Where the time does not last for that, real records alone and the best other candidate; where it does not last for
    those either, both halves decide together, and the second value is False: the gain is flattered.
    """
    kinds = [[one for one in schedule.candidates if one.kind == kind] for kind in (REAL, *CHALLENGERS)]
    others = [one for one in schedule.candidates if one.kind != REAL]
    every = {by: [board.best(among, first, by) for among in kinds if among] for by in CHOOSERS}
    few = {by: [board.best(among, first, by) for among in (kinds[0], others)] for by in CHOOSERS}
    chosen = every if last_seeds(union(every), schedule) else few
    if not last_seeds(union(chosen), schedule):
        return dict.fromkeys(CHOOSERS, few[BOTH]), False
    for _ in range(MOST):
        more = {}
        for by, there in chosen.items():
            left = [one for one in others if one not in there]
            more[by] = [*there, *([board.best(left, first, by)] if left else [])]
        if last_seeds(union(more), schedule) < ENOUGH:
            break
        chosen = more
    return chosen, True


def union(chosen: Finalists) -> list[Candidate]:
    """All finalists, each once."""
    return list(dict.fromkeys(one for of_chooser in chosen.values() for one in of_chooser))


@dataclass(frozen=True)
class Choice:
    """The choice of a chooser."""

    base: Candidate  # real records alone, in the steps that serve them best
    challenger: Candidate  # the best other candidate
    without: Candidate  # the best that needs no generator, real records alone among them


def choose(board: Scoreboard, among: Sequence[Candidate], seeds: Sequence[int], by: Sequence[int] = BOTH) -> Choice:
    """The choice among finalists by some seeds and halves."""
    base = board.best([one for one in among if one.kind == REAL], seeds, by)
    challenger = board.best([one for one in among if one.kind != REAL], seeds, by)
    return Choice(base, challenger, board.best([one for one in among if one.kind != WITH], seeds, by))


@dataclass(frozen=True, eq=False)
class CrossFitted:
    """The choices of the four choosers, and differences measured where they have not looked."""

    board: Scoreboard
    last: tuple[int, ...]  # seeds of the last round
    choices: Mapping[tuple[int, int], Choice]  # (half, half of the seeds) that chose -> choice
    rivalled: bool  # True where every chooser had an arm that needs no generator to choose from
    confidence: float

    def difference(self, one: str, other: str, columns: Columns, metric: str = "") -> Estimate:
        """Of two fields of `Choice`, over the macro average of some classes, by the board's metric or another."""
        board = self.board
        if metric and metric != board.metric:
            board = Scoreboard(board.cases, board.scores, metric, board.columns)
        differences = []
        for place, seed in enumerate(self.last):
            halves = []
            for half in HALVES:
                choice = self.choices[1 - half, 1 - place % 2]
                pair = [board.of(Trial(getattr(choice, name), seed))[half][:, list(columns)] for name in (one, other)]
                halves.append((pair[0] - pair[1]).mean(axis=1))
            differences.append((halves[0], halves[1]))
        return estimate(differences, self.confidence)

    @property
    def agreeing(self) -> int:
        """The number of choosers with the commonest challenger's arm."""
        arms = [choice.challenger.arm for choice in self.choices.values()]
        return max(arms.count(arm) for arm in arms)


def cross_fit(
    board: Scoreboard,
    among: Finalists,
    first: Sequence[int],
    last: Sequence[int],
    confidence: float,
) -> CrossFitted:
    """The four choices; every second seed of the last round is in the same half."""
    choices = {
        (half, part): choose(board, among[half,], [*first, *last[part::2]], (half,))
        for half in HALVES
        for part in (0, 1)
    }
    rivalled = all(any(one.kind == WITHOUT for one in among[half,]) for half in HALVES)
    return CrossFitted(board, tuple(last), choices, rivalled, confidence)


def plain_difference(
    board: Scoreboard,
    one: Candidate,
    other: Candidate,
    seeds: Sequence[int],
    columns: Columns,
    confidence: float,
) -> Estimate:
    """Two candidates on all cases, as one who has chosen neither would measure them."""
    differences = []
    for seed in seeds:
        halves = [
            (board.of(Trial(one, seed))[half] - board.of(Trial(other, seed))[half])[:, list(columns)].mean(axis=1)
            for half in HALVES
        ]
        differences.append((halves[0], halves[1]))
    return estimate(differences, confidence)


def averaging(
    board: Scoreboard,
    candidate: Candidate,
    seeds: Sequence[int],
    columns: Columns,
    confidence: float,
) -> Estimate:
    """Two networks of a candidate averaged minus one: each seed's with the next one's, half as many independent."""
    differences = []
    for place, seed in enumerate(seeds):
        pair = [Trial(candidate, seed), Trial(candidate, seeds[(place + 1) % len(seeds)])]
        together = board.cases.measure((board.scores[pair[0]] + board.scores[pair[1]]) / 2, board.metric)
        halves = [
            (together[half] - (board.of(pair[0])[half] + board.of(pair[1])[half]) / 2)[:, list(columns)].mean(axis=1)
            for half in HALVES
        ]
        differences.append((halves[0], halves[1]))
    return estimate(differences, confidence, independent=0.5)
