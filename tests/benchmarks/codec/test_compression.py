"""The benchmark of compression, at tiny size."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.codec import compression, diagnostic_error
from vqecg.downstream.classifiers.models.resnet import ResNetClassifier, ResNetConfig
from vqecg.records.store.record_store import RecordStore


@pytest.mark.slow
def test_compression_measures_a_store_against_the_baseline(simulated_store: RecordStore, run):
    printed = run(compression, "--store", str(simulated_store.folder), "--test", "9", "10")
    assert "PCA + DCT" in printed and "tokenizer" not in printed


@pytest.mark.slow
def test_compression_reads_a_tokenizer(simulated_store: RecordStore, tiny_tokenizer, tmp_path: Path, run):
    tiny_tokenizer.save_pretrained(tmp_path / "tokenizer")
    folders = ("--store", str(simulated_store.folder), "--tokenizer", str(tmp_path / "tokenizer"))
    resnet = ResNetClassifier(ResNetConfig(("NORM", "MI", "STTC", "CD", "HYP"), widths=(8,), blocks=(1,)))
    resnet.save_pretrained(tmp_path / "classifier")
    printed = run(compression, *folders, "--classifiers", str(tmp_path / "classifier"))
    assert "PRD, tokenizer" in printed and "originals: macro AUROC" in printed
    with pytest.raises(ValueError, match="holds a ECGTokenizer; expected one of"):
        diagnostic_error.load_classifier(tmp_path / "tokenizer")


def test_compression_searches_codes_with_beams(simulated_store: RecordStore, tiny_tokenizer):
    rows = np.arange(100)
    greedy, searched = (
        compression.level_points(tiny_tokenizer, simulated_store, rows[:10], rows[10:], beams)[-1] for beams in (1, 4)
    )
    assert searched.prd < greedy.prd


@pytest.mark.slow
def test_compression_trains_a_tokenizer_on_simulated_records(run):
    printed = run(compression, "--records", "100", "--tokenizer-steps", "4")
    assert "PRD, tokenizer" in printed
