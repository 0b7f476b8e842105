"""Pages of results in Markdown, made from the JSON files of docs/results and one template per page.

A template (docs/results/pages/NAME.md.jinja) holds a question, at most a hundred words, and calls that put commands,
values and one table where they belong; it holds no figure itself. What stands between two marks in README.md, such as
<!-- figures --> and <!-- /figures -->, is rendered from the same files by figures-of-the-readme.md.jinja.
"""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from vqecg.reports.results import MISSING, Experiment, Value, read_experiment

SUFFIX = ".md.jinja"
OF_THE_README = "-of-the-readme"  # end of the names of templates that are no page
WIDTH = 120  # characters of a line
NOT_PROSE = ("#", "|", "```", "- ", "!", "<!--")  # how a block begins that is no paragraph
BOLD = ("gain", "harm", "missed")  # verdicts that must not be overlooked


@dataclass(frozen=True)
class Row:
    """A line of a table: its first cell, and a value for some of the columns."""

    label: str
    values: Mapping[str, Value]  # measure, or "first" and "second" -> value


class Results:
    """All experiments of a folder, and the calls that a template makes."""

    def __init__(self, folder: Path) -> None:
        self.experiments = {path.stem: read_experiment(path) for path in sorted(folder.glob("*.json"))}

    def experiment(self, name: str) -> Experiment:
        """Raises ValueError for a name of which there is no file."""
        if name not in self.experiments:
            raise ValueError(f"no experiment {name!r}; there are {', '.join(self.experiments)}")
        return self.experiments[name]

    def value(self, name: str, of: str, measure: str) -> str:
        """A figure with unit, interval and verdict."""
        return in_markdown(self.experiment(name).value(of, measure))

    def number(self, name: str, of: str, measure: str) -> str:
        """A figure with its unit alone."""
        return str(replace(self.experiment(name).value(of, measure), low=None, high=None, verdict=""))

    def count(self, name: str, what: str) -> str:
        """The number of something in an experiment. Raises ValueError where it does not say."""
        counts = self.experiment(name).counts
        if what not in counts:
            raise ValueError(f"{name} counts no {what!r}; it counts {', '.join(counts)}")
        return f"{counts[what]:,}"

    def verdict(self, name: str) -> str:
        """The conclusion of the program, or of who measured. Raises ValueError where nobody did."""
        if not self.experiment(name).verdict:
            raise ValueError(f"{name} has no verdict; write one into its file or leave it out of the page")
        return self.experiment(name).verdict

    def commands(self, *names: str) -> str:
        """The commands of experiments, each once, as a block; long ones go on in indented lines."""
        commands = dict.fromkeys(command for name in names for command in self.experiment(name).commands)
        lines = [" \\\n    ".join(_wrap(command, WIDTH - 6)) for command in commands]
        return "\n".join(["```", *lines, "```"])

    def rows(
        self, *names: str, only: Sequence[str] = (), but: Sequence[str] = (), prefix: str = "", suffix: str = ""
    ) -> list[Row]:
        """A row for everything that experiments have figures of, or for `only` these, or for all `but` those."""
        figures = [figure for name in names for figure in self.experiment(name).figures]
        chosen = list(only) or [of for of in dict.fromkeys(figure.of for figure in figures) if of not in but]
        return [
            Row(f"{prefix}{of}{suffix}", {figure.measure: figure.value for figure in figures if figure.of == of})
            for of in chosen
        ]

    def pair(self, label: str, name: str, first: tuple[str, str] | None, second: tuple[str, str] | None = None) -> Row:
        """A row of the columns "first" and "second"; each is (of, measure), or none for an empty cell."""
        keys = {"first": first, "second": second}
        return Row(label, {key: self.experiment(name).value(*at) for key, at in keys.items() if at})

    def table(self, first: str, columns: Sequence[tuple[str, str]], rows: Sequence[Row]) -> str:
        """A table; `first` is the title of its first column, `columns` are (title, measure).

        Raises ValueError for a row with no figure at all and for a column with none: they are mistakes.
        """
        for row in rows:
            if not any(measure in row.values for _, measure in columns):
                raise ValueError(f"no figure in the row {row.label!r}; it has {', '.join(row.values) or 'none'}")
        for title, measure in columns:
            if not any(measure in row.values for row in rows):
                raise ValueError(f"no figure in the column {title!r}: no row has the measure {measure!r}")
        cells = [
            [in_markdown(row.values[measure]) if measure in row.values else MISSING for _, measure in columns]
            for row in rows
        ]
        lines = [[row.label, *line] for row, line in zip(rows, cells, strict=True)]
        return markdown_table([first, *(title for title, _ in columns)], lines)

    def catalogue(self) -> str:
        """A table of all experiments: what was measured, when, at which commit."""
        lines = [
            [f"[{name}]({name}.json)", one.title + (" (negative)" if one.negative else ""), one.date, f"`{one.commit}`"]
            for name, one in self.experiments.items()
        ]
        return markdown_table(["file", "what was measured", "date", "commit"], lines)


def in_markdown(value: Value) -> str:
    """A value with a verdict that matters in bold."""
    text = str(value)
    return f"{text.removesuffix(value.verdict)}**{value.verdict}**" if value.verdict in BOLD else text


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def render_pages(folder: Path) -> dict[Path, str]:
    """The text of every page of a folder of results, by its path."""
    results, environment = Results(folder), _environment(folder)
    return {
        folder / f"{name}.md": _render(environment, results, name)
        for name in _templates(folder)
        if not name.endswith(OF_THE_README)
    }


def render_readme(folder: Path, readme: str) -> str:
    """The repository's README with its parts between marks made anew. Raises ValueError where marks are missing."""
    results, environment = Results(folder), _environment(folder)
    for template in _templates(folder):
        if template.endswith(OF_THE_README):
            part = template.removesuffix(OF_THE_README)
            begin, end = f"<!-- {part} -->", f"<!-- /{part} -->"
            before, first, rest = readme.partition(begin)
            _, last, after = rest.partition(end)
            if not first or not last:
                raise ValueError(f"the README has no {begin} ... {end}; expected both marks around what is rendered")
            readme = f"{before}{begin}\n{_render(environment, results, template)}{end}{after}"
    return readme


def _templates(folder: Path) -> list[str]:
    return sorted(path.name.removesuffix(SUFFIX) for path in (folder / "pages").glob(f"*{SUFFIX}"))


def _environment(folder: Path) -> Environment:
    return Environment(
        loader=FileSystemLoader(folder / "pages"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        autoescape=False,  # Markdown, not HTML
    )


def _render(environment: Environment, results: Results, template: str) -> str:
    names = ("value", "number", "count", "verdict", "commands", "rows", "pair", "table", "catalogue")
    calls = {name: getattr(results, name) for name in names}
    text = environment.get_template(f"{template}{SUFFIX}").render(**calls)
    return "\n\n".join(_filled(block) for block in re.split(r"\n\n+", text.strip())) + "\n"


def _filled(block: str) -> str:
    """A paragraph with its lines filled anew, since values are longer or shorter than the calls that put them there."""
    return block if block.startswith(NOT_PROSE) else "\n".join(_wrap(block, WIDTH))


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
