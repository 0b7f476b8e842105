"""Label adherence: the share of synthetic and of real records that show what their statement says, in plain units."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vqecg.evaluation.statistics.intervals import wilson_interval
from vqecg.evaluation.waves.adherence_rules import RULES, AdherenceRule
from vqecg.records.label_tables import ptbxl_names


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
            "rule": rule.name,
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
