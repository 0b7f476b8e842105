"""Which records a tokenizer or a generator was trained on, as the folders of their training tell."""

from pathlib import Path

import yaml

from vqecg.records.subset import TrainedOn
from vqecg.scripts.stage import SETTINGS_FILE, read_stage


def stage_trained_on(folder: Path) -> TrainedOn | None:
    """What `vqecg train-tokenizer` or `train-prior` trained on in `folder`; None where it does not say."""
    settings = (read_stage(folder) or {}).get("settings", {})
    return TrainedOn.from_dict(settings) if {"store", "folds"} <= set(settings) else None


def prior_trained_on(prior: TrainedOn, tokenizer: Path) -> dict[str, TrainedOn]:
    """What a generator keeps: the training records of its prior, and of its tokenizer where that folder tells."""
    seen = stage_trained_on(tokenizer)
    return {"prior": prior} | ({} if seen is None else {"tokenizer": seen})


def older_trained_on(folder: Path) -> dict[str, TrainedOn]:
    """The same for a generator saved before it kept this itself, from the folder of `vqecg train-prior` around it."""
    prior = stage_trained_on(folder)
    settings = folder / SETTINGS_FILE
    if prior is None or not settings.is_file():
        return {}
    named = yaml.safe_load(settings.read_text(encoding="utf-8")).get("tokenizer")
    tokenizer = Path(named) if named else folder
    figures = (read_stage(tokenizer) or {}).get("figures") or {}
    known = (read_stage(folder) or {})["settings"].get("tokenizer")
    same = figures.get("fingerprint") is not None and figures["fingerprint"] == known
    return prior_trained_on(prior, tokenizer) if same else {"prior": prior}
