"""`vqecg download`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from vqecg.records.bounds import Checked, Workers
from vqecg.records.datasets.download import download
from vqecg.records.files.lock import locked
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp

HELP = ShortHelp(
    example="vqecg download ptb-xl data/ptb-xl --only 'records100/*' '*.csv'",
    options=("only", "threads", "base-url"),
)


@dataclass(frozen=True)
class Arguments(Checked):
    """Options of `vqecg download`."""

    dataset: Annotated[str, tyro.conf.Positional]  # ptb-xl, challenge-2020, challenge-2021 or ludb
    folder: Annotated[Path, tyro.conf.Positional]  # where to; run it again to go on after an interruption
    only: tuple[str, ...] = ()  # patterns of the files wanted, such as 'records100/*' '*.csv'; none = all
    base_url: str | None = None  # another address that serves the same files
    threads: Workers = 4  # files at a time


def run(arguments: Arguments) -> Outcome:
    """Fetches the data set."""
    with locked(arguments.folder):
        done = download(arguments.dataset, arguments.folder, arguments.base_url, arguments.only, arguments.threads)
    text = f"{done.fetched:,} files fetched, {done.already_there:,} were there already: {done.folder}"
    return Outcome({"out": done.folder, "fetched": done.fetched, "already_there": done.already_there}, text)
