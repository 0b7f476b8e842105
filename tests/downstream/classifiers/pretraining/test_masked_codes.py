"""Pretraining on masked codes: what is hidden, what is predicted, and that it learns, the same with the same seed."""

import pickle
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from vqecg.downstream.augmentation.methods.registry import Ingredients
from vqecg.downstream.classifiers.models.interface import Classifier
from vqecg.downstream.classifiers.models.registry import CLASSIFIERS
from vqecg.downstream.classifiers.pretraining.masked_codes import (
    SHOWN,
    CodePrediction,
    MaskedCodePretraining,
    features_over_time,
)
from vqecg.downstream.classifiers.pretraining.registry import PretrainingRecords
from vqecg.downstream.classifiers.pretraining.settings import (
    PRETRAINING_FIT,
    MaskedCodesSettings,
    PretrainingSettings,
)
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.training import initial_classifier
from vqecg.downstream.comparison.arms.pretraining_records import pretraining_records
from vqecg.prior.generator import ECGGenerator
from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore

FIT = replace(PRETRAINING_FIT, steps=12, batch_size=8, warmup_steps=2, evaluate_every=6)
SETTINGS = PretrainingSettings(masked_codes=MaskedCodesSettings(fit=FIT, excerpt_seconds=2.0))
SMALL = {"class_names": ("A", "B"), "stem_width": 4, "widths": (4, 8), "blocks": (1, 1)}


@pytest.fixture(scope="module")
def records(
    simulated_store: RecordStore,
    simulated_split: SplitIndices,
    tiny_generator: ECGGenerator,
    tmp_path_factory: pytest.TempPathFactory,
) -> PretrainingRecords:
    """Half of the records with labels, half without."""
    rows, task = simulated_split.train[:24], simulated_store.task("superdiagnostic")
    ingredients = Ingredients(simulated_store, rows[::2], task, tiny_generator, unlabelled=rows[1::2])
    return pretraining_records(ingredients, ClassifierSettings(), SETTINGS, tmp_path_factory.mktemp("codes"))


@pytest.fixture(scope="module")
def pretraining(records: PretrainingRecords) -> MaskedCodePretraining:
    return MaskedCodePretraining(records)


def test_the_codes_are_those_of_labelled_and_unlabelled_records_and_are_made_once(
    records: PretrainingRecords,
    pretraining: MaskedCodePretraining,
    tiny_generator: ECGGenerator,
    simulated_store: RecordStore,
    simulated_split: SplitIndices,
):
    signals = torch.from_numpy(simulated_store.signals(simulated_split.train[:24]))
    expected = tiny_generator.tokenizer.encode(signals)[..., 0].numpy()
    np.testing.assert_array_equal(pretraining.examples.codes, expected)
    assert isinstance(records.first_codes, partial)
    (path,) = records.first_codes.args[2].iterdir()
    written = path.stat().st_mtime_ns
    assert MaskedCodePretraining(records).identity == pretraining.identity
    assert path.stat().st_mtime_ns == written


def test_hidden_frames_are_silent_and_have_codes_and_shown_ones_have_none(
    records: PretrainingRecords, pretraining: MaskedCodePretraining
):
    rows = np.arange(24)
    batch = pretraining.examples.batch(rows, np.random.default_rng(0))
    signal, codes = batch["signal"].numpy(), batch["codes"].numpy()
    assert signal.shape == (24, 8, 200) and codes.shape == (24, 25)
    hidden = codes != SHOWN
    assert 0.2 < hidden.mean() <= 12 / 25 and (hidden.any(axis=1)).all()  # two stretches of six frames
    assert (signal.reshape(24, 8, 25, 8)[hidden.nonzero()[0], :, hidden.nonzero()[1]] == 0).all()
    whole = records.signals[rows]
    for row in rows[:6]:  # the codes are of the frames that the excerpt shows
        shown = np.flatnonzero(~hidden[row])[0]
        piece = signal[row][:, shown * 8 : shown * 8 + 8]
        (first,) = [
            f for f in range(101) if np.array_equal(whole[row][:, (f + shown) * 8 : (f + shown) * 8 + 8], piece)
        ]
        there = pretraining.examples.codes[row, first : first + 25]
        np.testing.assert_array_equal(codes[row][hidden[row]], there[hidden[row]])


def test_it_learns_codes_and_its_weights_depend_on_the_seed_alone(pretraining: MaskedCodePretraining):
    def trained(seed: int) -> tuple[torch.Tensor, list[float]]:
        model = initial_classifier("resnet", SMALL, 0)
        head = model.get_parameter("head.weight").detach().clone()
        # as multiprocessing sends it to a worker, nothing is stored so: what arrives there must learn the same
        result = pickle.loads(pickle.dumps(pretraining)).train(model, seed, progress=False)
        assert torch.equal(model.get_parameter("head.weight"), head)
        assert all(parameter.requires_grad for parameter in model.parameters())
        return torch.cat([p.detach().flatten() for p in model.parameters()]), [r["train/loss"] for r in result.history]

    (first, losses), (again, _), (other, _) = trained(0), trained(0), trained(1)
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert losses[1] < losses[0]


@pytest.mark.parametrize("name", CLASSIFIERS.names())
def test_every_classifier_gives_features_over_time_or_says_that_it_has_none(name: str):
    small = {"resnet18": {"blocks": (1, 1, 1, 1)}, "xresnet1d101": {"blocks": (1, 1, 1, 1)}}.get(name, {})
    model = initial_classifier(name, {"class_names": ("A", "B"), **small}, 0).eval()
    assert isinstance(model, Classifier)
    signal = torch.randn(2, 8, 320, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        features = model.features_over_time(signal)
        if features is None:
            with pytest.raises(ValueError, match="no features over time"):
                features_over_time(model, signal)
            return
        each = -(-40 // features.shape[2])
        assert CodePrediction(model, features.shape[1], each, 7)(signal, 40).shape == (2, 7, 40)


@pytest.mark.bad_input("records")
def test_records_without_a_tokenizer_are_refused(records: PretrainingRecords):
    with pytest.raises(ValueError, match="no codes to predict; expected a tokenizer"):
        MaskedCodePretraining(replace(records, first_codes=None))


@pytest.mark.bad_input("damaged file")
def test_a_damaged_file_of_codes_is_named(
    simulated_store: RecordStore, simulated_split: SplitIndices, tiny_generator: ECGGenerator, tmp_path: Path
):
    ingredients = Ingredients(
        simulated_store, simulated_split.train[:3], simulated_store.task("superdiagnostic"), tiny_generator
    )
    made = pretraining_records(ingredients, ClassifierSettings(), SETTINGS, tmp_path)
    assert made.first_codes is not None
    made.first_codes()
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"first-codes-.*delete"):
        made.first_codes()
