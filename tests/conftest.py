"""Fixtures shared by every test: where the real recordings are, a small simulated data set, and tiny models on it.

What a fixture needs is imported inside it, so that tests of records/ do not wait for torch and transformers.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator
    from vqecg.prior.training import PriorTraining
    from vqecg.records.folds import SplitIndices
    from vqecg.records.store.record_store import RecordStore
    from vqecg.reports.page import Page
    from vqecg.tokenizer.modeling import ECGTokenizer
    from vqecg.tokenizer.training import TokenizerTraining

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two processes run the tests
os.environ.setdefault("HF_HUB_OFFLINE", "1")

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def the_number_of_threads_stays() -> Iterator[None]:
    """What a benchmark run inside a test sets must not reach later tests: sums of two threads round otherwise."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


@pytest.fixture(autouse=True)
def every_page_keeps_the_rules() -> Iterator[None]:
    """Every page that a test renders is read by tests/page_rules.py, once its module is there."""
    module = sys.modules.get("vqecg.reports.page")
    if module is None:
        yield
        return
    render, rules = module.Page.render, page_rules()
    broken: list[str] = []

    def noticed(page: Page) -> str:
        text = render(page)
        broken.extend(rules.faults(text))
        return text

    module.Page.render = noticed
    yield
    module.Page.render = render
    assert broken == []


@cache
def page_rules() -> ModuleType:
    """The module tests/page_rules.py."""
    spec = importlib.util.spec_from_file_location("page_rules", Path(__file__).parent / "page_rules.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked real recordings: the folder VQECG_DATA names, or ../shared/data unpacked once a session."""
    named = os.environ.get("VQECG_DATA")
    if named:
        if not (Path(named) / "ptb-xl" / "ptbxl_database.csv").is_file():
            pytest.skip(f"VQECG_DATA={named} holds no ptb-xl/ptbxl_database.csv")
        return Path(named)
    unpack = CHECKOUT.parent / "shared" / "data" / "unpack.py"
    if not unpack.is_file():
        pytest.skip(
            "no real recordings: set VQECG_DATA to a folder that holds ptb-xl/, cpsc2018/, ludb/ and challenge-*/"
        )
    folder = tmp_path_factory.mktemp("real")
    subprocess.run([sys.executable, str(unpack), str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def simulated_store(tmp_path_factory: pytest.TempPathFactory) -> RecordStore:
    """120 simulated recordings of 10 s at 100 Hz."""
    from vqecg.records.datasets.registry import read_table
    from vqecg.records.simulation.dataset import simulate_dataset
    from vqecg.records.store.building import build_store
    from vqecg.records.store.signal_spec import SignalSpec

    folder = tmp_path_factory.mktemp("simulated")
    simulate_dataset(folder / "data", records=120, seed=0, progress=False)
    return build_store(read_table(folder / "data"), SignalSpec(100, 10.0), folder / "store", progress=False)


@pytest.fixture(scope="session")
def simulated_split(simulated_store: RecordStore) -> SplitIndices:
    """The rows of the simulated recordings: training folds 1-8, validation fold 9, test fold 10."""
    from vqecg.records.folds import FoldSplit

    return FoldSplit().indices(simulated_store.table)


@pytest.fixture(scope="session")
def tokenizer_training() -> TokenizerTraining:
    """Settings with which a tokenizer trains in a second."""
    from vqecg.tokenizer.config import ECGTokenizerConfig
    from vqecg.tokenizer.training import TokenizerTraining
    from vqecg.training.fit import FitSettings

    return TokenizerTraining(
        model=ECGTokenizerConfig(
            width=16, encoder_blocks=1, decoder_blocks=1, levels=4, codebook_size=32, quantizer_dropout=0.5
        ),
        fit=FitSettings(steps=12, batch_size=16, evaluate_every=6, warmup_steps=2, mixed_precision="no"),
    )


@pytest.fixture(scope="session")
def prior_training() -> PriorTraining:
    """Settings with which a prior trains in a second."""
    from vqecg.prior.config import PriorShape
    from vqecg.prior.training import PriorTraining
    from vqecg.training.fit import FitSettings

    fit = FitSettings(steps=8, batch_size=16, evaluate_every=4, warmup_steps=2, mixed_precision="no")
    shape = PriorShape(levels=2, width=32, layers=2, heads=2)
    return PriorTraining(shape, variants=2, fit=fit, sketch=fit, detail=fit)


@pytest.fixture(scope="session")
def tiny_tokenizer(
    simulated_store: RecordStore, simulated_split: SplitIndices, tokenizer_training: TokenizerTraining
) -> ECGTokenizer:
    """A tokenizer trained for a dozen steps on the simulated recordings; tests must not change it."""
    from vqecg.tokenizer.training import train_tokenizer

    train, validation = simulated_split.train, simulated_split.validation
    return train_tokenizer(simulated_store, train, validation, tokenizer_training, progress=False).tokenizer


@pytest.fixture(scope="session")
def tiny_generator(
    simulated_store: RecordStore,
    simulated_split: SplitIndices,
    tiny_tokenizer: ECGTokenizer,
    prior_training: PriorTraining,
) -> ECGGenerator:
    """A generator for the five superclasses, its prior trained for a few steps; tests must not change it."""
    from vqecg.prior.generator import ECGGenerator
    from vqecg.prior.requests import training_conditions
    from vqecg.prior.training import train_prior

    train, validation = simulated_split.train, simulated_split.validation
    task = simulated_store.task("superdiagnostic")
    trained = train_prior(simulated_store, train, validation, tiny_tokenizer, task, prior_training, progress=False)
    conditions = training_conditions(simulated_store, train, task)
    return ECGGenerator(tiny_tokenizer, trained.prior, task, conditions, simulated_store.spec.samples)


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """A command that must end with status 1 and one message, from its words; returns the message."""
    from vqecg.scripts.cli.main import main

    def run(*words: object) -> str:
        capsys.readouterr()
        assert main([str(word) for word in words]) == 1
        # progress comes before where the machine is slow: it is shown after two seconds
        told = re.sub(r"\r[^\r\n]*|^[^\n:]+: \d+ % of [^\n]+\n", "", capsys.readouterr().err, flags=re.M).lstrip()
        assert told.startswith(f"vqecg {words[0]}: ") and "Traceback" not in told
        return told

    return run


RUN_SETTINGS = """\
preset: tiny
settings:
  tokenizer:
    model: {width: 16, encoder_blocks: 1, decoder_blocks: 1, dimension: 16, levels: 3, codebook_size: 32}
    fit: {steps: 20, batch_size: 16, warmup_steps: 2, evaluate_every: 10}
    validation_records: 16
  prior:
    model: {width: 32, layers: 2, heads: 2}
    variants: 1
    fit: {steps: 20, batch_size: 16, warmup_steps: 2, evaluate_every: 10}
    sketch: {steps: 20, batch_size: 16, warmup_steps: 2}
    detail: {steps: 20, batch_size: 16, warmup_steps: 2}
  classifier: {fit: {steps: 4, batch_size: 8, warmup_steps: 1, evaluate_every: 2}}
  seeds: [0, 1]
target_classes: [HYP]
synthetic: 40
"""


@pytest.fixture(scope="session")
def run_settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A YAML file with which `vqecg run` on the simulated recordings takes seconds."""
    path = tmp_path_factory.mktemp("settings") / "tiny.yaml"
    path.write_text(RUN_SETTINGS, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def finished_run(simulated_store: RecordStore, run_settings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished `vqecg run` on the simulated recordings; tests must not change it."""
    from vqecg.scripts.cli.main import main

    folder = tmp_path_factory.mktemp("finished") / "run"
    data = simulated_store.folder.parent / "data"
    assert main(["run", "--data", str(data), "--out", str(folder), "--config", str(run_settings)]) == 0
    return folder
