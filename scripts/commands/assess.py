"""`vqecg assess`."""

import datetime
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import tyro

from vqecg.downstream.assessment.assessment import Assessment, AssessmentSettings, RealData, assess
from vqecg.downstream.assessment.utility import MACRO, UtilitySettings
from vqecg.downstream.classifiers.models.registry import JUDGES
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.comparison.design import check_generator
from vqecg.evaluation.privacy.memorisation import MemorisationSettings
from vqecg.records.datasets.registry import read_table
from vqecg.records.export.ptbxl_layout import is_dataset
from vqecg.records.files.atomic import write_text
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore, input_fingerprint, is_store
from vqecg.records.store.subset import TrainedOn
from vqecg.reports.assessment.page import write_page
from vqecg.scripts.cli.arguments import plain
from vqecg.scripts.cli.presets import SMALL, preset
from vqecg.scripts.cli.stage import Stage, begin
from vqecg.scripts.commands.generate import TRAINING_FOLD
from vqecg.scripts.commands.train_classifier import check_added
from vqecg.scripts.commands.train_prior import load_generator
from vqecg.training.checkpoint import fingerprint

RESULT, PAGE = "assessment.json", "assessment.html"


@dataclass(frozen=True)
class Arguments:
    """Options of `vqecg assess`."""

    synthetic: Annotated[Path, tyro.conf.Positional]  # data set that `vqecg generate` wrote, or a store of one
    against: Path  # folder that `vqecg prepare` wrote: the real recordings
    out: Path  # folder of the assessment: assessment.json, assessment.html, and the classifiers
    task: str = "superdiagnostic"  # all, diagnostic, subdiagnostic, superdiagnostic, form, rhythm, cpsc2018 or own
    segmenter: Path | None = None  # folder that `vqecg train-segmenter` wrote; without it no PR, QRS, QT and axis
    generator: Path | None = None  # what made SYNTHETIC: gives the tokenizer's ceiling and membership inference
    earlier: tuple[Path, ...] = ()  # folders of assessments against the same records, whose classifiers are taken over
    preset: str = "small"  # tiny, small or base: the defaults of --seeds and --training
    folds: FoldSplit = field(default_factory=FoldSplit)
    families: tuple[str, ...] = JUDGES  # classifiers that judge; the first one's features are a space
    seeds: tuple[int, ...] = SMALL.seeds  # one classifier for each, in every family and design
    training: ClassifierSettings = field(default_factory=lambda: SMALL.classifier)  # --families names the model
    confidence: float = 0.95  # of the intervals
    replicates: int = 1000  # bootstrap draws of patients and seeds
    neighbours: int = 5  # that make a neighbourhood, for precision, recall, density and coverage
    seed: int = 0  # of draws of records and patients
    overwrite: bool = False  # start anew where --out holds an assessment of other settings

    @staticmethod
    def preset_defaults(name: str) -> dict[str, Any]:
        """What --preset sets."""
        chosen = preset(name)
        return {"seeds": chosen.seeds, "training": chosen.classifier}

    @property
    def settings(self) -> AssessmentSettings:
        """What the measures need of these."""
        utility = UtilitySettings(self.families, self.seeds, self.confidence, self.replicates, self.seed)
        memory = MemorisationSettings(self.replicates, self.confidence, seed=self.seed)
        return AssessmentSettings(utility, self.training, self.neighbours, memory, self.seed)


def run(arguments: Arguments) -> None:
    """Assesses and prints the tables."""
    run_assessment(arguments)


def run_assessment(arguments: Arguments) -> Stage:
    """Trains what is not trained yet, measures, and writes both files; a finished folder is only read."""
    settings, store = arguments.settings, RecordStore.open(arguments.against)
    rows = check_real(store, arguments.folds)
    real = RealData(store, rows, store.task(arguments.task))
    generator = None if arguments.generator is None else load_generator(arguments.generator)
    if generator is not None:
        for remark in check_generator(generator, TrainedOn(store.fingerprint, arguments.folds), allow_other=True):
            print(remark)
    segmenter = None if arguments.segmenter is None else load_segmenter(arguments.segmenter)
    identity = {
        "real": store.fingerprint,
        "synthetic": synthetic_identity(arguments.synthetic, store),
        "task": arguments.task,
        "folds": plain(arguments.folds),
        "segmenter": None if segmenter is None else fingerprint(segmenter),
        "generator": None if generator is None else generator.fingerprint,
        "settings": plain(settings),
    }
    stage = begin(arguments.out, "assess", identity, arguments.overwrite, plain(arguments))
    if stage.figures is None:
        with stage:
            synthetic = open_synthetic(arguments, store)
            check_added(store, rows, [synthetic])
            folders = [folder / "runs" for folder in arguments.earlier]
            digests = code_digests(arguments.synthetic)
            found = assess(real, synthetic, settings, arguments.out, segmenter, generator, folders, digests)
            write_text(arguments.out / RESULT, json.dumps(found.to_dict(), indent=2) + "\n")
            write_page(found, arguments.out / PAGE, datetime.date.today().isoformat())
            stage = stage.finish({"ratios": found.to_dict()["ratios"]})
            for path in arguments.out.glob("reconstructions-*.npy"):
                path.unlink()
    found = read_assessment(arguments.out)
    say(found, stage)
    return stage


def check_real(store: RecordStore, folds: FoldSplit) -> Any:
    """The rows of the real records by part. Raises ValueError for a synthetic store, and for folds without records."""
    if not folds.test:
        raise ValueError("no test fold; an assessment needs real records that nothing was trained on: name some")
    if set(store.table["fold"].unique()) == {TRAINING_FOLD}:
        raise ValueError(
            f"all records of {store.folder} are in fold {TRAINING_FOLD}, as those of synthetic sets are; expected real "
            "records in training and test folds: give --against the store of the real recordings"
        )
    return folds.indices(store.table)


def synthetic_identity(folder: Path, store: RecordStore) -> str:
    """What names the synthetic records, before anything is written."""
    if is_store(folder):
        return RecordStore.open(folder).fingerprint
    if not is_dataset(folder):
        raise ValueError(
            f"{folder} holds neither a data set that `vqecg generate` wrote (ptbxl_database.csv, manifest.parquet) nor "
            "a store that `vqecg prepare` made of one"
        )
    return input_fingerprint(read_table(folder, store.spec.sampling_rate, "ptb-xl"), store.spec)


def open_synthetic(arguments: Arguments, store: RecordStore) -> RecordStore:
    """The store of the synthetic records; a data set is prepared into --out first, as the real ones were."""
    if is_store(arguments.synthetic):
        return RecordStore.open(arguments.synthetic)
    table = read_table(arguments.synthetic, store.spec.sampling_rate, "ptb-xl")
    return RecordStore.build(table, store.spec, arguments.out / "synthetic-store", overwrite=True)


def code_digests(folder: Path) -> list[str] | None:
    """The digest of every synthetic record's codes, or None where the manifest is not at hand or does not say."""
    path = folder / "manifest.parquet"
    manifest = pd.read_parquet(path) if path.is_file() else pd.DataFrame()
    return manifest["codes_sha256"].tolist() if "codes_sha256" in manifest else None


def load_segmenter(folder: Path) -> Any:
    """The segmenter in a folder."""
    from vqecg.evaluation.waves.segmenter import WaveSegmenter

    return WaveSegmenter.from_pretrained(folder)


def read_assessment(folder: Path) -> Assessment:
    """The finished assessment in the folder of `vqecg assess`. Raises ValueError when it holds none."""
    path = folder / RESULT
    if not path.is_file():
        raise ValueError(f"{folder} holds no {RESULT}; expected the folder of a finished `vqecg assess`")
    return Assessment.from_dict(json.loads(path.read_text(encoding="utf-8")))


def say(found: Assessment, stage: Stage) -> None:
    """The tables, with N beside every figure."""
    about = found.about
    print(
        f"{about['synthetic_records']:,} synthetic records against {about['test_records']:,} real test records "
        f"({about['training_records']:,} real training records); {about['real']}"
    )
    print(f"policy: {about['policy']}")
    macro = found.utility[found.utility["class_name"] == MACRO].drop(columns=["class_name", "positives"])
    print_table("utility, macro averages over classes, mean over seeds with interval", macro)
    print_table("ratio and difference to TRTR", found.ratios)
    print_table(f"distances from real test records ({about['features']}; physiology)", found.distances)
    print_table("amplitudes, medians over records", found.amplitudes)
    print_table("spectra and correlations against those of real test records", found.shapes)
    asked = found.adherence[found.adherence["note"] == ""]
    if len(asked):
        print_table("label adherence", asked)
    else:
        print("\nlabel adherence: no statement with a rule asked for")
    memory = found.memorisation
    print_table("nearest training record", pd.DataFrame(memory["nearness"]))
    print_table("share nearer to training than to held-out records (0.5 is none)", pd.DataFrame(memory["nearer"]))
    if memory["duplicates"]:
        print_table("repeated sequences of codes", pd.DataFrame([memory["duplicates"]]))
    if memory["membership"]:
        print_table("membership inference from the prior's likelihood", pd.DataFrame(memory["membership"]))
    print(f"\n{stage.seconds / 60:.1f} minutes; {stage.folder / PAGE}")


def print_table(title: str, table: pd.DataFrame) -> None:
    """A table under its title."""
    print(f"\n{title}")
    print(table.to_string(index=False, float_format="%.3f", na_rep="-"))
