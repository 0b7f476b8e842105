"""Label adherence: the share of synthetic and of real records that show what their statement says, in plain units."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vqecg.evaluation.statistics.intervals import wilson_interval
from vqecg.records.label_tables import ptbxl_names

# On 2,953 real records of PTB-XL, folds 1-7: 94 % of AFIB lie above it, 7 % of SR and 10 % of all without AFIB.
AFIB_VARIATION = 10.0  # % SD over mean of RR, above it a rhythm counts as irregular
AFIB_P_SHARE = 0.5  # share of beats with a P wave, below it P counts as absent: the half, not tuned


@dataclass(frozen=True)
class AdherenceRule:
    """A sign that records with a statement should show."""

    statement: str  # PTB-XL's abbreviation, or the Challenge's where PTB-XL has none
    columns: tuple[str, ...]  # of physiology.UNITS that must be measurable
    asked: str  # the rule in words
    holds: Callable[[pd.DataFrame], pd.Series]  # table -> (records,) bool


RULES = (
    AdherenceRule("1AVB", ("pr",), "PR above 200 ms", lambda t: t["pr"] > 200),
    AdherenceRule("CLBBB", ("qrs",), "QRS above 120 ms", lambda t: t["qrs"] > 120),
    AdherenceRule("CRBBB", ("qrs",), "QRS above 120 ms", lambda t: t["qrs"] > 120),
    AdherenceRule("ILBBB", ("qrs",), "QRS 100 to 120 ms", lambda t: t["qrs"].between(100, 120)),
    AdherenceRule("IRBBB", ("qrs",), "QRS 100 to 120 ms", lambda t: t["qrs"].between(100, 120)),
    AdherenceRule("SBRAD", ("heart_rate",), "heart rate below 60 a minute", lambda t: t["heart_rate"] < 60),
    AdherenceRule("STACH", ("heart_rate",), "heart rate above 100 a minute", lambda t: t["heart_rate"] > 100),
    AdherenceRule(
        "AFIB",
        ("rr_variation",),
        f"irregular: SD of RR above {AFIB_VARIATION:g} % of its mean",
        lambda t: t["rr_variation"] > AFIB_VARIATION,
    ),
    AdherenceRule(
        "AFIB",
        ("rr_variation", "p_share"),
        f"irregular, and a P wave before fewer than {AFIB_P_SHARE:.0%} of beats",
        lambda t: (t["rr_variation"] > AFIB_VARIATION) & (t["p_share"] < AFIB_P_SHARE),
    ),
    AdherenceRule("LAFB", ("axis",), "axis left of -30 degrees", lambda t: t["axis"] < -30),
    AdherenceRule("LPFB", ("axis",), "axis right of 90 degrees", lambda t: t["axis"] > 90),
    AdherenceRule("LAD", ("axis",), "axis left of -30 degrees", lambda t: t["axis"] < -30),
    AdherenceRule("RAD", ("axis",), "axis right of 90 degrees", lambda t: t["axis"] > 90),
)


def adherence_table(
    real: pd.DataFrame,
    real_statements: Sequence[Collection[str]],
    synthetic: pd.DataFrame,
    synthetic_statements: Sequence[Collection[str]],
    rules: Sequence[AdherenceRule] = RULES,
) -> pd.DataFrame:
    """The share of records with a statement that meet its rule, one row per rule.

    Args:
        real, synthetic: measures as `physiology` returns them, one row per record. NaN = not measurable.
        real_statements, synthetic_statements: the statements that each record carries or was asked for: PTB-XL's,
            the Challenge's or CPSC2018's abbreviations.

    Columns: rule, statement, asked (in words); for real and for synthetic records ..._asked, those with the statement,
    ..._n of these measurable, ..._rate of these that meet the rule (0-1), ..._low and ..._high (95 %, Wilson 1927);
    real_others_rate among real records without the statement, for the rule must tell them apart; difference (synthetic
    minus real rate, in points); note: why a row has no numbers ("not asked", "in no real record", "not measured: pr").
    Raises ValueError when tables and statements differ in length.
    """
    if len(real) != len(real_statements) or len(synthetic) != len(synthetic_statements):
        raise ValueError(
            f"{len(real_statements)} and {len(synthetic_statements)} lists of statements for {len(real)} real and "
            f"{len(synthetic)} synthetic records; expected one each"
        )
    spelled = spellings()
    carried = {
        "real": [{spelled.get(name, name) for name in names} for names in real_statements],
        "synthetic": [{spelled.get(name, name) for name in names} for names in synthetic_statements],
    }
    rows = []
    for rule in rules:
        row: dict[str, Any] = {
            "rule": f"{rule.statement}: {', '.join(rule.columns)}",
            "statement": rule.statement,
            "asked": rule.asked,
        }
        absent = {name for table in (real, synthetic) for name in rule.columns if name not in table.columns}
        for part, table in (("real", real), ("synthetic", synthetic)):
            mask = np.array([rule.statement in names for names in carried[part]], bool)
            meets = meets_rule(rule, table)
            row |= _rates(part, meets[mask], int(mask.sum()))
            if part == "real":
                others = meets[~mask & np.isfinite(meets)]
                row["real_others_rate"] = others.mean() if len(others) else math.nan
        row["difference"] = 100 * (row["synthetic_rate"] - row["real_rate"])
        row["note"] = _note(row, sorted(absent))
        rows.append(row)
    return pd.DataFrame(rows)


def spellings() -> dict[str, str]:
    """Other abbreviations of the statements of RULES, the Challenge's and CPSC2018's -> the one that the rule has."""
    asked = {rule.statement for rule in RULES}
    return {name: statement for name, statement in ptbxl_names().items() if statement in asked}


def meets_rule(rule: AdherenceRule, table: pd.DataFrame) -> np.ndarray:
    """(records,) 1 where the rule holds, 0 where not, NaN where what it needs was not measured."""
    if not set(rule.columns) <= set(table.columns):
        return np.full(len(table), np.nan)
    known = table[list(rule.columns)].notna().all(axis=1).to_numpy()
    return np.where(known, rule.holds(table).to_numpy(np.float64), np.nan)


def _rates(part: str, meets: np.ndarray, asked: int) -> dict[str, float]:
    known = meets[np.isfinite(meets)]
    low, high = wilson_interval(int(known.sum()), len(known)) if len(known) else (math.nan, math.nan)
    return {
        f"{part}_asked": asked,
        f"{part}_n": len(known),
        f"{part}_rate": float(known.mean()) if len(known) else math.nan,
        f"{part}_low": low,
        f"{part}_high": high,
    }


def _note(row: Mapping[str, Any], absent: Sequence[str]) -> str:
    if absent:
        return f"not measured: {', '.join(absent)}"
    if not row["synthetic_asked"]:
        return "not asked"
    return "" if row["real_asked"] else "in no real record"
