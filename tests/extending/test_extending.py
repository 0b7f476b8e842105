"""docs/extending.md works as it stands: each of its files is loaded from outside the package and used for real."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from vqecg.downstream.augmentation.methods.registry import METHODS
from vqecg.downstream.classifiers.models.registry import CLASSIFIERS
from vqecg.downstream.classifiers.pretraining.registry import PRETRAININGS
from vqecg.downstream.comparison.arms.registry import AveragingArm, find_arm
from vqecg.downstream.reading.combined import read
from vqecg.downstream.reading.registry import READERS as READING
from vqecg.downstream.tasks.denoising.denoising import denoise
from vqecg.downstream.tasks.denoising.registry import DENOISERS
from vqecg.downstream.tasks.embedding.embedding import embed_signals
from vqecg.downstream.tasks.embedding.registry import PARTS
from vqecg.downstream.tasks.infilling.filling import fill, opened
from vqecg.downstream.tasks.infilling.registry import FILLERS
from vqecg.prior.backbones.registry import BACKBONES
from vqecg.prior.generator import ECGGenerator
from vqecg.records.attributes import ATTRIBUTES
from vqecg.records.datasets.reader import READERS
from vqecg.records.folds import SplitIndices
from vqecg.records.leads import twelve_leads
from vqecg.records.registry import VARIABLE
from vqecg.records.simulation.disturbances import DISTURBANCES
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import main
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.tokenizer.noise import NoiseSettings
from vqecg.tokenizer.quantizers.base import QUANTIZERS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "extending.md"
FILES = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL))
ADDED = {
    "trend.py": (CLASSIFIERS, "trend"),
    "arrays.py": (READERS, "arrays"),
    "voltages.py": (READING, "voltages"),
    "amplitude.py": (METHODS, "amplitude"),
    "reversal.py": (PRETRAININGS, "reversal"),
    "bmi.py": (ATTRIBUTES, "bmi"),
    "learned.py": (QUANTIZERS, "learned"),
    "recurrent.py": (BACKBONES, "recurrent"),
    "spectrum.py": (PARTS, "spectrum"),
    "copied.py": (FILLERS, "copied"),
    "pump.py": (DENOISERS, "smooth"),
}


@pytest.fixture(scope="module")
def extensions(
    simulated_store: RecordStore, tiny_generator: ECGGenerator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The files, as VQECG_EXTENSIONS lists them; their entries are taken out again.

    What all tests share is there before, so that it knows none of them.
    """
    folder = tmp_path_factory.mktemp("extensions")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(VARIABLE, ",".join(str(folder / name) for name in FILES))
        yield VARIABLE
    for registry, name in ADDED.values():
        registry.remove(name)
    DISTURBANCES.remove("pump")


def test_the_document_has_one_short_file_of_each_kind(extensions: str):
    assert FILES.keys() == ADDED.keys()
    for name, (registry, entry) in ADDED.items():
        assert len(FILES[name].strip().splitlines()) <= 40, name
        assert entry in registry.names() and registry.names()[0] != entry


@pytest.mark.slow
def test_the_help_of_the_commands_names_them(extensions: str):
    for command, words in (
        ("prepare", ["arrays"]),
        ("train-classifier", ["trend: a linear model of means and spreads over time"]),
        ("augment", ["amplitude: the planned records times a random factor"]),
    ):
        code = f"import sys; from vqecg.scripts.cli.main import main; sys.exit(main(['{command}', '--help-all']))"
        shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout
        shown = " ".join(re.sub(r"[│╭╮╰╯─]", " ", shown).split())
        assert all(word in shown for word in words), command


def test_a_classifier_is_trained_and_comes_back(extensions: str, simulated_store: RecordStore, tmp_path: Path):
    words = ["--store", simulated_store.folder, "--out", tmp_path / "trend", "--training.model", "trend"]
    assert main(["train-classifier", *map(str, words)]) == 0
    assert json.loads((tmp_path / "trend" / "config.json").read_text())["class"] == "TrendClassifier"
    model = CLASSIFIERS.get("trend").from_pretrained(tmp_path / "trend")
    assert model.head.in_features == 2 * 10 * 8


def test_a_reader_finds_its_folder(extensions: str, simulated_store: RecordStore, tmp_path: Path):
    signals = np.random.default_rng(0).normal(0, 0.2, (12, 8, 5000)).cumsum(axis=2) / 20  # mV
    for number, signal in enumerate(twelve_leads(signals)):
        file = tmp_path / "data" / ("NORM" if number % 2 else "AFIB") / f"p{number}_1.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, signal)
    assert main(["prepare", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "store")]) == 0
    store = RecordStore.open(tmp_path / "store")
    assert store.source == "arrays" and set(store.table["patient_id"]) == {f"p{number}" for number in range(12)}
    assert set(store.table["fold"]) == set(range(1, 11))
    assert store.labels(store.task("rhythm")).sum() == 6  # AFIB


def test_a_method_and_a_pretraining_are_arms(
    extensions: str, simulated_store: RecordStore, tiny_generator: ECGGenerator, tmp_path: Path
):
    tiny_generator.save_pretrained(tmp_path / "generator")
    both = ["--store", simulated_store.folder, "--generator", tmp_path / "generator", "--target-classes", "HYP"]
    words = [*both, "--out", tmp_path / "added", "--method", "amplitude", "--no-gate", "--force", "--ratio", "0.6"]
    assert main(["augment", *map(str, words)]) == 0
    manifest = pd.read_parquet(tmp_path / "added" / "manifest.parquet")
    assert len(manifest) and set(manifest["method"]) == {"amplitude"}
    training = ["--training.model", "trend", "--training.fit.steps", "2", "--training.fit.warmup-steps", "1"]
    words = [*both, "--out", tmp_path / "compared", "--arms", "amplitude", "reversal", "--seeds", "0", *training]
    words += ["--analysis.replicates", "20", "--analysis.main-arm", "amplitude", "--allow-other-training"]
    assert main(["compare", *map(str, words)]) == 0
    tables = json.loads((tmp_path / "compared" / "runs" / "comparison.json").read_text())
    assert [row["arm"] for row in tables["arms"]] == ["real only", "duplication", "amplitude", "reversal"]
    run = json.loads((tmp_path / "compared" / "runs" / "reversal-0" / "run.json").read_text())
    assert run["identity"]["pretraining"]["steps"] == 20


TOKENIZER = """\
training:
  model:
    quantizer: learned
    width: 16
    dimension: 16
    encoder_blocks: 1
    decoder_blocks: 1
    levels: 2
    codebook_size: 32
  fit: {steps: 12, batch_size: 16, warmup_steps: 2, evaluate_every: 6}
"""
PRIOR = """\
training:
  model: {backbone: recurrent, levels: 2, width: 32, layers: 1, heads: 2, attributes: [age, sex, bmi]}
  variants: 1
  fit: {steps: 8, batch_size: 16, warmup_steps: 2, evaluate_every: 4}
  sketch: {steps: 8, batch_size: 16, warmup_steps: 2}
  detail: {steps: 8, batch_size: 16, warmup_steps: 2}
"""


@pytest.mark.slow
def test_a_generator_listens_to_an_attribute_and_speaks_the_codes_of_a_quantizer(
    extensions: str, simulated_store: RecordStore, tmp_path: Path
):
    data, store = tmp_path / "data", tmp_path / "store"
    shutil.copytree(simulated_store.folder.parent / "data", data)
    table = pd.read_csv(data / "ptbxl_database.csv")
    table["height"], table["weight"] = 170.0, np.resize([58.0, 72.0, 101.0], len(table))
    table.to_csv(data / "ptbxl_database.csv", index=False)
    for name, text in (("tokenizer", TOKENIZER), ("prior", PRIOR)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    tokenizer, prior = tmp_path / "tokenizer", tmp_path / "prior"
    for command in (
        f"prepare --data {data} --out {store}",
        f"train-tokenizer --store {store} --out {tokenizer} --config {tokenizer}.yaml",
        f"train-prior --store {store} --tokenizer {tokenizer} --out {prior} --config {prior}.yaml",
    ):
        assert main(command.split()) == 0
    assert set(RecordStore.open(store).table["bmi"].round(1)) == {20.1, 24.9, 34.9}
    generator = ECGGenerator.from_pretrained(prior)
    assert type(generator.tokenizer.quantizer) is QUANTIZERS.get("learned")
    assert type(generator.prior.backbone) is torch.nn.GRU
    vectors = embed_signals(generator, RecordStore.open(store).signals(slice(0, 3)))
    assert vectors["spectrum"].shape == (3, 8 * 16) and len(vectors["transformer"]) == 3
    assert generator.attributes == ("age", "sex", "bmi") and set(generator.conditions["bmi"]) == {20.0, 25.0, 35.0}
    heavy, slight = (generator.requests(["NORM"], 4, seed=0, bmi=value) for value in (42.0, 18.0))
    assert (heavy.attributes["bmi"] == 42).all() and (heavy.labels == slight.labels).all()
    one, other = (generator.generate(requests, seed=0) for requests in (heavy, slight))
    assert one.signal.shape == (4, 8, 1000) and np.isfinite(one.signal).all()
    assert not np.array_equal(one.signal, other.signal), "the attribute moves what is drawn"


@pytest.mark.usefixtures("extensions")
def test_a_way_to_fill_a_gap_is_used(tiny_generator: ECGGenerator, simulated_store: RecordStore):
    signal = simulated_store.signals(slice(0, 1))[0]
    signal[:, 600:700] = np.nan
    filled = fill(tiny_generator, [opened(tiny_generator, signal, [0])], "copied", 2)[0][0]
    assert np.isfinite(filled).all() and np.array_equal(filled[0], filled[1])


@pytest.mark.usefixtures("extensions")
def test_a_kind_of_noise_is_drawn_and_a_way_to_remove_it_is_used(
    tiny_tokenizer: ECGTokenizer, simulated_store: RecordStore
):
    signal = simulated_store.signals(slice(0, 1))
    noise = NoiseSettings(kinds=("pump",)).added_to(signal, 100, np.random.default_rng(0)) - signal
    assert 75 <= np.abs(np.fft.rfft(noise[0, 4])).argmax() <= 105  # tenths of Hz
    denoiser = ECGTokenizer(replace(tiny_tokenizer.config, noise_share=0.5)).eval()
    click = np.zeros((8, 1000), np.float32)
    click[:, 500] = 1
    assert not denoise(denoiser, click, "smooth").any()


@pytest.mark.slow
def test_an_installed_extension_that_fails_is_a_line_and_no_traceback(tmp_path: Path):
    (tmp_path / "broken_trend.py").write_text("1 / 0\n")
    metadata = tmp_path / "broken_trend-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-trend\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[vqecg.extensions]\ntrend = broken_trend\n")
    command = [sys.executable, "-m", "vqecg", "prepare", "--help"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "extension broken_trend (entry point trend) fails as it is imported, in line 1 of" in done.stderr


def test_a_reader_is_an_arm_and_reads_alone(
    extensions: str, simulated_store: RecordStore, simulated_split: SplitIndices, tiny_generator: ECGGenerator
):
    arm = find_arm("reading of voltages")
    assert isinstance(arm, AveragingArm) and arm.readers == ("voltages",)
    rows = (simulated_split.test, simulated_split.train)
    scores = read(tiny_generator, simulated_store, *rows, readers=("voltages",))
    assert scores.shape == (len(simulated_split.test), 5) and scores.std() > 0
