"""The gate of recordings: how far real ones are from its limits, and faults of limb leads that it notices.

    python -m benchmarks.data.gate --data data

Below --data the sets lie as their publishers ship them, in ptb-xl, cpsc2018, challenge-2020, challenge-2021 and ludb;
one that is not there is said and left out, a file that cannot be read stops the program. A limit is compared with the
records that its check lets through, the limb leads with all. PTB-XL's records at 100 Hz are given faults, one at a
time: all pairs of limb leads, each limb lead. Without --data it uses simulated records.
"""

import argparse
import tempfile
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measuring import Cell, Report, benchmark_parser, cell
from vqecg.records.datasets.file_tree import find_headers
from vqecg.records.datasets.registry import read_record, read_table
from vqecg.records.leads import LEADS, LIMB_COMBINATIONS, canonical_rows, independent_leads
from vqecg.records.record import ECGRecord
from vqecg.records.simulation.dataset import simulate_dataset
from vqecg.records.store.lead_agreement import LimbLeads, probable_cause, relations
from vqecg.records.store.missing_signal import STILL_SECONDS, constant_stretch, window_ranges
from vqecg.records.store.population import ENOUGH_RECORDS, PLAUSIBLE_RECORD, SIZES, record_sizes, relative_spreads
from vqecg.records.store.preprocessing import prepare, used_part
from vqecg.records.store.quality import REASONS, examine, stuck_fraction
from vqecg.records.store.signal_spec import MICROVOLTS, STORED_TYPE, SignalSpec

SPEC = SignalSpec()
SETS = {  # folder below --data, and the rate of the files where there are several, Hz
    "PTB-XL, 100 Hz": ("ptb-xl", 100),
    "PTB-XL, 500 Hz": ("ptb-xl", 500),
    "CPSC2018": ("cpsc2018", 500),
    "Challenge 2020": ("challenge-2020", 500),
    "Challenge 2021": ("challenge-2021", 500),
    "LUDB": ("ludb", 500),
}
WITH_FAULTS = "PTB-XL, 100 Hz"  # the set in whose records faults are made
PREPARED = REASONS.index("flat lead")  # the first check of a prepared signal: what is refused earlier has none
DELAY = 0.02  # s, of a late lead
GAINS = {"twice as large": 2.0, "10 % too large": 1.1, "upside down": -1.0}  # of one lead
ALL = "all sets"


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    options = parse(arguments)
    report = Report(__spec__.name, __doc__, arguments, options)
    with tempfile.TemporaryDirectory() as place:
        folder = options.data
        if folder is None:
            folder = Path(place)
            simulate_dataset(folder / "ptb-xl", options.records, seed=0, sampling_rate=100, progress=False)
        there = [title for title in SETS if is_there(title, folder)]
        if WITH_FAULTS not in there:
            raise SystemExit(f"no ptb-xl/records100 in {folder}, in whose records faults are made: name another --data")
        sets = {title: measure_set(title, folder, Path(place)) for title in there}
        trials = measure_faults(recordings(WITH_FAULTS, folder, Path(place)), sets[WITH_FAULTS], options.every)
    print_refused(report, sets)
    print_agreement(report, sets)
    print_limits(report, sets)
    print_voltages(report, sets)
    print_faults(report, trials)
    report.write({"records": sum(map(len, sets.values())), "records with faults": trials["record"].nunique()})


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--data", type=Path, help="folder of the data sets; none = simulated records")
    parser.add_argument("--records", type=int, default=40, help="simulated records, where there is no --data")
    parser.add_argument("--every", type=int, default=4, help="one of so many records is given faults")
    return parser.parse_args(arguments)


def is_there(title: str, folder: Path) -> bool:
    """True where a set lies below the folder; says where not."""
    name, rate = SETS[title]
    place = folder / name / f"records{rate}" if name == "ptb-xl" else folder / name
    if not place.is_dir():
        print(f"not there: {title}")
    return place.is_dir()


def recordings(title: str, folder: Path, scratch: Path) -> Iterator[ECGRecord]:
    """The recordings of a set as their files have them; LUDB, which no reader of tables knows, as a plain folder."""
    name, rate = SETS[title]
    labels = None
    if name == "ludb":
        labels, root = scratch / "ludb.csv", folder / name
        paths = [file.with_suffix("").relative_to(root).as_posix() for file in find_headers(root).files]
        pd.DataFrame({"record": paths, "statements": "LUDB"}).to_csv(labels, index=False)
    return map(read_record, read_table(folder / name, rate, labels_csv=labels).records.itertuples(index=False))


def measure_set(title: str, folder: Path, scratch: Path) -> pd.DataFrame:
    """A row of `measured` for each record of a set, in order; duplicates are all but the first of equal signals."""
    frame = pd.DataFrame([measured(record) for record in recordings(title, folder, scratch)])
    accepted = frame.index[frame["reason"].isna()]
    frame.loc[accepted[frame.loc[accepted, "signal"].duplicated()], "reason"] = "duplicate signal"
    return frame


def measured(record: ECGRecord) -> dict[str, object]:
    """The gate's verdict on a record, and the values that its checks compare with limits (no signal: no values)."""
    reason, rate = examine(record, SPEC).reason, record.sampling_rate
    if reason is not None and REASONS.index(reason) < PREPARED:
        return {"reason": reason}
    prepared = prepare(record, SPEC) * MICROVOLTS
    recorded = used_part(record.signal, rate, SPEC.seconds)
    eight = independent_leads(recorded, record.leads)
    limbs = LimbLeads.of(recorded, record.leads, rate)
    return {
        "reason": reason,
        "signal": np.rint(prepared).astype(STORED_TYPE).tobytes(),
        "disagreement": np.nan if limbs is None else disagreement_of(limbs),
        "range": np.ptp(prepared, axis=1).min() / MICROVOLTS,
        "stuck": stuck_fraction(eight).max(),
        "constant": max(stop - start for start, stop in map(constant_stretch, eight)) / rate,
        "range in a window": min(window_ranges(lead, round(STILL_SECONDS * rate)).min() for lead in eight),
        **dict(zip(SIZES, record_sizes(prepared[None])[0], strict=True)),
    }


def disagreement_of(limbs: LimbLeads) -> float:
    """The largest distance of a limb lead from what two others say, relative to the limb leads' RMS."""
    return float(limbs.sizes(relations(limbs.names)).max())


def faults(signal: np.ndarray, rate: float) -> Iterator[tuple[str, str, np.ndarray]]:
    """Faulty versions of a recording (12, samples) mV in the order of LEADS: kind, cause in words, signal."""
    for first, second in combinations(range(len(LIMB_COMBINATIONS)), 2):
        order = np.arange(len(signal))
        order[[first, second]] = second, first
        yield "two leads swapped", f"{LEADS[first]} and {LEADS[second]} swapped", signal[order]
    late = f"{1000 * DELAY:g} ms late"
    for row, name in enumerate(LIMB_COMBINATIONS):
        changes = [
            (kind, "upside down" if gain < 0 else "scaled on its own", gain * signal[row])
            for kind, gain in GAINS.items()
        ]
        changes.append((late, late, np.roll(signal[row], round(DELAY * rate))))
        for kind, cause, lead in changes:
            changed = signal.copy()
            changed[row] = lead
            yield f"one lead {kind}", f"{name} {cause}", changed
    lowest, scaled = signal.min(1, keepdims=True), "each lead scaled on its own"
    yield "each lead from 0 to 1", scaled, (signal - lowest) / (signal.max(1, keepdims=True) - lowest)
    yield "each lead z-scored", scaled, (signal - signal.mean(1, keepdims=True)) / signal.std(1, keepdims=True)


def measure_faults(records: Iterator[ECGRecord], frame: pd.DataFrame, every: int) -> pd.DataFrame:
    """A row for each fault in each of the records that are taken: those that pass, of one in `every`."""
    rows = []
    for place, record in enumerate(records):
        if place % every or frame["reason"].notna()[place]:
            continue
        at, rate = canonical_rows(record.leads), record.sampling_rate
        for kind, cause, signal in faults(record.signal[[at[lead] for lead in LEADS]], rate):
            limbs = LimbLeads.of(signal, LEADS, rate)
            noticed = limbs is not None and not limbs.agree()
            causes = probable_cause(limbs, signal, LEADS, rate).removeprefix("it fits ") if noticed else ""
            rows.append(
                {
                    "record": place,
                    "fault": kind,
                    "disagreement": np.nan if limbs is None else disagreement_of(limbs),
                    "noticed": noticed,
                    "named": any(text.startswith(cause) for text in causes.split(" or ")),
                }
            )
    return pd.DataFrame(rows)


def through(frame: pd.DataFrame, check: str) -> pd.DataFrame:
    """The records that a check of REASONS lets through, whatever a later one says."""
    places = frame["reason"].map(REASONS.index, na_action="ignore").fillna(len(REASONS))
    return frame[places > REASONS.index(check)]


def with_all(sets: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The sets, and all of them as one more."""
    return sets | {ALL: pd.concat(sets.values(), ignore_index=True)}


def percent(value: float, decimals: int = 2) -> Cell:
    """A share for a table."""
    return cell(100 * value, decimals, "%")


def print_refused(report: Report, sets: dict[str, pd.DataFrame]) -> None:
    """Numbers of records and of refusals, by the reasons that occur."""
    frames = with_all(sets)
    occurring = [reason for reason in REASONS if (frames[ALL]["reason"] == reason).any()]
    rows = []
    for title, frame in frames.items():
        counts = [(frame["reason"] == reason).sum() for reason in occurring]
        rows.append((title, *(cell(count, 0) for count in (len(frame), frame["reason"].notna().sum(), *counts))))
    report.table("what the gate refuses", ("", "records", "refused", *occurring), rows)


def print_agreement(report: Report, sets: dict[str, pd.DataFrame]) -> None:
    """The distance of the limb leads from what two of them say, of all records."""
    quantiles = {"median": 0.5, "99.9 %": 0.999, "largest": 1.0}
    rows = [
        (title, *(percent(frame["disagreement"].quantile(quantile)) for quantile in quantiles.values()))
        for title, frame in with_all(sets).items()
    ]
    header = ("", *(f"limb leads differ by, {name}" for name in quantiles))
    report.table("limb leads, of their RMS", header, rows)


def print_limits(report: Report, sets: dict[str, pd.DataFrame]) -> None:
    """The records nearest to each limit, and the longest stretch that was refused."""
    rows = []
    for title, frame in with_all(sets).items():
        missing = through(frame, "missing signal")
        gap = frame.loc[frame["reason"] == "missing signal", "constant"].max()
        rows.append(
            (
                title,
                cell(through(frame, "flat lead")["range"].min(), 2, "mV"),
                percent(through(frame, "clipped")["stuck"].max()),
                cell(missing["constant"].max(), 2, "s"),
                cell(gap, 2, "s"),
                cell(missing["range in a window"].min(), 3, "mV"),
            )
        )
    header = ("", "range of a lead, smallest", "of a lead at its extremes, largest", "one value, longest")
    header += ("one value, longest refused", f"range in {STILL_SECONDS:g} s, smallest")
    report.table("records that a check lets through", header, rows)


def print_voltages(report: Report, sets: dict[str, pd.DataFrame]) -> None:
    """The sizes by which a set as a whole is judged."""
    rows = []
    for title, frame in sets.items():
        frame = through(frame, "wrong unit")
        peaks, (low, high) = frame[SIZES[0]], PLAUSIBLE_RECORD
        enough = len(frame) >= ENOUGH_RECORDS
        spread = relative_spreads(frame[list(SIZES)].to_numpy()).min() if enough else np.nan
        rows.append(
            (
                title,
                *(cell(size, 2, "mV") for size in (peaks.median(), peaks.min(), peaks.max())),
                cell(((peaks < low) | (peaks > high)).sum(), 0),
                percent(spread, 0),
                cell(frame[SIZES[1]].max(), 1, "mV"),
            )
        )
    header = ("", "median lead, median", "median lead, smallest", "median lead, largest")
    header += (f"records beyond {low:g} to {high:g} mV", "least spread of a size", "largest voltage")
    report.table("voltages of whole sets", header, rows)


def print_faults(report: Report, trials: pd.DataFrame) -> None:
    """The disagreement of limb leads by kind of fault, and the share of faults that is noticed and named."""
    rows = [
        (
            str(kind),
            cell(len(group), 0),
            percent(group["disagreement"].min()),
            percent(group["disagreement"].quantile(0.01)),
            percent(group["noticed"].mean(), 1),
            percent(group.loc[group["noticed"], "named"].mean(), 1),
        )
        for kind, group in trials.groupby("fault", sort=False)
    ]
    header = ("", "tried", "limb leads differ by, smallest", "limb leads differ by, 1 %", "noticed")
    report.table(f"faults in {WITH_FAULTS}", (*header, "cause named, of those noticed"), rows)


if __name__ == "__main__":
    main()
