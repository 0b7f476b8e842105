"""neurokit2's side of delineation.py: runs in neurokit2's own environment, where vqecg is not installed.

    python delineation_neurokit2.py dwt|dwt-uncleaned|prominence SIGNALS.npz RESULT.npz

The way its documentation goes: a lead is cleaned, its R peaks are found, and its waves are delineated by the given
method; `-uncleaned` leaves the cleaning out. A point that it does not mark is NaN; a lead on which it fails has no
waves.
"""

import sys
from collections.abc import Mapping, Sequence

import neurokit2
import numpy as np

WAVES = {"P": "P", "QRS": "R", "T": "T"}  # and their names in neurokit2
POINTS = ("Onsets", "Peaks", "Offsets")


def main(way: str, signals: str, result: str) -> None:
    """Delineates every lead of every record, and writes the waves."""
    with np.load(signals, allow_pickle=False) as archive:
        records, rate = archive["signals"].astype(np.float64), int(archive["rate"])
    places: list[tuple[int, int]] = []
    waves: list[str] = []
    points: list[np.ndarray] = []
    for record, leads in enumerate(records):
        for lead, signal in enumerate(leads):
            detected = delineated(signal, rate, way)
            for wave, name in WAVES.items():
                rows = beside([detected.get(f"ECG_{name}_{point}", []) for point in POINTS])
                places += [(record, lead)] * len(rows)
                waves += [wave] * len(rows)
                points.append(rows / rate)
    times = np.concatenate(points)
    np.savez(result, places=np.array(places, np.int64).reshape(-1, 2), waves=np.array(waves, "U3"), points=times)


def delineated(signal: np.ndarray, rate: int, way: str) -> Mapping[str, Sequence[float]]:
    """The points of one lead in samples, by neurokit2's names; none where it fails."""
    method, _, uncleaned = way.partition("-")
    try:
        cleaned = signal if uncleaned else neurokit2.ecg_clean(signal, sampling_rate=rate)
        _, peaks = neurokit2.ecg_peaks(cleaned, sampling_rate=rate)
        _, detected = neurokit2.ecg_delineate(cleaned, peaks["ECG_R_Peaks"], sampling_rate=rate, method=method)
    except (ValueError, IndexError, KeyError, TypeError, ZeroDivisionError) as error:  # as it does on few beats
        print(f"no waves: {type(error).__name__}: {error}", file=sys.stderr)
        return {}
    return {"ECG_R_Peaks": peaks["ECG_R_Peaks"], **detected}


def beside(lists: Sequence[Sequence[float]]) -> np.ndarray:
    """(waves, 3) of lists that may differ in length: neurokit2 drops single points, and each is judged by itself."""
    rows = np.full((max(map(len, lists)), len(lists)), np.nan)
    for column, values in enumerate(lists):
        rows[: len(values), column] = values
    return rows


if __name__ == "__main__":
    main(*sys.argv[1:])
