"""Configs of models, stage files, states of runs and YAML with random values at random keys: read, or a ValueError."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from vqecg.downstream.classifiers.models.registry import CLASSIFIERS
from vqecg.evaluation.waves.segmenter import WaveSegmenter, WaveSegmenterConfig
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.modeling import ECGPrior
from vqecg.records.files.stage_file import STAGE_FILE, read_stage
from vqecg.records.files.yaml_file import read_yaml
from vqecg.scripts.cli.arguments import build
from vqecg.scripts.cli.presets import Preset
from vqecg.tokenizer.config import ECGTokenizerConfig
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.fit import FitSettings, make_optimizer
from vqecg.training.state import RunState, load_state, save_state

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 200),
    st.sampled_from([2**31, 2**63, 2**64, -(2**63), 10**18, 10**400]),
    st.floats(allow_nan=True),
    st.sampled_from([0.5, 1e-300, 1e308, 1.5, -0.0]),
    st.text(max_size=6),
    st.sampled_from(["resnet", "gpt2", "residual", "", "NORM", "\x00", "../..", "NaN"]),
)
VALUES = st.recursive(
    ODD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def places(content: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to every value in nested lists and mappings."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    inner = [place for key, value in items for place in places(value, (*before, key))]
    return [before, *inner] if before else inner


@st.composite
def damaged(draw: st.DrawFn, content: Any) -> Any:
    """The content with one to three values replaced, taken out, or put in under another key."""
    content = json.loads(json.dumps(content))
    for _ in range(draw(st.integers(1, 3))):
        there = places(content)
        if not there:
            return content
        *way, last = draw(st.sampled_from(there))
        inner = content
        for key in way:
            inner = inner[key]
        kind = draw(st.sampled_from(["replace", "replace", "replace", "delete", "add"]))
        if kind == "delete":
            del inner[last]
        elif kind == "add" and isinstance(inner, dict):
            inner[draw(st.text(max_size=5))] = draw(VALUES)
        else:
            inner[last] = draw(VALUES)
    return content


def small_models() -> dict[str, Any]:
    """A small model of every kind that has a config.json."""
    models: dict[str, Any] = {
        "tokenizer": ECGTokenizer(
            ECGTokenizerConfig(
                width=4, encoder_blocks=1, decoder_blocks=1, dimension=4, levels=2, codebook_size=4, hop_length=4
            )
        ),
        "segmenter": WaveSegmenter(WaveSegmenterConfig(widths=(4, 4))),
    }
    for name in ("resnet", "bi-lstm", "s4d"):
        kind: Any = CLASSIFIERS.get(name)
        models[name] = kind(kind.config_class(class_names=("a", "b")))
    return models


@pytest.fixture(scope="module")
def saved(tiny_generator: ECGGenerator, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Loader, file and its whole content, by kind."""
    folder = tmp_path_factory.mktemp("models")
    there: dict[str, Any] = {}
    for name, model in small_models().items():
        model.save_pretrained(folder / name)
        there[name] = (type(model).from_pretrained, folder / name)
    tiny_generator.save_pretrained(folder / "generator")
    there["prior"] = (ECGPrior.from_pretrained, folder / "generator" / "prior")
    there["generator"] = (ECGGenerator.from_pretrained, folder / "generator")
    return {
        name: (load, place, json.loads((place / "config.json").read_text())) for name, (load, place) in there.items()
    }


def read_or_refused(load: Callable[[], object]) -> None:
    """Nothing but a value or a ValueError comes of it."""
    try:
        load()
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize("name", ["tokenizer", "segmenter", "resnet", "bi-lstm", "s4d", "prior", "generator"])
@given(data=st.data())
def test_a_config_with_odd_values_is_read_or_refused(saved: dict[str, Any], name: str, data: st.DataObject):
    load, place, content = saved[name]
    whole = json.dumps(content)
    try:
        (place / "config.json").write_text(json.dumps(data.draw(damaged(content))))
        read_or_refused(lambda: load(place))
    finally:
        (place / "config.json").write_text(whole)


@given(content=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode("utf-8"))))
def test_a_config_of_odd_bytes_is_refused(saved: dict[str, Any], content: bytes):
    load, place, whole = saved["tokenizer"]
    try:
        (place / "config.json").write_bytes(content)
        with pytest.raises(ValueError):
            load(place)
    finally:
        (place / "config.json").write_text(json.dumps(whole))


@given(start=st.integers(0, 400), content=st.binary(min_size=1, max_size=20), cut=st.integers(0, 500))
def test_weights_with_odd_bytes_are_read_or_refused(saved: dict[str, Any], start: int, content: bytes, cut: int):
    load, place, _ = saved["tokenizer"]
    path = place / "model.safetensors"
    whole = path.read_bytes()
    try:
        changed = whole[:start] + content + whole[start + len(content) :]
        path.write_bytes(changed[: len(changed) - cut * (cut > 400)])
        read_or_refused(lambda: load(place))
    finally:
        path.write_bytes(whole)


STAGE = {"command": "prepare", "settings": {"seed": 0}, "figures": {"records": 3}, "seconds": 1.5}


@given(content=damaged(STAGE))
def test_a_stage_file_with_odd_values_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: Any):
    folder = tmp_path_factory.getbasetemp()
    (folder / STAGE_FILE).write_text(json.dumps(content))
    read_or_refused(lambda: read_stage(folder))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Callable[[], object]]:
    """The folder of a run's state, and what resumes it."""
    model, settings = nn.Linear(3, 2), FitSettings(steps=4, evaluate_every=2, batch_size=2)
    optimizer = make_optimizer(model, settings)
    model(nn.Parameter(model.weight.new_ones(1, 3))).sum().backward()
    optimizer.step()
    state = RunState.start(model, settings, 8)
    state.step, state.history = 2, [{"step": 2, "train/loss": 1.0}]
    state.best, state.best_step, state.best_value = dict(model.state_dict()), 2, 1.0
    folder = tmp_path_factory.mktemp("run") / "last"
    save_state(folder, model, optimizer, state)
    return folder, lambda: load_state(folder, model, optimizer, RunState.start(model, settings, 8))


@given(data=st.data())
def test_a_state_with_odd_values_is_resumed_or_refused(run: tuple[Path, Callable[[], object]], data: st.DataObject):
    folder, resume = run
    whole = (folder / "state.json").read_text()
    try:
        (folder / "state.json").write_text(json.dumps(data.draw(damaged(json.loads(whole)))))
        read_or_refused(resume)
    finally:
        (folder / "state.json").write_text(whole)


OPTIONS = {
    "tokenizer": {"model": {"width": 16, "levels": 3}, "fit": {"steps": 20, "learning_rate": 1e-3}, "shift": 4},
    "prior": {"model": {"width": 32, "heads": 2}, "variants": 1},
    "classifier": {"fit": {"steps": 4}, "model": "resnet", "loss": {"name": "focal"}},
    "sampling": {"temperature": 0.9, "trait_guidance": 2.0},
    "seeds": [0, 1],
}


@given(content=damaged(OPTIONS), text=st.none() | st.text(max_size=40))
def test_yaml_with_odd_values_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: Any, text: str | None
):
    path = tmp_path_factory.getbasetemp() / "options.yaml"
    path.write_bytes((yaml.safe_dump(content) if text is None else text).encode("utf-8", "replace"))
    read_or_refused(lambda: build(Preset, read_yaml(path), {}, "options"))
