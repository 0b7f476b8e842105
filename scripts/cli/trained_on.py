"""The records that a tokenizer or a generator was trained on, as the folders of their training say."""

from pathlib import Path

from vqecg.records.files.stage_file import read_stage
from vqecg.records.store.subset import TrainedOn


def stage_trained_on(folder: Path) -> TrainedOn | None:
    """The training records of `vqecg train-tokenizer` or `train-prior` in `folder`; None where it does not say."""
    settings = (read_stage(folder) or {}).get("settings", {})
    return TrainedOn.from_dict(settings) if {"store", "folds"} <= set(settings) else None


def prior_trained_on(prior: TrainedOn, tokenizer: Path) -> dict[str, TrainedOn]:
    """The training records of a generator: those of its prior, and of its tokenizer where that folder names them."""
    seen = stage_trained_on(tokenizer)
    return {"prior": prior} | ({} if seen is None else {"tokenizer": seen})
