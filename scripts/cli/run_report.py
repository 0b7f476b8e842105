"""What the report of a run says, gathered from the folders of its steps."""

import math
import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml

from vqecg.downstream.assessment.realism import (
    auroc_table,
    largest_einthoven_residual,
    mean_scores,
    signal_checks,
)
from vqecg.downstream.classifiers.models.registry import classifier_class
from vqecg.downstream.classifiers.signals import StoreSignals
from vqecg.downstream.comparison.comparison import read_comparison
from vqecg.downstream.comparison.results import Comparison
from vqecg.prior.config import SamplingSettings
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.datasets.registry import read_table
from vqecg.records.folds import FoldSplit, SplitIndices
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainingSubset, split_rows
from vqecg.reports.comparison.page import section_of
from vqecg.reports.run.report import (
    CostSection,
    DataSection,
    ECGSheet,
    LearningCurve,
    PriorSection,
    ReportData,
    TokenizerSection,
)
from vqecg.scripts.cli.cards import text
from vqecg.scripts.cli.run_folders import RunFolders, read_costs
from vqecg.scripts.cli.stage import read_stage
from vqecg.scripts.commands.train_prior import load_generator
from vqecg.tokenizer.metrics import encode_store, prd, reconstruct
from vqecg.tokenizer.modeling import ECGTokenizer


@dataclass(frozen=True)
class RunParts:
    """What several sections are made from."""

    places: RunFolders
    store: RecordStore
    rows: SplitIndices
    task: LabelTask
    labels: np.ndarray  # (records, classes), of the store
    synthetic: RecordStore
    classifiers: tuple[torch.nn.Module, ...]  # trained on real records, one a seed
    test_scores: np.ndarray  # (test records, classes) of these, averaged


def gather(
    places: RunFolders,
    task_name: str,
    folds: FoldSplit,
    sampling: SamplingSettings,
    command: str,
    date: str,
    subset: TrainingSubset | None = None,
) -> ReportData:
    """Everything in the report of a finished run."""
    store, synthetic = RecordStore.open(places.store), RecordStore.open(places.synthetic_store)
    rows, task = split_rows(store, folds, subset or TrainingSubset()), store.task(task_name)
    comparison = read_comparison(places.comparison / "runs")
    classifiers = real_classifiers(places, comparison)
    scores = mean_scores(classifiers, StoreSignals(store, rows.test))
    parts = RunParts(places, store, rows, task, store.labels(task), synthetic, classifiers, scores)
    settings = yaml.safe_load(places.settings.read_text(encoding="utf-8"))
    return ReportData(
        title="Synthetic ECGs and what they do for a classifier",
        date=date,
        data_description=store.description,
        version=version("vqecg"),
        command=command,
        settings=yaml.safe_dump(
            {name: value for name, value in settings.items() if name not in ("data", "out", "labels_csv")},
            sort_keys=False,
        ),
        data=data_section(parts, folds, comparison),
        tokenizer=tokenizer_section(parts),
        prior=prior_section(parts, sampling),
        comparison=section_of(comparison),
        cost=cost_section(places),
        method=method_sentences(folds, comparison),
    )


def real_classifiers(places: RunFolders, comparison: Comparison) -> tuple[torch.nn.Module, ...]:
    """The comparison's classifiers that were trained on real records only."""
    kind: Any = classifier_class(comparison.settings["model"])
    return tuple(
        kind.from_pretrained(places.comparison / "runs" / f"real-only-{seed}" / "model") for seed in comparison.seeds
    )


def data_section(parts: RunParts, folds: FoldSplit, comparison: Comparison) -> DataSection:
    """Records, patients and labels of each part; what the quality check left out."""
    added = (read_stage(parts.places.comparison) or {})["figures"]["added"]
    named = {"train": parts.rows.train, "validation": parts.rows.validation, "test": parts.rows.test}
    patients = parts.store.table["patient_id"]
    table = pd.DataFrame(
        [
            (name, text(getattr(folds, name)), patients.iloc[own][patients.iloc[own] != ""].nunique(), len(own))
            for name, own in named.items()
        ],
        columns=["part", "folds", "patients", "records"],
    )
    counts = {name: parts.labels[own].sum(0).astype(int) for name, own in named.items()}
    label_counts = pd.DataFrame(
        {
            "class_name": parts.task.class_names,
            "train_before": counts["train"],
            "train_after": counts["train"] + np.array([added[name] for name in parts.task.class_names]),
            "validation": counts["validation"],
            "test": counts["test"],
        }
    )
    rejected = {str(reason): int(count) for reason, count in parts.store.rejected["reason"].value_counts().items()}
    return DataSection(table, rejected, label_counts, f"every adding arm, {comparison.analysis.main_arm} among them")


def tokenizer_section(parts: RunParts) -> TokenizerSection:
    """PRD by number of levels, codebook use, what a real-trained classifier reads, three reconstructions."""
    figures = (read_stage(parts.places.tokenizer) or {})["figures"]
    tokenizer = ECGTokenizer.from_pretrained(parts.places.tokenizer)
    test, samples = parts.rows.test, parts.store.spec.samples
    codes = encode_store(tokenizer, parts.store, test, progress=False)
    decoded = reconstruct(tokenizer, codes, samples).numpy()
    original = torch.from_numpy(parts.store.signals(test))
    found = prd(original, torch.from_numpy(decoded)).numpy()
    config = tokenizer.config
    per_level = config.bit_rate / config.levels
    levels = pd.DataFrame(
        [
            {
                "levels": row["levels"],
                "bit_rate": row["levels"] * per_level,
                "prd_lower": row["lower_quartile"],
                "prd_median": row["median"],
                "prd_upper": row["upper_quartile"],
                "codes_used": round(use["used"] * config.codebook_size),
                "codebook_size": config.codebook_size,
                "perplexity": use["perplexity"],
            }
            for row in figures["prd"]
            for use in [figures["use"][row["levels"] - 1]]
        ]
    )
    truth = parts.labels[test]
    table = auroc_table(
        parts.task.class_names,
        {
            "original": (truth, parts.test_scores),
            "reconstruction": (truth, mean_scores(parts.classifiers, decoded)),
        },
    )
    order = np.argsort(found)
    sheets = tuple(
        ECGSheet(
            original[row].numpy(),
            config.sampling_rate,
            f"Test record {parts.store.table['record_id'].iloc[test[row]]}, labels "
            f"{', '.join(parts.task.names(truth[row])) or 'none'}: PRD {found[row]:.1f} %, the {what} of all",
            decoded[row],
        )
        for what, row in zip(
            ("lower quartile", "median", "upper quartile"),
            (order[len(order) * k // 4] for k in (1, 2, 3)),
            strict=True,
        )
    )
    history = pd.DataFrame(figures["history"])
    curve = LearningCurve(
        history,
        {
            "Loss (error over signal energy)": ("train/loss/time",),
            "PRD on validation, %": ("prd/median", "prd/half_levels"),
        },
        figures["best_step"],
    )
    described = {
        "Signal": f"8 leads, {config.sampling_rate} Hz, {parts.store.spec.seconds:g} s",
        "Frame rate": f"{config.frame_rate:g} Hz",
        "Codebooks": f"{config.levels} levels of {config.codebook_size} codes",
        "Parameters": f"{figures['parameters']:,}",
        "Speed": f"{figures['encode_records_per_second']:.0f} records encoded, "
        f"{figures['decode_records_per_second']:.0f} decoded a second",
    }
    return TokenizerSection(described, levels, len(test), table, curve, sheets)


def prior_section(parts: RunParts, sampling: SamplingSettings) -> PriorSection:
    """Learning curve, what classifiers say of the synthetic records, plain measures, examples of each label."""
    figures = (read_stage(parts.places.prior) or {})["figures"]
    generator = load_generator(parts.places.prior)
    config, synthetic = generator.prior.config, parts.synthetic
    names, truth = parts.task.class_names, parts.labels[parts.rows.test]
    own = StoreSignals(synthetic, np.arange(len(synthetic)))
    asked = synthetic.labels(synthetic.same_task(parts.task))
    real, rate = (truth, parts.test_scores), synthetic.spec.sampling_rate
    kind: Any = classifier_class((read_stage(parts.places.classifier) or {})["settings"]["training"]["model"])
    test = StoreSignals(parts.store, parts.rows.test)
    # one classifier against one, of the same seed: the others' average would be a stronger opponent
    trtr = (truth, mean_scores(parts.classifiers[:1], test))
    tstr = (truth, mean_scores([kind.from_pretrained(parts.places.classifier)], test))
    history = pd.DataFrame(figures["history"])
    levels = tuple(f"nats/level_{level}" for level in range(config.levels))
    described = {
        "Model": f"{config.backbone}, {config.layers} layers, {figures['parameters']:,} parameters",
        "Levels modelled": f"{config.levels} of {generator.tokenizer.num_levels}",
        "Loss": f"{figures['loss']:.3f} nats a code on validation (a uniform guess: {figures['uniform']:.3f})",
        "Sampling": f"temperature {sampling.temperature:g}, top-p {sampling.top_p:g}, guidance {sampling.guidance:g}",
    }
    return PriorSection(
        settings=described,
        training_tokens=figures["codes_seen"],
        records=len(synthetic),
        einthoven_residual=largest_einthoven_residual(read_table(parts.places.synthetic, rate, "ptb-xl")),
        trts=auroc_table(names, {"real": real, "synthetic": (asked, mean_scores(parts.classifiers, own))}),
        tstr=auroc_table(names, {"real": trtr, "synthetic": tstr}),
        checks=signal_checks(test, own, rate),
        curve=LearningCurve(
            history, {"Nats a code": ("train/loss", "loss"), "Validation, by level": levels}, figures["best_step"]
        ),
        examples=example_sheets(synthetic, asked, parts.task),
    )


def example_sheets(synthetic: RecordStore, asked: np.ndarray, task: LabelTask, most: int = 12) -> tuple[ECGSheet, ...]:
    """The first synthetic record with each label (with that one alone, if there is one), not a chosen one."""
    sheets = []
    for column, name in enumerate(task.class_names[:most]):
        having = np.flatnonzero(asked[:, column])
        if len(having) == 0:
            continue
        alone = having[asked[having].sum(1) == 1]
        row = int(alone[0] if len(alone) else having[0])
        signal, about = synthetic.signals(np.array([row]))[0], synthetic.table.iloc[row]
        beats = np.diff(find_r_peaks(signal, synthetic.spec.sampling_rate)) / synthetic.spec.sampling_rate
        rate = f", heart rate {60 / np.median(beats):.0f}/min" if len(beats) else ""
        age = "any age" if math.isnan(about["age"]) else f"{about['age']:.0f} years"
        sex = "any sex" if about["sex"] == "unknown" else about["sex"]
        wanted = " + ".join(task.names(asked[row]))
        sheets.append(
            ECGSheet(
                signal,
                synthetic.spec.sampling_rate,
                f"Synthetic. Asked for: {wanted}, {age}, {sex}; the first made with the label {name}{rate}",
            )
        )
    return tuple(sheets)


def cost_section(places: RunFolders) -> CostSection:
    """Seconds and memory, step by step."""
    rows = [(step, cost["seconds"], cost["peak_memory_mb"]) for step, cost in read_costs(places).items()]
    table = pd.DataFrame(rows, columns=["stage", "seconds", "peak_memory_mb"])
    return CostSection(table, os.cpu_count() or 1, f"{platform.system()} {platform.machine()}")


def method_sentences(folds: FoldSplit, comparison: Comparison) -> tuple[str, ...]:
    """How this run was split, trained and judged."""
    return (
        f"Training folds {text(folds.train)}, validation {text(folds.validation)}, test {text(folds.test)}; no patient "
        "who is known to have several records has them in two parts.",
        "Tokenizer, prior, label statistics and additions were made from the training folds alone; the validation "
        "folds chose the tokenizer's and the prior's weights and the thresholds; the test folds only measured.",
        f"Classifiers: {comparison.settings['model']}, {comparison.settings['steps']} steps, the weights of the last "
        f"step, seeds {', '.join(map(str, comparison.seeds))}; every arm with the same initial weights and steps.",
        "Reconstructions and TRTS are read by the average of the classifiers trained on real records. TRTR beside TSTR "
        "is the one of the first seed, as TSTR's is, which was trained on as many records as the synthetic set has.",
        "Example records are the first ones made for each label, not chosen ones.",
        "The peak memory of a step is that of the process up to its end, earlier steps included.",
    )
