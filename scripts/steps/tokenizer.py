"""From a store to a tokenizer, trained and measured."""

import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from vqecg.records.bounds import Checked
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainingSubset, split_rows
from vqecg.scripts.cli.arguments import plain
from vqecg.scripts.cli.cards import data_lines, tokenizer_card
from vqecg.scripts.cli.presets import SMALL, at_rate
from vqecg.scripts.cli.stage import Stage, alone, begin, described
from vqecg.tokenizer.metrics import assess_tokenizer
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.tokenizer.training import TokenizerTraining, train_tokenizer
from vqecg.training.checkpoint import fingerprint
from vqecg.training.processes import is_main_process


@dataclass(frozen=True)
class TokenizerStep(Checked):
    """The recordings, the folder of the tokenizer, and how it is trained."""

    store: Path  # folder that `vqecg prepare` wrote
    out: Path  # folder of the tokenizer
    folds: FoldSplit = field(default_factory=FoldSplit)
    training: TokenizerTraining = field(default_factory=lambda: SMALL.tokenizer)
    overwrite: bool = False  # start anew where --out holds a tokenizer of other settings
    start: Path | None = None  # folder of a tokenizer of the same shape, with whose weights training begins
    subset: TrainingSubset = field(default_factory=TrainingSubset)  # fewer training records, on purpose


@alone
def tokenizer_stage(step: TokenizerStep) -> Stage:
    """Trains, assesses and saves; a folder that is finished is left as it is."""
    store = RecordStore.open(step.store)
    rows = split_rows(store, step.folds, step.subset.of_recordings)
    learned = rows.every_training_row  # no labels are used
    settings = at_rate(step.training, store.spec.sampling_rate)
    identity = {"store": store.fingerprint, "folds": plain(step.folds), "training": plain(settings)}
    identity |= {"subset": step.subset.of_recordings.to_dict()} if step.subset.takes_records else {}
    start = None if step.start is None else ECGTokenizer.from_pretrained(step.start)
    identity |= {} if start is None else {"start": fingerprint(start)}
    stage = begin(step.out, "train-tokenizer", identity, step.overwrite, plain(step))
    if stage.figures is None:
        with stage:
            folder, progress = step.out / "training", is_main_process()
            trained = train_tokenizer(store, learned, rows.validation, settings, folder, progress, start)
            if not is_main_process():
                return stage  # the main process measures and saves
            measured_on = rows.test if len(rows.test) else rows.validation
            assessment = assess_tokenizer(trained.tokenizer, store, learned, measured_on)
            figures = asdict(assessment) | {
                "measured_on": "test" if len(rows.test) else "validation",
                "fingerprint": fingerprint(trained.tokenizer),
                "parameters": sum(parameter.numel() for parameter in trained.tokenizer.parameters()),
                "best_step": trained.result.best_step,
                "history": trained.result.history,
            }
            card = tokenizer_card(settings, data_lines(store, step.folds, step.subset.of_recordings), figures)
            trained.tokenizer.save_pretrained(step.out, card)
            stage = stage.finish(figures)
            shutil.rmtree(folder)
    return stage


@described
def summary(stage: Stage) -> str:
    """A few lines on what was measured."""
    if stage.figures is None:
        return ""  # a process that only helps to train
    figures, whole = stage.figures, stage.figures["prd"][-1]
    used = ", ".join(f"{100 * level['used']:.0f}" for level in figures["use"])
    return (
        f"tokenizer {figures['fingerprint']}: {figures['bit_rate']:.0f} bit/s, median PRD {whole['median']:.1f} % "
        f"(quartiles {whole['lower_quartile']:.1f} to {whole['upper_quartile']:.1f}) on {whole['records']:,} "
        f"{figures['measured_on']} records; codes used by level: {used} %\n"
        f"encodes {figures['encode_records_per_second']:.0f} and decodes {figures['decode_records_per_second']:.0f} "
        f"records a second; {stage.seconds / 60:.1f} minutes; {stage.folder}"
    )
