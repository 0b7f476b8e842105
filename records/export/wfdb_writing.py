"""Write one record as WFDB files: a header and 16-bit samples, plain (PTB-XL's .dat) or as MATLAB v4 (the Challenges').

Every WFDB choice is explicit: format 16, gain 1000 per mV, baseline 0. The files are written by hand, because wfdb puts
a space into "#Dx:" that the Challenge's scorer does not expect, and leaves an orphan header when it fails.
Formats: https://physionet.org/physiotools/wag/header-5.htm; the Level 4 MAT-file of MATLAB's "MAT-File Format"
"""

import os
import re
import secrets
import struct
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
MATLAB_PREAMBLE = struct.Struct("<5i4s")  # type, rows, columns, no imaginary part, length of the name, name
MATLAB_INT16 = 30  # little-endian, full, 16-bit integers
EINTHOVEN_LIMIT = 0.05  # mV between the given derived leads and those of I and II, beyond rounding and filters
WITHOUT_CODE = "Without SNOMED code"  # before the statements that a header's Dx line cannot hold
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
    that Einthoven's law holds to 1 microvolt in the file. The header ends with `comment_lines`.

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
        microvolts = check_microvolts(name, to_microvolts(signal[[0, 1, *range(6, 12)]]))
        write_files(aside, name, microvolts, sampling_rate, lines)
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


def check_microvolts(name: str, microvolts: np.ndarray) -> np.ndarray:
    """Whole microvolt as int16. Raises ValueError for a lead, derived or resampled, that 16 bit cannot hold."""
    largest = np.abs(microvolts).max(axis=1)
    if largest.max() > LIMIT:
        lead = int(largest.argmax())
        raise ValueError(
            f"record {name}: lead {LEADS[lead]} reaches {largest[lead] / GAIN:.4g} mV when it is derived or resampled; "
            f"16 bit microvolt hold up to {LIMIT / GAIN} mV"
        )
    return microvolts.astype(np.int16)


def write_files(
    folder: Path,
    name: str,
    microvolts: np.ndarray,
    sampling_rate: float,
    comments: Sequence[str],
    matlab: bool = False,
) -> None:
    """Write one record of (12, samples) int16 microvolt into `folder`, which must exist, without care for failures.

    `comments` are whole lines, with their #. The samples go into `name`.dat, or with `matlab` into `name`.mat, a MATLAB
    v4 file of one matrix "val" (12, samples), with a header in the Challenge's form.
    """
    samples = microvolts.astype("<i2")
    # The Challenge's scripts take "1000/mV" for a number up to the slash.
    file, form = (f"{name}.mat", f"16+24 {GAIN}/mV") if matlab else (f"{name}.dat", f"16 {GAIN}.0(0)/mV")
    header = [f"{name} {len(LEADS)} {sampling_rate:.10g} {samples.shape[1]}"]
    for lead, row in zip(LEADS, samples, strict=True):
        checksum = int(row.sum(dtype=np.int64)) % 65536
        header.append(f"{file} {form} 16 0 {row[0]} {checksum} 0 {lead}")
    preamble = MATLAB_PREAMBLE.pack(MATLAB_INT16, *samples.shape, 0, 4, b"val\0") if matlab else b""
    (folder / file).write_bytes(preamble + np.ascontiguousarray(samples.T).tobytes())
    (folder / f"{name}.hea").write_text("\n".join([*header, *comments]) + "\n", "utf-8", newline="\n")


def comment_lines(statements: Iterable[str], attributes: Mapping[str, Any], comments: Sequence[str] = ()) -> list[str]:
    """The header's comment lines, as the Challenge's files have them: #Age:, #Sex: and #Dx:, no space after #.

    Dx lists SNOMED CT codes only, and is empty where no statement has one; statements without one are named in a line
    after it, and so are the attributes that the Challenge does not have, where they are known, and `comments`. Raises
    ValueError for an attribute that is not registered or cannot have its value, and for a comment of several lines.
    """
    values = with_unknown(attributes)
    further = {name: ATTRIBUTES.get(name).text(value) for name, value in values.items() if name not in ("age", "sex")}
    codes, nameless = snomed_codes(statements)
    lines = [
        f"Age: {ATTRIBUTES.get('age').text(values['age']) or 'NaN'}",
        f"Sex: {str(values['sex']).capitalize()}",
        f"Dx: {','.join(codes)}".strip(),  # the Challenge's scripts take "Dx: " for one empty code
        *(f"{name}: {text}" for name, text in further.items() if text),
        *([f"{WITHOUT_CODE}: {', '.join(nameless)}"] if nameless else []),
        *comments,
    ]
    broken = [line for line in lines if len(line.splitlines()) != 1]
    if broken:
        raise ValueError(f"comment {broken[0]!r} is not one line; expected text without line breaks")
    return [f"#{line}" for line in lines]


def snomed_codes(statements: Iterable[str]) -> tuple[list[str], list[str]]:
    """The SNOMED CT codes of statements, each once, and the statements that have none, both in their order."""
    names = [str(statement) for statement in statements]
    codes = _challenge_codes()
    return list(dict.fromkeys(codes[name] for name in names if name in codes)), [n for n in names if n not in codes]


@cache
def _challenge_codes() -> dict[str, str]:
    """Statement or abbreviation -> SNOMED CT code that says the same; a superclass has none of its own."""
    table = snomed_table()
    table = table[table["snomed"] != ""]
    by_abbreviation = dict(zip(table["abbreviation"], table["snomed"], strict=True))
    only = table[~table["scp"].duplicated(keep=False) & ~table["scp"].isin(SUPERCLASSES)]
    codes = dict(zip(only["scp"], only["snomed"], strict=True))
    return codes | by_abbreviation | {name: by_abbreviation[other] for name, other in CHALLENGE_NAMES.items()}
