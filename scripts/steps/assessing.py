"""From synthetic ECGs and real ones to an assessment: utility, distance, physiology, memorisation."""

import datetime
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import pandas as pd
import tyro

from vqecg.downstream.assessment.assessment import assess
from vqecg.downstream.assessment.record_sets import RealData
from vqecg.downstream.assessment.results import Assessment
from vqecg.downstream.assessment.settings import AssessmentSettings
from vqecg.downstream.assessment.utility import MACRO
from vqecg.downstream.augmentation.generator_training import check_generator
from vqecg.downstream.classifiers.held_out import check_added
from vqecg.evaluation.privacy.released_set import EVERY
from vqecg.evaluation.waves.segmenter import WaveSegmenter
from vqecg.prior.generator import ECGGenerator
from vqecg.records.bounds import Checked
from vqecg.records.datasets.registry import read_table
from vqecg.records.export.layouts import LAYOUTS, PTBXL
from vqecg.records.files.atomic import write_text
from vqecg.records.files.json_file import read_object, reading
from vqecg.records.folds import TRAINING_FOLD, FoldSplit, SplitIndices
from vqecg.records.labels import LabelTask, TaskName
from vqecg.records.store.building import build_store, input_fingerprint
from vqecg.records.store.record_store import RecordStore, is_store
from vqecg.records.store.subset import TrainedOn, TrainingSubset, split_rows
from vqecg.reports.assessment.page import write_assessment_page
from vqecg.scripts.cli.arguments import plain
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.presets import SMALL
from vqecg.scripts.cli.stage import Stage, alone, begin, described
from vqecg.training.checkpoint import fingerprint

NO_GENERATOR = "No generator was given: whether these are the records that it was trained on was not checked."
RESULT, PAGE = "assessment.json", "assessment.html"
MEASURES = 2  # raised when the same settings measure something else: an assessment of before is not taken for it


@dataclass(frozen=True)
class AssessingStep(Checked):
    """Synthetic and real records, the folder of the assessment, and how it measures."""

    synthetic: Annotated[Path, tyro.conf.Positional]  # data set that `vqecg generate` wrote, or a store of one
    against: Path  # folder that `vqecg prepare` wrote: the real recordings
    out: Path  # folder of the assessment: assessment.json, assessment.html, and the classifiers
    task: TaskName = "superdiagnostic"
    segmenter: Path | None = None  # folder that `vqecg train-segmenter` wrote; without it no PR, QRS, QT and axis
    generator: Path | None = None  # the generator of SYNTHETIC: gives the tokenizer's ceiling and membership inference
    earlier: tuple[Path, ...] = ()  # folders of assessments against the same records, whose classifiers are taken over
    folds: FoldSplit = field(default_factory=FoldSplit)
    settings: Annotated[AssessmentSettings, tyro.conf.arg(name="")] = field(
        default_factory=lambda: AssessmentSettings(seeds=SMALL.seeds, training=SMALL.classifier)
    )
    allow_other_training: bool = False  # with a generator that was trained on other records: it is only remarked on
    overwrite: bool = False  # start anew where --out holds an assessment of other settings


@alone
def assessment_stage(step: AssessingStep) -> Stage:
    """Trains what is not trained yet, measures, and writes both files; a finished folder is only read."""
    settings, store = step.settings, RecordStore.open(step.against)
    task = store.task(step.task)
    rows = check_real(store, step.folds, task)
    print(rows.unlabelled_text(), end="\n" if rows.unlabelled_text() else "")
    real = RealData(store, rows, task)
    generator = None if step.generator is None else ECGGenerator.from_pretrained(step.generator)
    if generator is not None:
        wanted = TrainedOn(store.fingerprint, step.folds)
        remarks = check_generator(generator, store, wanted, step.allow_other_training, allow_silent=True)
        print("\n".join(remarks), end="\n" if remarks else "")
    else:
        remarks = (NO_GENERATOR,)
    remarks = (*remarks, *(f"Unknown labels: {text}." for text in [rows.unlabelled_text()] if text))
    segmenter = None if step.segmenter is None else WaveSegmenter.from_pretrained(step.segmenter)
    identity = {
        "measures": MEASURES,
        "real": store.fingerprint,
        "synthetic": synthetic_identity(step.synthetic, store),
        "task": step.task,
        "folds": plain(step.folds),
        "segmenter": None if segmenter is None else fingerprint(segmenter),
        "generator": None if generator is None else generator.fingerprint,
        "settings": plain(settings),
    }
    stage = begin(step.out, "assess", identity, step.overwrite, plain(step))
    if stage.figures is None:
        with stage:
            synthetic = open_synthetic(step, store)
            check_added(store, rows, [synthetic])
            folders = [folder / "runs" for folder in step.earlier]
            digests = code_digests(step.synthetic)
            assessment = assess(real, synthetic, settings, step.out, segmenter, generator, folders, digests)
            assessment = replace(assessment, about={**assessment.about, "remarks": list(remarks)})
            write_text(step.out / RESULT, json.dumps(assessment.to_dict(), indent=2) + "\n")
            write_assessment_page(assessment, step.out / PAGE, datetime.date.today().isoformat())
            stage = stage.finish({"ratios": assessment.to_dict()["ratios"]})
            for path in step.out.glob("reconstructions-*.npy"):
                path.unlink()
    return stage


def check_real(store: RecordStore, folds: FoldSplit, task: LabelTask) -> SplitIndices:
    """The rows of the real records by part. Raises ValueError for a synthetic store, and as `split_rows`."""
    if not folds.test:
        raise ValueError("no test fold; an assessment needs real records that nothing was trained on: name some")
    if set(store.table["fold"].unique()) == {TRAINING_FOLD}:
        raise ValueError(
            f"all records of {store.folder} are in fold {TRAINING_FOLD}, as those of synthetic sets are; expected real "
            "records in training and test folds: give --against the store of the real recordings"
        )
    return split_rows(store, folds, TrainingSubset(), task)


def synthetic_identity(folder: Path, store: RecordStore) -> str:
    """The fingerprint of the synthetic records, before anything is written."""
    if is_store(folder):
        return RecordStore.open(folder).fingerprint
    if not LAYOUTS.get(PTBXL)().holds(folder):
        raise ValueError(
            f"{folder} holds neither a data set that `vqecg generate` wrote in the layout {PTBXL} (ptbxl_database.csv, "
            "manifest.parquet) nor a store that `vqecg prepare` made of one"
        )
    return input_fingerprint(read_table(folder, store.spec.sampling_rate, "ptb-xl"), store.spec)


def open_synthetic(step: AssessingStep, store: RecordStore) -> RecordStore:
    """The store of the synthetic records; a data set is prepared into --out first, as the real ones were."""
    if is_store(step.synthetic):
        return RecordStore.open(step.synthetic)
    table = read_table(step.synthetic, store.spec.sampling_rate, "ptb-xl")
    return build_store(table, store.spec, step.out / "synthetic-store", overwrite=True)


def code_digests(folder: Path) -> list[str] | None:
    """The digest of every synthetic record's codes, or None where the manifest is not at hand or does not say."""
    path = folder / "manifest.parquet"
    manifest = pd.read_parquet(path) if path.is_file() else pd.DataFrame()
    return manifest["codes_sha256"].tolist() if "codes_sha256" in manifest else None


def read_assessment(folder: Path) -> Assessment:
    """The finished assessment in the folder of `vqecg assess`. Raises ValueError when it holds none."""
    path = folder / RESULT
    if not path.is_file():
        raise ValueError(f"{folder} holds no {RESULT}; expected the folder of a finished `vqecg assess`")
    with reading(path):
        return Assessment.from_dict(read_object(path))


def outcome(stage: Stage) -> Outcome:
    """The assessment, whole and in tables."""
    return Outcome.of_stage(stage, summary(stage), **read_assessment(stage.folder).to_dict())


@described
def summary(stage: Stage) -> str:
    """The tables, with N beside every figure."""
    assessment = read_assessment(stage.folder)
    about, memory = assessment.about, assessment.memorisation
    asked = assessment.adherence[assessment.adherence["note"] == ""]
    macro = assessment.utility[assessment.utility["class_name"] == MACRO].drop(columns=["class_name", "positives"])
    nearer = "share nearer to training than to held-out records (0.5 is none)"
    parts = [
        f"{about['synthetic_records']:,} synthetic records against {about['test_records']:,} real test records "
        f"({about['training_records']:,} real training records); {about['real']}\npolicy: {about['policy']}",
        *about.get("remarks", []),
        titled("utility, macro averages over classes, mean over seeds with interval", macro),
        titled("ratio and difference to TRTR", assessment.ratios),
        titled(f"distances from real test records ({about['features']}; physiology)", assessment.distances),
        titled("amplitudes, medians over records", assessment.amplitudes),
        titled("spectra and correlations against those of real test records", assessment.shapes),
        titled("label adherence", asked) if len(asked) else "label adherence: no statement with a rule asked for",
        titled("nearest training record", pd.DataFrame(memory["nearness"])),
        titled(nearer, pd.DataFrame(memory["nearer"])),
    ]
    of_all = [row for row in memory["released"] if row["label"] == EVERY]
    parts.append(titled("membership inference from the synthetic records alone", pd.DataFrame(of_all)))
    if memory["duplicates"]:
        parts.append(titled("repeated sequences of codes", pd.DataFrame([memory["duplicates"]])))
    if memory["membership"]:
        parts.append(titled("membership inference from the prior's likelihood", pd.DataFrame(memory["membership"])))
    return "\n\n".join([*parts, f"{stage.seconds / 60:.1f} minutes; {stage.folder / PAGE}"])


def titled(title: str, table: pd.DataFrame) -> str:
    """A table under its title."""
    return f"{title}\n{table.to_string(index=False, float_format='%.3f', na_rep='-')}"
