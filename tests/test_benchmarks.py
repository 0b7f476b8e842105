"""The benchmarks run at tiny size, and the transform codec they measure against is what it claims to be."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from vqecg.records.store import RecordStore

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch):
    """Imports a benchmark by name, the way it imports its neighbours when run alone."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def load_module(name: str) -> ModuleType:
        return importlib.import_module(name)

    return load_module


def run(module: ModuleType, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a benchmark prints."""
    module.main(list(arguments))
    printed = capsys.readouterr().out
    assert printed.startswith("machine: ")
    return printed


def simulated_signals(store: RecordStore) -> tuple[np.ndarray, np.ndarray]:
    """90 training and 30 test records."""
    return store.signals(slice(0, 90)), store.signals(slice(90, 120))


def test_the_ratio_of_two_timings_is_taken_round_by_round(load):
    measuring = load("measuring")
    ours, other = (measuring.Timing(name, np.array(rates)) for name, rates in (("a", [4.0, 40]), ("b", [2.0, 20])))
    assert ours.ratio(other) == 2


def test_every_alternative_is_timed_once_a_round_after_a_run_to_warm_up(load):
    calls: list[str] = []
    works = {name: lambda name=name: calls.append(name) for name in ("a", "b")}
    timings = load("measuring").time_side_by_side(works, items=10, rounds=2)
    assert calls == ["a", "b"] * 3
    assert [timing.rates.shape for timing in timings] == [(2,), (2,)]
    with pytest.raises(ValueError, match="expected at least 1"):
        load("measuring").time_side_by_side(works, items=10, rounds=0)


def test_the_lead_transform_is_invertible_and_keeps_the_error_over_twelve_leads(load, simulated_store: RecordStore):
    baseline = load("transform_baseline")
    train, test = simulated_signals(simulated_store)
    transform = baseline.LeadTransform.fit(train)
    coefficients = transform.analyse(test)
    np.testing.assert_allclose(transform.synthesise(coefficients), test, atol=1e-5)
    twelve = baseline.twelve_leads(test)
    np.testing.assert_allclose(np.square(coefficients).sum((1, 2)), np.square(twelve).sum((1, 2)), rtol=1e-4)


def test_the_code_lengths_are_those_of_probabilities_that_sum_to_one(load):
    baseline = load("transform_baseline")
    coefficients = np.random.default_rng(0).laplace(scale=[[[0.3], [3.0]]], size=(50, 2, 1)).astype(np.float32)
    tables = baseline.EntropyTables.fit(coefficients, step=1.0)
    every = np.arange(-400, 401, dtype=np.int32)
    zero = np.zeros(len(every), np.int32)
    first = tables.bits(np.stack([every, zero], axis=1)[..., None])
    second = tables.bits(np.stack([zero, every], axis=1)[..., None])
    # each sum is the probability of the other coefficient's zero, so their product is that of both being zero
    both = (2.0**-first).sum() * (2.0**-second).sum()
    assert both == pytest.approx(2.0 ** -first[400], rel=1e-3)


def test_a_symbol_never_seen_in_training_costs_many_bits_but_is_possible(load):
    baseline = load("transform_baseline")
    tables = baseline.EntropyTables.fit(np.zeros((50, 1, 1), np.float32), step=1.0)
    seen, unseen = tables.bits(np.array([[[0]], [[1]]], np.int32))
    assert seen < 0.1 and 8 < unseen < 40


def test_entropy_coding_comes_close_to_the_entropy_of_a_known_source(load):
    baseline = load("transform_baseline")
    rng = np.random.default_rng(0)
    train, test = (rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=(n, 1, 20)) for n in (4000, 1000))
    tables = baseline.EntropyTables.fit(train, step=1.0)
    entropy = -(0.8 * np.log2(0.8) + 0.2 * np.log2(0.1))
    assert tables.bits(baseline.quantize(test, 1.0)).mean() / 20 == pytest.approx(entropy, rel=0.02)


def test_more_bits_give_less_error_and_the_curve_is_not_extended(load, simulated_store: RecordStore):
    baseline = load("transform_baseline")
    curve = baseline.rate_curve(*simulated_signals(simulated_store), seconds=10.0, steps=np.geomspace(0.05, 4.0, 5))
    assert (np.diff(curve.bit_rate.mean(1)) < 0).all() and (np.diff(np.median(curve.prd, axis=1)) > 0).all()
    for read in (curve.at_same_rate, curve.at_mean_rate):
        assert read(300.0) > read(600.0) > 0
        assert np.isnan(read(1e5))


def test_reading_compares_with_wfdb(load, capsys: pytest.CaptureFixture[str]):
    sizes = ("--records", "20", "--sampling-rates", "100", "--batch", "4", "--rounds", "1")
    printed = run(load("reading"), capsys, *sizes)
    assert "vqecg" in printed and "wfdb" in printed and "example_physionet.py" in printed


@pytest.mark.slow
def test_compression_measures_a_store_against_the_baseline(
    load, simulated_store: RecordStore, capsys: pytest.CaptureFixture[str]
):
    printed = run(load("compression"), capsys, "--store", str(simulated_store.folder), "--test", "9", "10")
    assert "PCA + DCT" in printed and "tokenizer" not in printed


def test_compression_reads_a_tokenizer(
    load, simulated_store: RecordStore, tiny_tokenizer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    tiny_tokenizer.save_pretrained(tmp_path / "tokenizer")
    folders = ("--store", str(simulated_store.folder), "--tokenizer", str(tmp_path / "tokenizer"))
    assert "tokenizer PRD" in run(load("compression"), capsys, *folders)


@pytest.mark.slow
def test_compression_trains_a_tokenizer_on_simulated_records(load, capsys: pytest.CaptureFixture[str]):
    printed = run(load("compression"), capsys, "--records", "100", "--tokenizer-steps", "4")
    assert "tokenizer PRD" in printed


@pytest.mark.slow
def test_sampling_compares_with_a_growing_cache_and_with_generate(load, capsys: pytest.CaptureFixture[str]):
    sizes = ("--preset", "tiny", "--frames", "6", "--batches", "2", "--rounds", "1", "--flattened")
    printed = run(load("sampling"), capsys, *sizes)
    assert "growing cache" in printed and "generate, all levels" in printed and "outside the backbone" in printed


def test_a_growing_cache_draws_the_same_codes(load):
    sampling = load("sampling")
    prior = sampling.load_prior(sampling.parse(["--preset", "tiny", "--frames", "6"]))
    drawn = sampling.sampling.sample(prior, sampling.conditions(prior, 3), 0, sampling.SamplingSettings())
    with sampling.growing_cache():
        again = sampling.sampling.sample(prior, sampling.conditions(prior, 3), 0, sampling.SamplingSettings())
    assert (drawn == again).all()


def test_codec_speed_compares_with_the_transform_codec(load, capsys: pytest.CaptureFixture[str]):
    sizes = ("--preset", "tiny", "--batch", "4", "--threads", "1", "--rounds", "1")
    printed = run(load("codec_speed"), capsys, *sizes)
    assert "encoding" in printed and "decoding" in printed and "PCA + DCT" in printed


def test_simulation_compares_with_integration(load, capsys: pytest.CaptureFixture[str]):
    sizes = ("--records", "1", "--seconds", "3", "--sampling-rates", "100", "--rounds", "1")
    printed = run(load("simulation"), capsys, *sizes)
    assert "solve_ivp" in printed and "neurokit2" in printed


def test_the_integral_of_ecgsyn_is_its_closed_form(load):
    simulation = load("simulation")
    times = np.arange(300) / 100
    exact = simulation.evaluate(times, simulation.BEAT)
    integral = simulation.integrate(times, simulation.BEAT, 1e-7)
    np.testing.assert_allclose(integral, exact, atol=1e-3 * np.ptp(exact))


def test_ghost_beats_come_from_the_naive_mixture_and_not_from_the_aligned_one(load, simulated_store, capsys):
    printed = run(
        load("ghost_beats"),
        capsys,
        "--store",
        str(simulated_store.folder),
        "--folds",
        "1",
        "2",
        "3",
        "4",
        "--pairs",
        "8",
    )
    naive, aligned = (
        next(line.split() for line in printed.splitlines() if f"signals, {kind}" in line)
        for kind in ("naive", "aligned")
    )
    assert float(naive[2]) > 1 > 0.2 > float(aligned[3])
