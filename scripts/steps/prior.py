"""From a store and a tokenizer to a prior, and the generator that both make."""

import math
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from vqecg.prior.generator import ECGGenerator
from vqecg.prior.merged_conditions import LEAST, known_counts, merged_conditions
from vqecg.prior.packaged.places import GENERATOR_FOLDER
from vqecg.prior.requests import training_conditions
from vqecg.prior.training import PriorTraining, train_prior
from vqecg.records.bounds import Checked, Count
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainedOn, TrainingSubset, split_rows
from vqecg.scripts.cli.arguments import plain
from vqecg.scripts.cli.cards import data_lines, generator_card, known_line
from vqecg.scripts.cli.presets import SMALL
from vqecg.scripts.cli.stage import Stage, alone, begin, described
from vqecg.scripts.cli.trained_on import prior_trained_on
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import fingerprint
from vqecg.training.processes import is_main_process


@dataclass(frozen=True)
class PriorStep(Checked):
    """Recordings and tokenizer, the folder of the prior, and how it is trained."""

    store: Path  # folder that `vqecg prepare` wrote
    tokenizer: Path  # folder that `vqecg train-tokenizer` wrote
    out: Path  # folder of the prior; the generator (tokenizer and prior) is out/generator
    task: str = "all"  # labels it is asked with: all (SCP-ECG statements), own (the data's), or the classes of a task
    folds: FoldSplit = field(default_factory=FoldSplit)
    training: PriorTraining = field(default_factory=lambda: SMALL.prior)
    overwrite: bool = False  # start anew where --out holds a prior of other settings
    subset: TrainingSubset = field(default_factory=TrainingSubset)  # as in the tokenizer's training
    smallest_cell: Count = LEAST  # records behind a row of conditions.csv; 1 = the exact table, with single patients


@alone
def prior_stage(step: PriorStep) -> Stage:
    """Trains and saves prior and generator; a folder that is finished is left as it is."""
    store = step.subset.known_labels(RecordStore.open(step.store), step.folds)
    task = store.task(step.task)
    rows = split_rows(store, step.folds, step.subset, task)
    learned = rows.every_training_row if step.training.unlabelled else rows.train
    tokenizer = ECGTokenizer.from_pretrained(step.tokenizer)
    if tokenizer.config.sampling_rate != store.spec.sampling_rate:
        raise ValueError(
            f"the tokenizer is for {tokenizer.config.sampling_rate} Hz, the store holds {store.spec.sampling_rate} Hz: "
            "use the store it was trained on"
        )
    identity = {
        "store": store.fingerprint,
        "tokenizer": fingerprint(tokenizer),
        "task": step.task,
        "folds": plain(step.folds),
        "training": plain(step.training),
        **({"subset": plain(step.subset)} if step.subset.reduces else {}),
        **({} if step.smallest_cell == LEAST else {"smallest_cell": step.smallest_cell}),
    }
    stage = begin(step.out, "train-prior", identity, step.overwrite, plain(step))
    if stage.figures is None:
        with stage:
            training, folder = step.training, step.out / "training"
            # before hours of training: it refuses a task of which no record has all labels
            exact = training_conditions(store, rows.train, task, training.model.attributes)
            progress = is_main_process()
            trained = train_prior(store, learned, rows.validation, tokenizer, task, training, folder, progress)
            if not is_main_process():
                return stage  # the main process measures and saves
            figures = {
                "loss": trained.result.best_value,
                "beat_loss": trained.sketch.best["nats/beats"],
                "uniform": math.log(tokenizer.codebook_size),
                "parameters": sum(parameter.numel() for parameter in trained.prior.parameters()),
                "fingerprint": fingerprint(trained.prior),
                "steps": trained.result.steps,
                "best_step": trained.result.best_step,
                "codes_seen": trained.result.steps
                * training.fit.batch_size
                * trained.prior.config.frames
                * trained.prior.config.levels,
                "history": trained.result.history,
                "detail_loss": None if trained.detail is None else trained.detail.best_value,
            }
            conditions = exact if step.smallest_cell == 1 else merged_conditions(exact, step.smallest_cell)
            counts = known_counts(store.labels(task, rows.train, math.nan), task.class_names, step.smallest_cell)
            seen = prior_trained_on(TrainedOn(store.fingerprint, step.folds, step.subset), step.tokenizer)
            generator = ECGGenerator(tokenizer, trained.prior, task, conditions, store.spec.samples, seen, counts)
            data = data_lines(store, step.folds, step.subset) + known_line(len(learned), int(exact["count"].sum()))
            card = generator_card(training, task, data, figures, step.smallest_cell)
            generator.save_pretrained(step.out / GENERATOR_FOLDER, card, overwrite=True)
            stage = stage.finish(figures)
            shutil.rmtree(folder)
    return stage


@described
def summary(stage: Stage) -> str:
    """The losses, in a line."""
    if stage.figures is None:
        return ""  # a process that only helps to train
    figures = stage.figures
    return (
        f"prior {figures['fingerprint']}: {figures['parameters']:,} parameters, {figures['loss']:.3f} nats a code on "
        f"validation (a uniform guess: {figures['uniform']:.3f}), {figures['beat_loss']:.3f} a beat, best at step "
        f"{figures['best_step']:,} of {figures['steps']:,}; {stage.seconds / 60:.1f} minutes; "
        f"{stage.folder / GENERATOR_FOLDER}"
    )
