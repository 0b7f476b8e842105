"""A segmenter that reads a tokenizer's codes, on simulated recordings whose waves are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vqecg.evaluation.waves.code_segmenter import CodeHeadConfig, CodeSegmenter, load_segmenter
from vqecg.evaluation.waves.code_segmenter_training import CodeExamples, code_loss, train_code_segmenter
from vqecg.evaluation.waves.delineation_errors import delineation_errors
from vqecg.evaluation.waves.segmenter import CLASSES, WaveSegmenter, WaveSegmenterConfig
from vqecg.evaluation.waves.segmenter_training import UNLABELLED, SegmenterTraining, marked_records
from vqecg.records.datasets.ludb import LUDBRecord
from vqecg.records.leads import INDEPENDENT_LEADS, LEADS
from vqecg.records.simulation.marks import simulated_records
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import fingerprint
from vqecg.training.fit import FitSettings

SHORT = SegmenterTraining(
    fit=FitSettings(steps=3, batch_size=8, evaluate_every=3, warmup_steps=1, mixed_precision="no"),
    head=CodeHeadConfig(width=16, blocks=1),
    parts=4,
)


@pytest.fixture(scope="module")
def records() -> list[LUDBRecord]:
    return simulated_records(16, 0)


@pytest.fixture(scope="module")
def segmenter(tiny_tokenizer: ECGTokenizer, records: list[LUDBRecord]) -> CodeSegmenter:
    return train_code_segmenter(records, tiny_tokenizer, SHORT, progress=False).segmenter


def test_classes_come_out_at_twice_the_rate_for_eight_leads_and_twelve(segmenter: CodeSegmenter):
    assert segmenter.config.sampling_rate == 200
    signals = np.random.default_rng(0).normal(0, 0.2, (3, 12, 2500)).astype(np.float32)
    twelve = segmenter.segment(signals, 500)
    assert twelve.shape == (3, 12, 1000) and twelve.max() < len(CLASSES)
    chosen = [LEADS.index(lead) for lead in INDEPENDENT_LEADS]
    assert np.array_equal(segmenter.segment(signals[:, chosen], 500), twelve[:, chosen])
    assert segmenter.segment(signals[..., :777], 100).shape[2] == segmenter.resampled(signals[..., :777], 100).shape[2]


def test_a_head_learns_waves_from_codes(tiny_tokenizer: ECGTokenizer, records: list[LUDBRecord]):
    fit = FitSettings(steps=120, batch_size=16, learning_rate=5e-3, evaluate_every=60, warmup_steps=5)
    longer = replace(SHORT, fit=fit, head=CodeHeadConfig(width=32, blocks=2))
    trained = train_code_segmenter(records, tiny_tokenizer, longer, progress=False)
    held_out = [record for record in records if record.record.record_id in trained.held_out]
    errors = delineation_errors(trained.segmenter, held_out, 100).set_index(["wave", "point"])
    assert errors.loc[("QRS", "onset"), "sensitivity"] > 0.9 and errors.loc[("QRS", "onset"), "ppv"] > 0.9
    assert trained.result.history[-1]["train/loss"] < trained.result.history[0]["train/loss"]


def test_the_same_seed_gives_the_same_bits_and_the_tokenizer_stays_as_it_is(
    tiny_tokenizer: ECGTokenizer, records: list[LUDBRecord], segmenter: CodeSegmenter
):
    before = fingerprint(tiny_tokenizer)
    again = train_code_segmenter(records, tiny_tokenizer, SHORT, progress=False)
    assert fingerprint(again.segmenter.head) == fingerprint(segmenter.head)
    assert fingerprint(tiny_tokenizer) == before and len(again.held_out) == 4


def test_a_segmenter_is_saved_and_known_again(segmenter: CodeSegmenter, tmp_path: Path):
    segmenter.save_pretrained(tmp_path / "codes")
    again = load_segmenter(tmp_path / "codes")
    signals = np.random.default_rng(0).normal(0, 0.2, (1, 8, 1000)).astype(np.float32)
    assert isinstance(again, CodeSegmenter)
    assert np.array_equal(again.segment(signals, 100), segmenter.segment(signals, 100))
    WaveSegmenter(WaveSegmenterConfig(widths=(8, 12))).save_pretrained(tmp_path / "waves")
    assert isinstance(load_segmenter(tmp_path / "waves"), WaveSegmenter)
    segmenter.tokenizer.save_pretrained(tmp_path / "neither")
    with pytest.raises(ValueError, match="holds a ECGTokenizer, not a WaveSegmenter"):
        load_segmenter(tmp_path / "neither")
    other = ECGTokenizer(replace(segmenter.tokenizer.config, dimension=32))
    other.save_pretrained(tmp_path / "codes" / "tokenizer")
    with pytest.raises(ValueError, match="head and tokenizer do not fit each other"):
        load_segmenter(tmp_path / "codes")


def test_examples_have_marks_and_differ_by_the_generator_alone(
    tiny_tokenizer: ECGTokenizer, records: list[LUDBRecord], segmenter: CodeSegmenter
):
    examples = CodeExamples.of(records, tiny_tokenizer, SHORT)
    rows = np.arange(len(examples))
    one, same, other = (examples.batch(rows, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert one["signal"].shape == (16, 8, 408) and one["classes"].shape == (16, 12, 816)
    assert torch.equal(one["signal"], same["signal"]) and not torch.equal(one["signal"], other["signal"])
    assert (one["classes"] != UNLABELLED).flatten(1).any(1).all() and torch.isfinite(one["signal"]).all()
    figures = code_loss(tiny_tokenizer, segmenter.head, one)
    assert torch.isfinite(figures["loss"]) and 0 <= figures["accuracy"] <= 1


def test_marks_stay_where_the_signal_has_its_waves(tiny_tokenizer: ECGTokenizer, records: list[LUDBRecord]):
    """Voltage within QRS marks is larger than elsewhere, however an example was slowed and moved."""
    quiet = replace(SHORT, noise=0.0, wander=0.0)
    batch = CodeExamples.of(records, tiny_tokenizer, quiet).batch(np.arange(16), np.random.default_rng(3))
    slope = batch["signal"].diff(dim=2).abs().mean(1)
    within = (batch["classes"][:, 1, ::2] == CLASSES.index("QRS"))[:, 1:]
    ratio = [float(one[mask].mean() / one[~mask].mean()) for one, mask in zip(slope, within, strict=True)]
    assert min(ratio) > 3


def test_lessons_are_simulated_records_and_then_the_first_marked_ones(records: list[LUDBRecord]):
    marked = marked_records(records, replace(SHORT, simulated=5, records=3))
    assert [(name, len(lesson)) for name, lesson in marked.lessons] == [("simulated", 5), ("marked", 3)]
    assert len(marked_records(records, SHORT).lessons) == 1
    ids = {record.record.record_id for _, lesson in marked.lessons[1:] for record in lesson}
    assert not ids & set(marked.held_out)


def test_strange_signals_and_records_are_refused(
    segmenter: CodeSegmenter, tiny_tokenizer: ECGTokenizer, records: list[LUDBRecord]
):
    with pytest.raises(ValueError, match=r"shape \(1, 3, 100\); expected \(records, 8 or 12 leads, samples\)"):
        segmenter.segment(np.zeros((1, 3, 100)), 100)
    with pytest.raises(ValueError, match="NaN or infinite"):
        segmenter.segment(np.full((1, 8, 1000), np.nan), 100)
    with pytest.raises(ValueError, match="kernel_size is 4"):
        CodeHeadConfig(kernel_size=4)
    short = replace(records[0], record=replace(records[0].record, signal=records[0].record.signal[:, :2500]))
    with pytest.raises(ValueError, match="expected one length"):
        CodeExamples.of([short, records[1]], tiny_tokenizer, SHORT)
    few = replace(records[0].record, signal=records[0].record.signal[:8], leads=LEADS[:8])
    with pytest.raises(ValueError, match="has the leads I, II"):
        CodeExamples.of([replace(records[0], record=few)], tiny_tokenizer, SHORT)
