"""Builds the documentation site: `make docs`, or `python docs/site/build.py`.

The sources are put together in build/docs: the pages of docs/ as they are, the notebooks with their results, and a
reference made of docstrings and of what the commands print. Sphinx makes build/site of them; a warning is an error.
Notebooks that ran before are taken from build/notebooks, unless they or the package have changed since.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import commands
import notebooks

SITE = Path(__file__).resolve().parent
DOCS, CHECKOUT = SITE.parent, SITE.parent.parent
ROOMS = ("vqecg", "records", "training", "tokenizer", "prior", "evaluation", "downstream", "reports", "scripts")
COPIED = ("*.md", "*.svg", "results/*.md", "results/*.json", "results/*.yaml")
TOGETHER = 2  # notebooks that run at a time, on a thread each
KEY = "key.txt"  # in the folder of a notebook that ran: the state of what its results depend on
SECTION = re.compile(r"^## (.+)\n((?:(?!## ).*\n?)*)", flags=re.M)
TO_NOTEBOOK = re.compile(r"\]\(((?:notebooks/)?\w+)\.py\)")


def state_of(notebook: Path) -> str:
    """A digest of the notebook, of what runs it, and of the package."""
    digest = hashlib.sha256()
    sources = [path for room in ROOMS for path in sorted((CHECKOUT / room).rglob("*.py"))]
    for path in (notebook, SITE / "notebooks.py", *sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def results_of(notebook: Path, build: Path) -> Path:
    """The folder with the page of a notebook and its figures; it is run where they are missing or old."""
    folder, state = build / "notebooks" / notebook.stem, state_of(notebook)
    if not (folder / KEY).is_file() or (folder / KEY).read_text(encoding="utf-8") != state:
        words = [sys.executable, str(SITE / "notebooks.py"), str(notebook), "--out", str(folder)]
        with (build / "notebooks" / f"{notebook.stem}.log").open("w", encoding="utf-8") as log:
            done = subprocess.run(words, env={"OMP_NUM_THREADS": "1"} | os.environ, stderr=log)
        if done.returncode:
            raise SystemExit(f"{notebook} failed; see {log.name}")
        (folder / KEY).write_text(state, encoding="utf-8")
    return folder


def linked(page: str) -> str:
    """A page whose links to notebooks lead to their pages, and not to the scripts."""
    return TO_NOTEBOOK.sub(r"](\1.md)", page)


def front_page(index: str) -> str:
    """The front page, with a table of contents for each of its sections: the pages that its lists link to."""
    index = linked(index).replace("../README.md", "readme.md")
    parts = [index, "```{toctree}\n:hidden:\n\nreadme\n```"]
    for title, content in SECTION.findall(index):
        pages = re.findall(r"^- \[(.*?)\]\(([^)#]+)\.md\)", content, flags=re.M)
        entries = "\n".join(f"{name} <{page}>" for name, page in pages)
        parts.append(f"```{{toctree}}\n:hidden:\n:caption: {title}\n\n{entries}\n```")
    parts.append("```{toctree}\n:hidden:\n:caption: Reference\n\nreference/python\nreference/commands/index\n```")
    reference = "- [Python](reference/python.md): what `import vqecg` offers\n"
    reference += "- [Commands](reference/commands/index.md): every command with all of its options\n"
    return "\n\n".join([*parts, f"## Reference\n\n{reference}"])


def python_page() -> str:
    """The reference of the public face, made of docstrings."""
    import vqecg

    parts = ["# Python", "What `import vqecg` offers. Arrays are in mV, leads in the order that each docstring says."]
    for name in vqecg.__all__:
        value = getattr(vqecg, name)
        if name.startswith("__"):
            continue
        kind = "autoclass" if isinstance(value, type) else "autofunction"
        options = "   :members:\n" if kind == "autoclass" else ""
        title = f"## {name}"
        parts.append(f"{title}\n\n```{{eval-rst}}\n.. {kind}:: vqecg.{name}\n{options}```")
    return "\n\n".join(parts) + "\n"


def results_page(catalogue: str, pages: list[str]) -> str:
    """The catalogue of results, with the pages of results in the table of contents."""
    return f"{catalogue}\n```{{toctree}}\n:hidden:\n\n{chr(10).join(pages)}\n```\n"


def readme_page(readme: str) -> str:
    """The README as a page of the site."""
    return re.sub(r"\]\(docs/([^)]+)\)", r"](\1)", readme)


def put_together(build: Path, run: bool) -> Path:
    """Writes all sources into an empty folder, and returns it."""
    sources = build / "docs"
    shutil.rmtree(sources, ignore_errors=True)
    for pattern in COPIED:
        for path in sorted(DOCS.glob(pattern)):
            target = sources / path.relative_to(DOCS)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    place = sources / "notebooks"
    place.mkdir()
    scripts = sorted((DOCS / "notebooks").glob("*.py"))
    if run:
        (build / "notebooks").mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(TOGETHER) as pool:
            for folder in pool.map(partial(results_of, build=build), scripts):
                shutil.copytree(folder, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns(KEY))
    else:
        for script in scripts:
            notebooks.write_unrun(script, place)
    for page in place.glob("*.md"):
        page.write_text(linked(page.read_text(encoding="utf-8")), encoding="utf-8")
    index = front_page((DOCS / "index.md").read_text(encoding="utf-8"))
    (sources / "index.md").write_text(index, encoding="utf-8")
    results = sources / "results" / "README.md"
    others = [path.stem for path in sorted(results.parent.glob("*.md")) if path != results]
    results.write_text(results_page(results.read_text(encoding="utf-8"), others), encoding="utf-8")
    shutil.copyfile(CHECKOUT / "CITATION.cff", sources / "CITATION.cff")
    readme = readme_page((CHECKOUT / "README.md").read_text(encoding="utf-8"))
    (sources / "readme.md").write_text(readme, encoding="utf-8")
    (sources / "reference" / "commands").mkdir(parents=True)
    (sources / "reference" / "python.md").write_text(python_page(), encoding="utf-8")
    for name, text in commands.pages():
        (sources / "reference" / "commands" / f"{name}.md").write_text(text, encoding="utf-8")
    return sources


def missing_images(site: Path) -> list[str]:
    """The images that pages of the site show and that are not there; Sphinx does not miss those of plain HTML."""
    missing = []
    for page in sorted(site.rglob("*.html")):
        for source in re.findall(r'<img\b[^>]*\bsrc="([^"]+)"', page.read_text(encoding="utf-8")):
            if not source.startswith("data:") and not (page.parent / source).is_file():
                missing.append(f"{page.relative_to(site)}: {source}")
    return missing


def main() -> int:
    """Builds the site; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=CHECKOUT / "build", help="folder of sources, results and site")
    parser.add_argument("--unrun", action="store_true", help="show notebooks without results, and do not run them")
    given = parser.parse_args()
    try:
        from sphinx.cmd.build import main as build_site
    except ImportError:
        print("the site needs the extra docs: pip install -e '.[docs]', or make docs", file=sys.stderr)
        return 1
    build = given.build.resolve()
    sources = put_together(build, run=not given.unrun)
    shutil.rmtree(build / "site", ignore_errors=True)
    words = ["-W", "--keep-going", "-q", "-b", "html", "-c", str(SITE), "-d", str(build / "doctrees")]
    status = build_site([*words, str(sources), str(build / "site")])
    if missing := missing_images(build / "site"):
        print("images that are not there:", *missing, sep="\n", file=sys.stderr)
    return status or int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
