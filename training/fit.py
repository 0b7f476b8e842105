"""The one training loop: tokenizer, prior and classifiers all go through `fit`.

A step is a pure function of (weights, optimizer, seed, step): batches come from a stateless sampler, and the random
numbers of each step (dropout, quantizer dropout, augmentation) are seeded anew from seed, step and process. So a run
that was interrupted and resumed ends with the bits of one that was not, with no random state to keep.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import Tensor, nn

from vqecg.records.bounds import BatchSize, BelowOne, Checked, Count, CountOrNone, Positive, Seed, Share, Spread, Weight
from vqecg.records.files.progress import Progress
from vqecg.training.progress import peak_memory_mb
from vqecg.training.sampler import BatchChoosing, Examples, batch_parts
from vqecg.training.state import RunState, load_state, save_state


@dataclass(frozen=True)
class FitSettings(Checked):
    """Settings of a training."""

    steps: Count = 1000  # optimizer steps
    batch_size: BatchSize = 64  # examples per step, over all processes and accumulated parts
    learning_rate: Spread = 1e-3  # highest value, after the warm-up
    final_learning_rate: Share = 0.02  # at the last step, as a fraction of the highest (cosine in between)
    warmup_steps: CountOrNone = 50  # steps of linear warm-up
    weight_decay: Weight = 0.01  # on matrices and kernels only
    second_moment_decay: BelowOne = 0.99  # AdamW's beta 2
    gradient_clip: Positive = 1.0  # greatest norm of the gradient
    gradient_accumulation: BatchSize = 1  # parts a batch is split into, to save memory
    mixed_precision: str = "auto"  # "no", "bf16", or "auto": bf16 where the processor computes in it
    average_decay: BelowOne = 0.0  # per step, of the averaged weights that are evaluated and kept; 0 = none
    evaluate_every: Count = 200  # steps between evaluations (and checkpoints)
    patience: CountOrNone = 0  # evaluations without a better value before stopping; 0 = never
    seed: Seed = 0  # of the order of examples, augmentation and dropout

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mixed_precision not in ("auto", "no", "bf16"):
            raise ValueError(f"mixed_precision is {self.mixed_precision!r}; expected 'auto', 'no' or 'bf16'")
        if self.batch_size % self.gradient_accumulation:
            raise ValueError(
                f"batch_size {self.batch_size} does not split into {self.gradient_accumulation} equal parts: "
                "choose a multiple"
            )

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of step 0, 1, ...: linear warm-up, then a cosine down to the final fraction."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        done = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        fraction = self.final_learning_rate + (1 - self.final_learning_rate) * 0.5 * (1 + math.cos(math.pi * done))
        return self.learning_rate * fraction


@dataclass(frozen=True)
class FitResult:
    """A finished training: `history` has one row per evaluation, the training metrics averaged since the last."""

    history: list[dict[str, float]]
    steps: int  # steps taken
    best_step: int  # whose weights the model now has
    best_value: float  # of the selection metric at that step
    seconds: float  # over all sittings of the run
    peak_memory_mb: float  # highest resident memory of the process so far

    @property
    def best(self) -> dict[str, float]:
        """The row of `history` whose weights the model now has."""
        return next(row for row in self.history if row["step"] == self.best_step)


def fit(
    model: nn.Module,
    examples: Examples,
    loss: Callable[[nn.Module, dict[str, Tensor]], dict[str, Tensor]],
    settings: FitSettings,
    folder: Path | None = None,
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    metric: str = "loss",
    mode: str = "min",
    description: str = "training",
    progress: bool = True,
) -> FitResult:
    """Trains `model` in place and leaves the weights of its best evaluation in it (the last step's without `evaluate`).

    `loss(model, batch)` returns named scalars, "loss" among them. `evaluate(model)` returns named floats; `metric` of
    them, lowest or highest by `mode`, selects the weights. With a `folder`, the run is kept in `folder/last` at every
    evaluation and resumes from there exactly; history.jsonl grows beside it. Works under `accelerate launch`.

    Raises ValueError for a folder that holds a run with other settings, a batch that does not split over the
    processes, or a loss or gradient that is not finite.
    """
    accelerator = Accelerator()
    check_fit(settings, mode, accelerator.num_processes)
    model.to(accelerator.device)  # before the optimizer and the averages, whose tensors lie where the weights are
    optimizer = make_optimizer(model, settings)
    identity = examples.identity if isinstance(examples, BatchChoosing) else len(examples)
    state = RunState.start(model, settings, identity)
    if folder is not None:
        state = load_state(folder / "last", model, optimizer, state)
    # one process needs no wrapper; several get DistributedDataParallel
    wrapped, stepper = accelerator.prepare(model, optimizer) if accelerator.num_processes > 1 else (model, optimizer)
    began = time.perf_counter() - state.seconds
    sums: dict[str, float] = {}
    bar = progress_bar(state.step, settings.steps, description, progress and accelerator.is_main_process)
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())), bar:
        while state.step < settings.steps and not state.stopped:
            metrics = train_step(wrapped, model, examples, loss, settings, state.step, accelerator, stepper)
            state.step += 1
            update_average(state.average, model, settings.average_decay, state.step)
            for name, value in metrics.items():
                sums[name] = sums.get(name, 0.0) + value
            bar.update(note=f"loss {metrics['loss']:.4g}")
            if state.step % settings.evaluate_every and state.step != settings.steps:
                continue
            since = state.step - (state.history[-1]["step"] if state.history else 0)
            row = {"step": state.step, **{f"train/{name}": value / since for name, value in sums.items()}}
            sums.clear()
            if evaluate is not None:
                with averaged_weights(model, state.average):
                    values = [evaluate(model.eval())]
                row |= broadcast_object_list(values)[0]
            state.seconds = time.perf_counter() - began
            keep_best(state, model, row, metric, mode, settings.patience, evaluated=evaluate is not None)
            if folder is not None and accelerator.is_main_process:
                save_state(folder / "last", model, optimizer, state)
    model.load_state_dict(state.best)
    model.eval()
    return FitResult(state.history, state.step, state.best_step, state.best_value, state.seconds, peak_memory_mb())


def check_fit(settings: FitSettings, mode: str, processes: int) -> None:
    """Raises ValueError for a mode that is neither "min" nor "max", or a batch that does not split over processes."""
    if mode not in ("min", "max"):
        raise ValueError(f"mode is {mode!r}; expected 'min' or 'max'")
    if settings.batch_size % processes:
        raise ValueError(
            f"batch_size {settings.batch_size} does not split over {processes} processes: choose a multiple"
        )


def progress_bar(step: int, steps: int, description: str, shown: bool) -> Progress[None]:
    """The bar of a run that goes on at `step`; it appears after two seconds."""
    return Progress[None](total=steps, initial=step, description=description, unit="step", shown=shown)


def make_optimizer(model: nn.Module, settings: FitSettings) -> torch.optim.AdamW:
    """AdamW with weight decay on matrices and kernels, none on biases, norms and gains."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=settings.learning_rate,
        betas=(0.9, settings.second_moment_decay),
    )


def train_step(
    wrapped: nn.Module,
    model: nn.Module,
    examples: Examples,
    loss: Callable[[nn.Module, dict[str, Tensor]], dict[str, Tensor]],
    settings: FitSettings,
    step: int,
    accelerator: Accelerator,
    optimizer: torch.optim.Optimizer,
) -> dict[str, float]:
    """One optimizer step on one global batch; returns the step's metrics, averaged over its parts."""
    model.train()
    rank, processes = accelerator.process_index, accelerator.num_processes
    size, number = settings.batch_size, settings.gradient_accumulation
    parts = batch_parts(examples, size, number, step, settings.seed, rank, processes)
    count = sum(map(len, parts))
    for group in optimizer.param_groups:
        group["lr"] = settings.learning_rate_at(step)
    half = in_bf16(settings, accelerator.device)
    sums: dict[str, float] = {}
    for number, part in enumerate(parts):
        words = np.random.SeedSequence([settings.seed, step, rank, number]).generate_state(1, np.uint64)
        torch.manual_seed(int(words[0] >> np.uint64(1)))
        batch = examples.batch(part, np.random.default_rng([settings.seed, step, rank, number]))
        batch = {name: tensor.to(accelerator.device) for name, tensor in batch.items()}
        last = number == len(parts) - 1
        with nullcontext() if last else accelerator.no_sync(wrapped):
            with torch.autocast(accelerator.device.type, torch.bfloat16, enabled=half):
                metrics = loss(wrapped, batch)
            accelerator.backward(metrics["loss"] * (len(part) / count))
        for name, value in metrics.items():
            sums[name] = sums.get(name, 0.0) + float(value.detach()) * len(part) / count
    norm = accelerator.clip_grad_norm_(model.parameters(), settings.gradient_clip)
    if not (math.isfinite(sums["loss"]) and math.isfinite(float(norm))):
        raise ValueError(
            f"the loss is {sums['loss']} and the norm of its gradient {float(norm)} at step {step}: lower the learning "
            f"rate ({settings.learning_rate}) or check the input for NaN"
        )
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return sums


def arithmetic(settings: FitSettings) -> str:
    """The arithmetic of `fit` on this machine, such as "bf16 on cpu": trained in another, a model is another."""
    device = Accelerator().device
    return f"{'bf16' if in_bf16(settings, device) else 'float32'} on {device.type}"


def in_bf16(settings: FitSettings, device: torch.device) -> bool:
    """True where products are in bf16, by the settings or because it is faster there."""
    return settings.mixed_precision == "bf16" or (settings.mixed_precision == "auto" and computes_in_bf16(device))


def computes_in_bf16(device: torch.device) -> bool:
    """True where bf16 is faster: a GPU that has it, or a processor with matrix units for it (AMX)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return device.type == "cpu" and bool(torch.cpu.get_capabilities().get("amx_bf16", False))


@torch.no_grad()
def update_average(average: dict[str, Tensor], model: nn.Module, decay: float, step: int) -> None:
    """Moves the averaged weights towards the model's; early on faster, so that the start is forgotten."""
    decay = min(decay, step / (step + 10))
    for name, parameter in model.named_parameters():
        if name in average:
            average[name].lerp_(parameter.detach().to(average[name].device), 1 - decay)


@contextmanager
def averaged_weights(model: nn.Module, average: Mapping[str, Tensor]) -> Iterator[None]:
    """Puts the averaged weights into the model for the length of a `with` block."""
    before = {name: p.detach().clone() for name, p in model.named_parameters() if name in average}
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name in before:
            parameters[name].copy_(average[name])
    try:
        yield
    finally:
        with torch.no_grad():
            for name, value in before.items():
                parameters[name].copy_(value)


def keep_best(
    state: RunState, model: nn.Module, row: dict[str, Any], metric: str, mode: str, patience: int, evaluated: bool
) -> None:
    """Appends an evaluation to the history and keeps the weights if it is the best (or if nothing is evaluated)."""
    if evaluated and metric not in row:
        raise ValueError(f"evaluate returned {sorted(row)}, without the selection metric {metric!r}")
    value = float(row[metric]) if evaluated else math.nan
    # best_value is NaN before the first evaluation; one that comes out NaN must not keep the place for good
    better = math.isnan(state.best_value) or (value < state.best_value if mode == "min" else value > state.best_value)
    state.history.append(row)
    if better:
        with averaged_weights(model, state.average):
            state.best = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
        state.best_step, state.best_value, state.worse = int(row["step"]), value, 0
    else:
        state.worse += 1
    state.stopped = 0 < patience <= state.worse
