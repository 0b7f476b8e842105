"""Records a second from a prior, against two other ways to draw codes from the same backbone.

- the same loop over the forward pass of transformers' module, with its growing cache;
- transformers' `generate` on a GPT2LMHeadModel of the same backbone: once with as many steps, where it draws one code a
  step and we one for each level, and once until it has drawn as many codes, level after level, which makes a whole
  record.

The last table has the ratios to both, and what is required: never slower. The weights are random, which costs the same
as trained ones: the shape is the `small` preset's, or `--generator DIR`'s.
"""

import argparse
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.cache_utils import DynamicCache
from transformers.utils import logging

from benchmarks.measuring import Cell, Report, Timing, benchmark_parser, cell, number, time_side_by_side
from vqecg.prior import sampling
from vqecg.prior.backbones.registry import Decoder
from vqecg.prior.conditioning import Condition
from vqecg.prior.config import ECGPriorConfig, SamplingSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.modeling import ECGPrior
from vqecg.scripts.cli.presets import PRESETS, preset

OURS, FORWARD = "vqecg", "transformers' forward pass"
SAME_STEPS, SAME_CODES = "generate, as many steps", "generate, as many codes"
REQUIRED = 1.0  # times as fast as generate with as many steps
WARM_UP = 8  # records; a larger batch takes seconds, to which a first run adds nothing that counts


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    logging.set_verbosity_error()  # generate warns of the random weights' settings at every call
    report = Report(__spec__.name, __doc__, arguments, options, options.threads)
    prior = load_prior(options)
    config = prior.config
    parameters = sum(parameter.numel() for parameter in prior.parameters())
    print(f"prior: {parameters:,} parameters, {config.levels} levels, {config.steps} steps per record")
    language_model = matching_language_model(prior)
    rows = []
    for batch in options.batches:
        settings = SamplingSettings(batch_size=batch)
        timings = measure(prior, language_model, settings, options)
        report.timings(f"batch {batch}", "records/s", timings)
        rows.append(summary(settings, timings, share_outside_backbone(prior, settings)))
    header = ("", "records/s", "outside the backbone", f"/ {SAME_STEPS}", "required", "", f"/ {SAME_CODES}")
    report.table("vqecg against generate on the same backbone (median over rounds)", header, rows, "summary")
    report.write({"rounds": options.rounds})


def summary(settings: SamplingSettings, timings: list[Timing], share: float) -> tuple[Cell, ...]:
    """A row of the last table; "-" where generate was not timed."""
    ours, others = timings[0], {timing.name: timing for timing in timings[1:]}
    ratios = {name: ours.ratio(others[name]) for name in (SAME_STEPS, SAME_CODES) if name in others}
    met = "-" if SAME_STEPS not in ratios else "met" if ratios[SAME_STEPS] >= REQUIRED else "MISSED"
    return (
        f"batch {settings.batch_size}",
        number(ours.median),
        cell(100 * share, 0, "%"),
        number(ratios[SAME_STEPS]) if SAME_STEPS in ratios else "-",
        f"{REQUIRED:g}",
        met,
        number(ratios[SAME_CODES]) if SAME_CODES in ratios else "-",
    )


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument(
        "--generator", type=Path, help="folder of `vqecg train-prior`, or a generator, whose prior is used"
    )
    parser.add_argument("--preset", choices=sorted(PRESETS), default="small", help="shape of the random prior")
    parser.add_argument("--frames", type=int, default=125, help="frames per record of the random prior")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 64, 256], help="records at a time")
    parser.add_argument("--rounds", type=int, default=3, help="timed runs of each alternative")
    names = (FORWARD, SAME_STEPS, SAME_CODES)
    parser.add_argument("--against", nargs="+", choices=names, default=names, help="what to time beside our loop")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch")
    return parser.parse_args(arguments)


def load_prior(options: argparse.Namespace) -> ECGPrior:
    """The prior of --generator, or a random one of the preset's shape, for the five superclasses."""
    if options.generator:
        return ECGGenerator.from_pretrained(options.generator).prior
    chosen = preset(options.preset)
    shape = chosen.prior.model
    config = ECGPriorConfig(
        class_names=("NORM", "MI", "STTC", "CD", "HYP"),
        codebook_size=chosen.tokenizer.model.codebook_size,
        frames=options.frames,
        **vars(shape),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ECGPrior(config).eval()


def matching_language_model(prior: ECGPrior) -> GPT2LMHeadModel:
    """GPT-2 with a token per code and one per label; the prior's width, layers and heads."""
    config = prior.config
    tokens = config.codebook_size + len(config.class_names)
    shape = GPT2Config(
        vocab_size=tokens,
        n_positions=config.frames * config.levels + 1,
        n_embd=config.width,
        n_layer=config.layers,
        n_head=config.heads,
        bos_token_id=tokens - 1,
        eos_token_id=None,
        pad_token_id=tokens - 1,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return GPT2LMHeadModel(shape).eval()


def measure(
    prior: ECGPrior, language_model: GPT2LMHeadModel, settings: SamplingSettings, options: argparse.Namespace
) -> list[Timing]:
    """One batch drawn in every way."""
    batch, steps = settings.batch_size, prior.config.steps
    condition = conditions(prior, batch)

    def by_forward_passes() -> sampling.Samples:
        with forward_passes(prior):
            return sampling.sample(prior, condition, 0, settings)

    codes = prior.config.frames * prior.config.levels
    alternatives: dict[str, Callable[[], object]] = {
        OURS: lambda: sampling.sample(prior, condition, 0, settings),
        FORWARD: by_forward_passes,
        SAME_STEPS: lambda: generate(language_model, batch, steps),
        SAME_CODES: lambda: generate(language_model, batch, codes),
    }
    chosen = {name: work for name, work in alternatives.items() if name == OURS or name in options.against}
    return time_side_by_side(chosen, batch, options.rounds, warm_up=batch <= WARM_UP)


def conditions(prior: ECGPrior, count: int) -> Condition:
    """Requests for one label each, in turn."""
    classes = len(prior.config.class_names)
    labels = np.eye(classes, dtype=np.float32)[np.arange(count) % classes]
    return Condition.of(labels, {"age": np.full(count, 60.0), "sex": np.full(count, "female", object)})


class ForwardPasses(Decoder):
    """Steps by the forward pass of transformers' module, which keeps keys and values in its DynamicCache."""

    def __init__(self, module: nn.Module) -> None:
        self.module, self.cache = module, DynamicCache()

    def step(self, inputs: Tensor) -> Tensor:
        """One step; the cache grows by it."""
        output = self.module(inputs_embeds=inputs[:, None], past_key_values=self.cache, use_cache=True)
        return cast(Tensor, output.last_hidden_state[:, 0])


def forward_passes(prior: ECGPrior) -> AbstractContextManager[object]:
    """Within, our loop asks transformers' module for each step."""
    return patch.object(prior, "decoder", lambda batch: ForwardPasses(prior.backbone))


def generate(model: Any, batch: int, steps: int) -> Tensor:
    """Tokens (batch, 1 + steps) drawn by transformers from one token for a label."""
    prompt = torch.full((batch, 1), model.config.vocab_size - 1)
    return model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        do_sample=True,
        top_k=0,
        max_new_tokens=steps,
        min_new_tokens=steps,
    )


class TimedDecoder(Decoder):
    """A decoder and the seconds that its steps take."""

    def __init__(self, decoder: Decoder) -> None:
        self.decoder, self.seconds = decoder, 0.0

    def step(self, inputs: Tensor) -> Tensor:
        """The step of the decoder."""
        began = time.perf_counter()
        hidden = self.decoder.step(inputs)
        self.seconds += time.perf_counter() - began
        return hidden


def share_outside_backbone(prior: ECGPrior, settings: SamplingSettings) -> float:
    """The part of one batch's time that our loop spends on everything but the transformer: rhythm, heads, draws."""
    timed = list[TimedDecoder]()

    def decoder(batch: int) -> TimedDecoder:
        timed.append(TimedDecoder(ECGPrior.decoder(prior, batch)))
        return timed[-1]

    with patch.object(prior, "decoder", decoder):
        began = time.perf_counter()
        sampling.sample(prior, conditions(prior, settings.batch_size), 0, settings)
        total = time.perf_counter() - began
    return 1 - sum(one.seconds for one in timed) / total


if __name__ == "__main__":
    main()
