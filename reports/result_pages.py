"""Pages of results in Markdown, made from the JSON files of docs/results and one template per page.

A template (docs/results/pages/NAME.md.jinja) holds a question, at most a hundred words, and calls that put commands,
values and one table where they belong; it holds no figure itself. README.md of the repository has a table between two
marks, made in the same way.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from vqecg.reports.results import MISSING, Experiment, Value, read_experiment

SUFFIX = ".md.jinja"
README_TEMPLATE = "figures-of-the-readme"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
BOLD = ("gain", "harm", "missed")  # verdicts that must not be overlooked


@dataclass(frozen=True)
class Row:
    """A line of a table: its first cell, and whose figures stand in the others."""

    label: str
    experiment: str
    of: str


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

    def count(self, name: str, what: str) -> str:
        """How many of something an experiment had. Raises ValueError where it does not say."""
        counts = self.experiment(name).counts
        if what not in counts:
            raise ValueError(f"{name} counts no {what!r}; it counts {', '.join(counts)}")
        return f"{counts[what]:,}"

    def commands(self, *names: str) -> str:
        """The commands of experiments, each once, as a block."""
        lines = dict.fromkeys(command for name in names for command in self.experiment(name).commands)
        return "\n".join(["```", *lines, "```"])

    def rows(self, name: str, *, only: Sequence[str] = (), but: Sequence[str] = (), prefix: str = "") -> list[Row]:
        """A row for everything that an experiment has figures of, or for `only` these, or for all `but` those."""
        names = only or [of for of in self.experiment(name).names() if of not in but]
        return [Row(prefix + of, name, of) for of in names]

    def row(self, label: str, name: str, of: str) -> list[Row]:
        """One row under another label."""
        return [Row(label, name, of)]

    def table(self, first: str, columns: Mapping[str, str], rows: Iterable[Row]) -> str:
        """A table; `columns` maps the title of a column to its measure.

        Raises ValueError for a row with no figure at all and for a column with none: they are mistakes.
        """
        rows = list(rows)
        lines = [[self._cell(row, measure) for measure in columns.values()] for row in rows]
        for row, cells in zip(rows, lines, strict=True):
            if not any(cells):
                raise ValueError(f"{row.experiment} has none of {list(columns.values())} of {row.of!r}")
        for title, cells in zip(columns, zip(*lines, strict=True), strict=True):
            if not any(cells):
                raise ValueError(f"column {title!r} is empty; expected a measure that one of the experiments has")
        labelled = [[row.label, *cells] for row, cells in zip(rows, lines, strict=True)]
        return markdown_table([first, *columns], labelled)

    def _cell(self, row: Row, measure: str) -> str:
        experiment = self.experiment(row.experiment)
        return in_markdown(experiment.value(row.of, measure)) if experiment.has(row.of, measure) else MISSING

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
        if name != README_TEMPLATE
    }


def render_readme(folder: Path, readme: str) -> str:
    """The repository's README with its table of figures made anew. Raises ValueError where the marks are missing."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README has no {BEGIN} ... {END}; expected both marks around its table of figures")
    table = _render(_environment(folder), Results(folder), README_TEMPLATE)
    return f"{before}{BEGIN}\n{table}{END}{after}"


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


def _render(environment: Environment, results: Results, name: str) -> str:
    calls = {
        call: getattr(results, call) for call in ("value", "count", "commands", "rows", "row", "table", "catalogue")
    }
    return environment.get_template(f"{name}{SUFFIX}").render(**calls)
