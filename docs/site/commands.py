"""The reference of the command line, made of the help that each command prints."""

import contextlib
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from vqecg.scripts.cli.main import COMMANDS, USAGE, main

WIDTH = 80  # characters that the help is printed in; its lines are joined again
GROUP = re.compile(r"^ (?P<title>[^\W\d].*?) *\n -{20,} *\n(?P<content>(?:  .*\n| *\n| -{20,} *\n)*)", flags=re.M)
EVERYTHING = "--help-all" if "--help-all" in USAGE else "--help"  # with the options of nested settings


@dataclass(frozen=True)
class Option:
    """An option as the help shows it."""

    usage: str  # such as --count INT
    text: str


def printed_help(command: str) -> str:
    """The text of a command's whole help, as it is printed."""
    os.environ["COLUMNS"] = str(WIDTH)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main([command, EVERYTHING])
    return printed.getvalue()


def options_in(content: str) -> tuple[str, list[Option]]:
    """The description of a group of options, "" for none, and the options in it."""
    lines = [line.rstrip() for line in content.splitlines()]
    rule = next((number for number, line in enumerate(lines) if line and not line.strip(" -")), None)
    description = "" if rule is None else " ".join(line.strip() for line in lines[:rule])
    options = list[Option]()
    for line in lines if rule is None else lines[rule + 1 :]:
        if re.match(r"  \S", line):  # an option begins; its help stands beside it, or in the lines below
            usage, _, text = re.sub(r"\s{2,}", "\t", line.strip(), count=1).partition("\t")
            options.append(Option(usage, text))
        elif line.strip() and options:
            options[-1] = Option(options[-1].usage, f"{options[-1].text} {line.strip()}".strip())
    return description, options


def escaped(text: str) -> str:
    """Plain text as Markdown that shows it as it is."""
    return re.sub(r"([\\*_<>\[\]{}|#$~])", r"\\\1", text)


def command_page(command: str) -> str:
    """The page of a command: its purpose, and a list of its options, group by group."""
    text = printed_help(command)
    groups = list(GROUP.finditer(text))
    parts = [f"# vqecg {command}", f"{escaped(COMMANDS[command][0].upper() + COMMANDS[command][1:])}."]
    if not groups:
        return "\n\n".join([*parts, f"```text\n{text.strip()}\n```"]) + "\n"
    for group in groups:
        description, options = options_in(group["content"])
        parts += [f"## {escaped(group['title']).capitalize()}", *filter(None, [escaped(description)])]
        parts += [f"`{one.usage}`\n: {escaped(one.text)}" for one in options if not one.usage.startswith("-h")]
    return "\n\n".join(parts) + "\n"


def pages() -> Iterator[tuple[str, str]]:
    """The names and the Markdown of all pages, the list of commands first."""
    rows = [f"- [`vqecg {name}`]({name}.md): {escaped(text)}" for name, text in COMMANDS.items()]
    toctree = "\n".join(COMMANDS)
    yield (
        "index",
        f"# Commands\n\nEvery command, with all of its options, units and defaults, as `vqecg COMMAND {EVERYTHING}` "
        f"prints them. Options can stand in a file, too: `--config FILE.yaml`.\n\n{chr(10).join(rows)}\n\n"
        f"```{{toctree}}\n:hidden:\n\n{toctree}\n```\n",
    )
    for name in COMMANDS:
        yield name, command_page(name)
