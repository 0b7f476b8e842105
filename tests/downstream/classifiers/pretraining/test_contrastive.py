"""Contrastive pretraining: its loss, its pairs, and that the same seed gives the same bits, interrupted or not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vqecg.downstream.classifiers.pretraining.contrastive import ContrastivePretraining, ExcerptPairs, nt_xent
from vqecg.downstream.classifiers.pretraining.registry import PRETRAININGS, PretrainingRecords
from vqecg.downstream.classifiers.pretraining.settings import (
    PRETRAINING_FIT,
    ContrastiveSettings,
    PretrainingSettings,
)
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.training import initial_classifier
from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection

FIT = replace(PRETRAINING_FIT, steps=4, batch_size=8, warmup_steps=1, evaluate_every=2)
SETTINGS = PretrainingSettings(contrastive=ContrastiveSettings(fit=FIT, excerpt_seconds=1.0))
SMALL = {"class_names": ("A", "B"), "stem_width": 4, "widths": (4, 8), "blocks": (1, 1)}


@pytest.fixture
def records(simulated_store: RecordStore, simulated_split: SplitIndices) -> PretrainingRecords:
    part = RecordSelection(simulated_store, simulated_split.train[:24])
    task = simulated_store.task("superdiagnostic")
    return PretrainingRecords(part, part.labels(task), part.patients, 100, task, ClassifierSettings(), SETTINGS)


def weights_of(model: nn.Module) -> torch.Tensor:
    return torch.cat([tensor.flatten().float() for tensor in model.state_dict().values()])


def test_the_loss_is_that_of_simclr_where_every_pair_is_of_another_patient():
    projected = torch.nn.functional.normalize(torch.randn(6, 5, generator=torch.Generator().manual_seed(0)), dim=1)
    patient = torch.tensor([0, 1, 2, 0, 1, 2])
    terms = []
    for row in range(6):
        exponentials = [float(torch.exp(projected[row] @ projected[other] / 0.5)) for other in range(6)]
        others = sum(value for other, value in enumerate(exponentials) if other != row)
        terms.append(-np.log(exponentials[(row + 3) % 6] / others))
    assert float(nt_xent(projected, patient, 0.5)) == pytest.approx(np.mean(terms), rel=1e-5)


def test_another_record_of_the_same_patient_is_no_negative():
    projected = torch.nn.functional.normalize(torch.randn(6, 5, generator=torch.Generator().manual_seed(0)), dim=1)
    together = nt_xent(projected, torch.tensor([0, 0, 2, 0, 0, 2]), 0.5)
    assert float(together) < float(nt_xent(projected, torch.tensor([0, 1, 2, 0, 1, 2]), 0.5))
    moved = projected.clone()
    moved[[1, 4]] = projected[[0, 3]]  # rows of one patient may be equal: only the pair of another one counts
    for_patient_two = nt_xent(moved, torch.tensor([0, 0, 0, 0, 0, 0]), 0.5)
    assert float(for_patient_two) == pytest.approx(0, abs=1e-6)  # nobody to be unlike


def test_the_partner_of_an_excerpt_is_of_the_same_patient(records: PretrainingRecords):
    patients = np.repeat(np.arange(6), 4).astype(str)
    pairs = ContrastivePretraining(replace(records, patients=patients)).pairs
    batch = pairs.batch(np.arange(24), np.random.default_rng(0))
    assert batch["signal"].shape == (48, 8, 100)
    np.testing.assert_array_equal(batch["patient"][:24], batch["patient"][24:])
    assert [len(rows) for rows in pairs.records_of] == [4] * 6


def test_the_weights_depend_on_seed_and_records_alone_and_an_interrupted_one_ends_with_the_same(
    records: PretrainingRecords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def trained(seed: int, folder: Path | None = None) -> torch.Tensor:
        model = initial_classifier("resnet", SMALL, 0)
        result = ContrastivePretraining(records).train(model, seed, folder, progress=False)
        assert result.steps == 4 and np.isfinite(result.history[-1]["train/loss"])
        return weights_of(model)

    first = trained(0)
    assert torch.equal(first, trained(0)) and not torch.equal(first, trained(1))
    assert not torch.equal(first, weights_of(initial_classifier("resnet", SMALL, 0)))
    batch, calls = ExcerptPairs.batch, list[int]()

    def interrupted(
        pairs: ExcerptPairs, indices: np.ndarray, generator: np.random.Generator
    ) -> dict[str, torch.Tensor]:
        calls.append(1)
        if len(calls) > 4:  # one batch shows the width, three are steps
            raise KeyboardInterrupt
        return batch(pairs, indices, generator)

    monkeypatch.setattr(ExcerptPairs, "batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(0, tmp_path)
    monkeypatch.undo()
    assert torch.equal(first, trained(0, tmp_path)), "resumed after two of four steps"
    assert torch.equal(first, trained(0, tmp_path)), "finished: nothing is trained again"


def test_its_identity_holds_settings_and_patients(records: PretrainingRecords):
    one = ContrastivePretraining(records).identity
    other = ContrastivePretraining(replace(records, patients=np.arange(24).astype(str)))
    grouped = ContrastivePretraining(replace(records, patients=np.repeat(np.arange(6), 4).astype(str)))
    assert other.identity != grouped.identity and one["settings"]["temperature"] == 0.1
    assert PRETRAININGS.get("contrastive pretraining") is ContrastivePretraining and "24 records" in grouped.note


@pytest.mark.bad_input("records")
def test_records_of_one_patient_are_refused(records: PretrainingRecords):
    with pytest.raises(ValueError, match="1 patients; expected at least 2"):
        ContrastivePretraining(replace(records, patients=np.full(24, "x")))


@pytest.mark.bad_input("model")
def test_a_model_without_features_is_refused(records: PretrainingRecords):
    with pytest.raises(ValueError, match="Linear is no Classifier"):
        ContrastivePretraining(records).train(nn.Linear(2, 2), 0)
