"""Lead names, the eight independent leads, and the four that are arithmetic on them."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
INDEPENDENT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
INDEPENDENT_ROWS = [LEADS.index(lead) for lead in INDEPENDENT_LEADS]  # of a signal in the order of LEADS

# Every limb lead as a combination of I and II (Einthoven 1908, Goldberger 1942).
LIMB_COMBINATIONS = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}

_CANONICAL = {lead.upper(): lead for lead in LEADS}
# MLII is the Holter's modified lead II; DI-DIII are the Latin American and French names of I-III.
_ALIASES = {"MLI": "I", "MLII": "II", "MLIII": "III", "DI": "I", "DII": "II", "DIII": "III"}
_PREFIX = re.compile(r"^(MDC_ECG_LEAD_|ECG[ _-]*LEAD[ _-]*|LEAD[ _-]*|ECG[ _-]+)")


def canonical_lead(name: str) -> str:
    """The name in LEADS that `name` spells: "AVR", " avr", "MLII", "Lead II", "V1 ", "DII".

    Raises ValueError for any other name (-aVR, the right-sided and posterior leads and the Frank leads are not of the
    twelve).
    """
    bare = _PREFIX.sub("", name.strip().upper()).strip()
    bare = _ALIASES.get(bare, bare.upper())
    if bare not in _CANONICAL:
        raise ValueError(f"unknown lead name {name!r}, expected one of {', '.join(LEADS)} in any case; rename the lead")
    return _CANONICAL[bare]


def canonical_rows(leads: Sequence[str]) -> dict[str, int]:
    """Canonical name -> row, names outside the twelve (V7, X, a pulse wave) left out. ValueError: a lead twice."""
    rows: dict[str, int] = {}
    for row, name in enumerate(leads):
        try:
            lead = canonical_lead(name)
        except ValueError:
            continue  # an extra channel is no fault as long as the eight leads are there
        if lead in rows:
            raise ValueError(f"lead {lead} appears twice in {list(leads)}; expected each lead once: drop one of them")
        rows[lead] = row
    return rows


def has_twelve(leads: Sequence[str]) -> bool:
    """True where `independent_leads` can take the eight out of leads of these names, each of them once."""
    known = [name for one in leads for name in canonical_rows([one])]
    chest = set(INDEPENDENT_LEADS) - set(LIMB_COMBINATIONS)
    return len(known) == len(set(known)) and chest <= set(known) and len(set(known) & set(LIMB_COMBINATIONS)) > 1


def independent_leads(signal: np.ndarray, leads: Sequence[str]) -> np.ndarray:
    """Pick the eight independent leads out of a recording with any order and spelling of leads.

    Args:
        signal: (leads, samples), mV.
        leads: the name of every row; other channels may be among them.

    Returns:
        (8, samples) float32 in the order of INDEPENDENT_LEADS. A missing I or II is computed by least squares from the
        limb leads that are there (any two of the six determine both).

    Raises:
        ValueError: a lead is missing and cannot be derived, a lead appears twice, or names and rows differ in number.
    """
    if signal.ndim != 2 or signal.shape[0] != len(leads):
        raise ValueError(f"signal of shape {signal.shape} with {len(leads)} lead names, expected (leads, samples)")
    rows = canonical_rows(leads)
    limbs = [lead for lead in LIMB_COMBINATIONS if lead in rows]
    missing = [lead for lead in INDEPENDENT_LEADS if lead not in rows]
    chest_missing = [lead for lead in missing if lead not in LIMB_COMBINATIONS]
    if chest_missing or (missing and len(limbs) < 2):
        raise ValueError(
            f"missing lead {', '.join(missing)}: the record has {_names(leads)}; "
            "expected I, II (or two limb leads to derive them from) and V1-V6"
        )
    derived: dict[str, np.ndarray] = {}
    if missing:
        combinations = np.array([LIMB_COMBINATIONS[lead] for lead in limbs])
        solved = np.linalg.pinv(combinations) @ signal[[rows[lead] for lead in limbs]].astype(np.float64)
        derived = dict(zip(("I", "II"), solved, strict=True))
    picked = [derived[lead] if lead in missing else signal[rows[lead]] for lead in INDEPENDENT_LEADS]
    return np.stack(picked).astype(np.float32)


def _names(leads: Sequence[str]) -> str:
    """The names of leads for a message."""
    named = [lead for lead in leads if lead]
    unnamed = [f"{len(leads) - len(named)} signals without a name"] if len(named) < len(leads) else []
    return ", ".join(named + unnamed) or "no leads"


def twelve_leads(signal: Any) -> Any:
    """The twelve standard leads from the eight independent ones; gradients flow through a tensor.

    Args:
        signal: (..., 8, samples) numpy array or torch tensor, mV, in the order of INDEPENDENT_LEADS.

    Returns:
        (..., 12, samples) of the same type and dtype in the order of LEADS, with III = II - I, aVR = -(I + II)/2,
        aVL = I - II/2, aVF = II - I/2: Einthoven's law holds by construction.

    Raises:
        ValueError: the last axis but one is not of length 8.
    """
    if signal.ndim < 2 or signal.shape[-2] != len(INDEPENDENT_LEADS):
        raise ValueError(
            f"signal of shape {tuple(signal.shape)}, expected (..., 8, samples) with {', '.join(INDEPENDENT_LEADS)}"
        )
    one, two = signal[..., 0:1, :], signal[..., 1:2, :]
    parts = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2, signal[..., 2:, :]]
    if isinstance(signal, np.ndarray):
        return np.concatenate(parts, axis=-2)
    import torch  # here, so that reading records does not wait for torch

    return torch.cat(parts, dim=-2)


def einthoven_residual(signal12: np.ndarray) -> float:
    """The largest distance of the four derived leads from the arithmetic of I and II, in mV.

    `signal12` is (..., 12, samples) mV in the order of LEADS; the result is max |III - (II - I)| and so on over III,
    aVR, aVL and aVF. Raises ValueError for another number of leads.
    """
    if signal12.ndim < 2 or signal12.shape[-2] != len(LEADS):
        raise ValueError(
            f"signal of shape {signal12.shape}, expected (..., 12, samples) in the order {', '.join(LEADS)}"
        )
    wide = np.asarray(signal12, dtype=np.float64)
    expected = twelve_leads(np.concatenate([wide[..., :2, :], wide[..., 6:, :]], axis=-2))
    return float(np.max(np.abs(wide - expected), initial=0.0))
