"""Write one record as WFDB files that PTB-XL's loaders and the Challenge's tools read.

Every WFDB choice is explicit: format 16, gain 1000 per mV, baseline 0. The files are written by hand, because wfdb puts
a space into "#Dx:" that the Challenge's scorer does not expect, and leaves an orphan header when it fails.
Format: https://physionet.org/physiotools/wag/header-5.htm
"""

import os
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from vqecg.records.attributes import ATTRIBUTES, with_unknown
from vqecg.records.label_tables import snomed_table
from vqecg.records.labels import SUPERCLASSES
from vqecg.records.leads import LEADS, einthoven_residual, twelve_leads

GAIN = 1000  # converter units per mV: one unit is one microvolt
LIMIT = 32767  # microvolt; -32768 is WFDB's mark for a missing sample
EINTHOVEN_LIMIT = 0.05  # mV between the given derived leads and those of I and II, beyond rounding and filters
# The Challenge's abbreviation where several of its codes name the same PTB-XL statement.
CHALLENGE_NAMES = {"AFIB": "AF", "PACE": "PR", "2AVB": "IIAVB", "ISC_": "MIs", "STD_": "STD"}


def write_record(
    folder: Path,
    name: str,
    signal12_mv: np.ndarray,
    sampling_rate: float,
    statements: Iterable[str] = (),
    attributes: Mapping[str, Any] | None = None,
    comments: Sequence[str] = (),
) -> None:
    """Write `name`.hea and `name`.dat into `folder`, both or neither.

    I, II and V1-V6 are rounded to whole microvolt; III, aVR, aVL and aVF are computed from the rounded I and II, so
    that Einthoven's law holds to 1 microvolt in the file. The header ends with the Challenge's comment lines "#Age:",
    "#Sex:" and "#Dx:" (a SNOMED CT code where the statement has one, else its name) and then `comments`.

    Args:
        signal12_mv: (12, samples) mV in the order of LEADS.
        sampling_rate: Hz.
        statements: names; a mapping's likelihoods have no place in a header.
        attributes: of the patient, by name: age in years (nan = unknown), sex ("female", "male" or "unknown"), others.

    Raises:
        ValueError: another shape, nan, a sample beyond +-32.767 mV, limb leads that contradict each other by more than
            0.05 mV, a name that WFDB does not allow, a strange attribute, a comment of several lines.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ValueError(f"record name {name!r}; WFDB allows letters, digits, _ and - only: rename the record")
    signal = np.asarray(signal12_mv)
    if signal.ndim != 2 or signal.shape[0] != len(LEADS) or signal.shape[1] == 0:
        raise ValueError(f"record {name}: signal of shape {signal.shape}, expected (12, samples) in the order of LEADS")
    check_samples(name, signal)
    residual = einthoven_residual(signal)
    if residual > EINTHOVEN_LIMIT:
        raise ValueError(
            f"record {name}: the limb leads contradict each other by {residual:.3f} mV, expected up to "
            f"{EINTHOVEN_LIMIT} mV: check the order of leads, or derive them with twelve_leads"
        )
    lines = comment_lines(statements, attributes or {}, comments)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{name}-{secrets.token_hex(4)}"
    aside.mkdir()
    try:
        write_files(aside, name, to_microvolts(signal[[0, 1, *range(6, 12)]]), sampling_rate, lines)
        for ending in (".dat", ".hea"):
            os.replace(aside / f"{name}{ending}", folder / f"{name}{ending}")
    finally:
        for path in aside.iterdir():
            path.unlink()
        aside.rmdir()


def check_samples(name: str, signal: np.ndarray) -> None:
    """Raise ValueError for samples that 16 bit microvolt cannot hold: nan, infinite, beyond +-32.767 mV."""
    unknown = int(np.count_nonzero(~np.isfinite(signal)))
    if unknown:
        raise ValueError(f"record {name}: {unknown} of {signal.size} samples are not finite, expected numbers in mV")
    largest = float(np.abs(signal).max())
    if largest * GAIN > LIMIT:
        raise ValueError(
            f"record {name} reaches {largest:.4g} mV; 16 bit hold up to {LIMIT / GAIN} mV: is it in microvolt?"
        )


def to_microvolts(signal8: np.ndarray) -> np.ndarray:
    """(8, samples) mV -> (12, samples) int64 microvolt, the four derived leads from the rounded I and II."""
    return np.rint(twelve_leads(np.rint(np.asarray(signal8, dtype=np.float64) * GAIN))).astype(np.int64)


def write_files(folder: Path, name: str, microvolts: np.ndarray, sampling_rate: float, comments: Sequence[str]) -> None:
    """Write one record of (12, samples) int64 microvolt into `folder`, which must exist, without care for failures.

    `comments` are whole lines, with their #. Raises ValueError when a derived lead is beyond 16 bit.
    """
    if np.abs(microvolts).max() > LIMIT:
        lead = LEADS[int(np.abs(microvolts).max(axis=1).argmax())]
        raise ValueError(f"record {name}: derived lead {lead} exceeds the {LIMIT / GAIN} mV of 16 bit microvolt")
    samples = microvolts.astype("<i2")
    header = [f"{name} {len(LEADS)} {sampling_rate:.10g} {samples.shape[1]}"]
    for lead, row in zip(LEADS, samples, strict=True):
        checksum = int(row.sum(dtype=np.int64)) % 65536
        header.append(f"{name}.dat 16 {GAIN}.0(0)/mV 16 0 {row[0]} {checksum} 0 {lead}")
    (folder / f"{name}.dat").write_bytes(np.ascontiguousarray(samples.T).tobytes())
    (folder / f"{name}.hea").write_text("\n".join([*header, *comments]) + "\n", "utf-8", newline="\n")


def comment_lines(statements: Iterable[str], attributes: Mapping[str, Any], comments: Sequence[str] = ()) -> list[str]:
    """The header's comment lines, as the Challenge's own files have them: no space after #.

    Attributes that the Challenge does not have get a line where they are known. Raises ValueError for an attribute that
    is not registered or cannot have its value, and for a comment of several lines.
    """
    values = with_unknown(attributes)
    further = {name: ATTRIBUTES.get(name).text(value) for name, value in values.items() if name not in ("age", "sex")}
    names = [_challenge_codes().get(str(statement), str(statement)) for statement in statements]
    lines = [
        f"Age: {ATTRIBUTES.get('age').text(values['age']) or 'NaN'}",
        f"Sex: {str(values['sex']).capitalize()}",
        *(f"{name}: {text}" for name, text in further.items() if text),
        f"Dx: {','.join(names) or 'Unknown'}",
        *comments,
    ]
    broken = [line for line in lines if len(line.splitlines()) != 1]
    if broken:
        raise ValueError(f"comment {broken[0]!r} is not one line; expected text without line breaks")
    return [f"#{line}" for line in lines]


@cache
def _challenge_codes() -> dict[str, str]:
    """Statement or abbreviation -> SNOMED CT code that says the same; a superclass has none of its own."""
    table = snomed_table()
    table = table[table["snomed"] != ""]
    by_abbreviation = dict(zip(table["abbreviation"], table["snomed"], strict=True))
    only = table[~table["scp"].duplicated(keep=False) & ~table["scp"].isin(SUPERCLASSES)]
    codes = dict(zip(only["scp"], only["snomed"], strict=True))
    return codes | by_abbreviation | {name: by_abbreviation[other] for name, other in CHALLENGE_NAMES.items()}
