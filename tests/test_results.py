"""The pages of docs/results are what their JSON files say, and what they tell people to type is there."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

from vqecg.downstream.comparison.arms.how_to_mix import WAYS
from vqecg.reports.result_pages import NOT_PROSE, SUFFIX, render_pages, render_readme
from vqecg.reports.results import read_experiment
from vqecg.scripts.cli.arguments import parse
from vqecg.scripts.cli.main import COMMANDS, module_of
from vqecg.scripts.steps.comparing import ComparingStep, read_plan

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "docs" / "results"
FILES = sorted(FOLDER.glob("*.json"))
PAGES = sorted(FOLDER.glob("*.md"))
COMMAND_LINES = sorted({command for path in FILES for command in read_experiment(path).commands})
MOST_WORDS = 100
TYPED_FIGURE = re.compile(r"(?<![\w.])\d*\.\d+")


def blocks(page: Path) -> list[str]:
    return re.split(r"\n\n+", page.read_text(encoding="utf-8").strip())


def test_pages_are_made_of_the_files():
    rendered = render_pages(FOLDER)
    assert set(rendered) == set(PAGES), "run `make results`"
    for page, text in rendered.items():
        assert page.read_text(encoding="utf-8") == text, f"{page.name}: run `make results`, change files or templates"


def test_the_readme_shows_figures_of_the_files():
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert render_readme(FOLDER, readme) == readme, "run `make results`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_one_table_and_few_words(page: Path):
    prose = [block for block in blocks(page) if not block.startswith(NOT_PROSE)]
    assert sum(len(block.split()) for block in prose) <= MOST_WORDS
    assert sum(block.startswith("|") for block in blocks(page)) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (FOLDER / target).exists(), target


@pytest.mark.parametrize("template", sorted((FOLDER / "pages").glob(f"*{SUFFIX}")), ids=lambda path: path.name)
def test_no_figure_is_typed_into_a_template(template: Path):
    typed = re.sub(r'"[^"]*"', "", template.read_text(encoding="utf-8"))  # without the names of figures
    assert not TYPED_FIGURE.findall(typed)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_as_the_program_writes_it(path: Path):
    assert read_experiment(path).to_json() == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("line", COMMAND_LINES, ids=lambda line: line[:60])
def test_a_command_can_be_typed_today(line: str):
    words = [word for word in shlex.split(line) if not re.fullmatch(r"[A-Z_]+=\d+", word)]
    if words[:2] == ["python", "-m"]:
        module = importlib.import_module(words[2])
        if hasattr(module, "parse"):
            module.parse(words[3:])
    elif words[0] == "vqecg":
        module = importlib.import_module(module_of(words[1]))
        parse(module.Arguments, "vqecg", COMMANDS[words[1]], words[2:])
    else:
        assert words[0] in ("make", "pytest")


def test_the_plan_of_the_rare_statements_can_be_read():
    step = ComparingStep(Path("store"), Path("out"))
    (cell,) = read_plan(step, FOLDER / "rare-statements.yaml")
    assert len(cell.parts) == 3 and cell.parts[0].design.arms[-1] == "prior samples + classic augmentation"


def test_the_plan_of_how_to_mix_names_its_arms_main_arm_and_metric():
    step = ComparingStep(Path("store"), Path("out"))
    (cell,) = read_plan(step, FOLDER / "how-to-mix.yaml")
    design = cell.parts[0].design
    assert len(cell.parts) == 1 and str(cell.parts[0].generator).endswith("fifth-4-0")
    assert (design.folds.train, design.folds.validation, design.folds.test) == ((1, 2, 3, 8, 9), (7,), (4, 5, 6))
    assert (design.analysis.main_arm, design.analysis.primary_metric) == ("mixture, falling share", "auroc")
    names = [arm.name for arm in design.catalogue]
    assert {f"mixture, {way}" for way in WAYS} - set(names) == {"mixture, cosine share"}
    assert design.subset.labelled == 0.2 and design.training.augmentation.name == "classic"


def test_the_plan_of_the_reading_can_be_read():
    step = ComparingStep(Path("store"), Path("out"))
    cells = read_plan(step, FOLDER / "reading.yaml")
    assert [len(cell.parts) for cell in cells] == [3, 3, 3]
    assert [cell.parts[0].design.subset.labelled for cell in cells] == [1.0, 0.2, 0.05]
    assert all({"two networks", "reading", "beat PCA"} <= set(cell.parts[0].design.arms) for cell in cells)


def test_the_plan_of_few_labels_names_what_the_mixture_is_compared_with():
    step = ComparingStep(Path("store"), Path("out"))
    cells = read_plan(step, FOLDER / "few-labels.yaml")
    assert [len(cell.parts) for cell in cells] == [3, 3, 3, 3]
    for cell, labelled in zip(cells, (0.2, 0.05, 0.2, 0.05), strict=True):
        design = cell.parts[-1].design
        assert (design.subset.labelled, design.analysis.main_arm) == (labelled, "mixture")
        assert "pseudo-labels" in design.analysis.against
        assert str(cell.parts[-1].generator).endswith("-7-8-9-0")


def test_the_plan_of_the_surface_has_a_cell_for_each_number_of_labels_and_samples():
    cells = read_plan(ComparingStep(Path("store"), Path("out")), FOLDER / "surface.yaml")
    assert len(cells) == 18 and {cell.parts[0].design.stream.times for cell in cells} == {1, 5, 20}
    assert len({cell.parts[0].design.subset.labelled for cell in cells}) == 6
