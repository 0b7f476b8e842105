"""What an earlier version wrote still loads, with the same fingerprints, and gives the same record and scores.

tests/fixtures/README.md says how the files came about.
"""

import json
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from vqecg.downstream.classifiers.models.resnet import ResNetClassifier
from vqecg.prior.config import SamplingSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore
from vqecg.training.checkpoint import fingerprint

WRITTEN = Path(__file__).resolve().parent / "fixtures" / "written_before"
EXPECTED = json.loads((WRITTEN / "expected.json").read_text(encoding="utf-8"))


def filled(name: str, shape: list[int]) -> np.ndarray:
    """A tensor that was too large to store: 1/256 of whole numbers from -8 to 8, drawn by the tensor's name."""
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    return (generator.integers(-8, 9, shape) / 256).astype(np.float32)


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> ECGGenerator:
    folder = tmp_path_factory.mktemp("before") / "generator"
    shutil.copytree(WRITTEN / "generator", folder)
    large = json.loads((folder / "prior" / "large.json").read_text(encoding="utf-8"))
    weights = folder / "prior" / "model.safetensors"
    save_file(load_file(weights) | {name: filled(name, shape) for name, shape in large.items()}, weights)
    return ECGGenerator.from_pretrained(folder)


def test_a_generator_loads_and_draws_the_same_record(generator: ECGGenerator):
    assert fingerprint(generator.tokenizer) == EXPECTED["tokenizer"]
    assert generator.fingerprint == EXPECTED["generator"]
    requests = generator.requests(["NORM"], 1, seed=3, age=61.0, sex="female")
    settings = SamplingSettings(temperature=0.9, trait_temperature=0.8, trait_guidance=1.5)
    drawn = generator.generate(requests, seed=5, settings=settings)
    with np.load(WRITTEN / "expected.npz") as expected:
        np.testing.assert_array_equal(requests.labels, expected["labels"])
        # a processor that rounds otherwise may draw another code now and then
        assert (drawn.codes == expected["codes"]).mean() > 0.95
        assert drawn.sketch is not None and drawn.codes is not None
        # then, recordings were not yet held to their sketches
        plain = generator.decode(torch.from_numpy(drawn.codes), drawn.sketch, correct=False)
        difference = np.abs(1000 * plain - expected["signal"])
        assert np.quantile(difference, 0.9) < 2, "microvolt"
        held = generator.decode(torch.from_numpy(drawn.codes), drawn.sketch)
        np.testing.assert_allclose(drawn.signal, held, atol=1e-5)


def test_a_classifier_loads_and_gives_the_same_logits():
    model = ResNetClassifier.from_pretrained(WRITTEN / "classifier")
    assert fingerprint(model) == EXPECTED["classifier"]
    with np.load(WRITTEN / "expected.npz") as expected, torch.inference_mode():
        logits = model(torch.from_numpy(expected["signal"].astype(np.float32) / 1000))
    np.testing.assert_allclose(logits.numpy(), EXPECTED["logits"], atol=1e-3)


def test_a_store_opens_with_its_signals_and_labels():
    store = RecordStore.open(WRITTEN / "store")
    assert store.fingerprint == EXPECTED["store"] and len(store) == 2
    assert store.labels(store.task("superdiagnostic")).tolist() == EXPECTED["store_labels"]
    assert np.abs(store.signals(slice(None))).max() == pytest.approx(EXPECTED["store_peak"])
