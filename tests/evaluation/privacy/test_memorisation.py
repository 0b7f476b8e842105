"""Near copies: that they are found wherever they start, kept out by the gate, and counted in the report."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vqecg.evaluation.privacy.membership_inference import real_digests
from vqecg.evaluation.privacy.memorisation import (
    SPACES,
    memorisation,
    nearer_share,
    neighbours_needed,
    share_nearer,
)
from vqecg.evaluation.privacy.released_set import ATTACKS, NEAREST, Candidates
from vqecg.evaluation.statistics.resampling import BootstrapSettings
from vqecg.prior.config import SamplingSettings
from vqecg.prior.copies.feature_index import FeatureIndex
from vqecg.prior.copies.gate import CopyGate, GateSettings
from vqecg.prior.copies.gated_sampling import generate_gated
from vqecg.prior.copies.waveform_index import NearestNeighbours, WaveformIndex
from vqecg.prior.generator import ECGGenerator
from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.tokenizer.modeling import ECGTokenizer


@pytest.fixture(scope="module")
def signals(simulated_store: RecordStore) -> np.ndarray:
    """The first 40 simulated recordings."""
    return simulated_store.signals(np.arange(40))


@pytest.fixture(scope="module")
def index(signals: np.ndarray) -> WaveformIndex:
    """30 of them to compare with."""
    return WaveformIndex([signals[:20], signals[20:30]], 100)


def later(signals: np.ndarray, samples: int) -> np.ndarray:
    """The same recordings, begun some samples later, the last value held."""
    return np.concatenate([signals[..., samples:], np.repeat(signals[..., -1:], samples, axis=2)], axis=2)


@pytest.mark.parametrize("samples", [0, 1, 7, 50, 130])
def test_a_copy_is_found_wherever_it_starts(index: WaveformIndex, signals: np.ndarray, samples: int):
    found = index.nearest(later(signals[:30], samples))
    np.testing.assert_array_equal(found.rows[:, 0], np.arange(30))
    assert found.distances.max() < 0.25 and np.median(found.distances) < 0.03  # a baseline filter sees the new ends


def test_gain_baseline_and_noise_do_not_hide_a_copy(index: WaveformIndex, signals: np.ndarray):
    generator = np.random.default_rng(0)
    wander = 0.3 * np.sin(2 * np.pi * 0.15 * np.arange(1000) / 100)
    changed = 1.4 * signals[:30] + wander + generator.normal(0, 0.02, signals[:30].shape)
    found = index.nearest(changed.astype(np.float32))
    np.testing.assert_array_equal(found.rows[:, 0], np.arange(30))
    assert np.median(found.distances) < 0.15


def test_another_persons_record_is_farther_than_a_copy(index: WaveformIndex, signals: np.ndarray):
    assert index.nearest(signals[30:]).distances.min() > index.nearest(later(signals[:10], 33)).distances.max()


def test_the_distance_is_that_of_the_definition(index: WaveformIndex, signals: np.ndarray):
    sine = np.zeros((2, 8, 1000), np.float32)
    time = np.arange(1000) / 100
    sine[0, 0] = np.sin(2 * np.pi * 5 * time)
    mixed = np.zeros((1, 8, 1000), np.float32)
    mixed[0, 0], mixed[0, 1] = 0.8 * sine[0, 0], 0.6 * np.sin(2 * np.pi * 5 * time)  # a correlation of 0.8 over leads
    sine[1, 7] = 1e-3 * np.sin(2 * np.pi * 9 * time)
    found = WaveformIndex([sine], 100).nearest(mixed)
    assert found.rows[0, 0] == 0 and found.distances[0, 0] == pytest.approx(0.6, abs=0.01)


def test_neighbours_come_in_order_and_never_from_the_own_patient(signals: np.ndarray):
    patients = np.array([f"patient {number // 2}" for number in range(40)], object)
    index = WaveformIndex([signals], 100, patients)
    found = index.nearest(signals, patients, count=5)
    assert (np.diff(found.distances, axis=1) >= 0).all()
    assert (patients[found.rows] != patients[:, None]).all()
    assert (index.nearest(signals).rows[:, 0] == np.arange(40)).all()


def test_neighbours_that_do_not_exist_are_infinitely_far(signals: np.ndarray):
    patients = np.array(["a", "a", "b"], object)
    found = WaveformIndex([signals[:3]], 100, patients).nearest(signals[:1], patients[:1], count=2)
    assert found.rows[0, 0] == 2 and np.isinf(found.distances[0, 1])


def test_silence_is_near_to_nothing_and_no_queries_have_no_neighbours(
    index: WaveformIndex, tiny_tokenizer: ECGTokenizer, signals: np.ndarray
):
    assert index.nearest(np.zeros((1, 8, 1000), np.float32)).distances[0, 0] == 1
    for own in (index, FeatureIndex.of_embeddings(tiny_tokenizer, [signals])):
        found = own.nearest(np.zeros((0, 8, 1000), np.float32))
        assert found.rows.shape == (0, 1) and found.distances.shape == (0, 1)


def test_records_that_cannot_be_compared_are_refused(index: WaveformIndex, signals: np.ndarray):
    with pytest.raises(ValueError, match="at least 5 s"):
        WaveformIndex([signals[..., :400]], 100)
    with pytest.raises(ValueError, match=r"queries of 8 s, reference records of 10 s"):
        index.nearest(signals[..., :800])
    with pytest.raises(ValueError, match="no reference records"):
        WaveformIndex([], 100)
    with pytest.raises(ValueError, match="3 patients for 40 reference records"):
        WaveformIndex([signals], 100, np.array(["a", "b", "c"]))
    with pytest.raises(ValueError, match="the 31 nearest of 30"):
        index.nearest(signals[:1], count=31)


def test_the_embedding_finds_a_copy_too(tiny_tokenizer: ECGTokenizer, signals: np.ndarray):
    index = FeatureIndex.of_embeddings(tiny_tokenizer, [signals[:20], signals[20:]])
    found = index.nearest(signals)
    np.testing.assert_array_equal(found.rows[:, 0], np.arange(40))
    assert found.distances.max() < 1e-3
    assert (index.nearest(later(signals, 40)).rows[:, 0] == np.arange(40)).mean() > 0.8
    alone = np.array([str(number) for number in range(40)], object)
    others = FeatureIndex.of_embeddings(tiny_tokenizer, [signals], alone).nearest(signals, alone)
    assert (others.rows[:, 0] != np.arange(40)).all() and others.distances.min() > 0.1


def test_distances_of_two_indices_compare_when_standardised_alike(tiny_tokenizer: ECGTokenizer, signals: np.ndarray):
    first = FeatureIndex.of_embeddings(tiny_tokenizer, [signals[:20]])
    second = FeatureIndex.of_embeddings(tiny_tokenizer, [2 * signals[:20]], like=first)
    both = FeatureIndex.of_embeddings(tiny_tokenizer, [signals[:20], 2 * signals[:20]], like=first)
    query = signals[20:]
    least = np.minimum(first.nearest(query).distances, second.nearest(query).distances)
    np.testing.assert_allclose(both.nearest(query).distances, least, rtol=1e-6)


def test_the_beat_is_found_again_in_another_stretch_at_another_size(signals: np.ndarray):
    index = FeatureIndex.of_beats(100, [signals])
    found = index.nearest(1.5 * later(signals, 233) + 0.1)
    assert (found.rows[:, 0] == np.arange(40)).mean() > 0.8
    silent = index.nearest(np.zeros((1, 8, 1000), np.float32))
    assert np.isinf(silent.distances[0, 0])


@pytest.fixture(scope="module")
def gate(simulated_store: RecordStore, simulated_split: SplitIndices) -> CopyGate:
    """Against the simulated training folds."""
    return CopyGate.fit(simulated_store, simulated_split.train)


def test_the_threshold_is_the_percentile_of_real_distances_to_other_patients(
    gate: CopyGate, simulated_store: RecordStore, simulated_split: SplitIndices
):
    training = RecordSelection(simulated_store, simulated_split.train)
    index = WaveformIndex(training.chunks(), 100, training.patients)
    distances = index.nearest(simulated_store.signals(training.rows), training.patients).distances[:, 0]
    assert gate.threshold == pytest.approx(np.percentile(distances, 1))
    stricter = CopyGate.fit(simulated_store, simulated_split.train, GateSettings(percentile=10))
    assert stricter.threshold > gate.threshold


def test_a_copy_of_a_training_record_is_below_the_threshold(
    gate: CopyGate, simulated_store: RecordStore, simulated_split: SplitIndices
):
    rows = simulated_split.train[:20]
    found = gate.nearest(later(simulated_store.signals(rows), 21))
    np.testing.assert_array_equal(found.rows, rows)
    assert (found.distances < gate.threshold).all()
    np.testing.assert_array_equal(gate.distance(simulated_store.signals(rows)) < gate.threshold, True)
    held_out = gate.distance(simulated_store.signals(simulated_split.test))
    assert (held_out >= gate.threshold).mean() > 0.8


def test_a_gate_pickles_and_says_the_same(gate: CopyGate, signals: np.ndarray):
    again = pickle.loads(pickle.dumps(gate))
    np.testing.assert_array_equal(again.distance(signals[:5]), gate.distance(signals[:5]))
    assert again.threshold == gate.threshold


def test_a_gate_that_makes_no_sense_is_refused(simulated_store: RecordStore, gate: CopyGate):
    with pytest.raises(ValueError, match="percentile is 0; expected more than 0"):
        GateSettings(percentile=0)
    with pytest.raises(ValueError, match="of one patient"):
        CopyGate.fit(simulated_store, np.array([0]))
    with pytest.raises(ValueError, match="1000 samples at 100 Hz, those to compare have 5000 at 500 Hz"):
        gate.check_fits(500, 5000)


def test_rejected_records_are_drawn_anew_and_the_others_stay(tiny_generator: ECGGenerator, gate: CopyGate):
    requests, settings = tiny_generator.requests(["NORM"], 6, seed=0), SamplingSettings()
    plain = tiny_generator.generate(requests, 3, settings, first=10)
    distances = gate.distance(plain.signal)
    between = replace(gate, threshold=float(np.sort(distances)[2]))  # two of six are nearer
    made = generate_gated(tiny_generator, requests, 3, settings, between, first=10)
    kept = distances >= between.threshold
    assert kept.sum() == 4
    np.testing.assert_array_equal(made.records.codes[kept], plain.codes[kept])
    assert (made.rejected[kept] == 0).all() and (made.rejected[~kept] >= 1).all()
    assert (made.nearest.distances >= between.threshold).all()
    assert not (made.records.codes[~kept] == plain.codes[~kept]).all((1, 2)).any()
    np.testing.assert_allclose(gate.distance(made.records.signal), made.nearest.distances, atol=1e-6)
    again = generate_gated(tiny_generator, requests, 3, settings, between, first=10)
    np.testing.assert_array_equal(made.records.codes, again.records.codes)


def test_a_generator_that_only_copies_is_refused(tiny_generator: ECGGenerator, gate: CopyGate):
    shut = replace(gate, threshold=2.0, settings=GateSettings(attempts=3))
    with pytest.raises(ValueError, match=r"record 7 \(NORM\) came nearer than 2.000 .* in all of 3 draws"):
        generate_gated(tiny_generator, tiny_generator.requests(["NORM"], 2, seed=0), 0, SamplingSettings(), shut, 7)


@pytest.fixture(scope="module")
def parts(simulated_store: RecordStore, simulated_split: SplitIndices) -> tuple[RecordSelection, RecordSelection]:
    """Training and held-out rows."""
    return (
        RecordSelection(simulated_store, simulated_split.train),
        RecordSelection(simulated_store, simulated_split.test),
    )


def copies_store(signals: np.ndarray, store: RecordStore, rows: np.ndarray, folder: Path) -> RecordSelection:
    """A store in `folder` with other signals for some rows."""
    folder.mkdir()
    for path in store.folder.iterdir():
        if path.name not in ("signals.npy", "config.json"):
            (folder / path.name).write_bytes(path.read_bytes())
    config = json.loads((store.folder / "config.json").read_text())
    changed = np.load(store.folder / "signals.npy")
    changed[rows] = np.rint(signals * 1000)
    np.save(folder / "signals.npy", changed)
    (folder / "config.json").write_text(json.dumps(config))
    table = RecordStore.open(folder).table
    table["patient_id"] = [str(10**6 + number) for number in range(len(table))]
    table.assign(statements=table["statements"].map(json.dumps)).to_parquet(folder / "table.parquet")
    return RecordSelection(RecordStore.open(folder), rows)


def test_copies_are_told_from_other_real_records(
    parts: tuple[RecordSelection, RecordSelection],
    simulated_store: RecordStore,
    simulated_split: SplitIndices,
    tiny_generator: ECGGenerator,
    tmp_path: Path,
):
    # as many of either side: of more training records only a part would be drawn, with it a part of the originals
    training, held_out = RecordSelection(simulated_store, parts[0].rows[: len(parts[1])]), parts[1]
    task, rows = tiny_generator.task, training.rows
    shifted = later(simulated_store.signals(rows), 30)
    copies = copies_store(shifted, simulated_store, rows, tmp_path / "copies")
    settings = BootstrapSettings(replicates=50)
    found = memorisation(training, held_out, copies, task, settings, tokenizer=tiny_generator.tokenizer)
    assert {own.space for own in found.nearness} == {"waveform", "beat", "embedding"}
    everything = next(own for own in found.nearness if own.label == "all" and own.space == "waveform")
    assert everything.below_held_out == 1 and everything.synthetic == len(rows) and everything.near_copies > 0.9
    # a resampled half of nine patients lacks the originals of some copies: the interval is too wide to test here
    assert all(own.share > 0.8 for own in found.nearer)
    attacks = {(own.attack, own.space): own.auc for own in found.released if own.label == "all"}
    assert set(attacks) == {(attack, space) for attack in ATTACKS for space in SPACES}
    assert attacks[NEAREST, "waveform"] == attacks[NEAREST, "beat"] == 1, "who has copies knows who is behind them"
    assert min(attacks.values()) > 0.7
    honest = RecordSelection(simulated_store, simulated_split.validation)
    found = memorisation(parts[0], held_out, honest, task, settings)
    assert [own.space for own in found.nearness if own.label == "all"] == ["waveform", "beat"]
    assert found.nearness[-1].near_copies == 0
    assert found.nearer[0].low <= 0.5 <= found.nearer[0].high
    assert all(own.low <= 0.5 <= own.high for own in found.released if own.attack == NEAREST and own.label == "all")


def test_one_held_out_patient_is_too_few_for_who_knows_the_other_half(parts: tuple[RecordSelection, RecordSelection]):
    training, held_out = parts
    alone = held_out.only(held_out.patients == held_out.patients[0])
    with pytest.raises(ValueError, match="the held-out records are of one patient; expected two or more"):
        Candidates.drawn(training, alone, 10, seed=0)


def test_candidates_and_the_known_population_are_of_other_patients(parts: tuple[RecordSelection, RecordSelection]):
    training, held_out = parts
    drawn = Candidates.drawn(training, held_out, 10, seed=0)
    groups = [set(side.patients) for side in (drawn.members, drawn.others, drawn.population)]
    assert len(drawn.members) == 10 and all(groups)
    assert sum(map(len, groups)) == len(set.union(*groups)) and groups[1] | groups[2] == set(held_out.patients)


def test_the_report_is_json_and_holds_every_part(
    parts: tuple[RecordSelection, RecordSelection],
    simulated_store: RecordStore,
    simulated_split: SplitIndices,
    tiny_generator: ECGGenerator,
):
    training, held_out = parts
    digests = real_digests(tiny_generator, training)[:2]
    synthetic, settings = (
        RecordSelection(simulated_store, simulated_split.validation),
        BootstrapSettings(replicates=20),
    )
    digests = [*digests, digests[0], "another"]
    found = memorisation(training, held_out, synthetic, tiny_generator.task, settings, None, tiny_generator, digests)
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["duplicates"] == {"synthetic": 4, "among_synthetic": 1, "in_training": 3}
    assert [own["matched"] for own in content["membership"]] == [False, True]
    assert all(own["low"] <= own["auc"] <= own["high"] for own in content["membership"])
    assert content["training"] == len(training) and len(content["nearer"]) == 3


def test_parts_that_cannot_be_compared_are_refused(
    parts: tuple[RecordSelection, RecordSelection], simulated_store: RecordStore, tiny_generator: ECGGenerator
):
    training, held_out = parts
    with pytest.raises(ValueError, match="0 synthetic records; expected some"):
        memorisation(training, held_out, RecordSelection(simulated_store, np.zeros(0, np.int64)), tiny_generator.task)
    with pytest.raises(ValueError, match="patients are in the training and in the held-out records"):
        memorisation(training, training, held_out, tiny_generator.task)


def test_the_share_nearer_counts_ties_half_and_only_the_records_drawn():
    near = NearestNeighbours(np.array([[0, 1], [1, 0]]), np.array([[1.0, 3.0], [2.0, 4.0]]))
    far = NearestNeighbours(np.array([[0], [0]]), np.array([[2.5], [2.0]]))
    assert nearer_share(near, far, np.ones(2), np.ones(1)) == pytest.approx(0.75)
    assert nearer_share(near, far, np.array([0, 1]), np.ones(1)) == pytest.approx(0.25)


@pytest.mark.parametrize(("known", "other"), [(400, 50), (50, 400)])
def test_as_many_records_are_compared_on_both_sides(known: int, other: int):
    generator = np.random.default_rng(0)
    distances = (generator.random((300, known)), generator.random((300, other)))
    kept = []
    for own, there, opposite in zip(distances, (known, other), (other, known), strict=True):
        count = neighbours_needed(opposite, there)
        kept.append(NearestNeighbours(np.argsort(own, axis=1)[:, :count], np.sort(own, axis=1)[:, :count]))
    names = [np.array([f"{side}{number}" for number in range(n)]) for side, n in (("a", known), ("b", other))]
    found = share_nearer("waveform", *kept, *names, BootstrapSettings(replicates=100))
    assert found.patients == 50 and found.share == pytest.approx(0.5, abs=0.08)
    assert found.low < 0.5 < found.high
