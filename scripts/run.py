"""`vqecg run`: the subcommands one after the other, and the report. Each step's folder is what that subcommand alone
would write, so a run resumes step by step, and any step can be looked at or done again by itself."""

import datetime
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from vqecg.downstream.report import write_report
from vqecg.records.folds import FoldSplit
from vqecg.records.preprocessing import SignalSpec
from vqecg.records.store import RecordStore
from vqecg.records.writing import is_dataset
from vqecg.scripts import compare, generate, prepare, train_classifier, train_prior, train_tokenizer
from vqecg.scripts.arguments import plain
from vqecg.scripts.presets import SMALL, Preset, preset
from vqecg.scripts.run_report import RunFolders, StepCost, gather, keep_cost
from vqecg.training.checkpoint import write_text


@dataclass(frozen=True)
class Arguments:
    """Options of `vqecg run`."""

    data: Path  # folder of ECGs: PTB-XL, CPSC2018, Challenge 2020/2021, or WFDB files with a csv of labels
    out: Path  # folder of the run; the report is out/report.html
    task: str = "superdiagnostic"  # all, diagnostic, subdiagnostic, superdiagnostic, form, rhythm or cpsc2018
    preset: str = "small"  # tiny, small or base: the defaults of --settings
    folds: FoldSplit = field(default_factory=FoldSplit)
    spec: SignalSpec = field(default_factory=SignalSpec)
    source: str = "auto"  # auto, ptb-xl, cpsc2018, challenge or folder
    labels_csv: Path | None = None  # csv with the labels, for a folder of WFDB files
    target_classes: tuple[str, ...] = ()  # classes to add records to; none = all with under a third of the commonest's
    ratio: float = 0.5  # target classes are filled up to this fraction of the commonest class
    synthetic: int = 0  # records of the synthetic data set; 0 = as many as there are training records
    settings: Preset = field(default_factory=lambda: SMALL)
    workers: int = 1  # processes that read recordings
    seed: int = 0  # of sampling and additions
    overwrite: bool = False  # do steps in --out again whose settings differ

    @staticmethod
    def preset_defaults(name: str) -> dict[str, Any]:
        """What --preset sets."""
        return {"settings": preset(name)}


def run(arguments: Arguments) -> None:
    """Does what is not done yet, and writes the report."""
    if not arguments.folds.validation or not arguments.folds.test:
        raise ValueError("no validation or no test fold; `vqecg run` needs both: name some of 1-10 for each")
    places = RunFolders(arguments.out)
    open_run(arguments, places)
    settings, folds, again = arguments.settings, arguments.folds, arguments.overwrite

    say(1, "prepare", "read the recordings once")
    with StepCost(places, "prepare"):
        reading = (arguments.spec, arguments.source, arguments.labels_csv, arguments.workers, again)
        store = prepare.prepare(prepare.Arguments(arguments.data, places.store, *reading))
    rows = folds.indices(store.table)

    say(2, "train-tokenizer", "learn to turn ECGs into codes and back")
    stage = train_tokenizer.train(
        train_tokenizer.Arguments(
            places.store, places.tokenizer, arguments.preset, folds, settings.tokenizer, overwrite=again
        )
    )
    keep_cost(places, "train-tokenizer", stage.seconds, stage.content["peak_memory_mb"])

    say(3, "train-prior", "learn to write codes for labels")
    stage = train_prior.train(
        train_prior.Arguments(
            places.store,
            places.tokenizer,
            places.prior,
            arguments.task,
            arguments.preset,
            folds,
            settings.prior,
            overwrite=again,
        )
    )
    keep_cost(places, "train-prior", stage.seconds, stage.content["peak_memory_mb"])

    say(4, "generate", "write a synthetic data set with the labels of the training records")
    with StepCost(places, "generate"):
        count = arguments.synthetic or len(rows.train)
        make_synthetic(arguments, places, count)

    say(5, "train-classifier", "on synthetic records alone, tested on real ones")
    stage = train_classifier.train(
        train_classifier.Arguments(
            places.store,
            places.classifier,
            arguments.task,
            (places.synthetic_store,),
            real=False,
            folds=folds,
            training=settings.classifier,
            seed=settings.seeds[0],
            overwrite=again,
        )
    )
    keep_cost(places, "train-classifier (synthetic only)", stage.seconds, stage.content["peak_memory_mb"])

    say(6, "compare", "what added records do for a classifier")
    stage = compare.run_comparison(
        compare.Arguments(
            places.store,
            places.prior,
            places.comparison,
            arguments.target_classes,
            arguments.ratio,
            settings.seeds,
            arguments.preset,
            folds,
            settings.classifier,
            settings.sampling,
            seed=arguments.seed,
            overwrite=again,
        )
    )
    keep_cost(places, "compare", stage.seconds, stage.content["peak_memory_mb"])

    say(7, "report", "all of it on one page")
    command = shlex.join(["vqecg", *sys.argv[1:]]) if Path(sys.argv[0]).name.startswith("vqecg") else "vqecg run"
    today = datetime.date.today().isoformat()
    write_report(gather(places, arguments.task, folds, settings.sampling, command, today), places.report)
    print(f"the report is {places.report}")


def say(number: int, step: str, what: str) -> None:
    """Which step begins."""
    print(f"\n[{number}/7] {step}: {what}", flush=True)


def open_run(arguments: Arguments, places: RunFolders) -> None:
    """Makes the folder of the run and writes its settings. Raises ValueError when it holds something else."""
    folder, settings = arguments.out, places.settings
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not settings.is_file())):
        raise ValueError(f"{folder} holds something else than a run (no {settings.name}): give --out another folder")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(settings, yaml.safe_dump(plain(arguments), sort_keys=False))


def make_synthetic(arguments: Arguments, places: RunFolders, count: int) -> None:
    """The synthetic data set and its store; made again only when the generator or the settings are others."""
    wanted = {
        "generator": train_prior.load_generator(places.prior).fingerprint,
        "count": count,
        "seed": arguments.seed,
        "sampling": plain(arguments.settings.sampling),
    }
    mark = places.synthetic.with_name("synthetic.yaml")
    done = yaml.safe_load(mark.read_text(encoding="utf-8")) if mark.is_file() else None
    if not is_dataset(places.synthetic) or done != wanted:
        generate.generate(
            generate.Arguments(
                places.prior,
                places.synthetic,
                count=count,
                sampling=arguments.settings.sampling,
                seed=arguments.seed,
                overwrite=True,
            )
        )
        write_text(mark, yaml.safe_dump(wanted, sort_keys=False))
    spec = RecordStore.open(places.store).spec
    prepare.prepare(prepare.Arguments(places.synthetic, places.synthetic_store, spec, "ptb-xl", overwrite=True))
