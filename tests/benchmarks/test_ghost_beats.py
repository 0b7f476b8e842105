"""The benchmark of ghost beats: its figure, and the pair in it."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.modeling import ECGTokenizer

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_the_figure_shows_a_pair_whose_naive_mixture_has_ghost_beats(
    simulated_store: RecordStore, tiny_tokenizer: ECGTokenizer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    ghost_beats = importlib.import_module("ghost_beats")
    has = simulated_store.table["statements"].map(lambda names: "NORM" in names).to_numpy()
    found = ghost_beats.count_beats(simulated_store, np.flatnonzero(has), 12, 0, tiny_tokenizer)
    assert found.pairs.shape == (12, 2)
    own = [len(find_r_peaks(signal, 100)) for signal in simulated_store.signals(found.pairs[:, 0])]
    assert found.beats["first parent"].tolist() == own
    extra = found.extra()
    assert set(extra) == {"signals, naive", "signals, aligned", "latent, naive", "latent, aligned"}
    assert extra["latent, naive"].mean() > 1 and np.abs(extra["latent, aligned"]).mean() < 0.2
    path = tmp_path / "ghosts.svg"
    ghost_beats.draw_figure(simulated_store, found, tiny_tokenizer, path)
    drawn = path.read_text()
    assert drawn.lstrip().startswith("<?xml") and len(drawn) > 20_000
