"""`vqecg encode`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vqecg.records.bounds import CountOrNone, Workers
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.cli.stage import alone
from vqecg.tokenizer.encoding import CodeStore

HELP = ShortHelp(
    example="vqecg encode --store runs/ptbxl/store --tokenizer runs/ptbxl/tokenizer --out runs/codes",
    options=("folds", "workers", "overwrite", "device"),
)


@dataclass(frozen=True)
class Arguments(OnDevice):
    """Options of `vqecg encode`."""

    store: Path  # folder that `vqecg prepare` wrote
    tokenizer: Path  # folder that `vqecg train-tokenizer` wrote
    out: Path  # folder of the codes; the same command again goes on after an interruption
    folds: tuple[CountOrNone, ...] = ()  # folds to encode; none = all records
    workers: Workers = 1  # processes, one thread each
    overwrite: bool = False  # replace earlier codes in --out


@alone
def run(arguments: Arguments) -> Outcome:
    """Encodes the store, or opens the codes when nothing has changed."""
    store = RecordStore.open(arguments.store)
    indices = chosen_rows(store, arguments.folds)
    codes = CodeStore.build(store, indices, arguments.tokenizer, arguments.out, arguments.workers, arguments.overwrite)
    config = codes.config
    figures = {"out": arguments.out, "records": len(codes), "frames": config["frames"], "levels": config["levels"]}
    return Outcome(
        figures | {"tokenizer": codes.tokenizer_fingerprint},
        f"{len(codes):,} records as {config['frames']} frames of {config['levels']} codes (tokenizer "
        f"{codes.tokenizer_fingerprint}) are in {arguments.out}",
    )


def chosen_rows(store: RecordStore, folds: tuple[int, ...]) -> np.ndarray:
    """The rows of these folds, all for none. Raises ValueError for a fold that has no record."""
    fold = store.table["fold"].to_numpy()
    empty = sorted(set(folds) - set(fold.tolist()))
    if empty:
        raise ValueError(f"folds {empty} have no record; the store has folds {sorted(set(fold.tolist()))}")
    return np.flatnonzero(np.isin(fold, folds)) if folds else np.arange(len(fold))
