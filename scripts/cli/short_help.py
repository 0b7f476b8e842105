"""The help of a command that fits a screen: its purpose, an example, and the options that matter.

Each command names these in its file, as `HELP = ShortHelp(...)`. `--help-all` shows every option, nested ones too.
"""

import re
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vqecg.scripts.cli.options import Option

WIDEST = 100  # columns, however wide the terminal is
LEFT_COLUMNS = range(16, 29)  # in which the texts of options may begin


@dataclass(frozen=True)
class ShortHelp:
    """The part of a command's help that most users need."""

    example: str  # a command line that works as it stands, options on one line
    # names without dashes in front, such as "training.fit.steps", after those that are required, which are always shown
    options: tuple[str, ...] = ()
    about: str = ""  # a sentence more on what the command does


def short_help(help: ShortHelp, program: str, description: str, options: Mapping[str, Option], notes: str) -> str:
    """The text: usage, description, example, the options that matter, and `notes` at the end.

    Raises ValueError for a name without an option.
    """
    width = min(WIDEST, shutil.get_terminal_size().columns)
    if unknown := [name for name in help.options if name not in options]:
        raise ValueError(f"the help of {program} names {', '.join(unknown)}; expected options of the command")
    required = [option for option in options.values() if option.required]
    others = [options[name] for name in help.options]
    parts = {"required": required, "options": others}
    column = column_of([*required, *others], width)
    hidden = len(options) - len(required) - len(others)
    every = f"`{program} --help-all` shows all {len(options)} options. " if hidden else ""
    usage = " ".join(["usage:", program, *(option.invocation for option in required), "[OPTIONS]"])
    purpose = f"{description[0].upper()}{description[1:]}. {help.about}".strip()
    blocks = [
        textwrap.fill(usage, width, subsequent_indent="    ", break_on_hyphens=False),
        textwrap.fill(purpose, width),
        f"example:\n{broken(help.example, width)}",
        *(f"{name}:\n" + "\n".join(rows(some, width, column)) for name, some in parts.items() if some),
        textwrap.fill(f"{every}{notes}", width),
    ]
    return "\n\n".join(blocks)


def broken(line: str, width: int) -> str:
    """A command line over several lines where it is long, as a shell takes it; an option stays with its values."""
    lines = [""]
    for part in re.split(r" (?=--)", line):
        if lines[-1] and len(lines[-1]) + len(part) > width - 7:
            lines.append("")
        lines[-1] += f" {part}" if lines[-1] else part
    return " \\\n".join(f"  {'  ' * bool(number)}{part}" for number, part in enumerate(lines))


def column_of(options: Sequence[Option], width: int) -> int:
    """The column in which texts begin so that they take the fewest lines."""
    columns = {*LEFT_COLUMNS[:1], *(len(option.invocation) + 4 for option in options)}
    columns = {column for column in columns if column in LEFT_COLUMNS}
    return min(sorted(columns), key=lambda column: len(rows(options, width, column)))


def rows(options: Sequence[Option], width: int, column: int) -> list[str]:
    """The words of each option, and beside them, from `column` on, its text and its default."""
    return [line for option in options for line in row(option, width, column)]


def row(option: Option, width: int, column: int) -> list[str]:
    """One option, its text from `column` on; on a line of its own where the words are longer than that."""
    text = option.text.removeprefix(f"{option.invocation}: ")
    default = f" (default: {option.default_text})" if option.default_text else ""
    lines = textwrap.wrap(text + default, width - column, break_on_hyphens=False)
    begun = f"  {option.invocation}"
    if len(begun) + 2 > column:
        return [begun, *(" " * column + line for line in lines)]
    return [begun.ljust(column) + lines[0], *(" " * column + line for line in lines[1:])]
