"""LUDB: 200 twelve-lead ECGs of 10 s at 500 Hz whose P, QRS and T waves were marked by cardiologists, lead by lead.

Kalyakulina et al., IEEE Access 8:186181 (2020), PhysioNet ludb 1.0.1: data/N.hea, data/N.dat and one annotation file
for each lead (data/N.i ... data/N.v6). Only the inner beats are marked: outside `labelled_stretch` a wave that is not
in the table may well be in the signal.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from vqecg.records.attributes import ATTRIBUTES, AttributeTally
from vqecg.records.datasets.file_tree import find_headers
from vqecg.records.datasets.wfdb_reading import read_header, read_wfdb
from vqecg.records.leads import LEADS
from vqecg.records.record import ECGRecord

WAVES = ("P", "QRS", "T")
UNKNOWN_WAVE = "unknown"  # an onset and an offset with no peak between them, which alone says what wave it is
POINTS = ("onset", "peak", "offset")
ANNOTATION_BYTES = 1 << 20  # the largest annotation file that is read
WAVE_COLUMNS = ("lead", "wave", *POINTS)

# WFDB annotation codes (the upper six bits of a word, the lower ten are the step in samples) and what they mark here
_SYMBOLS = {1: "N", 24: "p", 27: "t", 39: "(", 40: ")"}
_SKIP = 59  # a step that ten bits do not hold follows, in two words
_WAVE_OF = {"p": "P", "N": "QRS", "t": "T"}
# One wave: its onset, its peak, its offset. Some are marked twice; on paced beats, whose peak is the onset, the onset
# is missing or just behind the peak.
_WAVE = re.compile(r"(?P<onset>\(*)(?P<peak>p+|N+|t+)(?P<late>\((?=\)))?(?P<offset>\)*)|(?P<bare>\(+\)+)|[()]")


@dataclass(frozen=True, eq=False)
class LUDBRecord:
    """A recording and its marked waves.

    `waves` has one row per wave with WAVE_COLUMNS: lead (as in LEADS), wave (one of WAVES, or UNKNOWN_WAVE), onset,
    peak and offset in samples, float64, NaN where that point is not marked; sorted by lead and time.
    """

    record: ECGRecord  # 12 leads
    waves: pd.DataFrame
    diagnoses: tuple[str, ...]  # the cardiologist's words, such as "Rhythm: Sinus bradycardia"

    def labelled_stretch(self, lead: str) -> tuple[int, int]:
        """First and last sample of a lead between which every wave is marked; (0, -1) when it has none."""
        points = self.waves.loc[self.waves["lead"] == lead, list(POINTS)].to_numpy()
        if not len(points):
            return 0, -1
        return int(np.nanmin(points)), int(np.nanmax(points))


def read_ludb(folder: Path) -> list[LUDBRecord]:
    """Every record of LUDB below `folder`, in the order of their numbers.

    A damaged record does not cost itself alone, as in other data sets: the 200 are split by their places, and what was
    measured on them holds for all of them. An age or sex that cannot be is unknown.

    Raises:
        ValueError: there are none, one is in two folders, or a file is missing or damaged; names the file.
    """
    folder = Path(folder)
    paths = [file.with_suffix("") for file in find_headers(folder).files]
    paths = sorted(filter(_is_marked, paths), key=lambda path: (len(path.name), path))
    names = [path.name for path in paths]
    repeated = [path for path in paths if names.count(path.name) > 1]
    if repeated:
        raise ValueError(f"{repeated[0].name} is in two folders, {repeated[0]} and {repeated[1]}: give one of them")
    if not paths:
        raise ValueError(
            f"no record of LUDB at or below {folder}; expected data/1.hea with annotations data/1.i, data/1.ii ... : "
            "give the folder of the data set, unpacked"
        )
    return [read_ludb_record(path) for path in paths]


def _is_marked(path: Path) -> bool:
    """True for a record with annotations of a lead; what lacks others is then found by reading it."""
    return any(os.path.lexists(_annotations(path, lead)) for lead in LEADS)


def _annotations(path: Path, lead: str) -> Path:
    """The annotation file of one lead of the record at `path` (without extension)."""
    return path.with_name(f"{path.name}.{lead.lower()}")


def read_ludb_record(path: Path) -> LUDBRecord:
    """The record at `path` (without extension). Raises ValueError when a file is missing or damaged."""
    comments = read_header(path).comments
    waveform = read_wfdb(path)
    if set(waveform.leads) != set(LEADS):
        raise ValueError(f"{path}.hea has the leads {waveform.leads}; expected those of LUDB: {', '.join(LEADS)}")
    record = ECGRecord(
        signal=waveform.signal[[waveform.leads.index(lead) for lead in LEADS]],
        sampling_rate=waveform.sampling_rate,
        leads=LEADS,
        record_id=path.name,
        patient_id=path.name,
        attributes=AttributeTally().of_row({name: _comment(comments, name) for name in ATTRIBUTES.names()}),
    )
    parts = [_read_waves(path, lead, record.signal.shape[1]) for lead in LEADS]
    waves = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    diagnoses = tuple(text.strip(" .") for text in comments if not text.lstrip().startswith("<"))
    return LUDBRecord(record, waves, diagnoses)


def _comment(comments: tuple[str, ...], name: str) -> str:
    """The text after `<name>:` in the header, "" if there is none."""
    texts = [text.split(":", 1)[1] for text in comments if text.strip().startswith(f"<{name}>:")]
    return texts[0].strip().strip("<>") if texts else ""


def _read_waves(path: Path, lead: str, samples: int) -> pd.DataFrame:
    """The marked waves of one lead. ValueError: the file is missing, damaged, or marks a sample that is not there."""
    file = _annotations(path, lead)
    times, symbols = _read_marks(file)
    if len(times) and not 0 <= times.min() <= times.max() < samples:
        raise ValueError(
            f"{file} marks samples {times.min():.0f} to {times.max():.0f} of {samples}: the file is of another record"
        )
    rows = [_wave(match, times) for match in _WAVE.finditer(symbols) if match["peak"] or match["bare"]]
    return pd.DataFrame([(lead, *row) for row in rows], columns=list(WAVE_COLUMNS))


def _read_marks(file: Path) -> tuple[np.ndarray, str]:
    """Times in samples and symbols of an annotation file. ValueError: it is missing, cut off or holds other marks.

    MIT format: 16-bit words of a code and a step; https://physionet.org/physiotools/wag/annot-5.htm
    """
    if not os.path.isfile(file):
        raise ValueError(f"{file} is missing or no file: copy or download it again")
    if file.stat().st_size > ANNOTATION_BYTES:
        raise ValueError(f"{file} has {file.stat().st_size:,} bytes, expected some hundred: is it of LUDB?")
    try:
        words = np.frombuffer(file.read_bytes(), "<u2").tolist()
    except (OSError, ValueError) as error:
        raise ValueError(f"{file} cannot be read or is cut off ({error}): copy or download it again") from error
    times: list[int] = []
    symbols, now, place = "", 0, 0
    while place < len(words) and words[place] != 0:
        code, step = divmod(words[place], 1024)
        if code == _SKIP and place + 2 < len(words):
            now += (words[place + 1] << 16) + words[place + 2]
            place += 3
            continue
        if code not in _SYMBOLS:
            raise ValueError(f"{file} holds a mark of code {code}; expected {sorted(_SYMBOLS)}: is it of LUDB?")
        now, place = now + step, place + 1
        times.append(now)
        symbols += _SYMBOLS[code]
    if place == len(words):
        raise ValueError(f"{file} is cut off, its last word is not 0: copy or download it again")
    return np.array(times, np.float64), symbols


def _wave(match: re.Match[str], times: np.ndarray) -> tuple[str, float, float, float]:
    """Name, onset, peak and offset of a wave: of marks set twice the outermost, and the middle peak."""

    def at(group: str) -> np.ndarray:
        return times[slice(*match.span(group))] if match[group] else np.empty(0)

    if match["bare"]:
        inside = at("bare")
        return UNKNOWN_WAVE, float(inside[0]), float("nan"), float(inside[-1])
    onset, offset = np.concatenate([at("onset"), at("late")]), at("offset")
    return (
        _WAVE_OF[match["peak"][0]],
        float(onset[0]) if len(onset) else float("nan"),
        float(np.median(at("peak"))),
        float(offset[-1]) if len(offset) else float("nan"),
    )
