"""README.md and docs/ tell people to type what is there: commands, options, make targets, Python, links."""

import importlib
import json
import re
import shlex
import shutil
from pathlib import Path

import pandas as pd
import pytest

from vqecg.scripts.cli.arguments import parse
from vqecg.scripts.cli.main import COMMANDS, module_of, take_extensions

CHECKOUT = Path(__file__).resolve().parent.parent
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
NOT_RUN = "# not run"


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def shell_lines(page: Path) -> list[str]:
    """The command lines of a page, without comments, those broken by a backslash joined."""
    lines = "\n".join(blocks(page, "bash")).replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


COMMAND_LINES = [(page, line) for page in PAGES for line in shell_lines(page)]
VQECG_LINES = [(page, line) for page, line in COMMAND_LINES if line.startswith("vqecg ")]


def test_the_readme_shows_how_to_begin():
    assert [line for page, line in VQECG_LINES if page.name == "README.md"]
    assert any("make demo" in line for _, line in COMMAND_LINES)


@pytest.mark.parametrize(("page", "line"), VQECG_LINES, ids=[line[:60] for _, line in VQECG_LINES])
def test_a_command_that_is_shown_parses(page: Path, line: str):
    _, words = take_extensions(shlex.split(line, comments=True)[1:])
    if words[0] in ("--help", "COMMAND"):
        return
    assert words[0] in COMMANDS, f"{page.name}: {line}"
    if "--help" in words or "--config" in words:
        return
    module = importlib.import_module(module_of(words[0]))
    parse(module.Arguments, "vqecg", COMMANDS[words[0]], words[1:])


def test_make_targets_that_are_shown_exist():
    targets = set(re.findall(r"^([\w-]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), flags=re.M))
    shown = {target for _, line in COMMAND_LINES for target in re.findall(r"^make ([\w-]+)", line)}
    assert shown and shown <= targets


PYTHON_BLOCKS = [
    (page, text)
    for page in PAGES
    if page.name != "extending.md"  # run by tests/extending, which takes out again what they register
    for text in blocks(page, "python")
    if NOT_RUN not in text
]


def copy_as_of_many(run: Path, folder: Path) -> None:
    """The run in another folder, with a generator that had twenty times as many training records of each kind."""
    shutil.copytree(run, folder)
    generator = folder / "prior" / "generator"
    conditions = pd.read_csv(generator / "conditions.csv", dtype=str, keep_default_na=False)
    conditions["count"] = 20 * conditions["count"].astype(int)
    conditions.to_csv(generator / "conditions.csv", index=False)
    about = json.loads((generator / "config.json").read_text(encoding="utf-8"))
    counts = about["config"]["label_counts"]
    about["config"]["label_counts"] = {name: 20 * count for name, count in counts.items()}
    (generator / "config.json").write_text(json.dumps(about), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(("page", "text"), PYTHON_BLOCKS, ids=[page.name for page, _ in PYTHON_BLOCKS])
def test_python_that_is_shown_runs(
    page: Path, text: str, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "runs").mkdir()
    copy_as_of_many(finished_run, tmp_path / "runs" / "ptbxl")
    monkeypatch.chdir(tmp_path)
    exec(compile(text, str(page), "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_that_is_shown_is_python(page: Path):
    for text in blocks(page, "python"):
        compile(text, str(page), "exec")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_local_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_a_heading_find_it(page: Path):
    for target, anchor in re.findall(r"\]\(((?!https?:)[^)#:]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
        assert anchor in anchors(page.parent / target if target else page), f"{page.name} links to {target}#{anchor}"
