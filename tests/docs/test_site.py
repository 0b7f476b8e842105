"""The documentation site: its pages, the links of all pages, and that it builds without a warning."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from vqecg.scripts.cli.main import COMMANDS

CHECKOUT = Path(__file__).resolve().parent.parent.parent
DOCS = CHECKOUT / "docs"
SITE = DOCS / "site"
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]+)?\)")
PAGES = [*CHECKOUT.glob("*.md"), *sorted(DOCS.rglob("*.md"))]
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.py"))


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A file of docs/site as a module."""
    monkeypatch.syspath_prepend(str(SITE))
    spec = importlib.util.spec_from_file_location(f"docs_site_{name}", SITE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as a code host and the site make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.M)
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_every_relative_link_leads_somewhere(page: Path):
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        place = page.parent / target if target else page
        assert place.exists(), f"{page.relative_to(CHECKOUT)} links to {target}"
        if anchor:
            assert anchor in anchors(place), f"{page.relative_to(CHECKOUT)} links to {target}{anchor}"


def test_the_front_page_leads_to_every_page_and_every_notebook():
    linked = {(DOCS / target).resolve() for target, _ in LINK.findall((DOCS / "index.md").read_text(encoding="utf-8"))}
    expected = {*DOCS.glob("*.md"), *NOTEBOOKS, DOCS / "results" / "README.md"} - {DOCS / "index.md"}
    assert expected <= linked, sorted(path.name for path in expected - linked)


def test_the_sections_of_the_front_page_are_the_navigation(monkeypatch: pytest.MonkeyPatch):
    page = load("build", monkeypatch).front_page((DOCS / "index.md").read_text(encoding="utf-8"))
    captions = re.findall(r":caption: (.*)", page)
    assert captions == ["Tutorials", "How to", "Explanation", "Results", "Reference"]
    assert "\nQuickstart <notebooks/quickstart>\n" in page and "(notebooks/quickstart.md)" in page and ".py" not in page


def test_the_page_of_a_command_has_each_of_its_options_once(monkeypatch: pytest.MonkeyPatch):
    page = load("commands", monkeypatch).command_page("compress")
    usages = re.findall(r"^`(.+)`\n: (.+)$", page, flags=re.M)
    options = [usage.split()[0] for usage, _ in usages]
    assert {"--data", "--tokenizer", "--out", "--compression.error"} <= set(options)
    assert len(set(options)) == len(options) and all(text for _, text in usages)
    assert "## Compression options" in page and "microvolt" in page and "─" not in page


def test_the_citation_is_of_this_package():
    citation = yaml.safe_load((CHECKOUT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"cff-version", "message", "title", "authors"} <= set(citation), "what its schema requires"
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software" and citation["authors"]
    for theirs, ours in (("title", "name"), ("version", "version"), ("license", "license"), ("keywords", "keywords")):
        assert citation[theirs] == project[ours]
    assert citation["abstract"] == f"{project['description']}."


def test_an_image_that_is_not_there_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    missing_images = load("build", monkeypatch).missing_images
    (tmp_path / "page.html").write_text('<img class="output" src="a.png"><img src="b.png">', encoding="utf-8")
    (tmp_path / "b.png").write_bytes(b"")
    assert missing_images(tmp_path) == ["page.html: a.png"]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_page_of_options(command: str, monkeypatch: pytest.MonkeyPatch):
    page = load("commands", monkeypatch).command_page(command)
    assert len(re.findall(r"^: ", page, flags=re.M)) >= 1 and "```text" not in page


@pytest.mark.slow
def test_the_site_builds_without_a_warning_or_the_network(tmp_path: Path):
    pytest.importorskip("furo", reason="the extra docs is not installed")
    # notebooks are run by test_notebooks
    words = [sys.executable, str(SITE / "build.py"), "--build", str(tmp_path), "--unrun"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    site = tmp_path / "site"
    pages = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    expected = {"index.html", "search.html", "notebooks/quickstart.html", "results/tokenizer.html"}
    expected |= {"reference/python.html", *(f"reference/commands/{name}.html" for name in COMMANDS)}
    assert expected <= set(pages)
    for name, page in pages.items():
        fetched = re.findall(r'<(?:script|link|img)\b[^>]*(?:src|href)="(https?:)?//', page)
        assert not fetched, f"{name} fetches from elsewhere"
    assert "from_pretrained" in pages["reference/python.html"] and "Between(" not in pages["reference/python.html"]
    assert "replace the file --out" in pages["reference/commands/compress.html"]
    shown = " ".join(re.sub(r"<[^>]+>", " ", pages["results/tokenizer.html"]).split())
    last = (DOCS / "results" / "tokenizer.md").read_text(encoding="utf-8").strip().split("\n\n")[-1]
    assert " ".join(last.split()) in shown, "no line of a page is lost, not even one that begins with %"
    inner = [re.findall(r'href="([^"#:?]+)(?:[#?][^"]*)?"', page) for page in pages.values()]
    broken = {
        (name, target)
        for name, targets in zip(pages, inner, strict=True)
        for target in targets
        if not (site / name).parent.joinpath(target).exists()
    }
    assert not broken
