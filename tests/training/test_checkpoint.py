"""The model folder: the same model comes back, and anything else is refused with a telling message."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from vqecg.records.files.checksums import SUMS_FILE
from vqecg.tokenizer.config import ECGTokenizerConfig
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import (
    CONFIG_FILE,
    OMITTED_WHILE_DEFAULT,
    WEIGHTS_FILE,
    Pretrained,
    config_from_dict,
    fingerprint,
    identifying,
    write_tensors,
)


@dataclass(frozen=True)
class SmallConfig:
    width: int
    names: tuple[str, ...] = ("a", "b")
    rate: float = 0.5


class SmallModel(nn.Module, Pretrained):
    config_class = SmallConfig

    def __init__(self, config: SmallConfig) -> None:
        super().__init__()
        self.config = config
        self.first = nn.Linear(config.width, config.width)
        self.second = nn.Linear(config.width, config.width)
        self.second.weight = self.first.weight  # tied
        self.register_buffer("ready", torch.zeros(2, dtype=torch.bool))
        self.register_buffer("count", torch.tensor(3))
        self.register_buffer("passing", torch.zeros(2), persistent=False)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    SmallModel(SmallConfig(4)).save_pretrained(tmp_path / "model", card="# A card\n")
    return tmp_path / "model"


def change_config(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    about = json.loads((folder / CONFIG_FILE).read_text())
    change(about)
    (folder / CONFIG_FILE).write_text(json.dumps(about))


def test_a_model_comes_back_with_settings_weights_buffers_and_ties(saved: Path):
    torch.manual_seed(0)
    model, loaded = SmallModel(SmallConfig(4)), SmallModel.from_pretrained(saved)
    assert loaded.config == model.config and isinstance(loaded.config.names, tuple)
    assert not loaded.training and loaded.second.weight is loaded.first.weight
    assert fingerprint(loaded) == fingerprint(model)
    assert (saved / "README.md").read_text() == "# A card\n"
    assert sorted(path.name for path in saved.iterdir()) == ["README.md", SUMS_FILE, CONFIG_FILE, WEIGHTS_FILE]


def test_a_tokenizer_comes_back_with_the_same_codes_and_the_same_signal(tmp_path: Path, tiny_tokenizer: ECGTokenizer):
    tiny_tokenizer.save_pretrained(tmp_path)
    loaded = ECGTokenizer.from_pretrained(str(tmp_path))
    signal = 0.3 * torch.randn(2, 8, 200, generator=torch.Generator().manual_seed(0))
    codes = loaded.encode(signal)
    assert torch.equal(codes, tiny_tokenizer.encode(signal))
    assert torch.equal(loaded.decode(codes), tiny_tokenizer.decode(codes))
    assert fingerprint(loaded) == fingerprint(tiny_tokenizer) and loaded.config == tiny_tokenizer.config


def test_without_a_card_the_folder_still_says_what_it_is_not_for(tmp_path: Path):
    SmallModel(SmallConfig(2)).save_pretrained(tmp_path)
    assert "not for diagnosis" in (tmp_path / "README.md").read_text()


def test_a_model_may_be_saved_over_an_earlier_one(saved: Path):
    torch.manual_seed(1)
    other = SmallModel(SmallConfig(6))
    other.save_pretrained(saved)
    assert fingerprint(SmallModel.from_pretrained(saved)) == fingerprint(other)


def test_another_class_is_refused(saved: Path):
    with pytest.raises(ValueError, match="holds a SmallModel, not a ECGTokenizer"):
        ECGTokenizer.from_pretrained(saved)


def test_an_unknown_setting_is_refused(saved: Path):
    change_config(saved, lambda about: about["config"].update(depth=3))
    with pytest.raises(ValueError, match=r"unknown settings \['depth'\] for SmallConfig; it knows"):
        SmallModel.from_pretrained(saved)


def test_a_missing_setting_is_refused(saved: Path):
    change_config(saved, lambda about: about["config"].pop("width"))
    with pytest.raises(ValueError, match=r"incomplete settings .*width"):
        SmallModel.from_pretrained(saved)


def test_another_format_version_is_refused(saved: Path):
    change_config(saved, lambda about: about.update(format_version=99))
    with pytest.raises(ValueError, match="format version 99, this vqecg reads 1"):
        SmallModel.from_pretrained(saved)


def test_weights_of_another_shape_are_refused(saved: Path):
    change_config(saved, lambda about: about["config"].update(width=5))
    with pytest.raises(ValueError, match="does not fit"):
        SmallModel.from_pretrained(saved)


@pytest.mark.parametrize("size", [0, 5, 60, 200])
def test_damaged_weights_are_refused(saved: Path, size: int):
    weights = saved / WEIGHTS_FILE
    weights.write_bytes(weights.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"model.safetensors (does not fit|holds no weights)"):
        SmallModel.from_pretrained(saved)


@pytest.mark.parametrize(("file", "told"), [(CONFIG_FILE, "holds no config.json"), (WEIGHTS_FILE, "holds no weights")])
def test_a_missing_file_is_refused(saved: Path, file: str, told: str):
    (saved / file).unlink()
    with pytest.raises(ValueError, match=told):
        SmallModel.from_pretrained(saved)


@pytest.mark.parametrize(("text", "told"), [("{", "no valid JSON"), ("[1]", "expected an object"), ("{}", "no 'conf")])
def test_a_config_that_is_none_is_refused(saved: Path, text: str, told: str):
    (saved / CONFIG_FILE).write_text(text)
    with pytest.raises(ValueError, match=told):
        SmallModel.from_pretrained(saved)


@pytest.mark.parametrize("name", ["./nothing", "nothing", "a/b/c"])
def test_a_folder_that_is_not_there_is_refused(name: str):
    with pytest.raises(ValueError, match="no model folder at"):
        SmallModel.from_pretrained(name)


def test_a_name_that_the_hub_cannot_give_is_refused():
    with pytest.raises(ValueError, match="hub:vqecg-nobody/no-such-model cannot be had from the model hub"):
        SmallModel.from_pretrained("hub:vqecg-nobody/no-such-model")


def test_lists_become_tuples_again():
    assert config_from_dict(SmallConfig, {"width": 1, "names": ["x"]}, "here") == SmallConfig(1, ("x",))


def test_the_fingerprint_names_the_bits_and_the_settings():
    torch.manual_seed(0)
    model = SmallModel(SmallConfig(4))
    first = fingerprint(model)
    assert first == fingerprint(model) and len(first) == 16
    with torch.no_grad():
        model.first.bias[0] += 1e-6
    assert fingerprint(model) != first
    torch.manual_seed(0)
    assert fingerprint(SmallModel(SmallConfig(4, rate=0.25))) != first
    torch.manual_seed(0)
    same = SmallModel(SmallConfig(4))
    same.get_buffer("passing").fill_(7)  # no part of the model
    assert fingerprint(same) == first


def test_a_setting_that_came_later_leaves_fingerprints_while_it_has_its_default():
    @dataclass(frozen=True)
    class LaterConfig(SmallConfig):
        kind: str = field(default="plain", metadata=OMITTED_WHILE_DEFAULT)

    torch.manual_seed(0)
    model = SmallModel(SmallConfig(4))
    before = fingerprint(model)
    model.config = LaterConfig(4)
    assert fingerprint(model) == before
    model.config = LaterConfig(4, kind="other")
    assert fingerprint(model) != before


def test_nested_settings_that_came_later_are_left_out_of_identities_while_default():
    @dataclass(frozen=True)
    class Inner:
        share: float = 0.5
        later: float = field(default=0.0, metadata=OMITTED_WHILE_DEFAULT)

    @dataclass(frozen=True)
    class Outer:
        inner: Inner = Inner()
        later: Inner = field(default=Inner(), metadata=OMITTED_WHILE_DEFAULT)

    assert identifying(Outer()) == {"inner": {"share": 0.5}}
    assert identifying(Outer(Inner(later=1.0), Inner(0.1))) == {
        "inner": {"share": 0.5, "later": 1.0},
        "later": {"share": 0.1},
    }


def test_tensors_that_cannot_be_written_leave_nothing_behind(tmp_path: Path):
    path = tmp_path / "weights"
    path.mkdir()  # a folder in the way
    with pytest.raises(OSError):
        write_tensors(path, {"a": torch.zeros(3)})
    assert os.listdir(tmp_path) == ["weights"]


def test_a_tokenizers_settings_are_checked_when_loaded(tmp_path: Path):
    config = ECGTokenizerConfig(width=4, encoder_blocks=1, decoder_blocks=1, levels=1, codebook_size=2)
    ECGTokenizer(config).save_pretrained(tmp_path)
    change_config(tmp_path, lambda about: about["config"].update(kernel_size=4))
    with pytest.raises(ValueError, match="kernel_size is 4"):
        ECGTokenizer.from_pretrained(tmp_path)
