"""Archives without loss beside FLAC and byte compressors: bits a second, round trips, and speed.

    python -m benchmarks.codec.lossless --store runs/ptbxl/store --tokenizer runs/ptbxl/tokenizer --test 9

Every way packs the eight leads of one recording in whole microvolt, at the store's rate. "No codes" is the coder of
remainders alone, on the recording itself: what the tokenizer is worth. FLAC is libsndfile's, eight channels together;
its header is counted, as are checksum and length of each segment of an archive. Intervals (95 %) are a bootstrap over
patients, paired by recording; nothing here has a seed but its draws.
"""

import argparse
import io
import lzma
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch

from benchmarks.measuring import Cell, Report, benchmark_parser, cell, time_side_by_side
from vqecg.downstream.tasks.compression.compression import CompressionSettings, encode_signals
from vqecg.downstream.tasks.compression.lossless import LosslessCoder
from vqecg.downstream.tasks.compression.remainder import decode_remainder, encode_remainder
from vqecg.evaluation.statistics.intervals import percentile_interval
from vqecg.evaluation.statistics.resampling import draw_bootstrap
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.modeling import ECGTokenizer

BITS = 8  # in a byte
MICROVOLTS = 1000  # in a mV
RATE = 44_100  # that FLAC's header names; it changes nothing
BESIDE = "FLAC"
CONFIDENCE = 0.95


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    options = parse(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, torch.get_num_threads())
    store, tokenizer = RecordStore.open(options.store), ECGTokenizer.from_pretrained(options.tokenizer).eval()
    tokenizer.check_sampling_rate(store.spec.sampling_rate)
    test = np.flatnonzero(store.table["fold"].isin(options.test))
    patients, signals = store.table["patient_id"].to_numpy()[test], store.signals(test)
    integers = np.rint(signals * MICROVOLTS).astype("<i2")
    sizes = {
        f"archive, error {error:g} microvolt": archived(tokenizer, signals, CompressionSettings(error=error, beams=1))
        for error in options.errors
    }
    sizes |= {name: np.array([len(pack(one)) for one in integers]) for name, pack in PACKERS.items()}
    draws = draw_bootstrap([str(patient) for patient in patients], 1, options.replicates, 0).record_weights
    rows = [(name, *row(size, sizes[BESIDE], draws, store.spec.seconds)) for name, size in sizes.items()]
    report.table("nothing lost", ("", "bit/s", f"fewer bits than {BESIDE}"), rows)
    some = signals[: options.timed]
    both: dict[str, Callable[[], object]] = {
        "archive": lambda: archived(tokenizer, some, CompressionSettings(error=options.errors[0], beams=1)),
        BESIDE: lambda: [from_flac(to_flac(one)) for one in integers[: options.timed]],
    }
    report.timings("there and back", "records/s", time_side_by_side(both, len(some), options.rounds))
    report.write({"test records": len(test), "test patients": len(np.unique(patients))})


def row(size: np.ndarray, beside: np.ndarray, draws: np.ndarray, seconds: float) -> Sequence[Cell]:
    """Bits a second, and how much less than `beside`: bytes of each record, `draws` (1 + replicates, records)."""
    fewer = 100 * (1 - draws @ size / (draws @ beside))  # row 0 is the sample itself
    low, high = percentile_interval(fewer[1:], CONFIDENCE)
    return cell(BITS * size.mean() / seconds, 0), cell(float(fewer[0]), 1, "%", low, high)


def archived(tokenizer: ECGTokenizer, signals: np.ndarray, settings: CompressionSettings) -> np.ndarray:
    """Bytes of each recording (records, 8, samples) mV, one after the other into an archive and back.

    Raises ValueError where one does not come back as it was.
    """
    codes, samples = encode_signals(tokenizer, list(signals), settings), signals.shape[2]
    writing, reading = LosslessCoder(tokenizer), LosslessCoder(tokenizer)
    sizes = []
    for signal, one in zip(signals, codes, strict=True):
        contents = writing.encode([signal], [one])
        if not np.array_equal(reading.decode(contents, [samples]), signal):
            raise ValueError("a recording did not come back as it was")
        sizes.append(len(contents[0]) + BITS)  # the length and checksum of the segment
    return np.array(sizes)


def no_codes(integers: np.ndarray) -> bytes:
    """A recording by the coder of remainders alone. Raises ValueError where it does not come back as it was."""
    content = encode_remainder(integers.astype(np.int64))
    if not np.array_equal(decode_remainder(content, *integers.shape), integers):
        raise ValueError("a recording did not come back as it was")
    return content


def to_flac(integers: np.ndarray) -> bytes:
    """A recording (8, samples) int16 as a FLAC file."""
    file = io.BytesIO()
    soundfile.write(file, integers.T, RATE, format="FLAC", subtype="PCM_16", compression_level=1.0)
    return file.getvalue()


def from_flac(content: bytes) -> np.ndarray:
    """The recording of a FLAC file."""
    return np.asarray(soundfile.read(io.BytesIO(content), dtype="int16")[0]).T


PACKERS: dict[str, Callable[[np.ndarray], bytes]] = {
    "no codes": no_codes,
    BESIDE: to_flac,
    "lzma": lambda one: lzma.compress(one.tobytes()),
    "zlib": lambda one: zlib.compress(one.tobytes()),
}


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder that `vqecg prepare` wrote")
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder that `vqecg train-tokenizer` wrote")
    parser.add_argument("--test", type=int, nargs="+", default=[9], help="folds to measure on")
    parser.add_argument("--errors", type=float, nargs="+", default=[40.0, 20.0, 80.0], help="of the codes, microvolt")
    parser.add_argument("--timed", type=int, default=128, help="records that speed is measured on")
    parser.add_argument("--rounds", type=int, default=5, help="timed runs")
    parser.add_argument("--replicates", type=int, default=1000, help="bootstrap draws")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
