"""`vqecg simulate`."""

from dataclasses import dataclass
from pathlib import Path

from vqecg.records.bounds import Checked, Count, Hertz, Seconds, Seed
from vqecg.records.simulation.dataset import simulate_dataset
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.cli.stage import alone

HELP = ShortHelp(
    example="vqecg simulate --records 1000 --out data/simulated",
    options=("records", "sampling-rate", "seconds", "seed", "overwrite"),
    about="It needs no data and no model.",
)


@dataclass(frozen=True)
class Arguments(Checked):
    """Options of `vqecg simulate`."""

    out: Path  # folder of the new data set
    records: Count = 1000  # how many, at least 20
    sampling_rate: Hertz = 100  # samples a second, Hz
    seconds: Seconds = 10.0  # length of a record, s
    seed: Seed = 0  # another seed, other records
    overwrite: bool = False  # replace an earlier simulated data set in --out


@alone
def run(arguments: Arguments) -> Outcome:
    """Writes the data set."""
    simulate_dataset(
        arguments.out,
        arguments.records,
        arguments.seed,
        arguments.sampling_rate,
        arguments.seconds,
        arguments.overwrite,
    )
    figures = {"out": arguments.out, "records": arguments.records, "seed": arguments.seed}
    return Outcome(figures, f"{arguments.records:,} simulated records and their truth are in {arguments.out}")
