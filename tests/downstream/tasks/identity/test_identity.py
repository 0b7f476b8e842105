"""Beats compared, a verifier learned from them, and its figures by hand."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from vqecg.downstream.tasks.identity.comparison import MEASURES, compare, median_beats
from vqecg.downstream.tasks.identity.verification import verification
from vqecg.downstream.tasks.identity.verifier import IdentityVerifier, IdentityVerifierConfig
from vqecg.evaluation.statistics.resampling import BootstrapSettings
from vqecg.records.store.record_store import RecordStore

PEOPLE, SIZE = 40, 90


@pytest.fixture(scope="module")
def beats() -> tuple[np.ndarray, np.ndarray]:
    """Three recordings of each person: beats of their own, moved, scaled and blurred a little."""
    generator = np.random.default_rng(0)
    times = np.arange(SIZE) / 100 - 0.35
    places, widths = np.array([-0.15, 0.0, 0.3]), np.array([0.03, 0.02, 0.06])
    patients = np.repeat(np.arange(PEOPLE), 3).astype(str).astype(object)
    all_alike, of_person = generator.normal(size=(1, 8, 3)), generator.normal(size=(PEOPLE, 8, 3))
    of_recording = generator.normal(size=(3 * PEOPLE, 8, 3))
    heights = (all_alike + 0.3 * np.repeat(of_person, 3, 0) + 0.2 * of_recording) * (0.1, 1, 0.3)
    moved = places + generator.normal(0, 0.004, (3 * PEOPLE, 1, 3))
    waves = np.exp(-0.5 * ((times[:, None] - moved[..., None, :]) / widths) ** 2)
    return (heights[:, :, None] * waves).sum(3) + generator.normal(0, 0.01, (3 * PEOPLE, 8, SIZE)), patients


def test_a_beat_is_nearest_to_itself_and_order_does_not_matter(beats: tuple[np.ndarray, np.ndarray]):
    some = beats[0][:12]
    measures = compare(some, some, 100)
    assert measures.shape == (12, 12, len(MEASURES)) and np.isfinite(measures).all()
    rows = np.arange(12)
    assert (measures.argmin(1) == rows[:, None]).mean() > 0.9
    np.testing.assert_allclose(measures, measures.transpose(1, 0, 2), atol=0.7)  # one of both is interpolated
    flat = compare(np.zeros((1, 8, SIZE)), some, 100)
    assert np.isfinite(flat).all() and flat[..., 0].min() > -0.1, "a flat lead is like none"


def test_a_turned_heart_has_the_same_loop(beats: tuple[np.ndarray, np.ndarray]):
    from vqecg.downstream.tasks.identity.comparison import KORS, centred, correlation, loop_likeness

    some = centred(beats[0][:3, :, 20:50])
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turned = np.einsum("ld,de,em,nmt->nlt", np.linalg.pinv(KORS), turn, KORS, some)
    assert (loop_likeness(turned, some).diagonal() > 0.999).all()
    assert (correlation(turned, some).diagonal() < 0.9).all()


def test_the_verifier_knows_people_that_it_has_not_seen(beats: tuple[np.ndarray, np.ndarray], tmp_path: Path):
    signal, patients = beats
    train, test = slice(0, 60), slice(60, 120)
    verifier = IdentityVerifier.fit(signal[train], patients[train], IdentityVerifierConfig())
    scores = verifier.scores(signal[test], signal[test])
    same = np.eye(60, dtype=bool)
    found = verification(scores, patients[test], patients[test], same, BootstrapSettings(replicates=50))
    assert (found.people, found.pairs, found.gallery) == (20, 60, 60)
    one = patients[test][:, None] == patients[test][None]
    assert found.auroc[0] == pytest.approx(roc_auc_score(one[~same], scores[~same])) and found.auroc[0] > 0.9
    assert found.auroc[1] < found.auroc[0] <= found.auroc[2]
    assert found.equal_error[0] < 0.2 and found.first[0] > 0.7
    false = verifier.false_matches(scores)
    assert false[~one].mean() == pytest.approx(0.5, abs=0.1) and np.median(false[one & ~same]) < 0.05
    assert false.min() > 0 and (np.diff(verifier.false_matches(np.linspace(-50, 50, 300))) <= 0.001).all()
    with pytest.raises(ValueError, match="NaN or infinite"):
        verifier.false_matches(np.array([np.nan]))
    verifier.save_pretrained(tmp_path / "verifier")
    again = IdentityVerifier.from_pretrained(tmp_path / "verifier")
    np.testing.assert_array_equal(again.scores(signal[:3], signal[test]), verifier.scores(signal[:3], signal[test]))


def test_strangers_are_not_called_matches(beats: tuple[np.ndarray, np.ndarray]):
    signal, patients = beats
    verifier = IdentityVerifier.fit(signal[:60], patients[:60], IdentityVerifierConfig())
    best = verifier.scores(signal[60:], signal[:60]).max(1)  # of other people, all of them
    by_chance = 1 - (1 - verifier.false_matches(best)) ** 60
    assert 0.2 < by_chance.mean() < 0.8 and (by_chance < 0.05).mean() < 0.3


def test_equal_scores_are_half_right():
    patients = np.repeat(np.arange(5), 2).astype(str).astype(object)
    same = np.eye(10, dtype=bool)
    found = verification(np.zeros((10, 10)), patients, patients, same, BootstrapSettings(replicates=5))
    assert found.auroc[0] == 0.5 and found.first[0] == pytest.approx(1 / 9)


def test_scores_of_chance_are_called_chance():
    generator = np.random.default_rng(0)
    patients = np.repeat(np.arange(30), 2).astype(str).astype(object)
    scores = generator.normal(size=(60, 60))
    found = verification(scores, patients, patients, np.eye(60, dtype=bool), BootstrapSettings(replicates=100))
    assert found.auroc[1] < 0.5 < found.auroc[2] and found.equal_error[0] == pytest.approx(0.5, abs=0.1)


def test_people_with_one_recording_teach_nothing(beats: tuple[np.ndarray, np.ndarray]):
    with pytest.raises(ValueError, match="9 patients have several recordings in the training folds; expected 10"):
        IdentityVerifier.fit(beats[0][:27], beats[1][:27], IdentityVerifierConfig())
    with pytest.raises(ValueError, match="learn it again"):
        IdentityVerifierConfig(measures=("width",))


def test_beats_are_measured_in_every_recording(simulated_store: RecordStore):
    signal = simulated_store.signals(slice(0, 4))
    signal[0] = 0
    beats = median_beats(signal, 100)
    assert beats.shape == (4, 8, SIZE) and not beats[0].any() and (np.ptp(beats[1:], axis=2).max(1) > 0.2).all()
