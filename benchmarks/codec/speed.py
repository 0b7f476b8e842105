"""Encoding and decoding speed of the tokenizer against the transform codec of compression.py.

The tokenizer has the `small` preset's shape (or --preset) with random weights and codebooks, which cost the same as
trained ones. The transform codec is numpy and scipy on one core, without the entropy coder, which would add to it.
"""

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from benchmarks.codec.transform_baseline import EntropyTables, LeadTransform, quantize
from benchmarks.measuring import Report, benchmark_parser, time_side_by_side
from vqecg.records.leads import INDEPENDENT_LEADS
from vqecg.records.simulation.simulator import SimulatorSettings, simulate_record
from vqecg.scripts.cli.presets import PRESETS, preset
from vqecg.tokenizer.modeling import ECGTokenizer

STEP = 0.2  # mV, of the transform codec's quantizer: about 1,000 bit/s
DISTINCT = 16  # simulated records, repeated to fill a batch


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    options = parse(arguments)
    report = Report(__spec__.name, __doc__, arguments, options)
    tokenizer = random_tokenizer(options.preset)
    signal = simulated_batch(options.batch, tokenizer.config.sampling_rate)
    coded = torch.from_numpy(signal)
    transform = LeadTransform.fit(signal)
    tables = EntropyTables.fit(transform.analyse(signal), STEP)
    symbols = quantize(transform.analyse(signal), STEP)
    before = torch.get_num_threads()
    try:
        for threads in options.threads:
            torch.set_num_threads(threads)
            with torch.inference_mode():
                codes = tokenizer.encode(coded)
                encoding = {
                    "tokenizer": lambda: tokenizer.encode(coded),
                    "PCA + DCT": lambda: quantize(transform.analyse(signal), STEP),
                }
                decoding: dict[str, Callable[[], object]] = {
                    "tokenizer": partial(tokenizer.decode, codes, signal.shape[2]),
                    "PCA + DCT": lambda: transform.synthesise(tables.dequantize(symbols)),
                }
                for name, alternatives in (("encoding", encoding), ("decoding", decoding)):
                    timings = time_side_by_side(alternatives, options.batch, options.rounds)
                    report.timings(f"{name}, batch {options.batch}, torch threads: {threads}", "records/s", timings)
    finally:
        torch.set_num_threads(before)
    report.write({"batch": options.batch})


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="small", help="shape of the tokenizer")
    parser.add_argument("--batch", type=int, default=64, help="records of 10 s at a time")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="of torch")
    parser.add_argument("--rounds", type=int, default=7, help="timed runs of each alternative")
    return parser.parse_args(arguments)


def random_tokenizer(name: str) -> ECGTokenizer:
    """A tokenizer of the preset's shape whose codebooks hold random vectors, so that codes differ."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        tokenizer = ECGTokenizer(preset(name).tokenizer.model).eval()
        tokenizer.quantizer.code_vectors().normal_()
    return tokenizer


def simulated_batch(count: int, sampling_rate: int) -> np.ndarray:
    """(count, 8, samples) float32 mV."""
    settings = SimulatorSettings(10.0, sampling_rate)
    records = [
        simulate_record(("NORM", "SR"), np.random.default_rng([0, row]), settings).record
        for row in range(min(count, DISTINCT))
    ]
    rows = [records[0].leads.index(lead) for lead in INDEPENDENT_LEADS]
    return np.stack([records[row % len(records)].signal[rows] for row in range(count)])


if __name__ == "__main__":
    main()
