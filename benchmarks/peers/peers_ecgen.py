"""ecgen's side of peers.py: runs inside ecgen's own environment, where vqecg is not installed.

    python peers_ecgen.py train|sample PEER --exchange DIR --out DIR --minutes 15

Reads train.npz, test.npz and requests.npz from the exchange folder and writes train.json (weights under
runs/), then sample.json, samples.npy and, for a codec, reconstruction-1.npy. Only ecgen's documented ways are used:
`ecgen.training.runner.train` with a config, a data set of one's own by `target`, `ecgen.load_model`, `ecgen.sample`.
"""

import argparse
import json
import math
import resource
import time
from pathlib import Path
from typing import Any

import ecgen
import numpy as np
import pytorch_lightning as lightning
import torch
from ecgen.data.datasets.base import BaseECGDataset
from ecgen.data.leads import INDEPENDENT_8
from ecgen.training.runner import train as train_ecgen

SCALE = 0.24  # mV, about the standard deviation of the records: both sides learn signals of about unit size
CODEBOOK_SIZE = 1024  # codes, so that 12.5 codes a second are the rate of the first level of vqecg's tokenizer
TIMED_RECORDS = 12  # at least, at every batch size


class ExchangeDataset(BaseECGDataset):
    """One part of the exchange folder as ecgen wants a data set: signals in units of SCALE, multi-hot labels."""

    def __init__(self, folder: str, split: str) -> None:
        part = np.load(Path(folder) / f"{'validation' if split == 'val' else split}.npz")
        self.labels = torch.from_numpy(part["labels"])
        self.signals = torch.from_numpy(part["signals"] / np.float32(SCALE))
        self.lead_names, self.fs = list(INDEPENDENT_8), int(part["rate"])
        self.seq_length, self.scale = self.signals.shape[2], SCALE

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"signal": self.signals[index], "cond": {"labels": self.labels[index]}, "cond_missing": {}, "meta": {}}


class CPUBudget(lightning.Callback):
    """Stops training when this process has computed for so many seconds since training began."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.began = time.process_time()

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: object) -> None:
        if time.process_time() - self.began >= self.seconds:
            trainer.should_stop = True


def main() -> None:
    """Trains, or samples from what was trained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=("train", "sample"))
    parser.add_argument("peer", choices=("vqvae", "flow_matching"))
    parser.add_argument("--exchange", type=Path, required=True, help="folder of the records")
    parser.add_argument("--out", type=Path, required=True, help="folder of what comes out")
    parser.add_argument("--minutes", type=float, default=15.0, help="CPU minutes of training, over all stages")
    parser.add_argument("--share", type=float, default=0.4, help="part of the time for the first of two stages")
    parser.add_argument("--learning-rate", type=float, default=0.0, help="of the VQ-VAE; 0 = ecgen's own")
    parser.add_argument("--batch-size", type=int, default=32, help="records a step of training")
    parser.add_argument("--precision", default="32-true", help="of Lightning: 32-true or bf16-mixed")
    parser.add_argument("--guidance", type=float, default=1.0, help="weight of the condition where ecgen has one")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 64], help="records at a time")
    parser.add_argument("--records", type=int, default=1000, help="of the requests, from the first")
    parser.add_argument("--seed", type=int, default=0, help="of training and sampling")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    report = train(options) if options.stage == "train" else sample(options)
    report |= {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10, "version": ecgen.__version__}
    (options.out / f"{options.stage}.json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Trains a peer from scratch within the budget: a VQ-VAE and then its prior, or one model."""
    began = time.perf_counter()
    seconds = 60 * options.minutes
    classes = np.load(options.exchange / "train.npz")["labels"].shape[1]
    condition = {
        "vector_dim": 128,
        "encoders": [{"field": "labels", "name": "multilabel", "params": {"num_labels": classes}}],
        "dropout": {"labels": 0.1},
    }
    if options.peer == "vqvae":
        shape: dict[str, Any] = {"in_channels": len(INDEPENDENT_8), "num_embeddings": CODEBOOK_SIZE}
        shape |= {"lr": options.learning_rate} if options.learning_rate else {}
        codec = fit(options, "vqvae", shape, seconds * options.share)
        shape = {"num_embeddings": CODEBOOK_SIZE, "vqvae_checkpoint": codec["checkpoint"], "conditioning": condition}
        stages = [codec, fit(options, "vqvae_prior", shape, seconds * (1 - options.share))]
    else:
        shape = {"in_channels": len(INDEPENDENT_8), "conditioning": condition}
        stages = [fit(options, "flow_matching", shape, seconds)]
    return {
        "stages": stages,
        "cpu_seconds": sum(stage["cpu_seconds"] for stage in stages),
        "wall_seconds": time.perf_counter() - began,
    }


def fit(options: argparse.Namespace, family: str, model: dict[str, Any], seconds: float) -> dict[str, Any]:
    """One stage by ecgen's own runner: its Adam, its checkpoints; the budget is the only callback of ours."""
    config = {
        "experiment": {"name": family, "seed": options.seed, "runs_root": str(options.out / "runs")},
        "model": {"name": family, "params": model},
        "data": {
            "dataset": {
                "target": "peers_ecgen.ExchangeDataset",
                "params": {"folder": str(options.exchange)},
            },
            "batch_size": options.batch_size,
            "num_workers": 0,
        },
        "callbacks": [{"target": "peers_ecgen.CPUBudget", "params": {"seconds": seconds}}],
        "checkpoint": {"monitor": None, "save_top_k": 0, "save_last": False},
        "trainer": {
            "accelerator": "cpu",
            "devices": 1,
            "precision": options.precision,
            "max_epochs": -1,
            # the budget ends long before it could overfit: all of it goes into training, and the last weights count
            "limit_val_batches": 0,
            "enable_progress_bar": False,
            "log_every_n_steps": 20,
        },
    }
    began, wall = time.process_time(), time.perf_counter()
    trainer = train_ecgen(config)
    spent, wall = time.process_time() - began, time.perf_counter() - wall
    checkpoint = options.out / f"{family}.ckpt"
    trainer.save_checkpoint(checkpoint)
    return {
        "family": family,
        "checkpoint": str(checkpoint),
        "parameters": count_parameters(trainer.lightning_module, family),
        "steps": trainer.global_step,
        "cpu_seconds": spent,
        "wall_seconds": wall,
        "metrics": {name: float(value) for name, value in trainer.callback_metrics.items()},
    }


def count_parameters(model: Any, family: str) -> int:
    """Parameters of one stage that are needed to draw or code records: without stage 1 in stage 2."""
    again = "vqvae." if family == "vqvae_prior" else None
    return sum(
        weights.numel() for name, weights in model.named_parameters() if again is None or not name.startswith(again)
    )


def sample(options: argparse.Namespace) -> dict[str, Any]:
    """Times sampling, draws a record for each request, and codes the test records where there is a codec."""
    stages = json.loads((options.out / "train.json").read_text("utf-8"))["stages"]
    model = ecgen.load_model(stages[-1]["checkpoint"], device="cpu")
    requests = np.load(options.exchange / "requests.npz")
    labels, rate = requests["labels"][: options.records], int(requests["rate"])
    speeds = [timed(model, labels, batch, options) for batch in options.batches]
    began = time.process_time()
    drawn = draw(model, labels, options.guidance, max(options.batches), options.seed)
    spent = time.process_time() - began
    np.save(options.out / "samples.npy", drawn * np.float32(SCALE))
    report: dict[str, Any] = {"speeds": speeds, "samples_cpu_seconds": spent, "bit_rates": []}
    if options.peer == "vqvae":
        report |= code_test_records(ecgen.load_model(stages[0]["checkpoint"], device="cpu"), options, rate)
    return report


def code_test_records(codec: Any, options: argparse.Namespace, rate: int) -> dict[str, Any]:
    """Writes the test records as the codec gives them back; returns its rate and how many codes they use."""
    test = np.load(options.exchange / "test.npz")["signals"]
    batches = torch.from_numpy(test / np.float32(SCALE)).split(64)
    decoded = torch.cat([codec.reconstruct(batch) for batch in batches]).numpy()
    np.save(options.out / "reconstruction-1.npy", decoded * np.float32(SCALE))
    used = {int(code) for batch in batches for code in codec.encode_to_indices(batch).unique()}
    codes = codec.latent_length(test.shape[2])
    return {"bit_rates": [codes * math.log2(CODEBOOK_SIZE) * rate / test.shape[2]], "codes_used": len(used)}


def timed(model: Any, labels: np.ndarray, batch: int, options: argparse.Namespace) -> dict[str, float]:
    """Seconds per record at one batch size without guidance: the median of rounds, after one record to warm up."""
    draw(model, labels[:1], 1.0, 1, options.seed)
    rounds = []
    for _ in range(max(2, TIMED_RECORDS // batch)):
        cpu, wall = time.process_time(), time.perf_counter()
        draw(model, labels[:batch], 1.0, batch, options.seed)
        rounds.append((time.process_time() - cpu, time.perf_counter() - wall))
    cpu, wall = np.median(np.array(rounds), axis=0) / batch
    return {"batch": batch, "cpu_seconds": float(cpu), "wall_seconds": float(wall)}


def draw(model: Any, labels: np.ndarray, guidance: float, batch: int, seed: int) -> np.ndarray:
    """Signals (records, 8, samples) in units of SCALE, one for each row of labels."""
    return ecgen.sample(
        model, len(labels), cond={"labels": labels}, guidance=guidance, seed=seed, batch_size=batch, device="cpu"
    )


if __name__ == "__main__":
    main()
