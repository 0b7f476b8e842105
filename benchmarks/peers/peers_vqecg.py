"""Our side of peers.py: the calls behind `vqecg train-tokenizer` and `vqecg train-prior`, in a process of its own.

    python peers_vqecg.py train|sample --store DIR --exchange DIR --out DIR --minutes 15

Shapes are the preset's; the number of steps is fitted to the budget by timing a few steps first. Writes train.json and
generator/, then sample.json, samples.npy, and reconstruction-1.npy, -2 ... from so many levels, as a peer's side does.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from vqecg.prior.config import SamplingSettings
from vqecg.prior.examples import Variants, encode_examples
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.requests import Requests, training_conditions
from vqecg.prior.training import TrainedPrior, train_prior, trait_basis
from vqecg.records.files.atomic import write_text
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.presets import PRESETS, preset
from vqecg.tokenizer.metrics import encode_store, reconstruct
from vqecg.tokenizer.training import TrainedTokenizer, train_tokenizer
from vqecg.training.fit import FitSettings
from vqecg.training.progress import peak_memory_mb

PROBES = (10, 20)  # steps of the two short trainings that time a step; the codebooks start in the first eight
PROBED_RECORDS = 64  # of the prior's short trainings, which encode them first
EVALUATIONS = 4  # of a whole training, each on the validation fold
TIMED_RECORDS = 12  # at least, at every batch size


@dataclass(frozen=True)
class StepCost:
    """CPU seconds of a training."""

    fixed: float  # of the start and one evaluation
    step: float  # of one step

    def steps(self, seconds: float) -> int:
        """The steps that fit into CPU seconds, the evaluations paid. Raises ValueError where fewer than ten do."""
        left = seconds - EVALUATIONS * self.fixed
        if left < 10 * self.step:
            raise ValueError(
                f"{seconds:.0f} CPU seconds are too few: an evaluation takes {self.fixed:.1f}, a step {self.step:.2f}; "
                "give more --minutes"
            )
        return int(left / self.step)


def main(arguments: list[str] | None = None) -> None:
    """Trains, or samples from what was trained."""
    options = parse(arguments)
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    report = train(options) if options.stage == "train" else sample(options)
    report |= {"peak_mib": peak_memory_mb(), "version": version("vqecg")}
    write_text(options.out / f"{options.stage}.json", json.dumps(report, indent=2) + "\n")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=("train", "sample"))
    parser.add_argument("--store", type=Path, required=True, help="folder that `vqecg prepare` wrote")
    parser.add_argument("--exchange", type=Path, required=True, help="folder with requests.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder of what comes out")
    parser.add_argument("--task", default="superdiagnostic", help="label task")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="small", help="shapes and schedules")
    parser.add_argument("--train", type=int, nargs="+", default=list(range(1, 8)), help="folds to learn from")
    parser.add_argument("--validation", type=int, nargs="+", default=[8], help="folds to choose weights on")
    parser.add_argument("--test", type=int, nargs="+", default=[9], help="folds to measure on")
    parser.add_argument("--minutes", type=float, default=15.0, help="CPU minutes of training, over both stages")
    parser.add_argument("--share", type=float, default=0.4, help="part of the time for the tokenizer")
    parser.add_argument("--steps", type=int, nargs=2, default=[0, 0], help="of tokenizer and prior; 0 = by --minutes")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 64], help="records at a time")
    parser.add_argument("--records", type=int, default=1000, help="of the requests, from the first")
    parser.add_argument("--seed", type=int, default=0, help="of training and sampling")
    return parser.parse_args(arguments)


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Trains tokenizer and prior, each with as many steps as fit its part of the budget."""
    wall = time.perf_counter()
    store = RecordStore.open(options.store)
    rows = FoldSplit(tuple(options.train), tuple(options.validation), tuple(options.test)).indices(store.table)
    task = store.task(options.task)
    chosen = preset(options.preset)
    codec = replace(chosen.tokenizer, fit=replace(chosen.tokenizer.fit, seed=options.seed))
    shape = replace(chosen.prior, fit=replace(chosen.prior.fit, seed=options.seed, patience=0))
    seconds = 60 * options.minutes

    def train_codec(fit: FitSettings) -> TrainedTokenizer:
        return train_tokenizer(store, rows.train, rows.validation, replace(codec, fit=fit), progress=False)

    codec_fit = planned(codec.fit, options.steps[0], train_codec, options.share * seconds)
    tokenizer, codec_seconds = spent(lambda: train_codec(codec_fit).tokenizer)

    def train_on(records: np.ndarray, fit: FitSettings) -> TrainedPrior:
        # sketch and detail model take about a tenth of the time each
        few_steps = max(1, fit.steps // 2)
        settings = replace(
            shape, fit=fit, sketch=fitted(shape.sketch, few_steps), detail=fitted(shape.detail, few_steps)
        )
        return train_prior(store, records, rows.validation, tokenizer, task, settings, progress=False)

    few = rows.train[:PROBED_RECORDS]
    basis, shift = trait_basis(store, few, shape), round(shape.shift * store.spec.sampling_rate)
    variants = Variants(shape.variants, shift, shape.gain)
    encoding = spent(
        lambda: encode_examples(store, few, tokenizer, basis, task, tokenizer.num_levels, variants, progress=False)
    )[1]
    left = seconds - codec_seconds - encoding * len(rows.train) / len(few)
    prior_fit = planned(shape.fit, options.steps[1], lambda fit: train_on(few, fit), left)
    prior, prior_seconds = spent(lambda: train_on(rows.train, prior_fit).prior)

    conditions = training_conditions(store, rows.train, task)
    generator = ECGGenerator(tokenizer, prior, task, conditions, store.spec.samples)
    generator.save_pretrained(options.out / "generator", overwrite=True)
    return {
        "stages": [
            stage_report("tokenizer", tokenizer, codec_fit, codec_seconds),
            stage_report("prior", prior, prior_fit, prior_seconds),
        ],
        "cpu_seconds": codec_seconds + prior_seconds,
        "wall_seconds": time.perf_counter() - wall,  # with the timing of steps, which is not training
    }


def spent(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result of `work`, and the CPU seconds it took."""
    began = time.process_time()
    return work(), time.process_time() - began


def planned(
    settings: FitSettings, steps: int, train_with: Callable[[FitSettings], object], seconds: float
) -> FitSettings:
    """The preset's schedule on so many steps, or where that is 0 on as many as fit into CPU seconds."""
    return fitted(settings, steps or step_cost(train_with, settings).steps(seconds))


def step_cost(train_with: Callable[[FitSettings], object], settings: FitSettings) -> StepCost:
    """Times two short trainings of different length: the longer one has more steps, all else is the same."""
    few, many = PROBES
    short, long = (
        spent(partial(train_with, replace(settings, steps=steps, evaluate_every=steps)))[1] for steps in PROBES
    )
    step = max((long - short) / (many - few), short / many)  # a load that comes and goes must not make steps free
    return StepCost(max(0.0, short - few * step), step)


def fitted(settings: FitSettings, steps: int) -> FitSettings:
    """The preset's schedule on another number of steps: warm-up and averaging keep their part of the whole."""
    scale = min(1.0, steps / settings.steps)
    return replace(
        settings,
        steps=steps,
        warmup_steps=max(1, round(settings.warmup_steps * scale)),
        average_decay=1 - min(1.0, (1 - settings.average_decay) / scale),
        evaluate_every=max(1, -(-steps // EVALUATIONS)),
    )


def stage_report(name: str, model: nn.Module, fit: FitSettings, seconds: float) -> dict[str, Any]:
    """One stage of training in plain values."""
    parameters = sum(weights.numel() for weights in model.parameters())
    return {"family": name, "parameters": parameters, "steps": fit.steps, "cpu_seconds": seconds}


def sample(options: argparse.Namespace) -> dict[str, Any]:
    """Times sampling, draws a record for each request, and codes the test records."""
    generator = ECGGenerator.from_pretrained(options.out / "generator")
    labels = np.load(options.exchange / "requests.npz")["labels"][: options.records]
    requests = Requests(labels, {})  # the peers are conditioned on labels alone: age and sex stay open here too
    report: dict[str, Any] = {"speeds": [timed(generator, requests, batch, options.seed) for batch in options.batches]}
    settings = replace(preset(options.preset).sampling, batch_size=max(options.batches))
    records, report["samples_cpu_seconds"] = spent(lambda: generator.generate(requests, options.seed, settings))
    np.save(options.out / "samples.npy", records.signal)
    store = RecordStore.open(options.store)
    rows = FoldSplit(tuple(options.train), tuple(options.validation), tuple(options.test)).indices(store.table)
    tokenizer = generator.tokenizer
    codes = encode_store(tokenizer, store, rows.test, progress=False)
    for levels in range(1, tokenizer.num_levels + 1):
        decoded = reconstruct(tokenizer, codes, store.spec.samples, levels)
        np.save(options.out / f"reconstruction-{levels}.npy", decoded.numpy())
    report["bit_rates"] = [
        tokenizer.bit_rate * levels / tokenizer.num_levels for levels in range(1, tokenizer.num_levels + 1)
    ]
    return report


def timed(generator: ECGGenerator, requests: Requests, batch: int, seed: int) -> dict[str, float]:
    """Seconds per record at one batch size without guidance: the median of rounds, after one record to warm up."""
    settings = SamplingSettings(batch_size=batch)
    generator.generate(requests[:1], seed, settings)
    rounds = []
    for _ in range(max(2, TIMED_RECORDS // batch)):
        cpu, wall = time.process_time(), time.perf_counter()
        generator.generate(requests[:batch], seed, settings)
        rounds.append((time.process_time() - cpu, time.perf_counter() - wall))
    seconds = np.median(np.array(rounds), axis=0) / batch
    return {"batch": batch, "cpu_seconds": float(seconds[0]), "wall_seconds": float(seconds[1])}


if __name__ == "__main__":
    main()
