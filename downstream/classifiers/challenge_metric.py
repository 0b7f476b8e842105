"""The score of the PhysioNet/CinC Challenges 2020 and 2021: the reward of each mix-up, 1 for perfect, 0 for all normal.

Perez Alday et al., Physiol Meas 41:124003 (2020); Reyna et al., CinC 2021. As compute_challenge_metric of their
evaluation code has it (github.com/physionetchallenges/evaluation-2021, evaluate_model.py at commit d12d417f). The
table of rewards, challenge_weights.csv, is weights.csv of that repository at commit ef74b668 (BSD 2-Clause, Copyright
2020, 2021 PhysioNet/Computing in Cardiology Challenges; one class was named 164909002 twice there and is
733534002|164909002, as in its list of scored diagnoses). The table of 2020 has the same rewards for its 24 classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import pandas as pd

from vqecg.downstream.classifiers.metrics import check_scores
from vqecg.records.export.wfdb_writing import snomed_codes

YEARS = (2020, 2021)
SINUS_RHYTHM = "426783006"  # the normal class, whose answer for every record scores 0
NORMAL_OF_CPSC2018 = "SNR"  # has no SNOMED code in our table; the Challenge's edition of CPSC2018 has sinus rhythm
SINCE_2021 = ("6374002", "365413008", "733534002")  # bundle branch block, poor R wave progression, complete LBBB


@dataclass(frozen=True, eq=False)
class ChallengeScore:
    """The Challenge's score of one set of answers."""

    year: int
    score: float  # 1 for perfect answers, 0 for sinus rhythm alone in every record, below 0 for worse
    scored: tuple[str, ...]  # those of our classes that count
    classes: int  # that the Challenge scores; those that are no class of ours are absent in labels and answers alike
    records: int

    def __str__(self) -> str:
        names = ", ".join(self.scored)
        return f"{self.score:.3f} ({len(self.scored)} classes of ours in its {self.classes}: {names})"


@cache
def challenge_weights(year: int) -> pd.DataFrame:
    """The rewards of a year: a row per class meant, a column per class answered, codes that count as one joined by "|".

    Raises ValueError for a year without a table.
    """
    if year not in YEARS:
        raise ValueError(f"there is no Challenge score of {year}; expected one of {', '.join(map(str, YEARS))}")
    with resources.files("vqecg.downstream.classifiers").joinpath("challenge_weights.csv").open() as file:
        table = pd.read_csv(file, index_col="snomed", dtype={"snomed": str})
    if year == 2021:
        return table
    names = {name: "|".join(code for code in name.split("|") if code not in SINCE_2021) for name in table.index}
    scored = [name for name in table.index if names[name]]
    return table.loc[scored, scored].rename(index=names, columns=names)


def scored_classes(class_names: Sequence[str], year: int) -> dict[str, int]:
    """Those of `class_names` that the Challenge scores -> their row of `challenge_weights`.

    Names are PTB-XL's statements, CPSC2018's classes, or the Challenge's abbreviations.
    """
    rows = {code: row for row, name in enumerate(challenge_weights(year).index) for code in name.split("|")}
    codes = {name: snomed_codes([name])[0] for name in class_names} | {NORMAL_OF_CPSC2018: [SINUS_RHYTHM]}
    return {name: rows[codes[name][0]] for name in class_names if codes[name] and codes[name][0] in rows}


def challenge_score(labels: np.ndarray, answers: np.ndarray, class_names: Sequence[str], year: int) -> ChallengeScore:
    """The score of `answers` (records, classes) 0/1 against `labels` (records, classes) 0/1.

    In a record every pair of a class meant and a class answered earns the reward of the table over the number of
    classes that are meant or answered; the sum over records is put on the scale from "sinus rhythm in each" (0) to
    "every label right" (1). A record without a scored class earns nothing, as in the Challenge.

    Raises ValueError for shapes that do not fit, fewer than two scored classes, or records of sinus rhythm alone, for
    which the two ends are the same.
    """
    meant, _ = check_scores(labels, answers, 0.5, class_names)
    places = scored_classes(class_names, year)
    weights = challenge_weights(year)
    if len(places) < 2:
        raise ValueError(
            f"the Challenge of {year} scores {list(places) or 'none'} of {list(class_names)}; expected two"
        )
    truth, answered = np.zeros((2, len(meant), len(weights)), bool)
    for column, name in enumerate(class_names):
        if name in places:
            truth[:, places[name]] |= meant[:, column]
            answered[:, places[name]] |= np.asarray(answers)[:, column] > 0.5
    normal = np.zeros_like(truth)
    normal[:, [SINUS_RHYTHM in name.split("|") for name in weights.index]] = True
    ours, lowest, best = (reward(truth, given, weights.to_numpy()) for given in (answered, normal, truth))
    if best == lowest:
        raise ValueError("no record has a scored class other than sinus rhythm: all right and all normal are the same")
    return ChallengeScore(year, (ours - lowest) / (best - lowest), tuple(places), len(weights), len(meant))


def reward(truth: np.ndarray, answered: np.ndarray, weights: np.ndarray) -> float:
    """The rewards of all records, before they are put on the scale; the first two are (records, classes) bool."""
    shared = (truth | answered).sum(axis=1).clip(min=1)
    return float(((truth @ weights * answered).sum(axis=1) / shared).sum())
