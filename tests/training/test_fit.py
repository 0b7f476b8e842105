"""The training loop: resume is exact, the best averaged weights are kept, and wrong input is refused."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vqecg.records.store.record_store import RecordStore
from vqecg.training.fit import FitResult, FitSettings, averaged_weights, fit, update_average

SETTINGS = FitSettings(steps=12, batch_size=8, warmup_steps=2, evaluate_every=3, mixed_precision="no")


@dataclass(frozen=True)
class Line:
    """y = x . (1, -2, 3), with noise drawn anew each time a point is seen."""

    points: int = 21
    noise: float = 0.1

    def __len__(self) -> int:
        return self.points

    def batch(self, indices: np.ndarray, generator: np.random.Generator) -> dict[str, Tensor]:
        x = np.random.default_rng(0).normal(size=(self.points, 3))[indices]
        y = x @ np.array([1.0, -2.0, 3.0]) + self.noise * generator.standard_normal(len(indices))
        return {"x": torch.tensor(x, dtype=torch.float32), "y": torch.tensor(y, dtype=torch.float32)}


def network(dropout: float = 0.2) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 1))


def first_weight(model: nn.Module) -> nn.Parameter:
    return next(model.parameters())


def squared_error(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    error = (model(batch["x"])[:, 0] - batch["y"]).square().mean()
    return {"loss": error, "half": error / 2}


def held_out_error(model: nn.Module) -> dict[str, float]:
    with torch.inference_mode():
        batch = Line(noise=0.0).batch(np.arange(21), np.random.default_rng(0))
        return {"loss": float(squared_error(model, batch)["loss"])}


class Interrupted(Exception):
    pass


def interrupted_at(call: int) -> Callable[[nn.Module, dict[str, Tensor]], dict[str, Tensor]]:
    """The loss, which raises when it is called for the `call`-th time."""
    calls = iter(range(1, 10**6))

    def loss(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        if next(calls) == call:
            raise Interrupted
        return squared_error(model, batch)

    return loss


def falling(values: list[float]) -> Callable[[nn.Module], dict[str, float]]:
    """An evaluation that gives these values one after the other."""
    given = iter(values)
    return lambda model: {"score": next(given)}


def assert_same_run(result: FitResult, other: FitResult) -> None:
    assert result.history == other.history
    assert (result.steps, result.best_step, result.best_value) == (other.steps, other.best_step, other.best_value)


def assert_same_weights(model: nn.Module, other: nn.Module) -> None:
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


@pytest.mark.parametrize("interrupted", [2, 4, 8, 12])
@pytest.mark.parametrize("average_decay", [0.0, 0.9])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path: Path, interrupted: int, average_decay: float):
    settings = replace(SETTINGS, average_decay=average_decay, gradient_accumulation=2)
    whole = network()
    result = fit(whole, Line(), squared_error, settings, tmp_path / "whole", held_out_error, progress=False)
    folder = tmp_path / "parts"
    with pytest.raises(Interrupted):
        fit(network(), Line(), interrupted_at(2 * interrupted), settings, folder, held_out_error, progress=False)
    resumed = network()
    again = fit(resumed, Line(), squared_error, settings, folder, held_out_error, progress=False)
    assert_same_run(again, result)
    assert_same_weights(resumed, whole)
    for name in ("model", "optimizer", "average", "best"):
        kept = [(place / "last" / f"{name}.safetensors").read_bytes() for place in (tmp_path / "whole", folder)]
        assert kept[0] == kept[1], name


def test_a_finished_run_is_loaded_and_not_trained_again(tmp_path: Path):
    model = network()
    result = fit(model, Line(), squared_error, SETTINGS, tmp_path, held_out_error, progress=False)
    loaded = network()
    again = fit(loaded, Line(), interrupted_at(1), SETTINGS, tmp_path, held_out_error, progress=False)
    assert_same_run(again, result)
    assert_same_weights(loaded, model)


def test_the_history_is_kept_beside_the_run_one_row_an_evaluation(tmp_path: Path):
    result = fit(network(), Line(), squared_error, SETTINGS, tmp_path, held_out_error, progress=False)
    rows = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert rows == result.history
    assert [row["step"] for row in rows] == [3, 6, 9, 12]
    assert set(rows[0]) == {"step", "train/loss", "train/half", "loss"}
    assert rows[0]["train/half"] == pytest.approx(rows[0]["train/loss"] / 2)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    models = []
    for seed in (3, 3, 4):
        models.append(network())
        fit(models[-1], Line(), squared_error, replace(SETTINGS, seed=seed), progress=False)
    assert_same_weights(models[0], models[1])
    assert not torch.equal(first_weight(models[0]), first_weight(models[2]))


def test_training_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    fit(network(), Line(), squared_error, SETTINGS, progress=False)
    assert torch.equal(torch.rand(3), expected)


def test_training_learns_a_line_and_leaves_the_model_in_evaluation_mode():
    model = network(dropout=0.0)
    settings = replace(SETTINGS, steps=300, learning_rate=0.03, evaluate_every=50)
    result = fit(model, Line(noise=0.0), squared_error, settings, evaluate=held_out_error, progress=False)
    assert result.best_value < 0.1 * held_out_error(network())["loss"]
    assert held_out_error(model)["loss"] == result.best_value and not model.training


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"learning_rate": 0.5}, "learning_rate 0.001 there, 0.5 asked for"),
        ({"seed": 9}, "seed 0 there, 9 asked for"),
        ({"steps": 24}, "steps 12 there, 24 asked for"),
    ],
)
def test_a_folder_with_a_run_of_other_settings_is_refused(tmp_path: Path, change: dict[str, Any], told: str):
    fit(network(), Line(), squared_error, SETTINGS, tmp_path, progress=False)
    with pytest.raises(ValueError, match=told):
        fit(network(), Line(), squared_error, replace(SETTINGS, **change), tmp_path, progress=False)


def test_a_folder_with_a_run_on_other_examples_or_of_another_model_is_refused(tmp_path: Path):
    fit(network(), Line(), squared_error, SETTINGS, tmp_path, progress=False)
    with pytest.raises(ValueError, match="examples 21 there, 22 asked for"):
        fit(network(), Line(points=22), squared_error, SETTINGS, tmp_path, progress=False)
    with pytest.raises(ValueError, match="does not fit its settings: it also holds the tensors 3"):
        fit(nn.Sequential(nn.Linear(3, 1)), Line(), squared_error, SETTINGS, tmp_path, progress=False)


def test_a_damaged_run_is_refused(tmp_path: Path):
    fit(network(), Line(), squared_error, SETTINGS, tmp_path, progress=False)
    weights = tmp_path / "last" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(ValueError, match="damaged"):
        fit(network(), Line(), squared_error, SETTINGS, tmp_path, progress=False)


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path: Path):
    values: Iterator[Any] = iter([{"loss": 1.0}, {"loss": 0.5, "what": object()}])
    with pytest.raises(TypeError):  # an object is no JSON
        fit(network(), Line(), squared_error, SETTINGS, tmp_path, lambda model: next(values), progress=False)
    assert json.loads((tmp_path / "last" / "state.json").read_text())["step"] == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.jsonl", "last"]


def test_training_stops_when_patience_is_over_and_keeps_the_best():
    evaluate = falling([3.0, 2.0, 2.5, 2.0, 1.0])
    settings = replace(SETTINGS, steps=30, patience=2)
    result = fit(network(), Line(), squared_error, settings, evaluate=evaluate, metric="score", progress=False)
    assert (result.steps, result.best_step, result.best_value) == (12, 6, 2.0)


def test_a_stopped_run_stays_stopped_when_resumed(tmp_path: Path):
    settings = replace(SETTINGS, patience=1)
    first = fit(
        network(), Line(), squared_error, settings, tmp_path, falling([1.0, 2.0]), metric="score", progress=False
    )
    again = fit(network(), Line(), squared_error, settings, tmp_path, falling([]), metric="score", progress=False)
    assert first.steps == again.steps == 6


def test_the_highest_value_can_be_the_best():
    evaluate = falling([1.0, 3.0, 2.0, 0.0])
    result = fit(
        network(), Line(), squared_error, SETTINGS, evaluate=evaluate, metric="score", mode="max", progress=False
    )
    assert (result.best_step, result.best_value) == (6, 3.0)


def test_an_evaluation_that_is_not_a_number_is_never_the_best():
    evaluate = falling([math.nan, 2.0, math.nan, 3.0])
    result = fit(network(), Line(), squared_error, SETTINGS, evaluate=evaluate, metric="score", progress=False)
    assert (result.best_step, result.best_value) == (6, 2.0)


def test_without_evaluation_the_last_weights_are_kept():
    seen: list[Tensor] = []

    def loss(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        seen.append(first_weight(model).detach().clone())
        return squared_error(model, batch)

    model = network()
    result = fit(model, Line(), loss, SETTINGS, progress=False)
    assert result.best_step == 12 and math.isnan(result.best_value)
    assert not any(torch.equal(first_weight(model), weight) for weight in seen)


def test_accumulated_parts_equal_one_batch():
    whole, parts = network(dropout=0.0), network(dropout=0.0)
    gradients: dict[nn.Module, list[Tensor]] = {whole: [], parts: []}
    results = []
    for model, accumulation in ((whole, 1), (parts, 4)):
        first_weight(model).register_hook(gradients[model].append)
        settings = replace(SETTINGS, batch_size=12, gradient_accumulation=accumulation)
        results.append(fit(model, Line(noise=0.0), squared_error, settings, progress=False))
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], tensor, rtol=1e-4, atol=1e-6)
    assert (len(gradients[whole]), len(gradients[parts])) == (12, 48)
    torch.testing.assert_close(torch.stack(gradients[parts][:4]).sum(0), gradients[whole][0])
    assert results[1].history[-1]["train/loss"] == pytest.approx(results[0].history[-1]["train/loss"], rel=1e-4)


def test_training_metrics_are_means_since_the_last_evaluation():
    losses: list[float] = []

    def loss(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        found = squared_error(model, batch)
        losses.append(float(found["loss"].detach()))
        return found

    result = fit(network(), Line(), loss, replace(SETTINGS, steps=8), evaluate=held_out_error, progress=False)
    expected = [np.mean(losses[:3]), np.mean(losses[3:6]), np.mean(losses[6:])]
    assert [row["train/loss"] for row in result.history] == pytest.approx(expected)


def test_a_loss_that_is_not_finite_is_refused_with_its_step():
    def loss(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"loss": squared_error(model, batch)["loss"] * math.nan}

    with pytest.raises(ValueError, match=r"the loss is nan .* at step 0"):
        fit(network(), Line(), loss, SETTINGS, progress=False)


def test_a_gradient_that_is_not_finite_is_refused_before_it_reaches_the_weights():
    def loss(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        error = squared_error(model, batch)["loss"]
        return {"loss": (error - error).sqrt()}  # 0, with an infinite slope

    model = network()
    with pytest.raises(ValueError, match="gradient nan at step 0"):
        fit(model, Line(), loss, SETTINGS, progress=False)
    assert_same_weights(model, network())


def test_evaluation_sees_averaged_weights_and_training_goes_on_from_its_own():
    trails: list[list[Tensor]] = []
    evaluated: list[Tensor] = []
    for every in (1, 12):
        trail: list[Tensor] = []

        def loss(model: nn.Module, batch: dict[str, Tensor], trail: list[Tensor] = trail) -> dict[str, Tensor]:
            trail.append(first_weight(model).detach().clone())
            return squared_error(model, batch)

        def evaluate(model: nn.Module) -> dict[str, float]:
            evaluated.append(first_weight(model).detach().clone())
            return {"loss": 0.0}

        settings = replace(SETTINGS, average_decay=0.9, evaluate_every=every)
        fit(network(), Line(), loss, settings, evaluate=evaluate, progress=False)
        trails.append(trail)
    assert all(torch.equal(first, second) for first, second in zip(*trails, strict=True))
    assert not torch.equal(evaluated[2], trails[0][3])  # after three steps: averaged, own
    assert torch.equal(evaluated[11], evaluated[12])  # the twelfth of the first run, the only one of the second


def test_averaged_weights_are_put_back_also_after_an_error():
    model = network()
    own = {name: p.detach().clone() for name, p in model.named_parameters()}
    with pytest.raises(Interrupted), averaged_weights(model, {name: torch.zeros_like(p) for name, p in own.items()}):
        assert all((p == 0).all() for p in model.parameters())
        raise Interrupted
    assert all(torch.equal(p, own[name]) for name, p in model.named_parameters())


def test_the_average_forgets_its_start_and_follows_the_weights():
    model = nn.Linear(1, 1)
    average = {"weight": torch.tensor([[100.0]])}
    with torch.no_grad():
        model.weight.fill_(1.0)
    for step in range(1, 200):
        update_average(average, model, 0.9, step)
    assert float(average["weight"]) == pytest.approx(1.0, abs=1e-4)


def test_half_precision_trains_too():
    model = network(dropout=0.0)
    settings = replace(SETTINGS, steps=100, learning_rate=0.03, mixed_precision="bf16")
    fit(model, Line(noise=0.0), squared_error, settings, progress=False)
    assert first_weight(model).dtype == torch.float32
    assert held_out_error(model)["loss"] < 0.5 * held_out_error(network())["loss"]


def test_the_learning_rate_warms_up_and_falls_to_its_last_fraction():
    settings = FitSettings(steps=1000, learning_rate=2.0, final_learning_rate=0.1, warmup_steps=10)
    rates = [settings.learning_rate_at(step) for step in range(1000)]
    assert rates[0] == pytest.approx(0.2) and max(rates) == rates[9] == rates[10] == 2.0
    assert rates[-1] == pytest.approx(0.2, rel=1e-3) and all(np.diff(rates[10:]) < 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"batch_size": 0},
        {"evaluate_every": 0},
        {"batch_size": 10, "gradient_accumulation": 4},
        {"mixed_precision": "fp16"},
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, Any]):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        FitSettings(**wrong)


def test_an_unknown_mode_and_a_missing_metric_are_refused():
    with pytest.raises(ValueError, match="'lowest'"):
        fit(network(), Line(), squared_error, SETTINGS, mode="lowest", progress=False)
    with pytest.raises(ValueError, match="without the selection metric 'score'"):
        fit(network(), Line(), squared_error, SETTINGS, evaluate=held_out_error, metric="score", progress=False)


TWO_PROCESSES = """
import sys
from pathlib import Path

import torch.distributed
from vqecg.prior.config import PriorShape
from vqecg.prior.training import PriorTraining, train_prior
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.config import ECGTokenizerConfig
from vqecg.tokenizer.training import TokenizerTraining, train_tokenizer
from vqecg.training.checkpoint import fingerprint
from vqecg.training.fit import FitSettings

store, folder = RecordStore.open(Path(sys.argv[1])), Path(sys.argv[2])
split = FoldSplit().indices(store.table)
fit = FitSettings(
    steps=8, batch_size=16, evaluate_every=4, gradient_accumulation=2, average_decay=0.9, mixed_precision="no"
)
model = ECGTokenizerConfig(
    width=16, encoder_blocks=1, decoder_blocks=1, levels=3, codebook_size=32, codebook_decay=0.8,
    dead_code_threshold=0.5,
)
trained = train_tokenizer(
    store, split.train, split.validation, TokenizerTraining(model, fit), folder / "tokenizer", progress=False
)
task = store.task("superdiagnostic")
settings = PriorTraining(PriorShape(levels=2, width=32, layers=1, heads=2), variants=2, fit=fit, sketch=fit, detail=fit)
prior = train_prior(
    store, split.train, split.validation, trained.tokenizer, task, settings, folder / "prior", progress=False
)
restarts = sum(row["vq/restarts_0"] for row in trained.result.history)
told = [fingerprint(trained.tokenizer), fingerprint(prior.prior), str(restarts > 0), str(len(trained.result.history))]
try:
    uneven = TokenizerTraining(model, FitSettings(batch_size=15))
    train_tokenizer(store, split.train, split.validation, uneven, progress=False)
except ValueError as error:
    told.append(str(error))
rank = torch.distributed.get_rank()
(folder / f"{rank}.txt").write_text("\\n".join(told))
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_keep_the_same_codebooks_and_weights(tmp_path: Path, simulated_store: RecordStore):
    (tmp_path / "train.py").write_text(TWO_PROCESSES)
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    result = subprocess.run(
        [sys.executable, *launch, str(tmp_path / "train.py"), str(simulated_store.folder), str(tmp_path)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    first, second = ((tmp_path / f"{rank}.txt").read_text().splitlines() for rank in (0, 1))
    assert first == second
    # codes were restarted on the way, both processes evaluated twice, and an uneven batch was refused
    assert first[2:] == ["True", "2", "batch_size 15 does not split over 2 processes: choose a multiple"]
