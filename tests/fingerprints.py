"""Fingerprints of a whole tiny job, so that a change of structure can be held against the state before it.

    python tests/fingerprints.py FOLDER [--against OTHER/fingerprints.json] [--read-only]

Simulates 300 recordings and runs nearly every command on them with one thread (two to three minutes), then writes
FOLDER/fingerprints.json: hashes of weights, recordings, tables (per column), plans and scores. The same code on the
same machine gives the same file; another processor rounds otherwise. With --against every hash that differs is
printed, and the status is 1. With --read-only the job that lies in FOLDER is hashed and nothing runs.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

FOLDS = "folds: {train: [1, 2, 3, 4, 5], validation: [6], test: [7, 8, 9, 10]}\n"
FIT = "{fit: {steps: 4, batch_size: 8, warmup_steps: 1, evaluate_every: 2}}"
CONFIGS = {
    "run": f"""\
preset: tiny
settings:
  tokenizer:
    model: {{width: 16, encoder_blocks: 1, decoder_blocks: 1, dimension: 16, levels: 3, codebook_size: 32}}
    fit: {{steps: 20, batch_size: 16, warmup_steps: 2, evaluate_every: 10}}
    validation_records: 16
  prior:
    model: {{width: 32, layers: 2, heads: 2}}
    variants: 1
    fit: {{steps: 20, batch_size: 16, warmup_steps: 2, evaluate_every: 10}}
    sketch: {{steps: 20, batch_size: 16, warmup_steps: 2}}
    detail: {{steps: 20, batch_size: 16, warmup_steps: 2}}
  classifier: {FIT}
  seeds: [0, 1]
target_classes: [HYP]
synthetic: 40
{FOLDS}""",
    "sampling": "preset: small\n",
    "folds": FOLDS,
    "augment": f"{FOLDS}classifier: {FIT}\nsettings: {{attempts: 2, infilling: {{candidates: 2}}}}\n",
    "compare": f"""\
preset: tiny
seeds: [0, 1]
target_classes: [HYP]
training: {FIT}
analysis: {{replicates: 99}}
checks: [likelihood]
{FOLDS}""",
    "grid": f"""\
preset: tiny
seeds: [0, 1]
target_classes: [HYP]
training: {FIT}
analysis: {{replicates: 99}}
{FOLDS}""",
    "plan": """\
cells:
  - {name: a, arms: [prior samples, mixup], ratio: 0.6, generator: "GENERATOR"}
  - name: b
    arms: [prior samples, latent interpolation + prior samples]
    model: attention-rnn
    steps: 3
    ratio: 0.5
    generator: "GENERATOR"
""",
    "assess": f"preset: tiny\nseeds: [0]\nfamilies: [resnet]\nreplicates: 50\ntraining: {FIT}\n{FOLDS}",
    "label-correlation": f"""\
preset: tiny
training: {{model: label-correlation, fit: {{steps: 4, batch_size: 8, warmup_steps: 1, evaluate_every: 2}}}}
{FOLDS}""",
}
METHODS = (  # names of `vqecg augment --method`, and the folder of each
    ("interpolation", "aug-interpolation"),
    ("prior", "aug-prior"),
    ("infilling", "aug-infilling"),
    ("duplication", "aug-duplication"),
    ("reconstruction", "aug-reconstruction"),
    ("naive mixing", "aug-naive-mixing"),
    ("signal mixing", "aug-signal-mixing"),
)


def run_job(folder: Path) -> None:
    """Runs the commands, each into its own sub-folder of `folder`."""
    from vqecg.scripts.cli.main import main

    def run(command: str, *words: object, config: str = "") -> None:
        start = time.monotonic()
        extra = ["--config", str(folder / f"{config}.yaml")] if config else []
        status = main([command, *map(str, words), *extra])
        print(f"== {command}: status {status}, {time.monotonic() - start:.1f} s", flush=True)
        if status:
            raise SystemExit(f"vqecg {command} ended with status {status}")

    data, finished = folder / "data", folder / "run"
    store, tokenizer, generator = finished / "store", finished / "tokenizer", finished / "prior"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in CONFIGS.items():
        (folder / f"{name}.yaml").write_text(text.replace("GENERATOR", str(generator)), encoding="utf-8")
    run("simulate", "--out", data, "--records", 300)
    run("run", "--data", data, "--out", finished, config="run")
    run("encode", "--store", store, "--tokenizer", tokenizer, "--out", folder / "codes")
    asked = ("--labels", "HYP", "--count", 24, "--age", 61, "--sex", "female")
    run("generate", "--generator", generator, *asked, "--out", folder / "gen", "--force", config="sampling")
    gated = ("--count", 12, "--against", store, "--workers", 2, "--force")
    run("generate", "--generator", generator, *gated, "--out", folder / "gen2", config="folds")
    parents = ("--store", store, "--tokenizer", tokenizer, "--label", "NORM", "--count", 12)
    run("interpolate", *parents, "--out", folder / "interp", "--no-gate", "--force", config="folds")
    augment = ("augment", "--store", store, "--generator", generator, "--target-classes", "HYP", "--ratio", 0.6)
    for method, name in METHODS:
        options = ("--method", method, "--no-gate", "--force", "--companions", 0.5)
        run(*augment, "--out", folder / name, *options, config="augment")
    checked = ("--method", dict((name, method) for method, name in METHODS)["aug-prior"], "--check", folder / "check")
    run(*augment, "--out", folder / "aug-checked", *checked, "--force", config="augment")
    run("compare", "--store", store, "--generator", generator, "--out", folder / "compare", config="compare")
    run("compare", "--store", store, "--out", folder / "grid", "--plan", folder / "plan.yaml", config="grid")
    judged = (folder / "gen2", "--against", store, "--generator", generator)
    run("assess", *judged, "--out", folder / "assess", config="assess")
    run("train-classifier", "--store", store, "--out", folder / "lc", config="label-correlation")


def sha(content: bytes | str) -> str:
    """A short hash."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:16]


def of_files(paths: Iterable[Path]) -> str:
    """A hash of the names and contents of files."""
    return sha(b"".join(path.name.encode() + path.read_bytes() for path in sorted(paths)))


def of_arrays(arrays: dict[str, np.ndarray]) -> str:
    """A hash of arrays and their names."""
    return sha(b"".join(name.encode() + np.ascontiguousarray(arrays[name]).tobytes() for name in sorted(arrays)))


def of_table(rows: Any) -> dict[str, str]:
    """A hash per column of a table."""
    table = pd.DataFrame(rows).replace({None: np.nan})
    return {str(name): sha(table[[name]].round(10).to_csv(index=False)) for name in table.columns}


def of_json(value: Any) -> str:
    """A hash of what JSON holds."""
    return sha(json.dumps(value, sort_keys=True))


def of_made_records(folder: Path) -> dict[str, Any]:
    """A data set of generated records."""
    return {
        "records": of_files([*folder.rglob("*.dat"), *folder.rglob("*.hea")]),
        "database": of_table(pd.read_csv(folder / "ptbxl_database.csv")),
        "manifest": of_table(pd.read_parquet(folder / "manifest.parquet")),
        "readme": sha((folder / "README.md").read_text(encoding="utf-8")),
    }


def of_comparison(folder: Path) -> dict[str, Any]:
    """A comparison's runs: its tables and the scores of each run."""
    tables = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
    result: dict[str, Any] = {
        name: of_table(tables[name]) for name in ("arms", "scores", "differences", "class_differences", "per_class")
    }
    for path in sorted(folder.glob("*/scores.npz")):
        with np.load(path) as arrays:
            result[path.parent.name] = of_arrays(dict(arrays))
    return result


def of_additions(folder: Path) -> list[str]:
    """The records that were added to training sets, a hash of the signals per file, sorted."""
    signals = []
    for path in sorted(folder.rglob("additions/*.npz")):
        with np.load(path) as arrays:
            signals.append(sha(arrays["signal"].tobytes() + arrays["labels"].tobytes()))
    return sorted(signals)


def fingerprints(folder: Path) -> dict[str, Any]:
    """Hashes of everything that the job wrote."""
    run = folder / "run"
    generator = run / "prior" / "generator"
    assessment = json.loads((folder / "assess" / "assessment.json").read_text(encoding="utf-8"))
    result: dict[str, Any] = {
        "simulated records": of_files([*(folder / "data").rglob("*.dat"), *(folder / "data").rglob("*.hea")]),
        "codes": sha(np.load(folder / "codes" / "codes.npy").tobytes()),
        "conditions": of_table(pd.read_csv(generator / "conditions.csv")),
        "run/comparison": of_comparison(run / "comparison" / "runs"),
        "compare": of_comparison(folder / "compare" / "runs"),
        "grid.csv": of_table(pd.read_csv(folder / "grid" / "grid.csv")),
        "memorisation": {
            name: of_table(value) if isinstance(value, list) else of_json(value)
            for name, value in assessment["memorisation"].items()
        },
    }
    for name in ("tokenizer", "prior"):
        figures = json.loads((run / name / "stage.json").read_text(encoding="utf-8"))["figures"]
        model = run / "tokenizer" if name == "tokenizer" else generator / "prior"
        result[name] = {
            "fingerprint": figures["fingerprint"],
            "history": of_json(figures["history"]),
            "weights": of_arrays(load_file(model / "model.safetensors")),
        }
    figures = json.loads((folder / "lc" / "stage.json").read_text(encoding="utf-8"))["figures"]
    result["label-correlation"] = {
        "metrics": of_json(figures["metrics"]),
        "weights": of_arrays(load_file(folder / "lc" / "model.safetensors")),
    }
    for name in ("run/synthetic", "gen", "gen2", "interp", *(name for _, name in METHODS), "aug-checked"):
        result[name] = of_made_records(folder / name)
    for path in sorted((folder / "grid" / "cells").iterdir()):
        result[f"grid/{path.name}"] = of_comparison(path)
    for name in ("compare", "grid", "run/comparison"):
        result[f"{name} additions"] = of_additions(folder / name)
    for name in ("utility", "ratios", "distances", "physiology", "amplitudes", "shapes", "adherence"):
        result[f"assess {name}"] = of_table(assessment[name])
    return result


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """Nested hashes as one level, under names joined by ': '."""
    if not isinstance(value, dict):
        return {name: value}
    return {k: v for key, inner in value.items() for k, v in flat(inner, f"{name}: {key}" if name else key).items()}


def main() -> int:
    """Runs or reads the job, writes its fingerprints, and compares them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, help="of the job; new, or of a job that can go on")
    parser.add_argument("--against", type=Path, help="a fingerprints.json to compare with")
    parser.add_argument("--read-only", action="store_true", help="hash what lies in the folder, run nothing")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if not arguments.read_only:
        import torch

        torch.set_num_threads(1)
        run_job(folder)
    hashes = fingerprints(folder)
    (folder / "fingerprints.json").write_text(json.dumps(hashes, indent=1) + "\n", encoding="utf-8")
    hashes = flat(hashes)
    print(f"{len(hashes)} fingerprints: {folder / 'fingerprints.json'}")
    if arguments.against is None:
        return 0
    before = flat(json.loads(arguments.against.read_text(encoding="utf-8")))
    different = [name for name in sorted({*before, *hashes}) if before.get(name) != hashes.get(name)]
    for name in different:
        state = "new" if name not in before else "gone" if name not in hashes else "differs"
        print(f"{state:>7}  {name}")
    print(f"{len(different)} of {len(hashes)} differ")
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
