"""Every subcommand end to end on a tiny set: what it writes, what it says, and what it refuses."""

import contextlib
import importlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb

from vqecg.prior.generator import ECGGenerator
from vqecg.prior.sampled_shards import SampledShard
from vqecg.prior.synthetic_records import code_digest
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.datasets.registry import read_record, read_table
from vqecg.records.files.atomic import atomic_folder
from vqecg.records.store.record_store import RecordStore, is_store
from vqecg.scripts.cli.main import main
from vqecg.tokenizer.encoding import CodeStore
from vqecg.tokenizer.modeling import ECGTokenizer

TINY = [
    "--preset",
    "tiny",
    "--training.fit.steps",
    "4",
    "--training.fit.batch-size",
    "8",
    "--training.fit.evaluate-every",
    "2",
]
NARROW = ["--training.model.width", "8", "--training.model.levels", "2", "--training.model.codebook-size", "16"]
SHALLOW = [
    "--training.model.width",
    "16",
    "--training.model.layers",
    "1",
    "--training.model.heads",
    "2",
    "--training.variants",
    "1",
]
SHALLOW += ["--training.sketch.steps", "4", "--training.detail.steps", "4"]
SHORT = [
    "--preset",
    "tiny",
    "--training.fit.steps",
    "2",
    "--training.fit.batch-size",
    "8",
    "--training.fit.warmup-steps",
    "1",
]


def names(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def tiny_parts(
    simulated_store: RecordStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Path, Path]]:
    """Store, tokenizer and prior, made by the commands."""
    folder = tmp_path_factory.mktemp("parts")
    store, tokenizer, prior = simulated_store.folder, folder / "tokenizer", folder / "prior"
    given = ["--store", str(store), "--out", str(tokenizer), *TINY, *NARROW]
    assert main(["train-tokenizer", *given]) == 0
    given = ["--store", str(store), "--tokenizer", str(tokenizer), "--out", str(prior), *TINY, *SHALLOW]
    assert main(["train-prior", *given]) == 0
    yield store, tokenizer, prior


def test_any_wfdb_record_is_drawn(tmp_path: Path, refused: Callable[..., str]):
    signal = np.sin(np.arange(12 * 360) / 9)
    wfdb.wrsamp(
        "holter", 360, ["mV"] * 2, ["MLII", "V5"], np.stack([signal, signal], 1), fmt=["16"] * 2,
        comments=["Age: 69", "Sex: Male", "Filter: 0.1-100 Hz"], write_dir=str(tmp_path),
    )  # fmt: skip
    small, large, again = (tmp_path / name for name in ("a.png", "b.png", "c.svg"))
    assert main(["plot", str(tmp_path / "holter"), "--out", str(small)]) == 0
    assert main(["plot", str(tmp_path / "holter.hea"), "--out", str(large), "--dpi", "220"]) == 0
    assert large.stat().st_size > 1.5 * small.stat().st_size
    assert main(["plot", str(tmp_path / "holter.dat"), "--out", str(again), "--sampling-rate", "100"]) == 0
    drawn = again.read_text()
    for words in (
        ">II<",
        ">V5<",
        "first 10 s of 12 s",
        "age 69 years, sex male",
        "filter 0.1-100 Hz",
        "100 Hz",
        "statements unknown",
    ):
        assert words in drawn
    assert "At 100 Hz notches" in drawn and "synthetic" not in drawn
    for words in ([], [tmp_path / "holter", "--data", tmp_path, "--record", "holter"], ["--data", tmp_path]):
        assert "expected the path of one WFDB record" in refused("plot", *words, "--out", tmp_path / "d.svg")
    assert "no header" in refused("plot", tmp_path / "absent", "--out", tmp_path / "d.svg")
    assert names(tmp_path) == ["a.png", "b.png", "c.svg", "holter.dat", "holter.hea"]


def test_simulate_then_prepare_then_plot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
):
    data, store = tmp_path / "data", tmp_path / "store"
    assert main(["simulate", "--out", str(data), "--records", "20", "--sampling-rate", "250"]) == 0
    assert "20 simulated records and their truth" in capsys.readouterr().out
    assert main(["prepare", "--data", str(data), "--out", str(store)]) == 0
    printed = capsys.readouterr().out
    assert "20 records of 10 s at 100 Hz" in printed and "rejected: none" in printed
    assert RecordStore.open(store).signals(np.arange(20)).shape == (20, 8, 1000), "250 Hz read and resampled"
    before = (store / "signals.npy").stat().st_mtime_ns
    assert main(["prepare", "--data", str(data), "--out", str(store)]) == 0
    assert (store / "signals.npy").stat().st_mtime_ns == before, "unchanged, so not read again"
    assert main(["plot", "--data", str(data), "--record", "3", "--out", str(tmp_path / "three.svg")]) == 0
    assert (tmp_path / "three.svg").read_text().lstrip().startswith("<?xml")
    drawn = (tmp_path / "three.svg").read_text()
    assert ">synthetic</text>" in drawn and "synthetic, no recording of a person" in drawn
    assert "age " in drawn and "sex " in drawn and "At 100 Hz notches and narrow Q waves are not reliable." in drawn
    told = refused("plot", "--data", data, "--record", "99", "--out", tmp_path / "none.svg")
    assert "no record '99' among 20" in told
    told = refused("simulate", "--out", data, "--records", "20")
    assert "already holds an earlier output" in told
    told = refused("prepare", "--data", data, "--out", store, "--spec.seconds", "5")
    assert "--overwrite" in told
    assert names(tmp_path) == ["data", "store", "three.svg"]


def test_download_of_an_unknown_set_is_refused(tmp_path: Path, refused: Callable[..., str]):
    assert "ptb-xl" in refused("download", "mit-bih", tmp_path / "new")
    assert names(tmp_path) == []


def test_the_tokenizer_is_saved_with_card_and_figures_and_not_trained_twice(
    tiny_parts: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
):
    store, tokenizer, _ = tiny_parts
    model = ["README.md", "SHA256SUMS.txt", "config.json", "model.safetensors"]
    assert names(tokenizer) == [*model, "settings.yaml", "stage.json"]
    kept = json.loads((tokenizer / "stage.json").read_text())
    assert kept["figures"]["measured_on"] == "test" and kept["seconds"] > 0
    assert main(["train-tokenizer", "--config", str(tokenizer / "settings.yaml")]) == 0  # finished: nothing to do
    card = (tokenizer / "README.md").read_text()
    assert "not for diagnosis" in card and "training 1-8, validation 9, test 10" in card and "100 Hz" in card
    before = (tokenizer / "model.safetensors").stat().st_mtime_ns
    assert main(["train-tokenizer", "--store", str(store), "--out", str(tokenizer), *TINY, *NARROW, "--overwrite"]) == 0
    assert (tokenizer / "model.safetensors").stat().st_mtime_ns == before
    assert f"tokenizer {kept['figures']['fingerprint']}" in capsys.readouterr().out
    told = refused("train-tokenizer", "--store", store, "--out", tokenizer, *TINY, *NARROW[:2])
    assert "other settings" in told and "training.model.levels" in told and "--overwrite" in told


def test_generate_writes_a_set_that_prepare_reads_back_with_the_labels_asked_for(
    tiny_parts: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "more"
    words = ["generate", "--generator", str(tiny_parts[2]), "--out", str(out), "--labels", "NORM", "--count", "5"]
    assert main([*words, "--age", "70", "--sex", "female", "--seed", "3"]) == 0
    assert "5 synthetic records for NORM" in capsys.readouterr().out
    manifest = pd.read_parquet(out / "manifest.parquet")
    assert all("NORM" in own for own in manifest["labels"].str.split("+"))
    assert manifest["seed"].eq(3).all() and manifest["age"].eq(70).all()
    table = read_table(out).records
    assert table["fold"].eq(1).all() and table["patient_id"].astype(int).ge(1_000_000).all()
    assert read_record(next(table.itertuples(index=False))).statements["NORM"] == 100.0
    assert main(["prepare", "--data", str(out), "--out", str(tmp_path / "store")]) == 0
    store = RecordStore.open(tmp_path / "store")
    labels = store.labels(store.task("superdiagnostic"))
    assert labels[:, 0].all()
    assert len(list(out.rglob("*.atr"))) == 2 * 5  # at 100 and at 500 Hz
    records = zip(store.signals(slice(0, 5)), manifest["r_peaks_s"], strict=True)
    peaks = [(np.array(asked)[:, None], find_r_peaks(record, 100) / 100) for record, asked in records]
    assert np.median(np.concatenate([np.abs(asked - detected).min(1) for asked, detected in peaks])) <= 0.03


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--labels", "COVID"],
            r"got the labels \['COVID'\]; expected some of NDT, .*, or classes of one of the tasks",
        ),
        (["--labels", "NORM", "MI"], "no training record has the labels NORM[+]MI together"),
        (["--sex", "femail"], "sex 'femail'"),
        (["--age", "300"], "age 300"),
        (["--preset", "huge"], "preset 'huge' is unknown; expected one of tiny, small, base"),
        (["--config", "absent.yaml"], "no such file"),
        (["--config"], "--config needs a value"),
    ],
)
def test_generate_refuses_what_it_cannot_do_and_writes_nothing(
    words: list[str], told: str, tiny_parts: tuple[Path, Path, Path], tmp_path: Path, refused: Callable[..., str]
):
    found = refused("generate", "--generator", tiny_parts[2], "--out", tmp_path / "new", *words)
    assert re.search(told, found), found
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "files"),
    [
        ([], ["records100", "records500", "ptbxl_database.csv", "scp_statements.csv"]),
        (["--rates", "250"], ["records100", "records250", "ptbxl_database.csv", "scp_statements.csv"]),
        (["--layout", "npz"], ["records_100hz.npz"]),
        (["--layout", "parquet", "--rates", "100", "500"], ["records_100hz.parquet", "records_500hz.parquet"]),
    ],
)
def test_generate_writes_the_layout_and_the_rates_that_are_asked_for(
    words: list[str], files: list[str], tiny_parts: tuple[Path, Path, Path], tmp_path: Path
):
    given = ["generate", "--generator", str(tiny_parts[2]), "--out", str(tmp_path / "new"), "--count", "2", *words]
    assert main(given) == 0
    assert sorted(names(tmp_path / "new")) == sorted([*files, "README.md", "SHA256SUMS.txt", "manifest.parquet"])


def test_generate_never_replaces_what_is_not_its_own(
    tiny_parts: tuple[Path, Path, Path], tmp_path: Path, refused: Callable[..., str]
):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    words = ["generate", "--generator", tiny_parts[2], "--out", tmp_path / "mine", "--overwrite"]
    assert "holds something else (thesis.tex)" in refused(*words)
    assert names(tmp_path / "mine") == ["thesis.tex"]


def test_after_a_full_disk_the_same_command_goes_on_from_the_codes_that_were_drawn(
    tiny_parts: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    resource = pytest.importorskip("resource")
    words = ["generate", "--generator", str(tiny_parts[2]), "--out", str(tmp_path / "new"), "--count", "3"]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # bytes that a file may have; a record's has 24,000
    try:
        assert main(words) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "File too large" in capsys.readouterr().err and names(tmp_path) == [".new.shards"]
    (shard,) = (tmp_path / ".new.shards").glob("[0-9]*.shard")
    drawn = [code_digest(codes) for codes in SampledShard.read(shard).codes]
    assert main(words) == 0
    assert names(tmp_path) == ["new"]
    assert pd.read_parquet(tmp_path / "new" / "manifest.parquet")["codes_sha256"].tolist() == drawn


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a child there")
@pytest.mark.parametrize(
    ("number", "status", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_ctrl_c_and_sigterm_in_the_middle_of_generate_leave_only_finished_shards(
    number: signal.Signals, status: int, word: str, tiny_parts: tuple[Path, Path, Path], tmp_path: Path
):
    code = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent in the background may have it ignored
from vqecg.scripts.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
    words = ["generate", "--generator", str(tiny_parts[2]), "--out", str(tmp_path / "new"), "--count", "20000"]
    child = subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while not list(tmp_path.rglob("[0-9]*.shard")) and time.monotonic() < until and child.poll() is None:
        time.sleep(0.1)
    assert list(tmp_path.rglob("[0-9]*.shard")), "it has begun to write, aside"
    child.send_signal(number)
    told = child.communicate(timeout=120)[1]
    assert child.returncode == status and f"vqecg generate: {word}" in told and "Traceback" not in told
    assert names(tmp_path) == [".new.shards"] and not list(tmp_path.rglob(".partial*"))


def test_sigterm_is_an_exit_status_and_its_handler_goes_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def run(arguments: object) -> None:
        with atomic_folder(tmp_path / "new", is_store):
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(importlib.import_module("vqecg.scripts.commands.simulate"), "run", run)
    before = signal.getsignal(signal.SIGTERM)
    assert main(["simulate", "--out", "x"]) == 143
    assert capsys.readouterr().err == "\nvqecg simulate: terminated; give the same command again to go on\n"
    assert signal.getsignal(signal.SIGTERM) == before and names(tmp_path) == []


def test_encode_writes_the_codes_of_all_records_or_of_some_folds(
    tiny_parts: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
):
    store, tokenizer, _ = tiny_parts
    words = ["encode", "--store", str(store), "--tokenizer", str(tokenizer), "--out", str(tmp_path / "codes")]
    assert main(words) == 0
    assert "120 records as 125 frames of 2 codes (tokenizer " in capsys.readouterr().out
    assert CodeStore.open(tmp_path / "codes").codes(slice(None)).shape == (120, 125, 2)
    told = refused(*words, "--folds", 3)
    assert "other settings or inputs" in told
    assert main([*words, "--folds", "3", "--overwrite"]) == 0
    assert CodeStore.open(tmp_path / "codes").table["fold"].unique().tolist() == [3]
    words[-1] = str(tmp_path / "new")
    assert "folds [11] have no record; the store has folds [1, 2" in refused(*words, "--folds", 11)
    assert "no model folder" in refused(*words[:3], "--tokenizer", "./missing", *words[5:])
    assert names(tmp_path) == ["codes"]


def test_generate_against_a_store_says_what_the_gate_did(
    tiny_parts: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
):
    store, _, prior = tiny_parts
    words = ["generate", "--generator", prior, "--labels", "NORM", "--count", 4, "--out"]
    assert main([str(word) for word in [*words, tmp_path / "plain"]]) == 0
    assert "No gate was applied" in capsys.readouterr().out
    assert "No gate was applied" in (tmp_path / "plain" / "README.md").read_text()
    assert "gate_threshold" not in pd.read_parquet(tmp_path / "plain" / "manifest.parquet")
    assert main([str(word) for word in [*words, tmp_path / "gated", "--against", store]]) == 0
    printed, readme = capsys.readouterr().out, (tmp_path / "gated" / "README.md").read_text()
    (told,) = re.findall(r"A gate compared every record with 96 training records: (\d+) of (\d+) drawn", printed)
    assert printed.splitlines()[-1] in readme
    manifest = pd.read_parquet(tmp_path / "gated" / "manifest.parquet")
    training = RecordStore.open(store).table.query("fold <= 8")["record_id"]
    origins = pd.read_parquet(tmp_path / "gated" / "private" / "origins.parquet")
    assert set(origins["nearest_training_record"]) <= set(training) and "nearest_training_record" not in manifest
    assert (manifest["nearest_distance"] >= manifest["gate_threshold"]).all()
    assert manifest["gate_rejected"].sum() == int(told[0]) == int(told[1]) - 4
    sampled = ECGGenerator.from_pretrained(prior).sample(["NORM"], count=4, seed=0, against=store)
    sampled.save(tmp_path / "python", rates=[100, 500])  # the same set, in Python
    for path in (tmp_path / "gated").rglob("*"):
        other = tmp_path / "python" / path.relative_to(tmp_path / "gated")
        assert path.is_dir() or other.read_bytes() == path.read_bytes()
    told = refused(*words, tmp_path / "new", "--against", tmp_path / "plain")
    assert "holds no record store" in told and names(tmp_path) == ["gated", "plain", "python"]


@pytest.mark.slow
def test_a_record_does_not_depend_on_the_number_of_workers(
    tiny_parts: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("vqecg.records.files.shards.SHARD_RECORDS", 16)
    words = ["generate", "--generator", str(tiny_parts[2]), "--count", "40", "--against", str(tiny_parts[0])]
    digests = {}
    for workers in (1, 2):
        assert main([*words, "--workers", str(workers), "--out", str(tmp_path / str(workers))]) == 0
        manifest = pd.read_parquet(tmp_path / str(workers) / "manifest.parquet")
        digests[workers] = manifest[["codes_sha256", "nearest_distance", "gate_rejected"]].to_numpy().tolist()
    assert digests[1] == digests[2] and len({row[0] for row in digests[1]}) == 40
    files = sorted(path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*.dat"))
    assert len(files) == 80, "at 100 and 500 Hz"
    assert all((tmp_path / "1" / path).read_bytes() == (tmp_path / "2" / path).read_bytes() for path in files)


def test_labels_with_too_few_parents_are_refused_unless_forced(
    tiny_parts: tuple[Path, Path, Path], tmp_path: Path, refused: Callable[..., str]
):
    store, tokenizer, prior = tiny_parts
    words = ["generate", "--generator", prior, "--count", 2, "--out", tmp_path / "made", "--min-parents", 90]
    told = refused(*words, "--labels", "NORM")
    assert re.search(r"NORM: \d+ training records have these labels, --min-parents asks for 90", told), told
    assert main([str(word) for word in [*words, "--labels", "NORM", "--force"]]) == 0
    words = ["interpolate", "--store", store, "--tokenizer", tokenizer, "--out", tmp_path / "between", "--label"]
    told = refused(*words, "NORM", "--min-parents", 90)
    assert re.search(r"NORM: \d+ training records can be parents, --min-parents asks for 90", told), told
    assert names(tmp_path) == ["made"]


def test_without_labels_rare_ones_are_left_out_and_named(
    tiny_parts: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    counts = pd.Series(ECGGenerator.from_pretrained(tiny_parts[2]).label_counts).sort_values()
    known = counts[counts > 1]  # fewer than 5 count as 1
    least = int(known.iloc[0]) + 1
    words = ["generate", "--generator", tiny_parts[2], "--count", 60, "--out", tmp_path / "made"]
    assert main([str(word) for word in [*words, "--min-parents", least]]) == 0
    assert f"{known.index[0]} ({known.iloc[0]})" in capsys.readouterr().out
    labels = pd.read_parquet(tmp_path / "made" / "manifest.parquet")["labels"].str.split("+")
    rare = set(counts.index[counts < least])
    assert not any(set(own) & rare for own in labels)


@pytest.mark.bad_input("what a set reveals")
def test_a_generator_has_no_table_of_individuals_and_its_card_says_what_is_in_it(
    tiny_parts: tuple[Path, Path, Path], refused: Callable[..., str]
):
    folder = tiny_parts[2] / "generator"
    conditions = pd.read_csv(folder / "conditions.csv", keep_default_na=False)
    assert conditions["count"].min() >= 5 and conditions["count"].sum() == 96
    assert 0 not in set(ECGGenerator.from_pretrained(folder).label_counts.values())
    card = (folder / "README.md").read_text("utf-8")
    assert "Each row stands for at least 5 training records" in card and "docs/privacy.md" in card
    given = ["--store", tiny_parts[0], "--tokenizer", tiny_parts[1], "--out", tiny_parts[2], *TINY, *SHALLOW]
    assert "smallest_cell" in refused("train-prior", *given, "--smallest-cell", 1)


def test_a_generator_with_another_tokenizer_is_refused(
    tiny_parts: tuple[Path, Path, Path], tmp_path: Path, refused: Callable[..., str]
):
    shutil.copytree(tiny_parts[2] / "generator", tmp_path / "generator")
    other = ECGTokenizer.from_pretrained(tmp_path / "generator" / "tokenizer")
    other.quantizer.code_vectors().add_(1)
    other.save_pretrained(tmp_path / "generator" / "tokenizer")
    told = refused("generate", "--generator", tmp_path / "generator", "--out", tmp_path / "new")
    assert "the prior was trained with tokenizer" in told and not (tmp_path / "new").exists()


@pytest.mark.parametrize("part", ["prior", "tokenizer"])
def test_truncated_weights_are_refused(
    part: str, tiny_parts: tuple[Path, Path, Path], tmp_path: Path, refused: Callable[..., str]
):
    shutil.copytree(tiny_parts[2] / "generator", tmp_path / "generator")
    weights = tmp_path / "generator" / part / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    told = refused("generate", "--generator", tmp_path / "generator", "--out", tmp_path / "new")
    assert f"{part}/model.safetensors holds no weights that can be read" in told and not (tmp_path / "new").exists()


def test_interpolate_names_the_parents_which_are_of_the_training_folds(
    tiny_parts: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
):
    store, tokenizer, _ = tiny_parts
    words = ["interpolate", "--store", store, "--tokenizer", tokenizer, "--out", tmp_path / "between"]
    assert main([str(word) for word in [*words, "--label", "NORM", "--count", 4]]) == 0
    printed = capsys.readouterr().out
    assert "4 records with NORM" in printed and "A gate compared every record with 96 training records" in printed
    manifest = pd.read_parquet(tmp_path / "between" / "manifest.parquet")
    assert (manifest["nearest_distance"] >= manifest["gate_threshold"]).all()
    origins = pd.read_parquet(tmp_path / "between" / "private" / "origins.parquet")
    real = RecordStore.open(store).table.set_index("record_id")
    first, second = real.loc[origins["first_parent"]], real.loc[origins["second_parent"]]
    assert set(first["fold"]) | set(second["fold"]) <= set(range(1, 9))
    assert (first["patient_id"].to_numpy() != second["patient_id"].to_numpy()).all()
    assert all("NORM" in statements for statements in read_table(tmp_path / "between").records["statements"])
    words[-1] = tmp_path / "new"
    assert "label is 'COVID'; expected one of NORM" in refused(*words, "--label", "COVID")
    assert names(tmp_path) == ["between"]


def test_train_classifier_on_real_and_on_synthetic_records(
    tiny_parts: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
):
    made = ["generate", "--generator", str(tiny_parts[2]), "--out", str(tmp_path / "more"), "--count", "12"]
    assert main(made) == 0
    assert main(["prepare", "--data", str(tmp_path / "more"), "--out", str(tmp_path / "added")]) == 0
    store, counts = tiny_parts[0], {}
    both = ["--synthetic", tmp_path / "added"]
    mixed = ["--training.mixture.share", 0.5]
    for name, words in {"real": [], "both": both, "mixed": [*both, *mixed]}.items():
        given = ["train-classifier", "--store", store, "--out", tmp_path / name, *words, *SHORT]
        assert main([str(word) for word in given]) == 0
        counts[name] = json.loads((tmp_path / name / "stage.json").read_text())["figures"]["records"]
        printed = capsys.readouterr().out
        assert "tested on real ones" in printed and "by the protocol of PTB-XL benchmark: " in printed
        assert names(tmp_path / name) == [
            *("README.md", "SHA256SUMS.txt", "config.json", "model.safetensors"),
            *("settings.yaml", "stage.json", "thresholds.json"),
        ]
    assert counts["both"] == counts["mixed"] == counts["real"] + 12
    assert "1 synthetic sets as 0.5 of every batch" in (tmp_path / "mixed" / "README.md").read_text()
    weights = {(tmp_path / name / "model.safetensors").read_bytes() for name in counts}
    assert len(weights) == 3, "added, mixed in or not there: three trainings"
    assert "1 synthetic sets" in (tmp_path / "both" / "README.md").read_text()
    given = ["train-classifier", "--store", store, "--out", tmp_path / "new", *SHORT]
    assert "nothing to train on" in refused(*given, "--no-real")
    assert "are in the validation or test folds" in refused(*given, "--synthetic", store)
    assert "expected real records (no --no-real) and stores of synthetic ones" in refused(*given, *mixed)
    assert "(no --no-real)" in refused(*given, *both, *mixed, "--no-real")
    assert not (tmp_path / "new").exists()


def test_compare_prints_scores_and_verdicts(
    tiny_parts: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
):
    store, _, prior = tiny_parts
    given = ["compare", "--store", store, "--generator", prior, "--out", tmp_path / "comparison", *SHORT]
    given += ["--seeds", 0, "--analysis.replicates", 20, "--arms", "prior-samples", "latent-interpolation"]
    told = refused(*given, "--target-classes", "COVID")
    assert "COVID" in told and not (tmp_path / "comparison").exists()
    given += ["--target-classes", "HYP"]
    assert main([str(word) for word in given]) == 0
    printed = capsys.readouterr().out
    for arm in ("real only", "duplication", "prior samples", "latent interpolation"):
        assert arm in printed
    assert "prior samples against duplication" in printed
    assert main([str(word) for word in given]) == 0
    assert capsys.readouterr().out.splitlines()[:-1] == printed.splitlines()[:-1], "read again, not trained again"


STORE = ["--store", "missing"]


@pytest.mark.parametrize(
    "words",
    [
        ["train-tokenizer", *STORE],
        ["train-prior", *STORE, "--tokenizer", "t"],
        ["interpolate", *STORE, "--tokenizer", "t", "--label", "MI"],
        ["train-classifier", *STORE],
        ["encode", "--store", "missing", "--tokenizer", "t"],
        ["compare", *STORE, "--generator", "g"],
        ["prepare", "--data", "missing"],
        ["run", "--data", "missing"],
        ["generate", "--generator", "./missing"],
    ],
    ids=lambda words: words[0],
)
def test_a_missing_input_is_named_and_nothing_is_written(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., str]
):
    monkeypatch.chdir(tmp_path)
    assert "missing" in refused(*words, "--out", "new")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--task", "superb"], "expected one of all, diagnostic"),
        (["--training.model.levels", "3"], "levels is 3; expected 1 to 2"),
        (["--training.variants", "0"], "variants is 0"),
        (["--folds.train", "1", "--folds.validation", "11"], "do not exist"),
        (["--folds.validation"], "no validation records"),
    ],
)
def test_train_prior_refuses_settings_that_cannot_work_and_leaves_no_folder(
    words: list[str], told: str, tiny_parts: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    store, tokenizer, _ = tiny_parts
    given = ["train-prior", "--store", store, "--tokenizer", tokenizer, "--out", tmp_path / "new", *TINY, *SHALLOW]
    status: object = None
    with contextlib.suppress(SystemExit):  # what a settings class refuses is wrong usage: status 2
        status = main([str(word) for word in [*given, *words]])
    printed = capsys.readouterr()
    assert status in (None, 1) and told in " ".join((printed.out + printed.err).replace("│", " ").split())
    assert names(tmp_path) == []


def test_a_fold_without_records_is_refused_with_those_there_are(
    tiny_parts: tuple[Path, Path, Path], tmp_path: Path, refused: Callable[..., str]
):
    main(["simulate", "--out", str(tmp_path / "data"), "--records", "20"])
    database = tmp_path / "data" / "ptbxl_database.csv"
    table = pd.read_csv(database, dtype=str, keep_default_na=False)
    table[table["strat_fold"] != "9"].to_csv(database, index=False)
    main(["prepare", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "store")])
    told = refused("train-tokenizer", "--store", tmp_path / "store", "--out", tmp_path / "new", *TINY)
    assert "folds [9] have no record; the table has folds [1, 2, 3, 4, 5, 6, 7, 8, 10]" in told
    assert names(tmp_path) == ["data", "store"]


def test_yaml_stands_for_words(
    tiny_parts: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
):
    (tmp_path / "g.yaml").write_text(f"generator: {tiny_parts[2]}\ncount: 2\nlabels: [NORM]\n", encoding="utf-8")
    assert main(["generate", "--config", str(tmp_path / "g.yaml"), "--out", str(tmp_path / "two")]) == 0
    assert "2 synthetic records for NORM" in capsys.readouterr().out
    (tmp_path / "bad.yaml").write_text("generator: x\nnumber: 2\n", encoding="utf-8")
    told = refused("generate", "--config", tmp_path / "bad.yaml", "--out", tmp_path / "new")
    assert "unknown options ['number']; expected some of generator, out, labels, only, count" in told


@pytest.mark.slow
@pytest.mark.parametrize("task", ["diagnostic", "subdiagnostic", "form", "rhythm", "all", "cpsc2018"])
def test_labels_of_every_task_survive_generate_and_prepare(
    task: str, tiny_parts: tuple[Path, Path, Path], tmp_path: Path
):
    store, tokenizer, _ = tiny_parts
    given = ["--store", store, "--tokenizer", tokenizer, "--out", tmp_path / "prior", "--task", task]
    assert main([str(word) for word in ["train-prior", *given, *TINY, *SHALLOW]]) == 0
    made = ["generate", "--generator", tmp_path / "prior", "--out", tmp_path / "made", "--count", 30, "--force"]
    assert main([str(word) for word in made]) == 0
    assert main(["prepare", "--data", str(tmp_path / "made"), "--out", str(tmp_path / "store")]) == 0
    again = RecordStore.open(tmp_path / "store")
    asked = pd.read_parquet(tmp_path / "made" / "manifest.parquet")["labels"]
    own = again.task(task)
    labels = ["+".join(own.names(row)) for row in again.labels(own)]
    assert len(again) == 30 and labels == asked.tolist() and any(asked)


@pytest.mark.slow
def test_labels_of_ones_own_go_all_the_way(
    tiny_parts: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    data, store, prior = tmp_path / "data", tmp_path / "store", tmp_path / "prior"
    main(["simulate", "--out", str(data), "--records", "120"])
    table = pd.read_csv(data / "ptbxl_database.csv")
    old = RecordStore.open(tiny_parts[0]).table["statements"]
    own = ["LQTS;MI" if "NORM" in codes else "Brugada 1" for codes in old]
    csv = pd.DataFrame({"path": table["filename_lr"], "labels": own, "fold": table["strat_fold"]})
    csv.to_csv(data / "own.csv", index=False)
    given = ["prepare", "--data", data, "--source", "folder", "--labels-csv", data / "own.csv", "--out", store]
    assert main([str(word) for word in given]) == 0
    assert RecordStore.open(store).task("own").class_names == ("Brugada 1", "LQTS", "MI")
    given = ["train-prior", "--store", store, "--tokenizer", tiny_parts[1], "--out", prior, "--task", "own", *TINY]
    assert main([str(word) for word in [*given, *SHALLOW]]) == 0
    made, again, more = tmp_path / "made", tmp_path / "again", tmp_path / "more"
    given = ["generate", "--generator", prior, "--out", made, "--labels", "LQTS", "--count", 6, "--force"]
    assert main([str(word) for word in given]) == 0
    assert main(["prepare", "--data", str(made), "--out", str(again)]) == 0
    synthetic = RecordStore.open(again)
    assert all(set(statements) == {"LQTS", "MI"} for statements in synthetic.table["statements"])
    task = RecordStore.open(store).task("own")
    assert synthetic.labels(synthetic.same_task(task)).tolist() == [[0, 1, 1]] * 6
    given = [
        "augment",
        "--store",
        store,
        "--generator",
        prior,
        "--out",
        more,
        "--no-gate",
        "--no-likelihood",
        "--allow-other-training",
    ]
    given += ["--task", "own", "--target-classes", "LQTS", "--ratio", "2", "--min-parents", "2"]
    given += ["--settings.attempts", "1", "--settings.least", "1"]
    capsys.readouterr()
    assert main([str(word) for word in given]) == 1, "nobody knows whether LQTS lies in the timing of waves"
    assert "LQTS (0): so many training records can be parents" in capsys.readouterr().err
    assert main([str(word) for word in [*given, "--method", "prior-samples"]]) == 0
    assert set(pd.read_parquet(more / "manifest.parquet")["labels"]) == {"LQTS+MI"}
    given = [
        "train-classifier",
        "--store",
        store,
        "--synthetic",
        again,
        "--out",
        tmp_path / "c",
        "--task",
        "own",
        *SHORT,
    ]
    capsys.readouterr()
    assert main([str(word) for word in given]) == 0
    assert "Brugada 1" in capsys.readouterr().out


def test_every_command_is_tried_here_or_in_the_pipeline():
    own = Path(__file__)
    names = (
        "segment",
        "assess",
        "augment",
        "verify",
        "advise",
        "compress",
        "denoise",
        "embed",
        "infill",
        "similarity",
        "identify",
    )
    places = (own, *(own.with_name(f"test_{name}.py") for name in names))
    text = "".join(path.read_text(encoding="utf-8") for path in places)
    commands = importlib.import_module("vqecg.scripts.cli.main").COMMANDS
    assert all(f'"{name}"' in text for name in commands)
