"""The benchmark of what each part of a generator contributes, at tiny size."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.sampling import contributions
from benchmarks.sampling.contributions import WAYS, WHOLE, Asked
from vqecg.prior.config import SamplingSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.requests import Requests
from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection

FOLDS = ("--train", "1", "2", "3", "4", "5", "6", "--validation", "7", "--test", "8", "9", "10")


@pytest.fixture(scope="module")
def asked(simulated_store: RecordStore, simulated_split: SplitIndices, tiny_generator: ECGGenerator) -> Asked:
    like = RecordSelection(simulated_store, simulated_split.train[:8])
    requests = Requests.like(like.labels(tiny_generator.task), like.table, tiny_generator.attributes)
    settings = SamplingSettings(trait_guidance=2.0, batch_size=3)
    return Asked(tiny_generator, like, requests, settings, 0, np.roll(np.arange(8), 1))


def test_each_way_differs_from_the_whole_in_what_it_leaves_out(asked: Asked):
    signals = {name: make(asked) for name, make in WAYS.items()}
    assert {signal.shape for signal in signals.values()} == {(8, 8, 1000)}
    assert all(np.isfinite(signal).all() for signal in signals.values())
    np.testing.assert_array_equal(signals[WHOLE], WAYS[WHOLE](asked))
    for name, signal in signals.items():
        assert name == WHOLE or not np.array_equal(signal, signals[WHOLE]), name


def test_the_whole_is_what_the_generator_makes(asked: Asked):
    made = asked.generator.generate(asked.requests, 0, asked.settings).signal
    np.testing.assert_allclose(WAYS[WHOLE](asked), made, atol=1e-5)


@pytest.mark.slow
def test_the_parts_are_measured_side_by_side(
    simulated_store: RecordStore, tiny_generator: ECGGenerator, tmp_path: Path, run
):
    tiny_generator.save_pretrained(tmp_path / "generator")
    folders = ("--store", str(simulated_store.folder), "--generator", str(tmp_path / "generator"))
    out, result = tmp_path / "out", tmp_path / "contributions.json"
    words = (*folders, *FOLDS, "--out", str(out), "--result", str(result), "--seeds", "0", "1", "--steps", "4")
    printed = run(contributions, *words, "--ways", "rendering alone", "real sketches")
    for title in ("utility", "fidelity", "adherence", "likelihood of right over other labels"):
        assert title in printed
    figures = json.loads(result.read_text())["figures"]
    named = {(one["of"], one["measure"]) for one in figures}
    assert ("utility: rendering alone", "TSTR minus the whole's") in named
    assert ("fidelity: real sketches", "SD, leads") in named and ("nats: traits", "median record") in named
    kept = {path: path.stat().st_mtime_ns for path in out.rglob("*.npy")}
    assert len(kept) == 3
    run(contributions, *words, "--ways", "rendering alone", "real sketches")
    assert kept == {path: path.stat().st_mtime_ns for path in out.rglob("*.npy")}, "what is there is not made again"
    run(contributions, *words, "--ways", "rendering alone", "--preset", "tiny")
    assert len(list(out.rglob("*.npy"))) == len(kept) + 2, "other settings of sampling make other records"
