"""The benchmarks run at tiny size, and the transform codec they measure against is what it claims to be."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from vqecg.downstream.classifiers.models.resnet import ResNetClassifier, ResNetConfig
from vqecg.records.datasets.registry import read_table
from vqecg.records.store.preprocessing import SignalSpec
from vqecg.records.store.record_store import RecordStore

FOLDS = ("--train", "1", "2", "3", "4", "5", "6", "7", "8", "--validation", "9", "--test", "10")
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def load() -> Iterator[Callable[[str], ModuleType]]:
    """Imports a benchmark by name, the way it imports its neighbours when run alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module


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


def test_the_baseline_decodes_at_the_error_of_its_curve(load, simulated_store: RecordStore):
    baseline = load("transform_baseline")
    train, test = simulated_signals(simulated_store)
    curve = baseline.rate_curve(train, test, seconds=10.0, steps=np.geomspace(0.05, 4.0, 8))
    decoded = baseline.decode_at_rate(train, test, curve, 500.0)
    assert np.median(baseline.prd(test, decoded)) == pytest.approx(curve.at_same_rate(500.0), rel=0.03)
    with pytest.raises(ValueError, match="cannot take 100000 bit/s"):
        baseline.decode_at_rate(train, test, curve, 1e5)


def test_a_codec_that_blunts_by_a_tenth_shows_in_the_r_amplitude(load, simulated_store: RecordStore):
    measure, signals = load("diagnostic_error"), simulated_store.signals(slice(0, 10))
    error = measure.diagnostic_error(signals, 0.9 * signals, [measure.beat_samples(own, 100) for own in signals])
    assert error.r_percent == pytest.approx(10, abs=0.01) and error.r_bias == pytest.approx(-10, abs=0.01)
    assert error.records == 10 and 0.02 < error.r_amplitude < 0.3


def test_a_raised_st_segment_shows_in_the_st_level_alone(load, simulated_store: RecordStore):
    measure = load("diagnostic_error")
    signal = simulated_store.signals(slice(0, 1))
    raised = signal.copy()
    samples = measure.beat_samples(signal[0], 100)
    raised[0][:, samples.st] += 0.1  # V leads by 0.1 mV, limb leads by their arithmetic
    error = measure.diagnostic_error(signal, raised, [samples])
    assert error.st_worst == pytest.approx(100, abs=1) and error.r_amplitude == 0
    same = measure.diagnostic_error(signal, signal, [samples])
    assert same.st_level == same.st_worst == same.r_percent == 0
    with pytest.raises(ValueError, match="no whole beat in 1 records"):
        flat = np.zeros_like(signal)
        measure.diagnostic_error(flat, flat, [measure.beat_samples(flat[0], 100)])


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
    resnet = ResNetClassifier(ResNetConfig(("NORM", "MI", "STTC", "CD", "HYP"), widths=(8,), blocks=(1,)))
    resnet.save_pretrained(tmp_path / "classifier")
    printed = run(load("compression"), capsys, *folders, "--classifiers", str(tmp_path / "classifier"))
    assert "tokenizer PRD" in printed and "originals: macro AUROC" in printed
    with pytest.raises(ValueError, match="holds a ECGTokenizer; expected one of"):
        load("diagnostic_error").load_classifier(tmp_path / "tokenizer")


def test_compression_searches_codes_with_beams(load, simulated_store: RecordStore, tiny_tokenizer):
    compression, rows = load("compression"), np.arange(100)
    greedy, searched = (
        compression.level_points(tiny_tokenizer, simulated_store, rows[:10], rows[10:], beams)[-1] for beams in (1, 4)
    )
    assert searched.prd < greedy.prd


@pytest.mark.slow
def test_compression_trains_a_tokenizer_on_simulated_records(load, capsys: pytest.CaptureFixture[str]):
    printed = run(load("compression"), capsys, "--records", "100", "--tokenizer-steps", "4")
    assert "tokenizer PRD" in printed


@pytest.mark.slow
def test_sampling_compares_with_a_growing_cache_and_with_generate(load, capsys: pytest.CaptureFixture[str]):
    sizes = ("--preset", "tiny", "--frames", "6", "--batches", "2", "--rounds", "1")
    printed = run(load("sampling"), capsys, *sizes)
    assert "growing cache" in printed and "outside the backbone" in printed
    assert "generate, as many steps" in printed and "generate, as many codes" in printed


def test_a_growing_cache_draws_the_same_codes(load):
    sampling = load("sampling")
    prior = sampling.load_prior(sampling.parse(["--preset", "tiny", "--frames", "6"]))
    drawn = sampling.sampling.sample(prior, sampling.conditions(prior, 3), 0, sampling.SamplingSettings())
    with sampling.growing_cache():
        again = sampling.sampling.sample(prior, sampling.conditions(prior, 3), 0, sampling.SamplingSettings())
    assert (drawn.codes == again.codes).all()


def test_a_packed_store_opens_as_it_was(load, simulated_store: RecordStore, tmp_path: Path):
    packed = load("packed_store")
    file = tmp_path / "store.tar.xz"
    assert packed.pack_store(simulated_store.folder, file) == file.stat().st_size
    for _ in range(2):
        opened = packed.open_store(file, tmp_path / "out" / "store")
        assert opened.fingerprint == simulated_store.fingerprint
    (tmp_path / "other").write_text("no archive")
    with pytest.raises(ValueError, match="neither a folder of `vqecg prepare` nor a file"):
        packed.open_store(tmp_path / "other", tmp_path / "new")
    with pytest.raises(ValueError, match="holds no record store"):
        packed.pack_store(tmp_path, tmp_path / "none.tar.xz")
    assert not (tmp_path / "none.tar.xz").exists()


@pytest.fixture(scope="module")
def base_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `base`, whose steps go on from each other."""
    return tmp_path_factory.mktemp("base") / "out"


@pytest.fixture(scope="module")
def base_words(load, simulated_store: RecordStore, base_out: Path) -> list[str]:
    """The command of `base` without its step, on a packed store."""
    file = base_out.with_name("store.tar.xz")
    assert load("base").main(["--store", str(simulated_store.folder), "--pack", str(file)]) == 0
    words = ["--store", str(file), "--out", str(base_out), "--preset", "tiny", "--steps", "2", "--records", "24"]
    return [*words, "--task", "superdiagnostic", "--neighbours", "2", *FOLDS]  # half of the test patients are five


@pytest.fixture(scope="module")
def base_statuses(load, base_words: list[str]) -> list[int]:
    """Exit statuses of the first steps, of which the first is stopped and given again."""
    base = load("base")
    stopped = base.main([*base_words, "--step", "tokenizer", "--minutes", "0.00001"])
    return [stopped, *(base.main([*base_words, "--step", step]) for step in ("tokenizer", "prior", "sample"))]


@pytest.mark.slow
def test_base_goes_on_where_its_minutes_ended(load, base_words: list[str], base_statuses: list[int], base_out: Path):
    base = load("base")
    assert base_statuses == [base.UNFINISHED, 0, 0, 0]
    assert read_table(base_out / "synthetic").records.shape[0] == 24
    finished = (base_out / "tokenizer" / "model.safetensors").stat().st_mtime_ns
    assert base.main([*base_words, "--step", "tokenizer"]) == 0
    assert (base_out / "tokenizer" / "model.safetensors").stat().st_mtime_ns == finished


@pytest.mark.slow
def test_base_assesses_what_it_made(load, base_words: list[str], base_statuses: list[int], base_out: Path):
    assert not any(base_statuses[1:])
    assert load("base").main([*base_words, "--step", "assess"]) == 0
    assert (base_out / "assessment" / "assessment.json").is_file()


def test_distances_agree_with_the_root_of_a_matrix(load, capsys: pytest.CaptureFixture[str]):
    printed = run(load("distances"), capsys, "--records", "60", "--dimensions", "4")
    values = [line.split()[-3] for line in printed.splitlines() if "distances" in line or "Frechet" in line][1:]
    assert len(values) == 3 and len(set(values)) == 1


@pytest.mark.slow
def test_the_gate_catches_copies_in_disguise(load, simulated_store: RecordStore, tiny_tokenizer, tmp_path, capsys):
    tiny_tokenizer.save_pretrained(tmp_path)
    folders = ("--store", str(simulated_store.folder), "--tokenizer", str(tmp_path))
    printed = run(load("gate"), capsys, *folders, "--test", "9", "10", "--copies", "8", "--pairs", "2").splitlines()
    caught = {name: line.split()[-1] for line in printed for name in ("copies moved", "copies times") if name in line}
    assert set(caught.values()) == {"100.0%"}
    assert float(next(line for line in printed if "real records" in line).split()[-1].rstrip("%")) < 30
    assert any("levels" in line for line in printed) and any("of the second parent" in line for line in printed)
    assert [line.split()[0] for line in printed[-2:]] == ["waveform", "beat"]


@pytest.mark.slow
def test_a_tokenizer_is_measured_on_records_of_a_higher_rate(
    load, simulated_store: RecordStore, tiny_tokenizer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    tiny_tokenizer.save_pretrained(tmp_path / "tokenizer")
    table = read_table(simulated_store.folder.parent / "data")
    RecordStore.build(table, SignalSpec(200), tmp_path / "store", progress=False)
    folders = ("--store", str(tmp_path / "store"), "--tokenizer", str(tmp_path / "tokenizer"))
    printed = run(load("sampling_rate"), capsys, *folders, "--steps", "2", "--preset", "tiny", "--threads", "1")
    lines = [line.split() for line in printed.splitlines() if line.startswith(("  tokenizer", "  trained here"))]
    coded, alone = [float(line[-2]) for line in lines], [float(line[-1]) for line in lines]
    assert [line[-5] for line in lines] == ["100", "100", "200", "200"]
    assert alone[0] < 5 and alone[-1] == 0 and min(coded) > max(alone)
    with pytest.raises(SystemExit):
        load("sampling_rate").main(folders[:2])


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


@pytest.mark.slow
def test_the_sketch_is_read_for_labels_and_drawn_for_them(
    load, simulated_store: RecordStore, tiny_generator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    tiny_generator.save_pretrained(tmp_path / "generator")
    folders = ("--store", str(simulated_store.folder), "--generator", str(tmp_path / "generator"))
    sizes = ("--train", *FOLDS[1:9], "--test", "9", "10", "--records", "40", "--seeds", "0", "1")
    printed = run(load("sketch"), capsys, *folders, *sizes).splitlines()
    assert any("superclasses, macro" in line and "whole sketch" not in line for line in printed)
    above = [float(line.split()[2]) for line in printed if ": score" in line][:5]
    assert all(0.3 <= share <= 0.5 for share in above)  # of training records with a label, above their own median
    assert {line.split()[-4] for line in printed[-6:]} == {"1.00"}  # relative to themselves


def test_of_one_positive_patient_chance_looks_like_a_gain_and_of_many_it_does_not(load, capsys):
    printed = run(load("few_positives"), capsys, "--patients", "60", "--positives", "1", "20", "--trials", "40")
    shares = [float(line.split()[1]) for line in printed.splitlines() if line.split()[:1] in (["1"], ["20"])]
    assert len(shares) == 2 and shares[0] > 0.3 > shares[1]


def test_scores_moved_by_fold_look_like_harm_and_ranks_within_the_fold_do_not(load, capsys):
    few = ("--folds", "6", "--patients", "40", "--seeds", "2", "--trials", "8", "--replicates", "99")
    printed = run(load("pooled_folds"), capsys, "--moved", "0", "3", *few)
    rows = [line.split() for line in printed.splitlines() if line.split()[:1] in (["0"], ["3"])]
    still, moved = ([float(row[place]) for place in (1, 5, 9, 13)] for row in rows)  # a share, "(low", "to", "high)"
    assert moved[0] > 0.5 > max(*still, *moved[1:])
