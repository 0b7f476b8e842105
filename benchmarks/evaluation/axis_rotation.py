"""The move of the frontal QRS axis by turning the heart in the vectorcardiogram, beside two recordings of one patient.

    python -m benchmarks.evaluation.axis_rotation --store runs/ptbxl/store

The axis is that of the net area of QRS in I and aVF, over the median beat. A record crosses a bound when it was left of
-30 or right of 90 degrees (left and right axis deviation) and is no longer, or the other way round. Without --store it
uses simulated records.
"""

import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.measuring import Report, benchmark_parser, cell
from vqecg.downstream.classifiers.signal_augmentation import rotations, turned
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.datasets.registry import read_table
from vqecg.records.simulation.dataset import simulate_dataset
from vqecg.records.store.building import build_store
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.signal_spec import SignalSpec

LEFT, RIGHT = -30.0, 90.0  # degrees, beyond which an axis deviates
BEAT, QRS = 0.12, 0.06  # s before and after the R peak
PERCENTILES = (50, 95)


def qrs_areas(store: RecordStore) -> tuple[np.ndarray, np.ndarray]:
    """(records, 8) net areas of the QRS complex in mV times samples, and the rows of the store that they are of."""
    rate, rows, areas = store.spec.sampling_rate, [], []
    around, inner = round(BEAT * rate), round(QRS * rate)
    for row in range(len(store)):
        signal = store.signals(np.array([row]))[0]
        peaks = [peak for peak in find_r_peaks(signal, rate) if around <= peak < signal.shape[1] - around]
        if len(peaks) < 3:
            continue
        beat = np.median([signal[:, peak - around : peak + around + 1] for peak in peaks], axis=0)
        level = np.median(beat[:, [0, 1, -2, -1]], axis=1, keepdims=True)
        areas.append((beat - level)[:, around - inner : around + inner + 1].sum(axis=1))
        rows.append(row)
    return np.array(areas), np.array(rows)


def frontal_axis(areas: np.ndarray) -> np.ndarray:
    """(records,) degrees from areas (records, 8): aVF is II - I / 2, and sees 2 / sqrt(3) less than I does."""
    one, foot = areas[:, 0], areas[:, 1] - areas[:, 0] / 2
    return np.degrees(np.arctan2(2 / np.sqrt(3) * foot, one))


def apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The angle between axes, 0 to 180 degrees."""
    return np.abs((first - second + 180) % 360 - 180)


def between_recordings(axis: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """The angle between each recording of a patient and the next one; an unknown patient has no other."""
    moved = []
    for patient in sorted(set(patients) - {""}):
        moved += [float(apart(first, second)) for first, second in pairwise(axis[patients == patient])]
    return np.array(moved)


def main(words: list[str] | None = None) -> None:
    """Prints the table."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, help="folder of `vqecg prepare`; none = simulated records")
    parser.add_argument("--limits", type=float, nargs="+", default=[5.0, 10.0, 15.0, 20.0, 30.0], help="degrees")
    parser.add_argument("--records", type=int, default=300, help="simulated, where there is no store")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if options.store is None:
            simulate_dataset(folder / "data", options.records, seed=0, progress=False)
            build_store(read_table(folder / "data"), SignalSpec(), folder / "store", progress=False)
        store = RecordStore.open(options.store or folder / "store")
        areas, rows = qrs_areas(store)
        patients = store.table["patient_id"].astype(str).to_numpy()[rows]
    axis, generator = frontal_axis(areas), np.random.default_rng(options.seed)
    fascicle = np.array(["LAFB" in names for names in store.table["statements"].iloc[rows]]) & (axis < LEFT)
    pairs = between_recordings(axis, patients)
    lines: list[tuple[str, np.ndarray, float, float]] = [("two recordings of one patient", pairs, np.nan, np.nan)]
    for limit in options.limits:
        turns = rotations(len(areas), limit, generator)
        after = frontal_axis(areas + turned(areas[..., None].astype(np.float32), turns)[..., 0])
        crossed = ((axis < LEFT) != (after < LEFT)) | ((axis > RIGHT) != (after > RIGHT))
        left = float(np.mean(after[fascicle] >= LEFT)) if fascicle.any() else np.nan
        lines.append((f"turned by up to {limit:g} degrees", apart(after, axis), float(crossed.mean()), left))
    report = Report(__spec__.name, __doc__, words, options)
    report.table(
        f"{len(axis)} records, {len(pairs)} pairs of recordings",
        (
            "axis moved by",
            *(f"degrees, percentile {number}" for number in PERCENTILES),
            "records that cross a bound",
            "LAFB left of -30 degrees that are no longer",
        ),
        [
            (
                name,
                *(cell(float(np.percentile(moved, number)) if len(moved) else np.nan, 1) for number in PERCENTILES),
                cell(100 * crossed, 1, "%"),
                cell(100 * left, 1, "%"),
            )
            for name, moved, crossed, left in lines
        ],
    )
    report.write({"records": len(axis), "pairs of recordings": len(pairs)})


if __name__ == "__main__":
    main()
