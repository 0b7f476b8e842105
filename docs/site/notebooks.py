"""Runs a notebook, a script with cells, and writes it as a Markdown page with its results.

    python docs/site/notebooks.py docs/notebooks/quickstart.py --out build/notebooks/quickstart

Cells begin with `# %%`, cells of text with `# %% [markdown]`, as Jupyter (by jupytext), VS Code and Spyder read them.
Like a notebook, a cell shows what it prints, the pyplot figures that it leaves open, and the value of its last line.
"""

import argparse
import ast
import contextlib
import html
import io
import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CELL = re.compile(r"^# %%[ \t]*(\[markdown\])?[ \t]*$", flags=re.M)
DPI = 100  # of figures


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook."""

    is_text: bool
    source: str  # Markdown, or Python
    line: int  # of the notebook, at which the source begins


def read_cells(notebook: str) -> list[Cell]:
    """The cells of a script. Raises ValueError for one that does not begin with a cell."""
    marks = list(CELL.finditer(notebook))
    if not marks or notebook[: marks[0].start()].strip():
        raise ValueError("the notebook does not begin with a cell; expected `# %%` or `# %% [markdown]` first")
    cells = []
    for mark, end in zip(marks, [*(later.start() for later in marks[1:]), len(notebook)], strict=True):
        source, is_text = notebook[mark.end() : end].strip("\n"), mark[1] is not None
        if is_text:
            source = re.sub(r"^# ?", "", source, flags=re.M)
        cells.append(Cell(is_text, source, notebook.count("\n", 0, mark.end()) + 2))
    return cells


class Page:
    """The page that grows while its notebook runs; figures are written beside it."""

    def __init__(self, path: Path) -> None:
        self.path, self.parts, self.figures, self.heading = path, list[str](), 0, ""
        self.place = os.getcwd()  # where the notebook runs: the next reader's is another one

    def add_text(self, text: str) -> None:
        """Adds a cell of Markdown."""
        headings = re.findall(r"^#+ (.*)$", text, flags=re.M)
        self.heading = headings[-1] if headings else self.heading
        self.parts.append(text)

    def add_code(self, code: str) -> None:
        """Adds the source of a cell."""
        self.parts.append(f"```python\n{code}\n```")

    def add_printed(self, text: str) -> None:
        """Adds what a cell printed, if anything."""
        if text.strip():
            self.parts.append(f"```{{code-block}} text\n:class: output\n\n{text.rstrip()}\n```")

    def add_value(self, value: Any) -> None:
        """Adds the value of a cell's last line: a figure, a table, or its repr."""
        if value is None:
            return
        if hasattr(value, "savefig"):
            self.add_figure(value)
        elif hasattr(value, "to_html"):
            table = value.to_html(border=0, classes="docutils align-default")
            self.parts.append(f'```{{raw}} html\n<div class="output table-wrapper">{table}</div>\n```')
        else:
            self.add_printed(repr(value))

    def add_figure(self, figure: Any) -> None:
        """Adds a matplotlib figure; its title, or that of the section, is the text for who does not see it."""
        self.figures += 1
        name = f"{self.path.stem}-{self.figures}.png"
        figure.savefig(self.path.with_name(name), dpi=DPI, bbox_inches="tight")
        titles = [figure.get_suptitle(), *(axes.get_title() for axes in figure.axes)]
        title = next(filter(None, titles), self.heading)
        self.parts.append(f'<img class="output" src="{name}" alt="Figure: {html.escape(title)}">')

    def write(self) -> None:
        """Writes the page."""
        text = "\n\n".join(self.parts).replace(f"{self.place}{os.sep}", "")
        self.path.write_text(text + "\n", encoding="utf-8")


def run_cell(cell: Cell, names: dict[str, Any], name: str, page: Page) -> None:
    """Runs a cell of code in the `names` of its notebook, and shows its results on the page."""
    import matplotlib.pyplot as plt

    tree = ast.parse("\n" * (cell.line - 1) + cell.source, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, name, "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), name, "eval"), names)
    page.add_printed(printed.getvalue())
    for number in plt.get_fignums():
        page.add_figure(plt.figure(number))
    plt.close("all")
    page.add_value(value)


def run_notebook(notebook: Path, out: Path) -> None:
    """Runs a notebook in an empty folder, and writes its page and figures into `out`, an empty folder too.

    Raises whatever a cell raises; then nothing is written but the figures so far.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    before, began = Path.cwd(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        page = Page(out / f"{notebook.stem}.md")
        try:
            for cell in read_cells(notebook.read_text(encoding="utf-8")):
                if cell.is_text:
                    page.add_text(cell.source)
                    continue
                page.add_code(cell.source)
                run_cell(cell, names, str(notebook), page)
        finally:
            os.chdir(before)
    page.write()
    print(f"{notebook.name}: {time.perf_counter() - began:.0f} s, {time.process_time():.0f} s of them computing")


def write_unrun(notebook: Path, out: Path) -> None:
    """Writes the page of a notebook that was not run, without results."""
    page = Page(out / f"{notebook.stem}.md")
    for cell in read_cells(notebook.read_text(encoding="utf-8")):
        (page.add_text if cell.is_text else page.add_code)(cell.source)
    page.write()


def main() -> None:
    """Runs the notebook that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder of the page and its figures; replaced")
    given = parser.parse_args()
    os.environ["MPLBACKEND"] = "agg"
    notebook, out = given.notebook.resolve(), given.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    run_notebook(notebook, out)


if __name__ == "__main__":
    main()
