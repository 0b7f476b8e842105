"""Pages of results: values where the template asks for them, and mistakes that stop the page."""

from pathlib import Path

import pytest

from vqecg.reports.result_pages import Results, render_pages, render_readme
from vqecg.reports.results import Experiment, Figure, Value, write_experiment


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one experiment, a page and the template of the README's table."""
    harm = Value(-0.018, 3, "", -0.036, -0.002, signed=True, verdict="harm")
    figures = (
        Figure("samples", "AUROC", harm),
        Figure("copies", "AUROC", Value(-0.001, 3)),
        Figure("copies", "AP", Value(0.7, 1)),
    )
    command = "vqecg compare " + " ".join(f"--option-{number} value" for number in range(12))
    experiment = Experiment(
        "trial", "A trial", (command,), "2026-11-27", "be5f7d3a", "2 cores", (0,), {"records": 2953}, figures
    )
    write_experiment(experiment, tmp_path)
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "trial.md.jinja").write_text(
        '# Trial\n\n{{ commands("trial") }}\n\n'
        '{{ table("arm", [("AUROC", "AUROC"), ("AP", "AP")], rows("trial")) }}\n\n'
        'Of {{ count("trial", "records") }} records\n{{ number("trial", "samples", "AUROC") }}.\n'
    )
    (tmp_path / "pages" / "figures-of-the-readme.md.jinja").write_text('{{ value("trial", "samples", "AUROC") }}\n')
    return tmp_path


def test_a_page_has_the_values_of_its_template(folder: Path):
    (page, text), *others = render_pages(folder).items()
    assert page == folder / "trial.md" and not others
    lines = text.splitlines()
    assert "| samples | -0.018 (-0.036 to -0.002) **harm** |  |" in lines
    assert "| copies | -0.001 | 0.7 |" in lines
    assert lines[-1] == "Of 2,953 records -0.018."  # the paragraph is filled anew
    assert any(line.endswith(" \\") for line in lines) and max(map(len, lines)) <= 120


def test_the_readme_keeps_what_is_outside_the_marks(folder: Path):
    (folder / "pages" / "verdict-of-the-readme.md.jinja").write_text(
        "It does {{ value('trial', 'samples', 'AUROC') }}.\n"
    )
    readme = "before\n<!-- figures -->\nold\n<!-- /figures -->\n<!-- verdict -->\n<!-- /verdict -->\nafter\n"
    assert render_readme(folder, readme) == (
        "before\n<!-- figures -->\n-0.018 (-0.036 to -0.002) **harm**\n<!-- /figures -->\n"
        "<!-- verdict -->\nIt does -0.018 (-0.036 to -0.002) **harm**.\n<!-- /verdict -->\nafter\n"
    )
    assert list(render_pages(folder)) == [folder / "trial.md"]
    with pytest.raises(ValueError, match="both marks"):
        render_readme(folder, "no marks")


def test_what_is_not_measured_stops_a_page(folder: Path):
    results = Results(folder)
    with pytest.raises(ValueError, match="no experiment 'other'; there are trial"):
        results.value("other", "samples", "AUROC")
    with pytest.raises(ValueError, match="no figure in the row 'samples'"):
        results.table("arm", [("AP", "AP")], results.rows("trial"))
    with pytest.raises(ValueError, match="no figure in the column 'F1'"):
        results.table("arm", [("AUROC", "AUROC"), ("F1", "F1")], results.rows("trial"))
    with pytest.raises(ValueError, match="counts no 'patients'; it counts records"):
        results.count("trial", "patients")
    with pytest.raises(ValueError, match="has no verdict"):
        results.verdict("trial")


def test_rows_can_be_chosen_and_named(folder: Path):
    results = Results(folder)
    assert [row.label for row in results.rows("trial", but=["copies"], prefix="HYP: ", suffix=" (test)")] == [
        "HYP: samples (test)"
    ]
    row = results.pair("both", "trial", ("samples", "AUROC"), ("copies", "AP"))
    assert {key: str(value) for key, value in row.values.items()} == {
        "first": "-0.018 (-0.036 to -0.002) harm",
        "second": "0.7",
    }
