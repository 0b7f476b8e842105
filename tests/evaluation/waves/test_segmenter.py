"""The segmenter's network, its examples and its training, on simulated recordings whose waves are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vqecg.evaluation.waves.segmenter import CLASSES, WaveSegmenter, WaveSegmenterConfig
from vqecg.evaluation.waves.segmenter_training import (
    UNLABELLED,
    SegmenterTraining,
    WaveExamples,
    segmentation_loss,
    split_records,
    train_segmenter,
    wave_classes,
)
from vqecg.records.datasets.ludb import LUDBRecord
from vqecg.records.simulation.marks import simulated_marks
from vqecg.records.simulation.simulator import simulate_record
from vqecg.training.fit import FitSettings

NARROW = WaveSegmenterConfig(widths=(16, 24), kernel_size=5)
SHORT = SegmenterTraining(
    model=NARROW,
    fit=FitSettings(steps=4, batch_size=8, evaluate_every=2, warmup_steps=1, mixed_precision="no"),
    parts=2,
)


@pytest.fixture(scope="module")
def records() -> list[LUDBRecord]:
    kinds = (["NORM", "SR"], ["1AVB"], ["CRBBB"], ["STACH"])
    return [simulated_marks(simulate_record(kind, np.random.default_rng(n))) for n, kind in enumerate(kinds)]


@pytest.fixture(scope="module")
def segmenter() -> WaveSegmenter:
    torch.manual_seed(0)
    return WaveSegmenter(NARROW).eval()


@pytest.mark.parametrize("samples", [1, 7, 256, 2500, 2501])
def test_every_sample_gets_its_logits(segmenter: WaveSegmenter, samples: int):
    assert segmenter(torch.randn(3, samples)).shape == (3, len(CLASSES), samples)


def test_size_and_offset_of_a_lead_say_nothing_of_its_waves(segmenter: WaveSegmenter, records: list[LUDBRecord]):
    signal = records[0].record.signal[None]
    same = (segmenter.segment(signal, 500) == segmenter.segment(3 * signal + 1, 500)).mean()
    assert same > 0.9


@pytest.mark.parametrize("rate", [100, 250, 360, 500])
def test_any_sampling_rate_comes_out_at_the_own_one(segmenter: WaveSegmenter, rate: int):
    assert segmenter.segment(np.random.default_rng(0).normal(size=(2, 8, 4 * rate)), rate).shape == (2, 8, 1000)


def test_a_flat_lead_is_no_error(segmenter: WaveSegmenter):
    assert segmenter.segment(np.zeros((1, 8, 1000)), 100).shape == (1, 8, 2500)


def test_bad_signals_and_settings_are_refused(segmenter: WaveSegmenter):
    with pytest.raises(ValueError, match=r"\(records, leads, samples\)"):
        segmenter.segment(np.zeros((8, 1000)), 100)
    with pytest.raises(ValueError, match="NaN"):
        segmenter.segment(np.full((1, 8, 1000), np.nan), 100)
    with pytest.raises(ValueError, match="one lead a row"):
        segmenter(torch.zeros(1, 8, 1000))
    for wrong in ({"kernel_size": 4}, {"widths": (8,)}, {"classes": ("none", "QRS")}, {"stem_kernel": 3}):
        with pytest.raises(ValueError):
            replace(NARROW, **wrong)
    with pytest.raises(ValueError, match="held out"):
        SegmenterTraining(parts=5, held_out=5)


def test_it_is_kept_and_loaded_whole(segmenter: WaveSegmenter, tmp_path: Path):
    segmenter.save_pretrained(tmp_path)
    signal = np.random.default_rng(0).normal(size=(1, 2, 1000))
    loaded = WaveSegmenter.from_pretrained(tmp_path)
    np.testing.assert_array_equal(loaded.segment(signal, 250), segmenter.segment(signal, 250))


def test_unmarked_edges_are_neither_wave_nor_background(records: list[LUDBRecord]):
    record = records[0]
    start, end = record.labelled_stretch("II")
    classes = wave_classes(record, "II", 250)
    assert (classes[: round(start / 2)] == UNLABELLED).all() and (classes[round(end / 2) + 2 :] == UNLABELLED).all()
    assert set(classes[round(start / 2) : round(end / 2) + 1]) == {0, 1, 2, 3}
    first = record.waves[(record.waves["lead"] == "II") & (record.waves["wave"] == "QRS")].iloc[0]
    inside = classes[round(first["onset"] / 2) : round(first["offset"] / 2)]  # its last sample may be T's first
    assert (inside == CLASSES.index("QRS")).all()


def test_a_missing_onset_leaves_a_gap_before_the_peak(records: list[LUDBRecord]):
    waves = records[0].waves.copy()
    row = waves[(waves["lead"] == "I") & (waves["wave"] == "QRS")].index[1]
    waves.loc[row, "onset"] = np.nan
    classes = wave_classes(replace(records[0], waves=waves), "I", 500)
    peak = round(waves.loc[row, "peak"])
    assert (classes[peak - 10 : peak] == UNLABELLED).all() and classes[peak] == CLASSES.index("QRS")


def test_examples_hold_labelled_samples_and_differ_by_the_generator_alone(records: list[LUDBRecord]):
    examples = WaveExamples.of(records, SHORT)
    assert len(examples) == 48
    one, same, other = (examples.batch(np.arange(48), np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert one["signal"].shape == one["classes"].shape == (48, 1024)
    assert torch.equal(one["signal"], same["signal"]) and not torch.equal(one["signal"], other["signal"])
    assert ((one["classes"] != UNLABELLED).any(dim=1)).all() and torch.isfinite(one["signal"]).all()


def test_unlabelled_samples_do_not_count(segmenter: WaveSegmenter, records: list[LUDBRecord]):
    batch = WaveExamples.of(records, SHORT).batch(np.arange(8), np.random.default_rng(0))
    loss = segmentation_loss(segmenter, batch)["loss"]
    spoiled = segmenter(batch["signal"]).detach()
    known = batch["classes"] != UNLABELLED
    own = torch.nn.functional.cross_entropy(spoiled.transpose(1, 2)[known], batch["classes"][known])
    assert torch.allclose(loss, own, atol=1e-5)


def test_records_are_split_by_patient(records: list[LUDBRecord]):
    train, held_out = split_records(records, 4, 1)
    assert held_out == [records[1]] and train == [records[0], *records[2:]]
    with pytest.raises(ValueError, match="do not split"):
        split_records(records[:1], 5, 0)


def test_training_is_repeatable_and_names_the_records_held_out(records: list[LUDBRecord]):
    first, second = (train_segmenter(records, SHORT, progress=False) for _ in range(2))
    assert first.held_out == (records[0].record.record_id, records[2].record.record_id)
    assert first.result.steps == 4
    for name, value in first.segmenter.state_dict().items():
        assert torch.equal(value, second.segmenter.state_dict()[name]), name


@pytest.mark.slow
def test_it_learns_simulated_waves(records: list[LUDBRecord]):
    fit = FitSettings(steps=80, batch_size=24, learning_rate=5e-3, warmup_steps=10, mixed_precision="no")
    trained = train_segmenter(records, replace(SHORT, fit=fit, parts=4), progress=False)
    classes = trained.segmenter.segment(records[0].record.signal[None], 500)[0, 1]
    truth = wave_classes(records[0], "II", 250)
    assert (classes == truth)[truth != UNLABELLED].mean() > 0.8
