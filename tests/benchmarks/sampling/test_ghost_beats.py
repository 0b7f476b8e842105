"""The benchmark of ghost beats: its counts, its figure, and the pair in it."""

from pathlib import Path

import numpy as np

from benchmarks.sampling import ghost_beats
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.modeling import ECGTokenizer


def test_ghost_beats_come_from_the_naive_mixture_and_not_from_the_aligned_one(simulated_store, run):
    printed = run(
        ghost_beats,
        "--store",
        str(simulated_store.folder),
        "--folds",
        "1",
        "2",
        "3",
        "4",
        "--pairs",
        "8",
    )
    naive, aligned = (
        next(line.split() for line in printed.splitlines() if f"signals, {kind}" in line)
        for kind in ("naive", "aligned")
    )
    assert float(naive[2]) > 1 > 0.2 > float(aligned[3])


def test_the_figure_shows_a_pair_whose_naive_mixture_has_ghost_beats(
    simulated_store: RecordStore, tiny_tokenizer: ECGTokenizer, tmp_path: Path
):
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
