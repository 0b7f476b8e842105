"""The label-correlation network: the matrix, what a label takes of the channels, and each of its ablations."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from vqecg.downstream.classifiers.models.label_correlation import (
    LabelAttention,
    LabelCorrelationClassifier,
    LabelCorrelationConfig,
    QueryDecoder,
    correlation_matrix,
)
from vqecg.downstream.classifiers.settings import CLASSIFIER_FIT, ClassifierSettings
from vqecg.records.datasets.registry import read_table
from vqecg.records.simulation.dataset import simulate_dataset
from vqecg.records.store.building import build_store
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainingSubset, split_rows
from vqecg.scripts.steps.classifier import ClassifierStep, classifier_stage

TINY = LabelCorrelationConfig(
    class_names=("NORM", "MI", "HYP"), stem_width=4, widths=(4, 8), pools=(5, 1), moments=4, decoder_width=8
)
LABELS = np.array([[1, 0, 0], [0, 1, 1], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 0]], np.float32)
ABLATIONS = (
    {"memory": "labels"},
    {"memory": "label features"},
    {"label_module": False},
    {"decoder": False},
    {"label_module": False, "decoder": False},
)


def tiny_model(**changes) -> LabelCorrelationClassifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return LabelCorrelationClassifier(dataclasses.replace(TINY, **changes)).eval()


def signal() -> torch.Tensor:
    return torch.randn(2, 8, 250, generator=torch.Generator().manual_seed(1))


def test_the_matrix_is_the_probability_of_the_row_given_the_column():
    matrix = correlation_matrix(LABELS)
    assert matrix[1, 2] == pytest.approx(2 / 3) and matrix[2, 1] == pytest.approx(2 / 3)
    assert matrix[0, 1] == 0 and matrix.diagonal().tolist() == [1, 1, 1]
    skewed = correlation_matrix(np.array([[1, 1], [1, 0], [1, 0], [1, 0]]))
    assert skewed[0, 1] == 1 and skewed[1, 0] == 0.25


def test_a_class_without_records_correlates_with_itself_only():
    assert correlation_matrix(np.array([[1, 0], [1, 0]])).tolist() == [[1, 0], [0, 1]]


def test_a_label_takes_channels_by_their_rectified_cosine_normalised_over_channels():
    attention = LabelAttention(2, TINY)
    chance = torch.Generator().manual_seed(0)
    # the first channel points the way of every label, so that each label takes some
    embeddings, channels = torch.rand(2, 4, generator=chance), torch.randn(3, 5, 4, generator=chance)
    channels[:, 0] = 1
    taken = attention(channels, embeddings)
    for record in range(3):
        for label in range(2):
            cosine = torch.cosine_similarity(channels[record], embeddings[label], dim=-1).relu()
            expected = (cosine / cosine.sum()) @ channels[record]
            assert torch.allclose(taken[record, label], expected, atol=1e-5)


def test_channels_that_all_point_away_from_a_label_give_zeros_not_nan():
    taken = LabelAttention(1, TINY)(torch.ones(1, 3, 4), -torch.ones(1, 4))
    assert torch.equal(taken, torch.zeros(1, 1, 4))


def test_queries_do_not_see_each_other():
    decoder, queries, memory = QueryDecoder(8, 2, 0.0).eval(), torch.randn(1, 3, 8), torch.randn(1, 5, 8)
    changed = queries.clone()
    changed[:, 2] += 1
    assert torch.allclose(decoder(queries, memory)[:, :2], decoder(changed, memory)[:, :2], atol=1e-6)
    assert not torch.allclose(decoder(queries, memory), decoder(queries, memory + 1), atol=1e-3)


def test_the_matrix_of_the_training_labels_reaches_the_output_and_is_not_trained():
    model = tiny_model()
    before = model(signal())
    model.learn_labels(LABELS)
    assert not torch.allclose(model(signal()), before)
    assert model.labels is not None and not model.labels.correlation.requires_grad
    assert torch.equal(model.labels.correlation, torch.from_numpy(correlation_matrix(LABELS)))
    with pytest.raises(ValueError, match=r"expected \(records, 3\)"):
        model.learn_labels(LABELS[:, :2])


@pytest.mark.parametrize("change", ABLATIONS)
def test_every_ablation_is_a_model_that_comes_back_from_its_folder(change: dict, tmp_path):
    model = tiny_model(**change)
    model.learn_labels(LABELS)
    model.save_pretrained(tmp_path)
    again = LabelCorrelationClassifier.from_pretrained(tmp_path)
    assert again.config == model.config and torch.equal(again(signal()), model(signal()))
    model(signal()).square().sum().backward()
    assert all(one.grad is not None for one in model.parameters()), "nothing is left over from what was taken out"


def test_without_the_label_module_training_labels_change_nothing():
    model = tiny_model(label_module=False)
    before = model(signal())
    model.learn_labels(LABELS)
    assert torch.equal(model(signal()), before)


def test_keys_and_values_are_of_this_ecg_with_label_features_and_the_same_for_all_with_labels():
    seen: dict[str, list[torch.Tensor]] = {}
    for memory in ("label features", "labels"):
        model: Any = tiny_model(memory=memory)
        model.learn_labels(LABELS)
        model.decode.register_forward_pre_hook(lambda _, given, memory=memory: seen.update({memory: list(given)}))
        model(signal())
    taken = model.labels(
        torch.nn.functional.adaptive_avg_pool1d(model.backbone(signal() / model.config.scale), 4),
        model.labels.embeddings(),
    )
    for memory, of_the_ecg, constant in (("label features", 1, 0), ("labels", 0, 1)):
        queries_and_memory = seen[memory]
        assert torch.equal(*queries_and_memory[constant]), "a query or key of each label, whatever the ECG"
        assert not torch.allclose(*queries_and_memory[of_the_ecg])
        assert torch.allclose(queries_and_memory[of_the_ecg], model.from_features(taken), atol=1e-6)


def test_blocks_pool_by_what_they_say():
    model = LabelCorrelationClassifier(LabelCorrelationConfig(class_names=("MI", "HYP"))).eval()
    assert model.backbone(torch.zeros(1, 8, 1000)).shape == (1, 128, 8)


@pytest.mark.parametrize(
    "change",
    [
        {"memory": "beats"},
        {"memory": "labels", "label_module": False},
        {"memory": "label features", "label_module": False},
        {"pools": (5,)},
        {"decoder_heads": 3},
        {"kernel_size": 4},
        {"moments": 0},
    ],
)
def test_settings_that_make_no_model_are_refused(change: dict):
    with pytest.raises(ValueError, match="expected"):
        dataclasses.replace(TINY, **change)


@pytest.mark.slow
def test_the_command_counts_the_real_training_records_alone(simulated_store: RecordStore, simulated_split, tmp_path):
    simulate_dataset(tmp_path / "data", records=30, seed=5, progress=False)
    added = build_store(read_table(tmp_path / "data"), simulated_store.spec, tmp_path / "added", progress=False)
    fit = dataclasses.replace(CLASSIFIER_FIT, steps=2, batch_size=8, warmup_steps=1)
    settings = ClassifierSettings("label-correlation", fit)
    given = ClassifierStep(simulated_store.folder, tmp_path / "trained", synthetic=(added.folder,), training=settings)
    few = TrainingSubset("NORM", 10)
    labels = simulated_store.labels(simulated_store.task("superdiagnostic"))
    kept = split_rows(simulated_store, given.folds, few).train
    for own, rows in ((given, simulated_split.train), (dataclasses.replace(given, subset=few, overwrite=True), kept)):
        classifier_stage(own)
        model = LabelCorrelationClassifier.from_pretrained(tmp_path / "trained")
        assert model.labels is not None
        assert torch.equal(model.labels.correlation, torch.from_numpy(correlation_matrix(labels[rows])))
    assert len(kept) < len(simulated_split.train)
