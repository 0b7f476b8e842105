"""Presets: what they are, and that their parts fit each other."""

import operator
from pathlib import Path
from typing import Any

import pytest

from vqecg.downstream.classifiers.models.registry import classifier_class
from vqecg.downstream.classifiers.settings import ClassifierSettings, recipe
from vqecg.scripts.cli.arguments import options_of, parse
from vqecg.scripts.cli.presets import PRESETS, SMALL, at_rate, preset
from vqecg.scripts.commands import augment, compare, run
from vqecg.scripts.commands.train import classifier


def test_presets_are_found_by_name():
    assert list(PRESETS) == ["tiny", "small", "base"] and preset("small") is SMALL
    with pytest.raises(ValueError, match="preset 'huge' is unknown; expected one of tiny, small, base"):
        preset("huge")


def test_another_classifier_comes_with_its_recipe():
    assert preset("small", "label-correlation").classifier == recipe("label-correlation")
    assert preset("small", "resnet") == SMALL, "the preset's own keeps the preset's settings"
    assert preset("tiny", "s4d").classifier == recipe("s4d").of_steps(preset("tiny").classifier.fit.steps)
    with pytest.raises(ValueError, match="classifier 'vgg' is unknown"):
        preset("small", "vgg")


@pytest.mark.parametrize(
    ("command", "words", "place"),
    [
        (compare, ["--store", "s", "--out", "o", "--arms", "prior-samples"], "training"),
        (classifier, ["--store", "s", "--out", "o"], "training"),
        (augment, ["--store", "s", "--generator", "g", "--out", "o"], "classifier"),
        (run, ["--data", "d", "--out", "o"], "settings.classifier"),
    ],
    ids=lambda value: value.__name__.rsplit(".", 1)[-1] if hasattr(value, "__name__") else "",
)
def test_commands_train_the_classifier_they_are_given_by_its_recipe(
    command: Any, words: list[str], place: str, tmp_path: Path
):
    def read(*more: str) -> ClassifierSettings:
        values = options_of(parse(command.Arguments, "command", "a command", [*words, *more]))
        first, _, rest = place.partition(".")
        return operator.attrgetter(rest)(values[first]) if rest else values[first]

    assert read() == SMALL.classifier
    assert read(f"--{place}.model", "label-correlation") == recipe("label-correlation")
    own = read(f"--{place}.model", "label-correlation", f"--{place}.loss.name", "focal")
    assert own == recipe("label-correlation").changed({"loss.name": "focal"})
    text = "model: label-correlation"
    for name in reversed(place.split(".")):
        text = f"{name}: {{{text}}}"
    (tmp_path / "options.yaml").write_text(text, encoding="utf-8")
    assert read("--config", str(tmp_path / "options.yaml")) == recipe("label-correlation")


@pytest.mark.parametrize("name", PRESETS)
def test_the_parts_of_a_preset_fit_each_other(name: str):
    chosen = preset(name)
    assert chosen.prior.model.levels <= chosen.tokenizer.model.levels
    assert chosen.prior.model.width % chosen.prior.model.heads == 0
    assert len(set(chosen.seeds)) == len(chosen.seeds) >= 2
    assert classifier_class(chosen.classifier.model) is not None
    for fit in (chosen.tokenizer.fit, chosen.prior.fit):
        assert fit.warmup_steps < fit.steps and fit.evaluate_every <= fit.steps


@pytest.mark.parametrize("name", PRESETS)
def test_a_step_brings_about_eight_frames_a_code_or_more(name: str):
    chosen = preset(name).tokenizer
    frames = chosen.fit.batch_size * 10 * chosen.model.frame_rate
    assert frames >= 7.5 * chosen.model.codebook_size


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("rate", [100, 250, 500])
def test_at_another_rate_frames_keep_their_length_in_seconds(name: str, rate: int):
    chosen = preset(name).tokenizer
    moved = at_rate(chosen, rate)
    assert moved.model.sampling_rate == rate
    assert moved.model.frame_rate == chosen.model.frame_rate and moved.model.bit_rate == chosen.model.bit_rate
    assert moved.shift / rate == pytest.approx(chosen.shift / chosen.model.sampling_rate)
    assert moved.fit == chosen.fit
    assert at_rate(moved, 100) == chosen


def test_a_rate_at_which_a_frame_is_no_whole_number_of_samples_is_refused():
    with pytest.raises(ValueError, match=r"at 130 Hz a frame of 0\.08 s is 10\.4 samples; expected a whole number"):
        at_rate(SMALL.tokenizer, 130)
