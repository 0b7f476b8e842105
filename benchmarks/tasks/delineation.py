"""P, QRS and T waves of LUDB's held-out records, by our segmenters and by others' delineators.

    python -m benchmarks.tasks.delineation --ludb data/ludb --segmenter runs/segmenter --peers runs/peers

Every fifth record is held out, as in `vqecg train-segmenter`, and goes to each method at its own 500 Hz and after a
trip through 100 Hz. A boundary is found when it is within a tolerance of a mark and each is the other's nearest: 50 ms
for P, 40 ms for QRS, 50 and 100 ms for T, and 150 ms for all, where mean and SD of the error are taken. What a method
does not find in a marked lead is missed; what it finds outside the marked stretch is neither right nor wrong. F1 over
six boundaries is the mean over both ends of the three waves, 50 ms for T's onset and 100 ms for its offset, as openecg
is measured by its authors. Intervals by record; differences from the first segmenter are paired.

The others run in environments of their own below --peers, one lead at a time. openecg 0.11.0 learned from LUDB, among
others, except for 41 records by which its weights were chosen: of our 40 records it trained on 32 and chose by 8, which
flatters it, so these 8 have columns of their own (published on lead II of the 41: .963). Its detector (v56c, also
trained on QTDB, ISP and simulated AV block) is measured as documented and, "refined", as its authors measure it; its
codec (codec_v6, of LUDB, QTDB and ISP) is another network. neurokit2 0.3.0 learns nothing, but one weight of its
wavelets (`dwt`, after Martinez et al. 2004) was tried out on LUDB. As documented, it cleans a lead first, which moves
the wavelets' QRS onsets by some 50 ms, so they are also measured on the lead as it is, as openecg's authors did; its
other method goes by the prominence of peaks (Emrich et al. 2024).
"""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks.environments import environment
from benchmarks.measuring import Cell, Report, benchmark_parser, cell
from vqecg.evaluation.statistics.intervals import percentile_interval
from vqecg.evaluation.statistics.resampling import draw_bootstrap
from vqecg.evaluation.waves.code_segmenter import load_segmenter
from vqecg.evaluation.waves.delineation_errors import TOLERANCE, point_errors, segmented_waves
from vqecg.evaluation.waves.segmenter import Segmenter
from vqecg.evaluation.waves.segmenter_training import SegmenterTraining, split_records
from vqecg.records.datasets.ludb import POINTS, WAVE_COLUMNS, LUDBRecord, read_ludb
from vqecg.records.files.json_file import read_object
from vqecg.records.store.preprocessing import resample
from vqecg.scripts.steps.segmenter import rates

HERE = Path(__file__).resolve().parent
# environment -> its packages; torch first: left open, its GPU libraries come too
ENVIRONMENTS = {
    "openecg": ("torch==2.13.0", "openecg==0.11.0", "ai-edge-litert==2.3.0"),
    "neurokit2": ("neurokit2==0.3.0",),
}
ENDS = ("onset", "offset")
WITHIN = (("P", 0.05), ("QRS", 0.04), ("T", 0.05), ("T", 0.1), *((wave, TOLERANCE) for wave in ("P", "QRS", "T")))
KEYS = tuple((wave, end, tolerance) for wave, tolerance in WITHIN for end in ENDS)
SIX = (*KEYS[:4], ("T", "onset", 0.05), ("T", "offset", 0.1))
# records of LUDB that chose openecg's weights and trained none: its data/splits/ludb_v1.json
OPENECG_UNSEEN = (10, 11, 14, 20, 21, 22, 28, 33, 34, 35, 39, 47, 48, 53, 55, 56, 66, 67, 70, 72, 73)
OPENECG_UNSEEN += (74, 78, 91, 92, 93, 95, 101, 115, 119, 120, 133, 135, 154, 174, 178, 179, 189, 191, 194, 196)
REPLICATES, CONFIDENCE = 1000, 0.95


@dataclass(frozen=True)
class Peer:
    """A delineator that runs in another environment, one lead at a time."""

    environment: str  # one of ENVIRONMENTS; its script is named after it
    way: str  # of the ways that the script knows
    rate: int  # Hz, of the signals that it is given


PEERS = {
    "openecg detector": Peer("openecg", "detector", 250),
    "openecg detector, refined": Peer("openecg", "refined", 250),
    "openecg codec": Peer("openecg", "codec", 500),
    "neurokit2 dwt": Peer("neurokit2", "dwt", 500),
    "neurokit2 dwt, uncleaned": Peer("neurokit2", "dwt-uncleaned", 500),
    "neurokit2 prominence": Peer("neurokit2", "prominence", 500),
}


@dataclass(frozen=True, eq=False)
class Counts:
    """Boundaries of one kind in each record, and the errors of those that were detected, of all records."""

    marked: np.ndarray  # (records,)
    detected: np.ndarray  # (records,) of those marked
    false: np.ndarray  # (records,)
    errors: np.ndarray  # s, detected minus marked

    def f1(self, weights: np.ndarray) -> np.ndarray:
        """F1 of each row of (replicates, records): (replicates,); NaN where there is nothing to find."""
        detected, of = weights @ self.detected, weights @ (self.marked + self.detected + self.false)
        return np.divide(2 * detected, of, out=np.full(len(of), np.nan), where=of > 0)

    @property
    def sensitivity(self) -> float:
        """Share of the marks that were detected, NaN without any."""
        return float(self.detected.sum() / self.marked.sum()) if self.marked.sum() else float("nan")

    @property
    def ppv(self) -> float:
        """Share of detections that are right, NaN without any."""
        positive = self.detected.sum() + self.false.sum()
        return float(self.detected.sum() / positive) if positive else float("nan")


Key = tuple[str, str, float]  # wave, end, tolerance in s
Waves = Sequence[pd.DataFrame]  # of each record, as `lead_waves` makes them


def main(arguments: list[str] | None = None) -> None:
    """Delineates, measures and prints."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--ludb", type=Path, required=True, help="folder of LUDB")
    parser.add_argument(
        "--segmenter", type=Path, nargs="+", required=True, help="folders that `vqecg train-segmenter` wrote"
    )
    parser.add_argument("--peers", type=Path, help="folder for the peers' environments; without it none is measured")
    options = parser.parse_args(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, torch.get_num_threads())
    training = SegmenterTraining()
    _, records = split_records(read_ludb(options.ludb), training.parts, training.held_out)
    if len({(record.record.signal.shape, record.record.sampling_rate) for record in records}) != 1:
        raise ValueError("records of different length, leads or rate; expected them alike, as those of LUDB are")
    segmenters = read_segmenters(options.segmenter, records)
    pythons = {}
    if options.peers:
        pythons = {
            name: environment(options.peers / f"env-{name}", packages) for name, packages in ENVIRONMENTS.items()
        }
    whole: list[Sequence[Cell]] = []
    single: list[Sequence[Cell]] = []
    for rate in rates(records):
        detected: dict[str, Waves] = {
            name: [segmented_waves(segmenter, record.record, rate) for record in records]
            for name, segmenter in segmenters.items()
        }
        for name, peer in PEERS.items() if pythons else ():
            script = HERE / f"delineation_{peer.environment}.py"
            detected[name] = peer_waves(
                pythons[peer.environment], script, peer, records, rate, options.peers / "exchange"
            )
        counts = {name: counted(records, waves) for name, waves in detected.items()}
        whole += rows_of_all(f"{rate} Hz", detected, counts, records)
        single += rows_of_each(f"{rate} Hz", counts, records)
    header = ("recordings", "method", "all leads", "minus the first's", "lead II", "records new to openecg")
    report.table(
        "F1 over six boundaries", (*header, "there minus the first's", "marked leads without waves"), whole, "six"
    )
    header = ("recordings", "method", "boundary", "within", "F1", "minus the first's", "sensitivity", "PPV")
    report.table("each boundary", (*header, "mean error", "SD of the error"), single, "each")
    report.write({"records": len(records), "new to openecg": int(new_to_openecg(records).sum())})


def read_segmenters(folders: Sequence[Path], records: Sequence[LUDBRecord]) -> dict[str, Segmenter]:
    """The segmenters by the names of their folders.

    Raises ValueError for two of one name, or one whose stage says that it did not hold out the records.
    """
    segmenters: dict[str, Segmenter] = {}
    for folder in folders:
        if folder.name in segmenters:
            raise ValueError(f"two segmenters are named {folder.name}; expected folders of different names")
        if (stage := folder / "stage.json").exists():
            held_out = read_object(stage).get("figures", {}).get("held_out", [])
            if seen := {record.record.record_id for record in records} - set(held_out):
                raise ValueError(
                    f"{folder} was trained on {len(seen)} of the {len(records)} records to measure on; expected one "
                    "that held them out: train it with the settings of `vqecg train-segmenter`"
                )
        segmenters[folder.name] = load_segmenter(folder)
    return segmenters


def peer_waves(
    python: Path, script: Path, peer: Peer, records: Sequence[LUDBRecord], rate: int, folder: Path
) -> list[pd.DataFrame]:
    """The waves that a peer finds in records that went through `rate` (Hz). Raises ValueError when it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    signals, result = folder / "signals.npz", folder / "waves.npz"
    recorded_rate = records[0].record.sampling_rate
    went = resample(
        resample(np.stack([record.record.signal for record in records]), recorded_rate, rate), rate, peer.rate
    )
    np.savez(signals, signals=went, rate=peer.rate)
    result.unlink(missing_ok=True)
    command = [str(python), "-W", "ignore", str(script), peer.way, str(signals), str(result)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(
            f"{script.name} {peer.way} failed; its last words: {done.stderr[-2000:]}; "
            "delete the environments below --peers, and the same command installs them anew"
        )
    with np.load(result, allow_pickle=False) as archive:
        places, names, points = archive["places"], archive["waves"], archive["points"]
    tables = []
    for number, record in enumerate(records):
        rows = places[:, 0] == number
        table = pd.DataFrame(points[rows], columns=list(POINTS))
        table["lead"] = [record.record.leads[lead] for lead in places[rows, 1]]
        table["wave"] = names[rows]
        tables.append(table[list(WAVE_COLUMNS)])
    return tables


def counted(records: Sequence[LUDBRecord], detected: Waves) -> dict[Key, Counts]:
    """The counts of every one of KEYS."""
    result = {}
    for limit in sorted({tolerance for _, _, tolerance in KEYS}):
        parts = [point_errors(record, waves, limit) for record, waves in zip(records, detected, strict=True)]
        for wave, end, tolerance in KEYS:
            if tolerance == limit:
                each = [part[wave, end] for part in parts]
                result[wave, end, tolerance] = Counts(
                    np.array([one.marks for one in each]),
                    np.array([len(one.errors) for one in each]),
                    np.array([one.false for one in each]),
                    np.concatenate([one.errors for one in each]),
                )
    return result


def drawn(records: Sequence[LUDBRecord], chosen: np.ndarray) -> np.ndarray:
    """Bootstrap weights (1 + REPLICATES, records) of the chosen records, 0 of the others; row 0 is the sample."""
    weights = np.zeros((1 + REPLICATES, len(records)))
    patients = [record.record.patient_id for record, wanted in zip(records, chosen, strict=True) if wanted]
    weights[:, chosen] = draw_bootstrap(patients, 1, REPLICATES, 0).record_weights
    return weights


def interval(values: np.ndarray, signed: bool = False) -> Cell:
    """The value of the sample, row 0, with the interval of the draws."""
    return cell(float(values[0]), 3, "", *percentile_interval(values[1:], CONFIDENCE), signed=signed)


def over_six(counts: Mapping[Key, Counts], weights: np.ndarray) -> np.ndarray:
    """The mean F1 of SIX in each row of weights."""
    return np.mean([counts[key].f1(weights) for key in SIX], axis=0)


def new_to_openecg(records: Sequence[LUDBRecord]) -> np.ndarray:
    """True for the records that openecg was not trained on."""
    return np.isin([record.record.record_id for record in records], [str(number) for number in OPENECG_UNSEEN])


def rows_of_all(
    recordings: str,
    detected: Mapping[str, Waves],
    counts: Mapping[str, Mapping[Key, Counts]],
    records: Sequence[LUDBRecord],
) -> list[Sequence[Cell]]:
    """A row for each method: F1 over six boundaries."""
    rows: list[Sequence[Cell]] = []
    everyone, new = np.ones(len(records), bool), new_to_openecg(records)
    weights = drawn(records, everyone)
    weights_new = drawn(records, new) if new.any() else np.zeros_like(weights)
    second = [of_one_lead(record, "II") for record in records]
    first: tuple[np.ndarray, np.ndarray] | None = None
    for name, waves in detected.items():
        values, values_new = over_six(counts[name], weights), over_six(counts[name], weights_new)
        lead = over_six(counted(second, waves), weights)
        empty = sum(
            len(set(record.waves["lead"]) - set(table["lead"])) for record, table in zip(records, waves, strict=True)
        )
        differences: tuple[Cell, Cell] = ("-", "-")
        if first:
            differences = interval(values - first[0], True), interval(values_new - first[1], True)
        first = first or (values, values_new)
        cells = interval(values), differences[0], interval(lead), interval(values_new), differences[1]
        rows.append((recordings, name, *cells, cell(empty, 0)))
    return rows


def rows_of_each(
    recordings: str, counts: Mapping[str, Mapping[Key, Counts]], records: Sequence[LUDBRecord]
) -> list[Sequence[Cell]]:
    """A row for each method, boundary and tolerance."""
    rows: list[Sequence[Cell]] = []
    weights = drawn(records, np.ones(len(records), bool))
    first: dict[Key, np.ndarray] = {}
    for name, of_method in counts.items():
        values = {key: of_method[key].f1(weights) for key in KEYS}
        for key in KEYS:
            (wave, end, tolerance), count = key, of_method[key]
            difference = interval(values[key] - first[key], True) if first else "-"
            errors = 1000 * count.errors if tolerance == TOLERANCE and len(count.errors) else np.array([np.nan])
            of = (recordings, name, f"{wave} {end}", f"{1000 * tolerance:.0f} ms")
            shares = (interval(values[key]), difference, cell(count.sensitivity, 3), cell(count.ppv, 3))
            rows.append((*of, *shares, cell(errors.mean(), 1, "ms", signed=True), cell(errors.std(), 1, "ms")))
        first = first or values
    return rows


def of_one_lead(record: LUDBRecord, lead: str) -> LUDBRecord:
    """The record with one of its leads alone."""
    row = record.record.leads.index(lead)
    return replace(record, record=replace(record.record, signal=record.record.signal[[row]], leads=(lead,)))


if __name__ == "__main__":
    main()
