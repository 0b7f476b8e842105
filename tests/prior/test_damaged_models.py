"""Folders of models that are damaged, or of something else: one line that says so, before memory is asked for."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from vqecg.evaluation.waves.segmenter import WaveSegmenter, WaveSegmenterConfig
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.modeling import ECGPrior
from vqecg.tokenizer.modeling import ECGTokenizer

CONFIG, WEIGHTS = "config.json", "model.safetensors"
Change = Callable[[Any], Any]


@pytest.fixture(scope="module")
def whole(tiny_generator: ECGGenerator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved generator and a saved segmenter."""
    folder = tmp_path_factory.mktemp("whole")
    tiny_generator.save_pretrained(folder / "generator")
    WaveSegmenter(WaveSegmenterConfig(widths=(4, 4))).save_pretrained(folder / "segmenter")
    return folder


@pytest.fixture
def generator(whole: Path, tmp_path: Path) -> Path:
    """A copy of the saved generator, to damage."""
    return Path(shutil.copytree(whole / "generator", tmp_path / "generator"))


def change_json(path: Path, change: Change) -> None:
    about = json.loads(path.read_text())
    path.write_text(json.dumps(change(about) or about))


def setting(**values: Any) -> Change:
    """Changes settings in a config.json."""
    return lambda about: about["config"].update(values)


def refused(load: Callable[[Path], object], folder: Path) -> str:
    with pytest.raises(ValueError) as told:
        load(folder)
    message = str(told.value)
    assert "\n" not in message.strip() or "unknown settings" in message
    return message


TOKENIZER_SETTINGS: dict[str, Change] = {
    "width 0": setting(width=0),
    "width -4": setting(width=-4),
    "width 1e9": setting(width=10**9),
    "width 65536": setting(width=2**16),
    "width of another model": setting(width=17),
    "whole number with a fraction": setting(levels=2.5),
    "true for a number": setting(levels=True),
    "text for a number": setting(levels="4"),
    "null": setting(levels=None),
    "list for a number": setting(levels=[4]),
    "object for a number": setting(levels={"a": 1}),
    "text for a list": setting(leads="I"),
    "list of numbers": setting(leads=[1, 2]),
    "list of lists": setting(leads=[["I"]]),
    "number for text": setting(quantizer=7),
    "unknown quantizer": setting(quantizer="none such"),
    "unknown key": setting(breadth=3),
    "huge number": setting(levels=10**400),
    "scale 0": setting(scale=0),
    "scale below 0": setting(scale=-0.24),
    "scale infinite": setting(scale=1e999),
    "dropout 1.5": setting(quantizer_dropout=1.5),
    "decay 1": setting(codebook_decay=1.0),
    "codebook of all memory": setting(codebook_size=2**20, dimension=2**16, levels=1000),
    "even kernel": setting(kernel_size=4),
    "no config": lambda about: {"class": "ECGTokenizer", "format_version": 1},
    "config a list": lambda about: about | {"config": []},
    "config null": lambda about: about | {"config": None},
    "another class": lambda about: about | {"class": "ECGPrior"},
    "class a list": lambda about: about | {"class": ["ECGTokenizer"]},
    "no class": lambda about: {"config": about["config"], "format_version": 1},
    "version text": lambda about: about | {"format_version": "1"},
    "version null": lambda about: about | {"format_version": None},
}


@pytest.mark.bad_input("model files")
@pytest.mark.parametrize("change", TOKENIZER_SETTINGS.values(), ids=TOKENIZER_SETTINGS)
def test_settings_of_a_model_that_cannot_be_are_refused(generator: Path, change: Change):
    change_json(generator / "tokenizer" / CONFIG, change)
    refused(ECGTokenizer.from_pretrained, generator / "tokenizer")


TEXTS: dict[str, bytes] = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "number": b"7",
    "cut": b'{"class": "ECGTokenizer", "config": {',
    "no UTF-8": b'{"class": "\xff\xfe"}',
    "UTF-16": '{"class": "ECGTokenizer"}'.encode("utf-16"),
    "zeros": bytes(100),
    "nested": b'{"config": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nested objects": b'{"a": ' * 50_000 + b"1" + b"}" * 50_000,
    "digits": b'{"class": ' + b"9" * 10_000 + b"}",
    "NaN": b'{"class": "ECGTokenizer", "format_version": 1, "config": {"scale": NaN}}',
    "infinite": b'{"class": "ECGTokenizer", "format_version": 1, "config": {"scale": -Infinity}}',
    "key twice": b'{"class": "ECGTokenizer", "class": "ECGPrior", "format_version": 1, "config": {}}',
    "yaml": b"class: ECGTokenizer\n",
    "html": b"<!DOCTYPE html><html>Not found</html>",
}


@pytest.mark.bad_input("model files")
@pytest.mark.parametrize("content", TEXTS.values(), ids=TEXTS)
def test_a_config_that_is_no_config_is_refused(generator: Path, content: bytes):
    for part, load in (("tokenizer", ECGTokenizer.from_pretrained), ("", ECGGenerator.from_pretrained)):
        (generator / part / CONFIG).write_bytes(content)
        message = refused(load, generator / part)
        assert CONFIG in message or "holds" in message


@pytest.mark.bad_input("model files")
@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
@pytest.mark.parametrize("what", ["folder", "missing", "dangling link", "link to itself"])
def test_something_else_in_place_of_a_file_is_refused(generator: Path, name: str, what: str):
    path = generator / "prior" / name
    path.unlink()
    if what == "folder":
        path.mkdir()
    elif what == "dangling link":
        path.symlink_to("nowhere")
    elif what == "link to itself":
        path.symlink_to(name)
    refused(ECGPrior.from_pretrained, generator / "prior")


def of_tensor(name: str, change: Callable[[torch.Tensor], torch.Tensor]) -> Change:
    return lambda tensors: tensors | {name: change(tensors[name])}


def put(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """The tensor with one number replaced."""

    def changed(tensor: torch.Tensor) -> torch.Tensor:
        tensor = tensor.clone()
        tensor.view(-1)[0] = value
        return tensor

    return changed


ANALYSIS, CODEBOOKS = "analysis.weight", "quantizer.codebooks"
WRONG_TENSORS: dict[str, Change] = {
    "NaN weight": of_tensor(ANALYSIS, put(float("nan"))),
    "infinite weight": of_tensor(ANALYSIS, put(float("-inf"))),
    "NaN codebook": of_tensor(CODEBOOKS, put(float("nan"))),
    "NaN counts": of_tensor("quantizer.counts", put(float("nan"))),
    "half": of_tensor(ANALYSIS, torch.Tensor.half),
    "double": of_tensor(ANALYSIS, torch.Tensor.double),
    "whole numbers": of_tensor(ANALYSIS, torch.Tensor.long),
    "transposed": of_tensor("encoder_out.weight", lambda tensor: tensor.transpose(0, 1).contiguous()),
    "one row": of_tensor(ANALYSIS, lambda tensor: tensor[:1].contiguous()),
    "flat": of_tensor(ANALYSIS, lambda tensor: tensor.flatten()),
    "none": lambda tensors: {},
    "one missing": lambda tensors: {name: tensor for name, tensor in tensors.items() if name != ANALYSIS},
    "one more": lambda tensors: tensors | {"further": torch.zeros(3)},
    "other names": lambda tensors: {f"module.{name}": tensor for name, tensor in tensors.items()},
}


@pytest.mark.bad_input("model files")
@pytest.mark.parametrize("change", WRONG_TENSORS.values(), ids=WRONG_TENSORS)
def test_weights_that_do_not_fit_or_are_not_finite_are_refused(generator: Path, change: Change):
    path = generator / "tokenizer" / WEIGHTS
    save_file(change(load_file(path)), path)
    message = refused(ECGTokenizer.from_pretrained, generator / "tokenizer")
    assert WEIGHTS in message


BYTES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "seven bytes": lambda content: content[:7],
    "the header alone": lambda content: content[: 8 + int.from_bytes(content[:8], "little")],
    "half": lambda content: content[: len(content) // 2],
    "a byte less": lambda content: content[:-1],
    "a byte more": lambda content: content + b"x",
    "header of 2^60": lambda content: (2**60).to_bytes(8, "little") + content[8:],
    "header of 2^64 - 1": lambda content: b"\xff" * 8 + content[8:],
    "header of 0": lambda content: bytes(8) + content[8:],
    "garbage header": lambda content: content[:8] + b"\xff" * 200 + content[208:],
    "pickle": lambda content: b"\x80\x04N.",
    "zip": lambda content: b"PK\x03\x04" + bytes(200),
    "zeros": lambda content: bytes(len(content)),
    "LFS pointer": lambda content: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
}


@pytest.mark.bad_input("model files")
@pytest.mark.parametrize("change", BYTES.values(), ids=BYTES)
def test_damaged_weights_are_refused(generator: Path, change: Callable[[bytes], bytes]):
    path = generator / "tokenizer" / WEIGHTS
    path.write_bytes(change(path.read_bytes()))
    assert WEIGHTS in refused(ECGTokenizer.from_pretrained, path.parent)


GENERATOR_SETTINGS: dict[str, Change] = {
    "samples 0": setting(samples=0),
    "samples -1": setting(samples=-1),
    "samples 1e9": setting(samples=10**9),
    "samples of another prior": setting(samples=990),
    "samples text": setting(samples="1000"),
    "samples true": setting(samples=True),
    "task null": setting(task=None),
    "task text": setting(task="superdiagnostic"),
    "task without classes": lambda about: about["config"]["task"].update(class_names=[]),
    "one class less": lambda about: about["config"]["task"]["class_names"].pop(),
    "classes text": lambda about: about["config"]["task"].update(class_names="NORM"),
    "classes numbers": lambda about: about["config"]["task"].update(class_names=[1, 2, 3, 4, 5]),
    "members a list": lambda about: about["config"]["task"].update(members=["NORM"]),
    "likelihood 1e9": lambda about: about["config"]["task"].update(minimum_likelihood=1e9),
    "trained_on a list": setting(trained_on=[1]),
    "trained_on text": setting(trained_on={"prior": "me"}),
    "trained_on without folds": setting(trained_on={"prior": {"store": "x"}}),
    "trained_on fold 99": setting(
        trained_on={"prior": {"store": "x", "folds": {"train": [99], "validation": [], "test": []}}}
    ),
}


@pytest.mark.bad_input("model files")
@pytest.mark.parametrize("change", GENERATOR_SETTINGS.values(), ids=GENERATOR_SETTINGS)
def test_a_generator_whose_parts_do_not_go_together_is_refused(generator: Path, change: Change):
    change_json(generator / CONFIG, change)
    refused(ECGGenerator.from_pretrained, generator)


PRIOR_SETTINGS: dict[str, Change] = {
    "another tokenizer": setting(tokenizer_fingerprint="0" * 16),
    "another rate": setting(sampling_rate=500),
    "another backbone": setting(backbone="llama"),
    "heads that do not divide": setting(heads=3),
    "layers 0": setting(layers=0),
    "heads 0": setting(heads=0),
    "unknown attribute": setting(attributes=["shoe"]),
    "no attribute": setting(attributes=[]),
    "classes twice": lambda about: about["config"].update(class_names=["NORM"] * 5),
    "groups -1": setting(groups=-1),
    "groups 1e9": setting(groups=10**9),
}


@pytest.mark.bad_input("model files")
@pytest.mark.parametrize("change", PRIOR_SETTINGS.values(), ids=PRIOR_SETTINGS)
def test_a_prior_of_another_kind_is_refused(generator: Path, change: Change):
    change_json(generator / "prior" / CONFIG, change)
    refused(ECGGenerator.from_pretrained, generator)


CONDITIONS: dict[str, bytes] = {
    "empty": b"",
    "header alone": b"labels,age,sex,count\n",
    "count missing": b"labels,age,sex\nNORM,40,male\n",
    "unknown column": b"labels,age,sex,count,shoe\nNORM,40,male,3,44\n",
    "count 0": b"labels,age,sex,count\nNORM,40,male,0\n",
    "count below 0": b"labels,age,sex,count\nNORM,40,male,-3\n",
    "count a fraction": b"labels,age,sex,count\nNORM,40,male,2.5\n",
    "count text": b"labels,age,sex,count\nNORM,40,male,many\n",
    "count empty": b"labels,age,sex,count\nNORM,40,male,\n",
    "unknown label": b"labels,age,sex,count\nBEAT,40,male,3\n",
    "age 400": b"labels,age,sex,count\nNORM,400,male,3\n",
    "age text": b"labels,age,sex,count\nNORM,old,male,3\n",
    "sex m": b"labels,age,sex,count\nNORM,40,m,3\n",
    "ragged": b"labels,age,sex,count\nNORM,40,male,3,4,5\nMI\n",
    "no UTF-8": b"labels,age,sex,count\n\xff\xfe,40,male,3\n",
    "NUL": bytes(50),
}


@pytest.mark.bad_input("model files")
@pytest.mark.parametrize("content", CONDITIONS.values(), ids=CONDITIONS)
def test_conditions_that_cannot_be_are_refused(generator: Path, content: bytes):
    (generator / "conditions.csv").write_bytes(content)
    refused(ECGGenerator.from_pretrained, generator)


@pytest.mark.bad_input("model files")
@pytest.mark.parametrize(
    "values",
    [{"widths": []}, {"widths": [4]}, {"widths": [4, 0]}, {"widths": "44"}, {"patch": 0}, {"sampling_rate": 1e300}],
    ids=str,
)
def test_a_segmenter_that_cannot_be_is_refused(whole: Path, tmp_path: Path, values: dict[str, Any]):
    folder = Path(shutil.copytree(whole / "segmenter", tmp_path / "segmenter"))
    change_json(folder / CONFIG, setting(**values))
    refused(WaveSegmenter.from_pretrained, folder)


@pytest.mark.bad_input("model files")
def test_variances_below_zero_are_refused(whole: Path, tmp_path: Path):
    folder = Path(shutil.copytree(whole / "segmenter", tmp_path / "segmenter"))
    tensors = load_file(folder / WEIGHTS)
    name = next(name for name in tensors if name.endswith("running_var"))
    save_file(tensors | {name: -tensors[name]}, folder / WEIGHTS)
    assert name in refused(WaveSegmenter.from_pretrained, folder)


@pytest.mark.bad_input("model files")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("user/model", "for the model hub's hub:user/model"),
        ("user/model@main", "hub:user/model@main"),
        ("user\0/model", "no model folder"),
        ("", "no config.json"),
        ("hub:", "names no repository"),
        ("hub:model", "names no repository"),
        ("hub:../model", "cannot be had"),
        ("hub:user/model/more", "names no repository"),
        ("hub:user/model@", "names no repository"),
        ("hub:user/model", "cannot be had from the model hub"),
        ("hub:user/model@v1", "cannot be had from the model hub"),
        ("hub:https://example.org/model", "names no repository"),
        ("https://example.org/user/model", "no model folder"),
        ("x" * 5000, "no model folder"),
    ],
)
def test_a_name_is_sent_to_the_hub_only_where_that_is_asked_for(name: str, told: str):
    assert told in refused(ECGGenerator.from_pretrained, Path(name) if "\0" not in name else name)
