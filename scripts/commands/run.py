"""`vqecg run`: the subcommands one after the other, and the report. Each step's folder is what that subcommand alone
would write, so a run resumes step by step, and any step can be looked at or done again by itself."""

import datetime
import json
import shlex
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import yaml

from vqecg.downstream.augmentation.methods.registry import AugmentationSettings
from vqecg.downstream.classifiers.pretraining.simulated_first import simulated_classes
from vqecg.downstream.comparison.comparison import ComparisonSettings
from vqecg.downstream.comparison.design import Design
from vqecg.downstream.comparison.idle_mixing import without_idle_mixing
from vqecg.prior.generator import ECGGenerator
from vqecg.records.bounds import CountOrNone, PositiveFactor, Seed, Workers
from vqecg.records.datasets.reader import EmptyLabels
from vqecg.records.datasets.registry import AUTO, SourceName
from vqecg.records.export.layouts import OutputSettings, is_dataset
from vqecg.records.files.atomic import write_text
from vqecg.records.files.lock import lock_beside
from vqecg.records.files.reuse import reuse
from vqecg.records.files.shards import shards_beside
from vqecg.records.folds import FoldSplit
from vqecg.records.labels import OWN, LabelTask, TaskName
from vqecg.records.store.record_store import RecordStore, is_store
from vqecg.records.store.signal_spec import SignalSpec
from vqecg.records.store.subset import TrainingSubset, split_rows
from vqecg.reports.run.folders import RunFolders, read_costs
from vqecg.reports.run.gathering import gather
from vqecg.reports.run.report import write_report
from vqecg.scripts.cli.arguments import plain
from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.presets import SMALL, Preset, at_rate, preset
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.cli.stage import Stage, alone
from vqecg.scripts.cli.step_cost import StepCost, keep_cost
from vqecg.scripts.steps import classifier, comparing, preparing, prior, tokenizer
from vqecg.scripts.steps.classifier import ClassifierStep
from vqecg.scripts.steps.comparing import ComparingStep
from vqecg.scripts.steps.designing import judged_lines, main_arm_text, with_mixture
from vqecg.scripts.steps.gating import GateRecords
from vqecg.scripts.steps.generating import GeneratingStep, generate
from vqecg.scripts.steps.preparing import PreparingStep
from vqecg.scripts.steps.prior import PriorStep
from vqecg.scripts.steps.tokenizer import TokenizerStep

SYNTHETIC_FILE = "synthetic.json"  # all that the synthetic data set depends on


HELP = ShortHelp(
    example="vqecg run --data data/ptb-xl --task superdiagnostic --preset small --out runs/ptbxl",
    options=("preset", "task", "target-classes", "ratio", "labels-csv", "unlabelled", "workers", "seed", "device"),
    about="An interrupted run goes on when the same command is given again.",
)


@dataclass(frozen=True)
class Arguments(OnDevice):
    """Options of `vqecg run`."""

    data: Path  # folder of ECGs: PTB-XL, CPSC2018, Challenge 2020/2021, or WFDB files with a csv of labels
    out: Path  # folder of the run; the report is out/report.html; the same command again goes on where it stopped
    task: TaskName = "superdiagnostic"
    prior_task: str = "all"  # labels that the prior is asked with: all statements, own, or the classes of a task
    preset: str = "small"  # tiny, small or base: the defaults of --settings
    folds: FoldSplit = field(default_factory=FoldSplit)
    spec: SignalSpec = field(default_factory=SignalSpec)
    source: SourceName = AUTO
    labels_csv: Path | None = None  # csv with the labels, for a folder of WFDB files
    label_columns: tuple[str, ...] = ()  # columns of that csv that hold labels; none: guessed, and said
    target_classes: tuple[str, ...] = ()  # classes to add records to; none = all with under a third of the commonest's
    ratio: PositiveFactor = 0.5  # target classes are filled up to this fraction of the commonest class
    synthetic: CountOrNone = 0  # records of the synthetic data set; 0 = as many as there are training records
    settings: Preset = field(default_factory=lambda: SMALL)
    workers: Workers = 1  # processes that read recordings and that sample, one thread each
    seed: Seed = 0  # of sampling and additions; those of training are in --settings
    overwrite: bool = False  # do steps in --out again whose settings differ
    subset: TrainingSubset = field(default_factory=TrainingSubset)  # fewer training records, in every step
    ignore_checksums: bool = False  # take records whose first values or checksums are not those of their headers
    empty_labels: EmptyLabels = ""
    # folder of more recordings, of which no label is known: the tokenizer learns from them, and the prior where
    # --settings.prior.unlabelled says so
    unlabelled: Path | None = None

    model_option: ClassVar[str] = "settings.classifier.model"

    @staticmethod
    def preset_defaults(name: str, model: str = "") -> dict[str, Any]:
        """The defaults that --preset sets, and the recipe of a classifier."""
        return {"settings": preset(name, model)}


@alone
def run(arguments: Arguments) -> Outcome:
    """Does what is not done yet, and writes the report."""
    check(arguments)
    places = RunFolders(arguments.out)
    settings, folds, again = arguments.settings, arguments.folds, arguments.overwrite

    say(1, "prepare", "read the recordings once")
    store = arguments.subset.known_labels(prepared_store(arguments, places), folds)
    if not places.settings.is_file():
        write_settings(arguments, places)
    rows = split_rows(store, folds, arguments.subset, store.task(arguments.task))
    comparison = planned_comparison(arguments, places, store)

    say(2, "train-tokenizer", "learn to turn ECGs into codes and back")
    shared: dict[str, Any] = {"folds": folds, "subset": arguments.subset, "overwrite": again}
    stage = tokenizer.tokenizer_stage(
        TokenizerStep(places.store, places.tokenizer, training=settings.tokenizer, **shared)
    )
    keep(places, "train-tokenizer", stage, tokenizer.summary(stage))

    say(3, "train-prior", "learn to write codes for labels")
    learning = {"task": arguments.prior_task, "training": settings.prior, **shared}
    stage = prior.prior_stage(PriorStep(places.store, places.tokenizer, places.prior, **learning))
    keep(places, "train-prior", stage, prior.summary(stage))

    say(4, "generate", "write a synthetic data set with the labels of the training records")
    with StepCost(places, "generate", places.synthetic_store):
        make_synthetic(arguments, places, arguments.synthetic or len(rows.train))

    say(5, "train-classifier", "on synthetic records alone, tested on real ones")
    stage = classifier.classifier_stage(classifier_step(arguments, places))
    keep(places, "train-classifier (synthetic only)", stage, classifier.summary(stage))

    say(6, "compare", "what added records do for a classifier")
    stage = comparing.comparison_stage(comparison)
    keep(places, "compare", stage, comparing.summary(stage))

    say(7, "report", "all of it on one page")
    write_settings(arguments, places)
    command = shlex.join(["vqecg", *sys.argv[1:]]) if Path(sys.argv[0]).name.startswith("vqecg") else "vqecg run"
    today = datetime.date.today().isoformat()
    shown = gather(places, arguments.task, folds, settings.sampling, command, today, arguments.subset)
    write_report(shown, places.report)
    compared = comparing.figures_of(comparing.comparison_of(places.comparison))
    figures = {"out": places.out, "report": places.report, "costs": read_costs(places), "comparison": compared}
    return Outcome(figures, f"the report is {places.report}")


def prepared_store(arguments: Arguments, places: RunFolders) -> RecordStore:
    """The store of the recordings, built or opened."""
    step = PreparingStep(
        arguments.data,
        places.store,
        arguments.spec,
        arguments.source,
        arguments.labels_csv,
        arguments.label_columns,
        arguments.workers,
        arguments.overwrite,
        arguments.ignore_checksums,
        arguments.empty_labels,
        arguments.unlabelled,
    )
    with StepCost(places, "prepare", places.store):
        store = preparing.prepare(step)
        print(preparing.summary(store))
    return store


def planned_comparison(arguments: Arguments, places: RunFolders, store: RecordStore) -> ComparingStep:
    """The comparison, without the arms that could do nothing.

    It is looked at before hours of training: whether there is a class to add to, a record to add, and patients to judge
    it by. Prints that; raises ValueError as `plan_of_labels`.
    """
    rows = split_rows(store, arguments.folds, arguments.subset, store.task(arguments.task))
    records = len(rows.train)
    known = bool(simulated_classes(store.task(arguments.task)))
    step = comparing_step(arguments, places, records, len(rows.unlabelled), known)
    print(main_arm_text(step.design, arguments.settings.mixture, records))
    for line in judged_lines(step.comparison, arguments.prior_task, store, rows):
        print(line)
    design, idle = without_idle_mixing(step.design, store)
    if idle:
        print(f"left out: {', '.join(idle)}; no two training records of the target classes can be mixed")
    return replace(step, design=design) if idle else step


def check(arguments: Arguments) -> None:
    """Raises ValueError, before anything is written, for what would only fail after hours: see the messages."""
    settings = arguments.settings
    if not arguments.folds.validation or not arguments.folds.test:
        raise ValueError("no validation or no test fold; `vqecg run` needs both: name some of 1-10 for each")
    for name in {arguments.task, arguments.prior_task} - {OWN}:
        LabelTask.named(name)
    at_rate(settings.tokenizer, arguments.spec.sampling_rate)
    if settings.prior.model.levels > settings.tokenizer.model.levels:
        raise ValueError(
            f"the prior is to model {settings.prior.model.levels} levels, the tokenizer has "
            f"{settings.tokenizer.model.levels}: ask for no more than these"
        )
    ComparisonSettings(seeds=settings.seeds)
    with_mixture(Design(training=settings.classifier, seeds=settings.seeds), settings.mixture, 0).check()
    places = RunFolders(arguments.out)
    # of a first step that was interrupted
    waiting = {shards_beside(places.store), lock_beside(places.store)}
    empty = not places.out.exists() or (places.out.is_dir() and set(places.out.resolve().iterdir()) <= waiting)
    if not empty and not places.settings.is_file() and not is_store(places.store):
        raise ValueError(f"{places.out} holds something else than a run: give --out another folder")


def write_settings(arguments: Arguments, places: RunFolders) -> None:
    """Writes the settings of the run as YAML, which --config reads."""
    write_text(places.settings, yaml.safe_dump(plain(arguments), sort_keys=False))


def classifier_step(arguments: Arguments, places: RunFolders) -> ClassifierStep:
    """The classifier that is trained on synthetic records alone."""
    return ClassifierStep(
        places.store,
        places.classifier,
        arguments.task,
        (places.synthetic_store,),
        real=False,
        folds=arguments.folds,
        training=arguments.settings.classifier,
        seed=arguments.settings.seeds[0],
        overwrite=arguments.overwrite,
        subset=arguments.subset,
    )


def comparing_step(
    arguments: Arguments, places: RunFolders, records: int, unlabelled: int, simulated: bool
) -> ComparingStep:
    """The comparison, for so many labelled training records, and so many without labels, of classes that the simulator
    knows or not."""
    making = AugmentationSettings.of_comparison(arguments.settings.sampling)
    design = Design(
        task=arguments.task,
        target_classes=arguments.target_classes,
        ratio=arguments.ratio,
        seeds=arguments.settings.seeds,
        folds=arguments.folds,
        subset=arguments.subset,
        training=arguments.settings.classifier,
        augmentation=replace(making, seed=arguments.seed),
    )
    return ComparingStep(
        places.store,
        places.comparison,
        places.prior,
        design=with_mixture(design, arguments.settings.mixture, records, unlabelled, simulated),
        overwrite=arguments.overwrite,
    )


def keep(places: RunFolders, step: str, stage: Stage, summary: str) -> None:
    """Prints what a step came to, and writes down what it cost."""
    print(summary)
    keep_cost(places, step, stage.seconds, stage.content["peak_memory_mb"])


def say(number: int, step: str, what: str) -> None:
    """Prints the step that begins."""
    print(f"\n[{number}/7] {step}: {what}", flush=True)


def make_synthetic(arguments: Arguments, places: RunFolders, count: int) -> None:
    """The synthetic data set and its store; made again only when the generator or the settings are others."""
    wanted = {
        "generator": ECGGenerator.from_pretrained(places.prior).fingerprint,
        "count": count,
        "seed": arguments.seed,
        "sampling": plain(arguments.settings.sampling),
        "folds": plain(arguments.folds),  # of the gate against copies
        **({"subset": plain(arguments.subset)} if arguments.subset.reduces else {}),
    }
    done = reuse(places.out, wanted, SYNTHETIC_FILE, overwrite=True)
    if not done or not is_dataset(places.synthetic):
        generating = GeneratingStep(
            places.prior,
            places.synthetic,
            count=count,
            sampling=arguments.settings.sampling,
            seed=arguments.seed,
            compared=GateRecords(places.store, arguments.folds, arguments.subset),
            workers=arguments.workers,
            # at the rate that is trained on next: 500 Hz files would be six times as large
            output=OutputSettings(rates=(arguments.spec.sampling_rate,), overwrite=True),
        )
        print(generate(generating))
        write_text(places.out / SYNTHETIC_FILE, json.dumps(wanted, indent=2) + "\n")
    spec = RecordStore.open(places.store).spec
    step = PreparingStep(places.synthetic, places.synthetic_store, spec, "ptb-xl", overwrite=True)
    print(preparing.summary(preparing.prepare(step)))
