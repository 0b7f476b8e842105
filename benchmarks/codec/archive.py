"""Archives of `vqecg compress` beside plain codes, a transform codec, and byte compressors: size, error and speed.

    python -m benchmarks.codec.archive --store runs/ptbxl/store --tokenizer runs/ptbxl/tokenizer --test 9

Plain codes take log2(codebook size) bits each, all levels of every frame. Archives are whole files of all test records,
names and checksums included, at several limits of the error; of each stand the bits that plain codes of as small an
error (PRD, median over records) would take, and the PRD of the transform codec of compression.py at the same mean rate,
with ideal entropy coding, fitted on the training folds. Byte compressors have the recordings as int16 microvolt at the
store's rate, all leads of a record together, and lose nothing.
"""

import argparse
import lzma
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.codec.transform_baseline import RateCurve, interpolate, rate_curve
from benchmarks.measuring import Cell, Report, Timing, benchmark_parser, cell, time_side_by_side
from vqecg.downstream.tasks.compression.archive import ArchivedRecord, ArchiveHeader, ArchiveReader, ArchiveWriter
from vqecg.downstream.tasks.compression.compression import (
    CompressionSettings,
    SegmentCoder,
    decode_signals,
    encode_signals,
)
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.metrics import prd, reconstruct
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import fingerprint

BITS = 8  # in a byte
MICROVOLTS = 1000  # in a mV
MEASURES = ("bit/s", "PRD %, median")
BESIDE = ("plain codes of this PRD, bit/s", "fewer bits", "transform codec, PRD %")
STEPS = np.geomspace(0.03, 8.0, 14)  # mV, of the transform codec's quantizer


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    options = parse(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, torch.get_num_threads())
    store, tokenizer = RecordStore.open(options.store), ECGTokenizer.from_pretrained(options.tokenizer).eval()
    tokenizer.check_sampling_rate(store.spec.sampling_rate)
    split = FoldSplit(tuple(options.train), (), tuple(options.test)).indices(store.table)
    train, test = store.signals(split.train), store.signals(split.test)
    seconds, plain = store.spec.seconds, plain_points(tokenizer, test, store.spec.seconds)
    levels: list[Sequence[Cell]] = [
        (f"{number} level{'s' * (number > 1)}", cell(rate, 0), cell(error, 1))
        for number, (rate, error) in enumerate(plain, 1)
    ]
    report.table("plain codes", ("", *MEASURES), levels, "plain codes")
    curve = rate_curve(train, test, seconds, STEPS)
    settings = [CompressionSettings(error=error, beams=beams) for beams in options.beams for error in options.errors]
    with tempfile.TemporaryDirectory() as folder:
        archives = Archives(tokenizer, store.spec.sampling_rate, Path(folder) / "recordings.vqe")
        rows = [archive_row(one, archives, test, seconds, plain, curve) for one in settings]
        report.table("archives", ("", *MEASURES, *BESIDE), rows, "archives")
        for beams in options.beams:
            timings = timed(archives, test[: options.timed], CompressionSettings(beams=beams), options.rounds)
            report.timings(f"speed, {beams} beam{'s' * (beams > 1)}", "records/s", timings)
    report.table("byte compressors, nothing lost", ("", MEASURES[0]), lossless_rows(test, seconds), "byte compressors")
    report.write({"test records": len(test)})


def archive_row(
    settings: CompressionSettings,
    archives: "Archives",
    test: np.ndarray,
    seconds: float,
    plain: Sequence[tuple[float, float]],
    curve: RateCurve,
) -> Sequence[Cell]:
    """Size and error of the archives of all test records, beside what plain codes and the transform codec need."""
    size = archives.write(test, settings)
    rate, error = BITS * size / len(test) / seconds, median_prd(test, archives.read())
    same = plain_rate(plain, error)
    name = f"error {settings.error:g} microvolt, {settings.beams} beam{'s' * (settings.beams > 1)}"
    beside = (cell(same, 0), cell(100 * (1 - rate / same), 0, "%"), cell(curve.at_mean_rate(rate), 1))
    return (name, cell(rate, 0), cell(error, 1), *beside)


def lossless_rows(test: np.ndarray, seconds: float) -> list[Sequence[Cell]]:
    """Sizes by compressors of bytes."""
    integers = np.rint(test * MICROVOLTS).clip(-(2**15), 2**15 - 1).astype("<i2")
    packers = {"zlib": zlib.compress, "lzma": lzma.compress}
    sizes = {name: sum(len(pack(one.tobytes())) for one in integers) for name, pack in packers.items()}
    return [(name, cell(BITS * size / len(test) / seconds, 0)) for name, size in sizes.items()]


def timed(archives: "Archives", test: np.ndarray, settings: CompressionSettings, rounds: int) -> list[Timing]:
    """Records a second, to files and back."""
    both = {"compress": lambda: archives.write(test, settings), "decompress": archives.read}
    return time_side_by_side(both, len(test), rounds)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder that `vqecg prepare` wrote")
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder that `vqecg train-tokenizer` wrote")
    parser.add_argument("--train", type=int, nargs="+", default=list(range(1, 9)), help="folds of the transform codec")
    parser.add_argument("--test", type=int, nargs="+", default=[9], help="folds to measure on")
    parser.add_argument("--errors", type=float, nargs="+", default=[15.0, 20.0, 30.0], help="microvolt")
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 4], help="partial codes that a search carries on")
    parser.add_argument("--timed", type=int, default=256, help="records that speed is measured on")
    parser.add_argument("--rounds", type=int, default=5, help="timed runs")
    return parser.parse_args(arguments)


class Archives:
    """An archive of recordings in a file, written and read again and again."""

    def __init__(self, tokenizer: ECGTokenizer, sampling_rate: float, path: Path) -> None:
        self.tokenizer, self.mark, self.rate, self.path = tokenizer, fingerprint(tokenizer), sampling_rate, path

    def write(self, signals: np.ndarray, settings: CompressionSettings) -> int:
        """Writes recordings (records, 8, samples) mV of a segment each, in place of those before. Returns the bytes."""
        coder, samples = SegmentCoder(self.tokenizer), signals.shape[2]
        with self.path.open("wb") as file:
            header = ArchiveHeader(self.mark, self.tokenizer.config.leads, self.rate, settings.error, samples)
            archive = ArchiveWriter(file, header)
            for number, codes in enumerate(encode_signals(self.tokenizer, list(signals), settings)):
                archive.add(ArchivedRecord(f"{number:05}", samples, self.rate, [coder.encode(codes)]))
            return archive.close()

    def read(self) -> np.ndarray:
        """The recordings of the archive: (records, 8, samples) mV."""
        with self.path.open("rb") as file:
            archive, coder = ArchiveReader(file, self.path), SegmentCoder(self.tokenizer)
            samples = archive.header.segment
            codes = [coder.decode(record.segments[0], samples) for record in archive]
        return np.stack(decode_signals(self.tokenizer, codes, [samples] * len(codes)))


@torch.inference_mode()
def plain_points(tokenizer: ECGTokenizer, signals: np.ndarray, seconds: float) -> list[tuple[float, float]]:
    """Bit rate and median PRD of the first 1, 2, ... levels of codes, searched for with one beam."""
    parts = [tokenizer.encode(torch.from_numpy(part)) for part in np.array_split(signals, -(-len(signals) // 64))]
    codes = torch.cat(parts)
    points = []
    for levels in range(1, tokenizer.num_levels + 1):
        decoded = reconstruct(tokenizer, codes, signals.shape[2], levels)
        rate = tokenizer.config.bit_rate * levels / tokenizer.num_levels
        points.append((rate, median_prd(signals, np.asarray(decoded))))
    return points


def median_prd(signals: np.ndarray, decoded: np.ndarray) -> float:
    """Over records, %."""
    return float(prd(torch.from_numpy(signals), torch.from_numpy(decoded)).median())


def plain_rate(points: Sequence[tuple[float, float]], error: float) -> float:
    """The bit rate at which plain codes have that PRD, between levels on logarithmic axes; NaN beyond the last one."""
    rates, errors = (np.array(part) for part in zip(*points, strict=True))
    return interpolate(errors, rates, error)


if __name__ == "__main__":
    main()
