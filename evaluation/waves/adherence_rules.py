"""The rules of label adherence: the sign that records with a statement should show, in plain units.

Where a textbook has a limit it is taken; the others were chosen on real records (AFIB_VARIATION and those below it).
The table of `label_adherence` shows how far each tells real records with a statement from those without.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import pandas as pd

# On 2,953 real records of PTB-XL, folds 1-7: 94 % of AFIB lie above it, 7 % of SR and 10 % of all without AFIB.
AFIB_VARIATION = 10.0  # % SD over mean of RR, above it a rhythm counts as irregular
AFIB_P_SHARE = 0.5  # share of beats with a P wave, below it P counts as absent: the half, not tuned
# Of the same records, the share of those with the statement and of those without it:
FLUTTER = 0.7  # share of atrial power about one frequency: all of 10 with AFLT, 3 %
SPIKE = 0.04  # mV: 71 % with PACE, 6 %
IN_PAIRS, IN_THREES = -0.5, 0.4  # autocorrelation of RR over one beat, at most: 9 of 10 with BIGU, 8 %; over three
PAUSE = 1.3  # times the median RR: 2 of 2 with 2AVB or 3AVB, 9 %
LOW_VOLTAGE = 0.7  # mV from top to bottom in every limb lead: 76 % with LVOLT, 8 %; below .5, as usual, 26 %, 1 %
ST_DOWN, ST_UP, ST_UP_V2_V3 = 0.05, 0.1, 0.2  # mV, in two neighbouring leads (Thygesen et al. 2018)
DEEP_Q = 0.1  # mV: in two leads of V1-V3 69 % with ASMI, 4 %; of V1-V4 31 % with AMI, 12 %
Q_OF_R, LEAST_Q = 0.25, 0.05  # of R, and mV: in two of II, III, aVF 68 % with IMI, 8 %
LIMBS, CHEST = ("I", "II", "III", "aVR", "aVL", "aVF"), ("V1", "V2", "V3", "V4", "V5", "V6")
INFERIOR, ANTEROSEPTAL, ANTERIOR = ("II", "III", "aVF"), ("V1", "V2", "V3"), ("V1", "V2", "V3", "V4")
# side by side in the frontal plane (Cabrera's order, without aVR) and on the chest
NEIGHBOURS = (("aVL", "I"), ("I", "II"), ("II", "aVF"), ("aVF", "III"), *pairwise(CHEST))


Holds: TypeAlias = Callable[[pd.DataFrame], pd.Series]


@dataclass(frozen=True)
class AdherenceRule:
    """A sign that records with a statement should show."""

    statement: str  # PTB-XL's abbreviation, or the Challenge's where PTB-XL has none
    columns: tuple[str, ...]  # of physiology's UNITS and SIGN_UNITS that must be measurable
    asked: str  # the rule in words
    holds: Holds  # table -> (records,) bool
    sign: str = ""  # the columns in short, where they are many

    @property
    def name(self) -> str:
        """Statement and sign, by which a table lists it."""
        return f"{self.statement}: {self.sign or ', '.join(self.columns)}"


def columns_of(wave: str, leads: Sequence[str]) -> tuple[str, ...]:
    """The columns of a wave in some leads."""
    return tuple(f"{wave}_{lead}" for lead in leads)


def in_two(table: pd.DataFrame, wave: str, leads: Sequence[str], least: float) -> pd.Series:
    """True where a wave reaches `least` mV in two of the leads or more: (records,) bool."""
    return (table[list(columns_of(wave, leads))] >= least).sum(axis=1) >= 2


def in_neighbours(table: pd.DataFrame, wave: str, least: float, sign: float = 1.0) -> pd.Series:
    """True where a wave, times `sign`, reaches `least` mV in two leads that are neighbours: (records,) bool."""
    above = sign * table[list(columns_of(wave, LIMBS + CHEST))].to_numpy() >= least
    reached = dict(zip(LIMBS + CHEST, above.T, strict=True))
    return pd.Series(np.any([reached[one] & reached[other] for one, other in NEIGHBOURS], axis=0), table.index)


def voltage(table: pd.DataFrame, leads: Sequence[str]) -> pd.DataFrame:
    """From the lowest to the highest point of QRS in some leads, mV: (records, leads)."""
    waves = {wave: table[list(columns_of(wave, leads))].to_numpy() for wave in ("q", "r", "s")}
    return pd.DataFrame(waves["r"] + np.maximum(waves["q"], waves["s"]), table.index)


def large_voltage(table: pd.DataFrame) -> pd.Series:
    """True where a voltage criterion of hypertrophy holds: (records,) bool.

    Sokolow and Lyon 1949 (S of V1 and R of V5 or V6 3.5 mV, or R of aVL 1.1 mV) or Cornell (R of aVL and S of V3
    2.8 mV, men's limit, as a table has no sex).
    """
    sokolow = table["s_V1"] + table[["r_V5", "r_V6"]].max(axis=1)
    return (sokolow >= 3.5) | (table["r_aVL"] >= 1.1) | (table["r_aVL"] + table["s_V3"] >= 2.8)


def large_q(table: pd.DataFrame, leads: Sequence[str]) -> pd.Series:
    """True where Q is a large part of R in two of the leads or more: (records,) bool."""
    q, r = (table[list(columns_of(wave, leads))].to_numpy() for wave in ("q", "r"))
    return pd.Series(((q >= LEAST_Q) & (q >= Q_OF_R * r)).sum(axis=1) >= 2, table.index)


def elevated_st(table: pd.DataFrame) -> pd.Series:
    """True where ST is elevated in two neighbouring leads, V2 and V3 by more than the others: (records,) bool."""
    relative = table[list(columns_of("st", LIMBS + CHEST))] / ST_UP
    relative[["st_V2", "st_V3"]] *= ST_UP / ST_UP_V2_V3
    return in_neighbours(relative, "st", 1.0)


def _longer(statement: str, column: str, least: float, words: str) -> AdherenceRule:
    return AdherenceRule(statement, (column,), words, lambda table: table[column] > least)


def _counted(statement: str, column: str, words: str) -> AdherenceRule:
    return AdherenceRule(statement, (column,), words, lambda table: table[column] >= 1)


def _deep_q(statement: str, leads: Sequence[str]) -> AdherenceRule:
    words = f"Q of {DEEP_Q:g} mV or more in two of {leads[0]}-{leads[-1]}"
    return AdherenceRule(statement, columns_of("q", leads), words, lambda table: in_two(table, "q", leads, DEEP_Q), "Q")


def _large_q(statement: str) -> AdherenceRule:
    words = f"Q of a quarter of R or more in two of {', '.join(INFERIOR)}"
    columns = columns_of("q", INFERIOR) + columns_of("r", INFERIOR)
    return AdherenceRule(statement, columns, words, lambda table: large_q(table, INFERIOR), "Q, R")


def _st_down(statement: str) -> AdherenceRule:
    words = f"ST down by {ST_DOWN:g} mV in two neighbouring leads"
    columns = columns_of("st", LIMBS + CHEST)
    return AdherenceRule(statement, columns, words, lambda table: in_neighbours(table, "st", ST_DOWN, -1.0), "ST")


def _large_voltage(statement: str) -> AdherenceRule:
    columns = ("s_V1", "r_V5", "r_V6", "r_aVL", "s_V3")
    return AdherenceRule(statement, columns, "a voltage criterion of hypertrophy", large_voltage, "voltage")


_UP = f"ST up by {ST_UP:g} mV ({ST_UP_V2_V3:g} in V2, V3) in two neighbouring leads"
_LOW = f"QRS below {LOW_VOLTAGE:g} mV in every limb lead"
_QRS, _AXIS = "QRS 100 to 120 ms", {"left": "axis left of -30 degrees", "right": "axis right of 90 degrees"}

RULES = (
    _longer("1AVB", "pr", 200, "PR above 200 ms"),
    _longer("LPR", "pr", 200, "PR above 200 ms"),
    _longer("2AVB", "longest_rr", PAUSE, f"a pause of more than {PAUSE:g} times the usual RR"),
    _longer("3AVB", "longest_rr", PAUSE, f"a pause of more than {PAUSE:g} times the usual RR"),
    _longer("CLBBB", "qrs", 120, "QRS above 120 ms"),
    _longer("CRBBB", "qrs", 120, "QRS above 120 ms"),
    AdherenceRule("ILBBB", ("qrs",), _QRS, lambda t: t["qrs"].between(100, 120)),
    AdherenceRule("IRBBB", ("qrs",), _QRS, lambda t: t["qrs"].between(100, 120)),
    _longer("IVCD", "qrs", 110, "QRS above 110 ms"),
    AdherenceRule("SBRAD", ("heart_rate",), "heart rate below 60 a minute", lambda t: t["heart_rate"] < 60),
    _longer("STACH", "heart_rate", 100, "heart rate above 100 a minute"),
    _longer("SVTAC", "heart_rate", 100, "heart rate above 100 a minute"),
    _longer("PSVT", "heart_rate", 100, "heart rate above 100 a minute"),
    _longer("AFIB", "rr_variation", AFIB_VARIATION, f"irregular: SD of RR above {AFIB_VARIATION:g} % of its mean"),
    AdherenceRule(
        "AFIB",
        ("rr_variation", "p_share"),
        f"irregular, and a P wave before fewer than {AFIB_P_SHARE:.0%} of beats",
        lambda t: (t["rr_variation"] > AFIB_VARIATION) & (t["p_share"] < AFIB_P_SHARE),
    ),
    _longer("AFLT", "flutter", FLUTTER, f"{FLUTTER:.0%} of atrial power about one frequency, 3.5 to 6.5 Hz"),
    _counted("PVC", "unlike_beats", "a beat unlike the median one"),
    _counted("PVC", "early_unlike_beats", "an early beat unlike the median one"),
    _counted("PAC", "early_alike_beats", "an early beat like the median one"),
    AdherenceRule("BIGU", ("rr_after_one",), "RR in pairs", lambda t: t["rr_after_one"] < IN_PAIRS),
    _longer("TRIGU", "rr_after_three", IN_THREES, "RR in threes"),
    _longer("PACE", "spike", SPIKE, f"a sharp point of more than {SPIKE:g} mV before QRS"),
    _longer("PACE", "qrs", 120, "QRS above 120 ms"),
    AdherenceRule("LAFB", ("axis",), _AXIS["left"], lambda t: t["axis"] < -30),
    AdherenceRule("LAD", ("axis",), _AXIS["left"], lambda t: t["axis"] < -30),
    _longer("LPFB", "axis", 90, _AXIS["right"]),
    _longer("RAD", "axis", 90, _AXIS["right"]),
    _longer("LNGQT", "qtc", 460, "QTc above 460 ms (Fridericia)"),
    AdherenceRule("STE_", columns_of("st", LIMBS + CHEST), _UP, elevated_st, "ST"),
    _st_down("STD_"),
    _st_down("ISC_"),
    _large_q("IMI"),
    _large_q("ILMI"),
    _deep_q("ASMI", ANTEROSEPTAL),
    _deep_q("AMI", ANTERIOR),
    AdherenceRule(
        "LVOLT",
        tuple(column for wave in ("q", "r", "s") for column in columns_of(wave, LIMBS)),
        _LOW,
        lambda table: voltage(table, LIMBS).max(axis=1) < LOW_VOLTAGE,
        "voltage",
    ),
    _large_voltage("LVH"),
    _large_voltage("VCLVH"),
    _large_voltage("HVOLT"),
)
