"""The beats of synthetic records, as they were asked for: WFDB annotations, and columns of the manifest.

A recording that is held to its sketch has its R peaks where the sketch has them: a test bench for detectors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

EXTENSION = "atr"
USUAL, OTHER = "N", "Q"  # PhysioNet's codes: a normal beat, here the record's usual one; one that nobody has classified
FILES = (
    f"`*.{EXTENSION}`, beside the headers of records with beats: the R peaks where they were asked for, {USUAL} = the "
    f"record's usual beat, {OTHER} = a beat of another kind, such as an ectopic one. Nobody has looked at them."
)


@dataclass(frozen=True)
class AskedBeats:
    """The beats of one record."""

    seconds: tuple[float, ...]  # from the record's start, of the R peaks
    other: tuple[bool, ...]  # of another kind than the record's usual beat


def write_beats(folder: Path, name: str, beats: AskedBeats, sampling_rate: int, samples: int) -> None:
    """Writes `name`.atr into `folder`, for a record of so many samples, unless there are no beats."""
    if beats.seconds:
        import wfdb  # here, so that other layouts do not wait for it

        places = np.rint(np.array(beats.seconds) * sampling_rate).astype(np.int64).clip(max=samples - 1)
        symbols = [OTHER if other else USUAL for other in beats.other]
        wfdb.wrann(name, EXTENSION, places, symbol=symbols, fs=sampling_rate, write_dir=str(folder))


def beat_columns(beats: Sequence[AskedBeats]) -> pd.DataFrame:
    """Columns of a manifest: r_peaks_s, and other_beats likewise, a list in each row."""
    return pd.DataFrame(
        {"r_peaks_s": [list(one.seconds) for one in beats], "other_beats": [list(one.other) for one in beats]}
    )
