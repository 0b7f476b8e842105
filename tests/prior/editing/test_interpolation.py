"""Interpolation between two recordings: whose beats the mixture has, and who may be a parent."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vqecg.prior.copies.gate import CopyGate, GateSettings
from vqecg.prior.editing.interpolation import (
    draw_codes,
    interpolable,
    interpolate,
    interpolate_store,
    mix_signals,
)
from vqecg.prior.editing.pairing import may_interpolate, shared_statements
from vqecg.prior.editing.settings import InterpolationSettings
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.folds import SplitIndices
from vqecg.records.label_tables import rhythm_bound
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.modeling import ECGTokenizer


@pytest.fixture(scope="module")
def normal_pair(simulated_store: RecordStore) -> tuple[np.ndarray, np.ndarray]:
    """Two normal recordings of different patients whose rates differ most."""
    statements, patients = simulated_store.table["statements"], simulated_store.table["patient_id"]
    rows = [row for row, names in enumerate(statements) if set(names) == {"NORM", "SR"}]
    signals = simulated_store.signals(np.array(rows))
    beats = [len(find_r_peaks(signal, 100)) for signal in signals]
    slow, fast = int(np.argmin(beats)), int(np.argmax(beats))
    assert beats[fast] - beats[slow] >= 3 and patients[rows[slow]] != patients[rows[fast]]
    return signals[slow], signals[fast]


def test_weight_zero_is_the_reconstruction_of_the_first(
    tiny_tokenizer: ECGTokenizer, normal_pair: tuple[np.ndarray, np.ndarray]
):
    first, second = normal_pair
    signal = torch.from_numpy(first)[None]
    own = tiny_tokenizer.decode(tiny_tokenizer.encode(signal), 1000)[0].detach().numpy()
    mixed = interpolate(tiny_tokenizer, first, second, 0.0)
    assert mixed.shape == (8, 1000) and mixed.dtype == np.float32
    np.testing.assert_allclose(mixed, own, atol=1e-5)


def test_weight_one_unaligned_is_the_reconstruction_of_the_second(
    tiny_tokenizer: ECGTokenizer, normal_pair: tuple[np.ndarray, np.ndarray]
):
    first, second = normal_pair
    own = tiny_tokenizer.decode(tiny_tokenizer.encode(torch.from_numpy(second)[None]), 1000)[0].detach().numpy()
    np.testing.assert_allclose(interpolate(tiny_tokenizer, first, second, 1.0, aligned=False), own, atol=1e-5)


@pytest.mark.parametrize("weight", [0.25, 0.5, 0.75])
def test_an_aligned_mixture_has_the_beats_of_the_first_where_they_were(
    tiny_tokenizer: ECGTokenizer, normal_pair: tuple[np.ndarray, np.ndarray], weight: float
):
    for first, second in (normal_pair, normal_pair[::-1]):
        own = find_r_peaks(first, 100)
        found = find_r_peaks(interpolate(tiny_tokenizer, first, second, weight), 100)
        assert len(found) == len(own)
        assert np.abs(found - own).max() <= 3  # samples of 10 ms


def test_an_unaligned_mixture_shows_beats_of_both(
    tiny_tokenizer: ECGTokenizer, normal_pair: tuple[np.ndarray, np.ndarray]
):
    first, second = normal_pair
    found = find_r_peaks(interpolate(tiny_tokenizer, first, second, 0.5, aligned=False), 100)
    assert len(found) > len(find_r_peaks(first, 100))


def test_wrong_weights_and_signals_without_beats_are_refused(
    tiny_tokenizer: ECGTokenizer, normal_pair: tuple[np.ndarray, np.ndarray]
):
    first, second = normal_pair
    with pytest.raises(ValueError, match=r"weight is 1.2; expected 0"):
        interpolate(tiny_tokenizer, first, second, 1.2)
    with pytest.raises(ValueError, match="beats found in the second record"):
        interpolate(tiny_tokenizer, first, np.zeros_like(second), 0.5)


def requested_rows(store: RecordStore, rows: np.ndarray, count: int) -> np.ndarray:
    """The labels of some records that have a partner."""
    labels = store.labels(store.task("superdiagnostic"))
    return labels[rows[interpolable(store, labels, rows)]][:count]


def test_parents_have_the_labels_asked_for_different_patients_and_no_bound_rhythm(
    simulated_store: RecordStore, simulated_split: SplitIndices, tiny_tokenizer: ECGTokenizer
):
    task, rows = simulated_store.task("superdiagnostic"), simulated_split.train
    requested = requested_rows(simulated_store, rows, 12)
    settings = InterpolationSettings(seed=3)
    made = interpolate_store(tiny_tokenizer, simulated_store, rows, task, requested, settings, progress=False).records
    assert made.signal.shape == (12, 8, 1000) and made.signal.dtype == np.float32 and len(made) == 12
    np.testing.assert_array_equal(made.labels, requested)
    labels, table = simulated_store.labels(task), simulated_store.table
    for pair, weight, signal, asked in zip(made.parents, made.weight, made.signal, requested, strict=True):
        parents = table.iloc[pair]
        assert set(pair.tolist()) <= set(rows.tolist()) and 0 < weight < 1
        np.testing.assert_array_equal(labels[pair], [asked, asked])
        assert parents["patient_id"].nunique() == 2
        assert not any(rhythm_bound()[name] for names in parents["statements"] for name in names)
        assert may_interpolate(*parents["statements"]) is None
        first, second = simulated_store.signals(pair)
        np.testing.assert_allclose(signal, interpolate(tiny_tokenizer, first, second, weight), atol=1e-5)
    np.testing.assert_array_equal(made.attributes["age"], table["age"].iloc[made.parents[:, 0]].astype(np.float32))


def test_the_same_seed_draws_the_same_pairs_and_a_record_does_not_depend_on_the_number_asked_for(
    simulated_store: RecordStore, simulated_split: SplitIndices, tiny_tokenizer: ECGTokenizer
):
    task, rows = simulated_store.task("superdiagnostic"), simulated_split.train
    requested = requested_rows(simulated_store, rows, 4)

    def made(count: int, seed: int):
        settings = InterpolationSettings(seed=seed)
        return interpolate_store(
            tiny_tokenizer, simulated_store, rows, task, requested[:count], settings, progress=False
        ).records

    four, again, two, other = made(4, 0), made(4, 0), made(2, 0), made(4, 1)
    pairs, first_two, others = (np.column_stack([one.parents, one.weight]).tolist() for one in (four, two, other))
    assert pairs == np.column_stack([again.parents, again.weight]).tolist() and pairs[:2] == first_two
    assert pairs != others
    np.testing.assert_array_equal(four.signal, again.signal)
    assert made(0, 0).signal.shape == (0, 8, 1000)


def test_a_gate_throws_near_copies_away_and_counts_them(
    simulated_store: RecordStore, simulated_split: SplitIndices, tiny_tokenizer: ECGTokenizer
):
    task, rows = simulated_store.task("superdiagnostic"), simulated_split.train
    requested, settings = requested_rows(simulated_store, rows, 4), InterpolationSettings(seed=3)
    plain = interpolate_store(tiny_tokenizer, simulated_store, rows, task, requested, settings, progress=False)
    assert plain.nearest is None and (plain.rejected == 0).all()
    gate = CopyGate(simulated_store, rows, 0.0)
    distances = gate.distance(plain.records.signal)
    gate = replace(gate, threshold=float(np.median(distances)))
    made = interpolate_store(tiny_tokenizer, simulated_store, rows, task, requested, settings, False, gate)
    assert made.nearest is not None and (made.nearest.distances >= gate.threshold).all()
    kept = distances >= gate.threshold
    assert 0 < kept.sum() < 4
    np.testing.assert_array_equal(made.records.signal[kept], plain.records.signal[kept])
    np.testing.assert_array_equal(made.rejected > 0, ~kept)
    shut = replace(gate, threshold=2.0, settings=GateSettings(attempts=2))
    few = replace(settings, attempts=2)
    with pytest.raises(ValueError, match="the gate rejected 2 mixtures as near copies"):
        interpolate_store(tiny_tokenizer, simulated_store, rows, task, requested, few, False, shut)


def test_labels_without_a_pair_are_refused(
    simulated_store: RecordStore, simulated_split: SplitIndices, tiny_tokenizer: ECGTokenizer
):
    task, settings = simulated_store.task("superdiagnostic"), InterpolationSettings()
    everything = np.ones((1, 5), np.float32)
    with pytest.raises(ValueError, match=r"exactly the labels NORM\+MI\+STTC\+CD\+HYP to interpolate among 0"):
        interpolate_store(tiny_tokenizer, simulated_store, simulated_split.train, task, everything, settings, False)
    labels = simulated_store.labels(task)
    alone = simulated_split.train[:1]
    with pytest.raises(ValueError, match="found no two records"):
        interpolate_store(tiny_tokenizer, simulated_store, alone, task, labels[alone], settings, False)


def test_a_store_at_another_rate_is_refused(simulated_store: RecordStore, tiny_tokenizer: ECGTokenizer):
    fast = ECGTokenizer(replace(tiny_tokenizer.config, sampling_rate=500))
    task = simulated_store.task("superdiagnostic")
    with pytest.raises(ValueError, match="trained at 500 Hz"):
        interpolate_store(fast, simulated_store, np.arange(9), task, np.ones((1, 5)), InterpolationSettings(), False)


def test_interpolable_records_are_those_with_a_partner(simulated_store: RecordStore):
    labels = simulated_store.labels(simulated_store.task("superdiagnostic"))
    patients, statements = simulated_store.table["patient_id"], simulated_store.table["statements"]
    rows = np.arange(0, 120, 2)
    expected = [
        any(
            (labels[a] == labels[b]).all()
            and patients[a] != patients[b]
            and may_interpolate(statements[a], statements[b]) is None
            for b in rows
        )
        for a in rows
    ]
    found = interpolable(simulated_store, labels, rows)
    assert found.tolist() == expected and 0 < found.sum() < len(rows)


def test_a_mixture_keeps_the_statements_of_both_at_the_lower_likelihood():
    first, second = {"NORM": 100.0, "SR": 0.0, "LVH": 50.0}, {"NORM": 80.0, "SR": 0.0, "IMI": 100.0}
    assert shared_statements(first, second) == {"NORM": 80.0, "SR": 0.0}
    assert shared_statements({"NORM": 0.0}, {"NORM": 80.0}) == {"NORM": 0.0}  # 0: the likelihood is not known


def test_drawn_codes_are_the_nearest_at_low_temperature_and_others_at_a_higher(
    tiny_tokenizer: ECGTokenizer, normal_pair: tuple[np.ndarray, np.ndarray]
):
    embedding = tiny_tokenizer.embed(torch.from_numpy(np.stack(normal_pair)))
    nearest, quantizer = tiny_tokenizer.quantizer.encode(embedding), tiny_tokenizer.quantizer

    def draw(temperature: float, seed: int) -> torch.Tensor:
        return draw_codes(quantizer, embedding, temperature, np.random.default_rng(seed))

    cold, warm, hot = draw(1e-4, 0), draw(0.3, 0), draw(10.0, 0)
    assert cold.shape == nearest.shape and cold.dtype == torch.int64
    same = [float((codes[..., 0] == nearest[..., 0]).float().mean()) for codes in (cold, warm, hot)]
    assert same[0] > 0.99 and same[0] >= same[1] > same[2]
    assert torch.equal(draw(0.3, 0), warm) and not torch.equal(draw(0.3, 1), warm)
    first, second = normal_pair
    with pytest.raises(ValueError, match="give a generator to draw with"):
        interpolate(tiny_tokenizer, first, second, 0.5, code_temperature=1.0)
    drawn = interpolate(tiny_tokenizer, first, second, 0.5, True, 1.0, np.random.default_rng(0))
    assert drawn.shape == first.shape and not np.allclose(drawn, interpolate(tiny_tokenizer, first, second, 0.5))


def test_signals_are_mixed_in_millivolt_with_beats_aligned_unless_told_otherwise(
    normal_pair: tuple[np.ndarray, np.ndarray],
):
    first, second = normal_pair
    np.testing.assert_array_equal(mix_signals(first, second, 0.0, 100), first)
    np.testing.assert_allclose(mix_signals(first, second, 0.25, 100, False), 0.75 * first + 0.25 * second, atol=1e-6)
    mixed = mix_signals(first, second, 0.5, 100)
    assert mixed.dtype == np.float32
    assert len(find_r_peaks(mixed, 100)) == len(find_r_peaks(first, 100))
    with pytest.raises(ValueError, match=r"weight is -1; expected 0"):
        mix_signals(first, second, -1, 100)


def test_pairs_by_statements_are_some_of_the_pairs_by_labels(
    simulated_store: RecordStore, simulated_split: SplitIndices, tiny_tokenizer: ECGTokenizer
):
    task, rows = simulated_store.task("superdiagnostic"), simulated_split.train
    labels = simulated_store.labels(task)
    by_labels = interpolable(simulated_store, labels, rows)
    by_statements = interpolable(simulated_store, labels, rows, task, "supported")
    assert (by_statements <= by_labels).all() and by_statements.any()
    requested, settings = labels[rows[by_statements]][:6], InterpolationSettings(pairing="supported")
    made = interpolate_store(tiny_tokenizer, simulated_store, rows, task, requested, settings, progress=False)
    statements = simulated_store.table["statements"]
    shared = [shared_statements(*statements.iloc[pair]) for pair in made.records.parents]
    assert made.records.statements == shared
    np.testing.assert_array_equal(task.encode(shared), requested)


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="pairing is 'same' and space 'beats'; expected one of exact, supported"):
        InterpolationSettings(pairing="same")
