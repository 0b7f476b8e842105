"""The `base` preset on a GPU, one step at a time, each under ten minutes, with one input file and no network.

    python -m benchmarks.gpu.base --store runs/ptbxl/store --pack store.tar.xz      (where the recordings are)
    python -m benchmarks.gpu.base --store store.tar.xz --out DIR --step tokenizer   (on the GPU; then prior, sample and
                                                                                    assess)

A step that --minutes ends goes on from its last evaluation when the same command is given again; one that is finished
is left as it is. The exit status is 0 when the step is done and 3 when it needs another sitting. Training is in bf16
where the processor computes in it. --compile is for GPUs.
"""

import argparse
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from unittest.mock import patch

import torch
from torch import Tensor, nn

from benchmarks.gpu.packed_store import open_store, pack_store
from benchmarks.measuring import machine
from vqecg.downstream.assessment.settings import AssessmentSettings
from vqecg.prior import training as prior_training
from vqecg.records.export.layouts import is_dataset
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.presets import PRESETS, Preset, preset
from vqecg.scripts.steps import assessing, prior, tokenizer
from vqecg.scripts.steps.assessing import AssessingStep, assessment_stage
from vqecg.scripts.steps.gating import GateRecords
from vqecg.scripts.steps.generating import GeneratingStep, generate
from vqecg.scripts.steps.prior import PriorStep, prior_stage
from vqecg.scripts.steps.tokenizer import TokenizerStep, tokenizer_stage
from vqecg.tokenizer import training as tokenizer_training
from vqecg.training.fit import FitSettings

UNFINISHED = 3  # exit status
Loss = Callable[[nn.Module, dict[str, Tensor]], dict[str, Tensor]]


class TimeIsUpError(Exception):
    """The step's minutes are over."""


def main(arguments: list[str] | None = None) -> int:
    """Packs the store, or does one step; returns the exit status."""
    options = parse(arguments)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    print(machine(torch.get_num_threads()))
    if options.pack:
        size = pack_store(options.store, options.pack)
        print(f"{options.pack}: {size / 1e6:.1f} MB, {len(RecordStore.open(options.store)):,} records")
        return 0
    print(torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU: this is a trial on a processor")
    began = time.perf_counter()
    store = open_store(options.store, options.out / "store")
    settings = shortened(preset(options.preset), options.steps)
    try:
        with ExitStack() as stack:
            if options.compile:
                stack.enter_context(compiled_training())
            stack.enter_context(time_limit(options.minutes))
            STEPS[options.step](options, store, settings)
    except TimeIsUpError:
        print(f"\n{options.step}: {options.minutes:g} minutes are over; give the same command again to go on")
        return UNFINISHED
    peak = f", {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB on the GPU" if torch.cuda.is_available() else ""
    print(f"{options.step}: done, {time.perf_counter() - began:.0f} s in this sitting{peak}")
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True, help="folder of `vqecg prepare`, or a file of --pack")
    parser.add_argument("--pack", type=Path, help="write the store into this file (.tar.xz) and do nothing else")
    parser.add_argument("--out", type=Path, help="folder of all steps")
    parser.add_argument("--step", choices=sorted(STEPS), help="what to do; in turn tokenizer, prior, sample, assess")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="base")
    parser.add_argument("--minutes", type=float, default=9.5, help="after which a step stops")
    parser.add_argument("--steps", type=int, help="of training, at most (default: the preset's)")
    parser.add_argument("--records", type=int, help="synthetic records (default: as many as train)")
    parser.add_argument("--task", default="all", help="labels the prior listens to")
    parser.add_argument("--neighbours", type=int, default=5, help="of the assessment's precision, recall and coverage")
    parser.add_argument("--train", type=int, nargs="+", default=list(range(1, 8)), help="folds to learn from")
    parser.add_argument("--validation", type=int, nargs="+", default=[8], help="folds to choose on")
    parser.add_argument("--test", type=int, nargs="+", default=[9], help="folds for the last measurement")
    parser.add_argument("--compile", action="store_true", help="torch.compile while training")
    options = parser.parse_args(arguments)
    if not options.pack and not (options.out and options.step):
        parser.error("give --out and --step, or --pack")
    return options


def folds(options: argparse.Namespace) -> FoldSplit:
    """The folds that train, validate and test."""
    return FoldSplit(tuple(options.train), tuple(options.validation), tuple(options.test))


def tokenizer_step(options: argparse.Namespace, store: RecordStore, settings: Preset) -> None:
    """`vqecg train-tokenizer`."""
    place = options.out / "tokenizer"
    step = TokenizerStep(store.folder, place, folds(options), settings.tokenizer)
    print(tokenizer.summary(tokenizer_stage(step)))


def prior_step(options: argparse.Namespace, store: RecordStore, settings: Preset) -> None:
    """`vqecg train-prior`."""
    places = (store.folder, options.out / "tokenizer", options.out / "prior")
    step = PriorStep(*places, options.task, folds(options), training=settings.prior)
    print(prior.summary(prior_stage(step)))


def sample_step(options: argparse.Namespace, store: RecordStore, settings: Preset) -> None:
    """`vqecg generate`, with the labels of the training records and the gate against copies of them."""
    place = options.out / "synthetic"
    if is_dataset(place):
        return
    count = options.records or len(folds(options).indices(store.table).train)
    began = time.perf_counter()
    step = GeneratingStep(
        options.out / "prior",
        place,
        count=count,
        sampling=settings.sampling,
        compared=GateRecords(store.folder, folds(options)),
    )
    print(generate(step))
    print(f"{count / (time.perf_counter() - began):.1f} records per second, gate and files included")


def assess_step(options: argparse.Namespace, store: RecordStore, settings: Preset) -> None:
    """`vqecg assess`, with the ceiling of the tokenizer."""
    step = AssessingStep(
        options.out / "synthetic",
        store.folder,
        options.out / "assessment",
        generator=options.out / "prior",
        folds=folds(options),
        settings=AssessmentSettings(seeds=settings.seeds, training=settings.classifier, neighbours=options.neighbours),
    )
    print(assessing.summary(assessment_stage(step)))


STEPS = {"tokenizer": tokenizer_step, "prior": prior_step, "sample": sample_step, "assess": assess_step}


def shortened(settings: Preset, steps: int | None) -> Preset:
    """The preset with at most so many steps in each training."""
    if steps is None:
        return settings

    def short(fit: FitSettings) -> FitSettings:
        return replace(fit, steps=min(fit.steps, steps), evaluate_every=min(fit.evaluate_every, steps))

    prior, classifier = settings.prior, settings.classifier
    return replace(
        settings,
        tokenizer=replace(settings.tokenizer, fit=short(settings.tokenizer.fit)),
        prior=replace(prior, fit=short(prior.fit), sketch=short(prior.sketch), detail=short(prior.detail)),
        classifier=classifier.changed({"fit.steps": min(classifier.fit.steps, steps)}),
    )


@contextmanager
def time_limit(minutes: float) -> Iterator[None]:
    """Raises TimeIsUpError in the block when it takes longer; what training keeps is whole at every moment."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeIsUpError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 60 * minutes)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def compiled_training() -> Iterator[None]:
    """Within, tokenizer and prior are compiled at their first step. Names of weights, and so checkpoints, stay."""

    def compiling(loss: Loss) -> Loss:
        seen: set[int] = set()

        def compiled(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
            if id(model) not in seen:
                seen.add(id(model))
                model.compile(dynamic=False)
            return loss(model, batch)

        return compiled

    with (
        patch.object(tokenizer_training, "tokenizer_loss", compiling(tokenizer_training.tokenizer_loss)),
        patch.object(prior_training, "prior_loss", compiling(prior_training.prior_loss)),
    ):
        yield


if __name__ == "__main__":
    raise SystemExit(main())
