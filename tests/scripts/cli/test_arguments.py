"""The command line: what wins over what, YAML, and that every option explains itself."""

import dataclasses
import functools
import importlib
import io
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pytest
import tyro
import yaml

from vqecg.scripts.cli.arguments import build, parse, plain
from vqecg.scripts.cli.main import COMMANDS, main, module_of
from vqecg.scripts.cli.options import options_by_name
from vqecg.scripts.cli.short_help import ShortHelp


@dataclass(frozen=True)
class Inner:
    """Nested settings."""

    steps: int = 10  # how many
    rate: float = 0.5  # how fast
    kinds: tuple[str, ...] = ("a",)  # which


@dataclass(frozen=True)
class Options:
    """Options of a command."""

    out: Path  # where to
    preset: str = "small"  # which defaults
    inner: Inner = field(default_factory=Inner)
    folders: tuple[Path, ...] = ()  # where from
    labels: Path | None = None  # a file
    name: str = "x"  # a name
    real: bool = True  # a switch

    @staticmethod
    def preset_defaults(name: str) -> dict[str, Any]:
        if name not in ("small", "large"):
            raise ValueError(f"preset {name!r} is unknown")
        return {"inner": Inner(steps=100 if name == "large" else 10)}


def read(words: list[str], folder: Path | None = None, text: str | None = None) -> Options:
    if folder is not None and text is not None:
        (folder / "options.yaml").write_text(text, encoding="utf-8")
        words = [*words, "--config", str(folder / "options.yaml")]
    return parse(Options, "program", "a command", words)


def test_defaults_then_preset_then_yaml_then_words(tmp_path: Path):
    assert read(["--out", "o"]).inner == Inner()
    assert read(["--out", "o", "--preset", "large"]).inner.steps == 100
    assert read(["--out", "o", "--preset=large"]).preset == "large"
    assert read(["--out", "o", "--preset", "large"], tmp_path, "inner: {steps: 7}").inner.steps == 7
    given = read(["--out", "o", "--inner.steps", "3"], tmp_path, "preset: large\ninner: {steps: 7, rate: 2}")
    assert (given.preset, given.inner.steps, given.inner.rate) == ("large", 3, 2.0)
    assert read(["--out", "o", "--preset", "small"], tmp_path, "preset: large").inner.steps == 10


def test_yaml_values_become_what_the_fields_hold(tmp_path: Path):
    text = "out: there\nfolders: [a, b]\nlabels: c.csv\nname: 17\nreal: false\ninner:\n  kinds: [1, b]\n  rate: 1e-3"
    found = read([], tmp_path, text)
    assert found.out == Path("there") and found.folders == (Path("a"), Path("b")) and found.labels == Path("c.csv")
    assert found.name == "17" and found.real is False
    assert found.inner == Inner(rate=0.001, kinds=("1", "b")), "YAML takes 1e-3 for text; here it is a number"
    assert read(["--out", "o"], tmp_path, "labels: null\ninner: {steps: 20.0}").inner.steps == 20


@dataclass(frozen=True)
class Design:
    """Settings that several commands share."""

    task: str  # of the classifiers
    inner: Inner = field(default_factory=Inner)
    ratio: float = 0.5  # of the commonest class


@dataclass(frozen=True)
class Nested:
    """Options of a command, some of them in a dataclass without a name."""

    out: Path  # where to
    design: Annotated[Design, tyro.conf.arg(name="")]
    preset: str = "small"  # which defaults
    other: Annotated[Inner, tyro.conf.arg(name="another")] = field(default_factory=Inner)

    @staticmethod
    def preset_defaults(name: str) -> dict[str, Any]:
        return {"inner": Inner(steps=100)}


def test_settings_that_are_nested_without_a_name_stand_beside_the_others(tmp_path: Path):
    words = ["--out", "o", "--task", "rhythm", "--inner.rate", "2", "--another.steps", "1"]
    given = parse(Nested, "program", "a command", words)
    assert given.design == Design("rhythm", Inner(steps=100, rate=2.0)) and given.other.steps == 1
    assert list(plain(given)) == ["out", "task", "inner", "ratio", "preset", "another"]
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(plain(given) | {"ratio": 3}), encoding="utf-8")
    again = parse(Nested, "program", "a command", ["--config", str(tmp_path / "settings.yaml")])
    assert again == dataclasses.replace(given, design=dataclasses.replace(given.design, ratio=3.0))
    (tmp_path / "settings.yaml").write_text("design: {ratio: 3}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"unknown options \['design'\]; expected some of out, task, inner, ratio"):
        parse(Nested, "program", "a command", [*words, "--config", str(tmp_path / "settings.yaml")])


def test_a_required_option_within_nested_settings_is_asked_for(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        parse(Nested, "program", "a command", ["--out", "o"])
    assert ended.value.code == 2 and "--task" in "".join(capsys.readouterr())


def test_yaml_may_have_dashes_as_the_command_line_has(tmp_path: Path):
    (tmp_path / "c.yaml").write_text("spec:\n  sampling-rate: 250\n", encoding="utf-8")
    module = importlib.import_module("vqecg.scripts.commands.prepare")
    words = ["--data", "d", "--out", "o", "--config", str(tmp_path / "c.yaml")]
    assert parse(module.Arguments, "vqecg prepare", "read", words).spec.sampling_rate == 250


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("colour: red", r"unknown options \['colour'\]; expected some of out, preset"),
        ("inner: {step: 3}", r"inner: unknown options \['step'\]; expected some of steps, rate"),
        ("inner: {steps: many}", "inner: steps is 'many'; expected a whole number"),
        ("inner: {steps: 1.5}", "inner: steps is 1.5; expected a whole number"),
        ("inner: {steps: true}", "inner: steps is True; expected a whole number"),
        ("inner: {rate: [1]}", r"inner: rate is \[1\]; expected a number"),
        ("inner: 3", "inner is 3; expected options by name"),
        ("inner: {kinds: a}", "inner: kinds is 'a'; expected a list"),
        ("name: no", "name is False; expected text .in quotes"),
        ("real: 1", "real is 1; expected true or false"),
        ("out: [a]", r"out is \['a'\]; expected a path"),
        ("- a\n- b", "holds list; expected a mapping"),
        ("", "holds NoneType; expected a mapping"),
        ("a: [", "is no valid YAML"),
        ("preset: huge", "preset 'huge' is unknown"),
    ],
)
def test_yaml_that_does_not_fit_is_refused_and_named(tmp_path: Path, text: str, told: str):
    with pytest.raises(ValueError, match=told):
        read(["--out", "o"], tmp_path, text)


def test_a_config_or_preset_without_value_or_file_is_refused():
    with pytest.raises(ValueError, match="--config needs a value"):
        read(["--out", "o", "--config"])
    with pytest.raises(ValueError, match="--preset needs a value"):
        read(["--out", "o", "--preset"])
    with pytest.raises(ValueError, match=r"absent\.yaml: no such file"):
        read(["--out", "o", "--config", "absent.yaml"])


@pytest.mark.parametrize("words", [["--outt", "o"], [], ["--out", "o", "--inner.steps", "many"]])
def test_wrong_words_end_with_status_2(words: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        read(words)
    assert ended.value.code == 2
    assert "--help" in "".join(capsys.readouterr())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_every_command_survive_yaml(tmp_path: Path, name: str):
    module = importlib.import_module(module_of(name))
    required = [part for option in required_options(module.Arguments) for part in (option, "x")]
    words = {"download": ["a", "b"], "verify": ["x"], "assess": ["x", *required[2:]]}.get(name, required)
    given = parse(module.Arguments, name, "text", words)
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(plain(given)), encoding="utf-8")
    again = parse(module.Arguments, name, "text", ["--config", str(tmp_path / "c.yaml")])
    assert plain(again) == plain(given) or name == "generate"  # an age of nan is not equal to itself
    assert repr(again) == repr(given)


def required_options(arguments_class: Any) -> list[str]:
    required = (dataclasses.MISSING, dataclasses.MISSING)
    return [
        f"--{one.name.replace('_', '-')}"
        for one in dataclasses.fields(arguments_class)
        if (one.default, one.default_factory) == required
    ]


@functools.cache
def help_text(*words: str, columns: int = 80, option: str = "--help-all") -> str:
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")  # as a terminal is
    with pytest.MonkeyPatch.context() as terminal, redirect_stdout(printed), pytest.raises(SystemExit) as ended:
        terminal.setenv("COLUMNS", str(columns))
        main([*words, option])
    assert ended.value.code == 0
    printed.seek(0)
    return printed.read()


def explanations(text: str) -> dict[str, str]:
    """Option -> what the help says of it, without the kind of value and the default."""
    kind = r"(\[\w+ \[\w+ \.\.\.\]\]|N|NUMBER|TEXT|PATH)?"
    found: dict[str, str] = {}
    for line in text.splitlines():
        begun = re.match(rf"│ (--[\w.-]+|\[[A-Z]+\])(?: {kind})? ", line)
        if begun:
            found[option := begun.group(1).strip("[]")] = line[begun.end() :].strip(" │")
        elif line.startswith("│   ") and found:
            found[option] += " " + line.strip(" │")
    return {name: re.sub(r"\((default: .*|required)\)", "", told).strip() for name, told in found.items()}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is_for(name: str):
    told = explanations(help_text(name))
    assert len(told) >= 3 or name == "verify"  # which has none
    for option, text in told.items():
        assert len(text) > 1, f"{name} {option}: no comment behind the field"


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_the_terminal_and_cuts_nothing(name: str, columns: int):
    for option in ("--help", "--help-all"):
        text = help_text(name, columns=columns, option=option)
        assert text.startswith(f"usage: vqecg {name} ")
        boxed = "│" if option == "--help-all" else ""
        assert max(len(line) for line in text.splitlines() if line.startswith(boxed)) <= columns
        assert "…" not in text and "--config FILE.yaml" in " ".join(text.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_short_help_is_one_screen_with_every_required_option(name: str):
    module, text = importlib.import_module(module_of(name)), help_text(name, option="--help")
    assert len(text.splitlines()) < 40, "an 80x40 terminal has a line for the prompt too"
    options = options_by_name(module.Arguments, build(module.Arguments, {}, {}, name, checked=False))
    required = [one.name for one in options.values() if one.required]
    shown = [*required, *module.HELP.options]
    assert len(set(shown)) == len(shown) <= 14 and set(shown) <= set(options)
    others = text.partition("required:")[2]
    assert all(options[one].invocation in others for one in shown)
    assert len(shown) == len(options) or f"`vqecg {name} --help-all` shows all {len(options)} options" in " ".join(
        text.split()
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_in_the_short_help_is_a_command_line(name: str):
    module = importlib.import_module(module_of(name))
    program, command, *words = shlex.split(module.HELP.example)
    assert (program, command) == ("vqecg", name)
    parse(module.Arguments, name, "text", words)


@pytest.mark.parametrize("name", COMMANDS)
def test_both_helps_say_the_same_of_an_option_and_nothing_that_is_for_developers(name: str):
    module, every = importlib.import_module(module_of(name)), explanations(help_text(name))
    options = options_by_name(module.Arguments, build(module.Arguments, {}, {}, name, checked=False))
    assert {f"--{one.name}" for one in options.values() if not one.positional and one.kind is not bool} <= set(every)
    for one in module.HELP.options:
        text = " ".join(options[one].text.removesuffix(" (--help-all lists them)").split())
        assert every[options[one].invocation.split()[0]].startswith(text)
    both = help_text(name) + help_text(name, option="--help")
    assert not re.search(r"Raises|Returns|ValueError|\bNone\b|\b(STR|INT|FLOAT)\b|tuple|dataclass", both)


def test_help_shows_the_defaults_of_the_preset_asked_for():
    tiny = " ".join(help_text("train-prior", "--preset", "tiny").split())
    assert "(default: tiny)" in tiny and re.search(r"--training\.model\.width N .{0,80}\(default: 96\)", tiny)
    tiny = " ".join(help_text("train-prior", "--preset", "tiny", option="--help").split())
    assert "(default: tiny)" in tiny
    assert re.search(r"--training\.model\.width N [^()]{0,80}\(default: 96\)", tiny)


def test_a_short_help_that_names_no_option_is_refused():
    with pytest.raises(ValueError, match="the help of program names colour; expected options of the command"):
        parse(Options, "program", "a command", ["--help"], ShortHelp("program", ("colour",)))


def test_none_can_be_typed_where_it_is_the_default(tmp_path: Path):
    assert read(["--out", "o", "--labels", "none"], tmp_path, "labels: c.csv").labels is None
    assert read(["--out", "o", "--labels", "c.csv"]).labels == Path("c.csv")


LIGHT = ("simulate", "prepare", "plot", "download")


def imported_by_help(commands: list[str], heavy: set[str]) -> subprocess.CompletedProcess[str]:
    code = f"""
import sys
from vqecg.scripts.cli.main import main
for name in {commands}:
    try:
        main([name, "--help-all"])
    except SystemExit:
        pass
    assert not {heavy} & set(sys.modules), (name, {heavy} & set(sys.modules))
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_help_of_commands_on_recordings_waits_for_no_learning_library():
    result = imported_by_help(list(LIGHT), {"torch", "transformers", "accelerate", "sklearn"})
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_help_of_no_command_waits_for_the_models_of_transformers():
    result = imported_by_help(list(COMMANDS), {"transformers.modeling_utils", "transformers.models"})
    assert result.returncode == 0, result.stderr
