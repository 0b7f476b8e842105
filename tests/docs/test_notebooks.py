"""The notebooks of docs/notebooks run on the simulator, and every cell of them shows something."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent.parent
RUNNER = CHECKOUT / "docs" / "site" / "notebooks.py"
NOTEBOOKS = sorted((CHECKOUT / "docs" / "notebooks").glob("*.py"))
SILENT = re.compile(r"\bimport |\bdef |^step = ")  # cells that need not show anything


def run(notebook: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Runs a notebook as the site does, in a process of its own, with no window to draw in."""
    words = [sys.executable, "-W", "error::UserWarning", str(RUNNER), str(notebook), "--out", str(out)]
    return subprocess.run(words, cwd=out.parent, env=os.environ | {"MPLBACKEND": "agg"}, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_its_results(notebook: Path, tmp_path: Path):
    done = run(notebook, tmp_path / "page")
    assert done.returncode == 0, done.stderr[-3000:]
    page = (tmp_path / "page" / f"{notebook.stem}.md").read_text(encoding="utf-8")
    figures = re.findall(r'<img class="output" src="([^"]+)"', page)
    assert figures and all((tmp_path / "page" / name).stat().st_size > 5000 for name in figures)
    cells = re.findall(r"^```python\n(.*?)^```\n\n?(.{0,14})", page, flags=re.M | re.S)
    silent = [code for code, after in cells if not after.startswith(("```{", "<img")) and not SILENT.search(code)]
    assert not silent, "a cell that shows nothing leaves the reader alone"
    assert str(tmp_path) not in page and "/tmp" not in page


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_says_that_its_figures_are_those_of_a_simulator(notebook: Path):
    assert "simulated" in notebook.read_text(encoding="utf-8").split("# %%\n")[0]


def test_a_cell_that_fails_ends_the_run_and_names_its_line(tmp_path: Path):
    notebook = tmp_path / "broken.py"
    notebook.write_text("# %% [markdown]\n# # Broken\n\n# %%\nx = 1\nx / 0\n", encoding="utf-8")
    done = run(notebook, tmp_path / "page")
    assert done.returncode == 1 and 'broken.py", line 6' in done.stderr and "ZeroDivisionError" in done.stderr
    assert not (tmp_path / "page" / "broken.md").exists()


def test_cells_show_what_is_printed_the_last_value_and_open_figures(tmp_path: Path):
    notebook = tmp_path / "small.py"
    code = "import matplotlib.pyplot as plt\nimport pandas as pd\nplt.plot([1, 2])\nprint('printed')\n"
    code += "pd.DataFrame({'a': [1]})\n\n# %%\n'value'\n\n# %%\nx = 3\n"
    notebook.write_text(f"# %% [markdown]\n# # Small\n# text\n\n# %%\n{code}", encoding="utf-8")
    done = run(notebook, tmp_path / "page")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page" / "small.md").read_text(encoding="utf-8")
    assert page.startswith("# Small\ntext\n") and "printed\n" in page and "'value'" in page
    assert '<img class="output" src="small-1.png" alt="Figure: Small">' in page and "<td>1</td>" in page


def test_a_script_without_a_first_cell_is_refused(tmp_path: Path):
    notebook = tmp_path / "script.py"
    notebook.write_text("x = 1\n# %%\nx\n", encoding="utf-8")
    done = run(notebook, tmp_path / "page")
    assert done.returncode == 1 and "does not begin with a cell" in done.stderr
