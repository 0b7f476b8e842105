"""The joined assessment: equal N in every comparison, reconstructions on disk, JSON there and back, and the page."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from vqecg.downstream.assessment.described_records import DescribedRecords, classifier_features, describe
from vqecg.downstream.assessment.reconstructions import MicrovoltSignals, write_reconstructions
from vqecg.downstream.assessment.record_sets import RealData, RecordSet, reconstruct_real
from vqecg.downstream.assessment.results import SYNTHETIC, TEST, TRAINING, Assessment
from vqecg.downstream.assessment.settings import AssessmentSettings
from vqecg.downstream.assessment.tables import CLASSIFIER_SPACE, SPACES, distance_table, drawn, shape_tables
from vqecg.downstream.classifiers.models.resnet import ResNetClassifier, ResNetConfig
from vqecg.prior.generator import ECGGenerator
from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.records.unknown_labels import EVERYTHING, with_unknown_column
from vqecg.reports.assessment.page import assessment_page, write_assessment_page
from vqecg.tokenizer.metrics import encode_store, reconstruct
from vqecg.tokenizer.modeling import ECGTokenizer

HOSTILE = "<script>alert('x')</script>"


@pytest.fixture(scope="module")
def classifier() -> ResNetClassifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ResNetClassifier(ResNetConfig(class_names=("NORM", "MI"), stem_width=4, widths=(4, 6), blocks=(1, 1)))


@pytest.fixture(scope="module")
def described(
    simulated_store: RecordStore, simulated_split: SplitIndices, classifier: ResNetClassifier
) -> dict[str, DescribedRecords]:
    """Test: 24 records, training: 60, and 30 that stand for synthetic ones, twice as high as the training records."""
    task = simulated_store.task("superdiagnostic")
    rows = np.arange(len(simulated_store))
    sets = {
        TEST: RecordSet(TEST, RecordSelection(simulated_store, rows[:24]), task),
        TRAINING: RecordSet(TRAINING, RecordSelection(simulated_store, rows[24:84]), task),
        SYNTHETIC: RecordSet(SYNTHETIC, RecordSelection(simulated_store, rows[84:114]), task),
    }
    higher = 2 * simulated_store.signals(rows[84:114])
    sets[SYNTHETIC] = dataclasses.replace(sets[SYNTHETIC], replaced=higher)
    return {name: describe(own, classifier, 100, None) for name, own in sets.items()}


def test_features_are_what_the_classifier_answers_from(
    simulated_store: RecordStore, classifier: ResNetClassifier, described: dict[str, DescribedRecords]
):
    signals = simulated_store.signals(np.arange(24))
    found = classifier_features(classifier, signals)
    assert found.shape == (24, 6)
    with torch.no_grad():
        answer = classifier(torch.from_numpy(signals))
        assert torch.allclose(classifier.head(torch.from_numpy(found)), answer, atol=1e-5)
    np.testing.assert_allclose(described[TEST].features, found, atol=1e-6)


def test_every_row_of_a_group_has_the_same_n_and_real_against_real_stands_beside(
    described: dict[str, DescribedRecords],
):
    table = distance_table(described[TEST], described[TRAINING], [described[SYNTHETIC]], neighbours=2)
    assert set(table["space"]) == set(SPACES)
    for (_, against), part in table.groupby(["space", "against"]):
        assert part["real"].nunique() == 1 and (part["real"] == part["synthetic"]).all()
        assert part["real"].iloc[0] == (24 if against == "test records" else 12)
        real = {TRAINING} if against == "test records" else {TRAINING, "other half of the test patients"}
        assert set(part["compared"]) == real | {SYNTHETIC}


def test_records_that_are_twice_as_high_are_farther_off_than_real_ones(described: dict[str, DescribedRecords]):
    table = distance_table(described[TEST], described[TRAINING], [described[SYNTHETIC]], neighbours=2)
    frechet = table[table["against"] == "test records"].set_index(["space", "compared"])["frechet"]
    for space in SPACES:
        assert frechet[space, SYNTHETIC] > 1.5 * frechet[space, TRAINING]
    amplitudes, shapes = shape_tables(described[TEST], described[TRAINING], [described[SYNTHETIC]])
    assert 1.8 < amplitudes["ratio"].median() < 2.4 and 0.8 < amplitudes["reference_ratio"].median() < 1.2
    spectrum = shapes.set_index("measure").loc["power spectrum"]
    assert spectrum["value"] == pytest.approx(6, abs=2), "twice the voltage is 6 dB"


def test_without_enough_records_for_its_neighbours_a_distance_is_refused(described: dict[str, DescribedRecords]):
    with pytest.raises(ValueError, match="neighbours"):
        distance_table(described[TEST], described[TRAINING], [described[SYNTHETIC]], neighbours=20)


def test_rows_are_drawn_once_each_and_in_order():
    rows = drawn(10, 4, seed=1)
    assert len(set(rows)) == 4 and (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(drawn(3, 5, seed=1), [0, 1, 2])


def test_reconstructions_on_disk_are_the_tokenizers_to_a_microvolt(
    simulated_store: RecordStore, tiny_tokenizer: ECGTokenizer, tmp_path: Path
):
    rows = np.array([3, 50, 7])
    written = write_reconstructions(tiny_tokenizer, simulated_store, rows, tmp_path / "some.npy", levels=2)
    codes = encode_store(tiny_tokenizer, simulated_store, rows, progress=False)
    expected = reconstruct(tiny_tokenizer, codes, simulated_store.spec.samples, 2).numpy()
    again = MicrovoltSignals(tmp_path / "some.npy")
    assert len(written) == len(again) == 3
    np.testing.assert_allclose(again[np.array([2, 0])], expected[[2, 0]], atol=0.00051)
    assert [path.name for path in tmp_path.iterdir()] == ["some.npy"]


def test_a_full_disk_leaves_no_reconstructions(
    simulated_store: RecordStore, tiny_tokenizer: ECGTokenizer, tmp_path: Path
):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))  # bytes that a file may have; a record's has 16,000
    try:
        with pytest.raises(OSError, match="File too large"):
            write_reconstructions(tiny_tokenizer, simulated_store, np.array([0]), tmp_path / "some.npy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def small_assessment(described: dict[str, DescribedRecords], seeds: tuple[int, ...] = (0,)) -> Assessment:
    """An assessment of made-up scores and of the distances of the simulated records."""
    settings = dataclasses.asdict(AssessmentSettings())
    settings["seeds"] = list(seeds)
    compared = [described[SYNTHETIC]]
    amplitudes, shapes = shape_tables(described[TEST], described[TRAINING], compared)
    scores = [
        {
            "family": "resnet",
            "design": design,
            "trained_on": 60,
            "tested_on": 24,
            "metric": "auroc",
            "class_name": name,
            "positives": 5,
            "value": 0.8,
            "low": 0.7,
            "high": np.nan,
        }
        for design in ("TRTR", "TSTR", "TRTS")
        for name in ("NORM", HOSTILE, "macro")
    ]
    ratio = {"family": "resnet", "metric": "auroc", "against": "TRTR", "classes": 2, "paired": True}
    ratio |= {"ratio": 0.93, "ratio_low": 0.91, "ratio_high": 0.95}
    ratio |= {"difference": -0.06, "difference_low": -0.08, "difference_high": -0.04}
    physiology = {"class_name": "NORM", "measure": "heart_rate", "unit": "1/min", "real": 9, "synthetic": 8}
    physiology |= {"real_median": 70.0, "synthetic_median": 71.0, "records": 4, "wasserstein": 3.0, "ks": 0.2}
    physiology |= {"wasserstein_reference": 2.0, "ks_reference": 0.1, "compared": "synthetic"}
    rate = {"statement": "STACH", "asked": "heart rate above 100 a minute", "note": "", "compared": "synthetic"}
    rate |= {"real_n": 20, "real_rate": 0.95, "real_others_rate": 0.1, "synthetic_n": 9, "synthetic_rate": 0.5}
    nearness: dict[str, Any] = dict.fromkeys(
        ("synthetic_median", "held_out_median", "synthetic_first_percentile", "below_held_out", "near_copies"), 0.25
    )
    nearness |= {"space": "waveform", "label": "all", "synthetic": 30, "held_out": 24}
    nearness |= {"held_out_first_percentile": 0.2, "exact_copies": 0.0}
    nearer = {"space": "waveform", "synthetic": 30, "patients": 20, "share": 0.51, "low": None, "high": 0.6}
    attack = {"attack": "density ratio", "space": "beat", "label": "all", "members": 60, "others": 12}
    attack |= {"auc": 0.52, "low": 0.48, "high": 0.57}
    return Assessment(
        about={
            "real": "simulated",
            "task": "superdiagnostic",
            "class_names": ["NORM", HOSTILE],
            "training_records": 60,
            "test_records": 24,
            "synthetic_records": 30,
            "settings": settings,
            "policy": "weights of the last step",
            "features": "resnet of seed 0",
            "intervals_from": "R peaks alone",
            "ceiling_levels": None,
        },
        utility=pd.DataFrame(scores),
        ratios=pd.DataFrame([ratio | {"design": "TSTR"}, ratio | {"design": "TRTS"}]),
        distances=distance_table(described[TEST], described[TRAINING], compared, neighbours=2),
        physiology=pd.DataFrame([physiology, physiology | {"class_name": "macro"}]),
        amplitudes=amplitudes,
        shapes=shapes,
        adherence=pd.DataFrame([rate | {"difference": -45.0}]),
        memorisation={
            "nearness": [nearness],
            "nearer": [nearer],
            "released": [attack, attack | {"label": HOSTILE, "auc": 0.61}],
            "duplicates": None,
            "membership": [],
        },
    )


def test_an_assessment_goes_to_json_and_back(described: dict[str, DescribedRecords]):
    found = small_assessment(described)
    text = json.dumps(found.to_dict(), allow_nan=False)
    again = Assessment.from_dict(json.loads(text))
    pd.testing.assert_frame_equal(again.utility, found.utility)
    pd.testing.assert_frame_equal(again.distances, found.distances)
    assert json.dumps(again.to_dict()) == text


def test_the_page_has_every_section_n_beside_figures_and_text_stays_text(
    described: dict[str, DescribedRecords], tmp_path: Path
):
    found = small_assessment(described)
    page = assessment_page(found, "2025-01-02").render()
    for told in ("30 synthetic records against 24 real test records", "TSTR / TRTR", "0.930", "0.910 to 0.950"):
        assert told in page
    assert HOSTILE not in page and "&lt;script&gt;" in page
    assert "One seed: the intervals know nothing of chance in training" in page
    assert "Membership inference (needs the generator): not run" in page
    assert "Membership from the synthetic records alone" in page and "0.520" in page and "0.610" in page
    assert "half of the test patients" in page and "real: training" in page
    assert CLASSIFIER_SPACE in page and "heart rate above 100 a minute" in page
    assert assessment_page(found, "2025-01-02").render() == page
    write_assessment_page(found, tmp_path / "page.html", "2025-01-02")
    assert (tmp_path / "page.html").read_text() == page


def test_the_page_says_when_no_rule_was_asked_for_and_has_no_seed_warning_with_three(
    described: dict[str, DescribedRecords],
):
    found = small_assessment(described, seeds=(0, 1, 2))
    quiet = dataclasses.replace(found, adherence=found.adherence.assign(note="not asked"))
    page = assessment_page(quiet, "2025-01-02").render()
    assert "No statement with a rule was asked for" in page and "One seed" not in page


def test_reconstructions_of_training_records_keep_unknown_labels_as_the_records_have_them(
    simulated_store: RecordStore, tiny_generator: ECGGenerator, tmp_path: Path
):
    table = with_unknown_column(simulated_store.table, [(EVERYTHING,) if row < 2 else () for row in range(120)])
    store, task = dataclasses.replace(simulated_store, table=table), simulated_store.task("superdiagnostic")
    parts = {"train": np.arange(4), "validation": np.arange(4, 6), "test": np.arange(6, 8)}
    ceiling = reconstruct_real(tiny_generator, RealData(store, SplitIndices(**parts), task), tmp_path)
    assert np.isnan(ceiling.training.labels[:2]).any() and not np.isnan(ceiling.test.labels).any()
