"""The prior's section of a run's report, from its folder, the synthetic set and the classifiers."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from vqecg.downstream.assessment.realism import auroc_table, largest_einthoven_residual, mean_scores, signal_checks
from vqecg.downstream.classifiers.models.registry import classifier_class
from vqecg.prior.config import SamplingSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.datasets.registry import read_table
from vqecg.records.files.stage_file import finished_stage
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.reports.run.report_data import ECGSheet, LearningCurve, PriorSection
from vqecg.reports.run.run_parts import RunParts

MOST_EXAMPLES = 12  # labels of which a synthetic ECG is drawn


def gather_prior(parts: RunParts, sampling: SamplingSettings) -> PriorSection:
    """Learning curve, classifiers on the synthetic records (TRTS, TSTR), plain measures, an example of each label."""
    figures = finished_stage(parts.folders.prior)["figures"]
    generator, store = ECGGenerator.from_pretrained(parts.folders.generator), parts.synthetic
    synthetic, names = RecordSelection(store, np.arange(len(store))), parts.task.class_names
    asked_for, rate = synthetic.labels(parts.task), store.spec.sampling_rate
    # one classifier against one, of the same seed: the others' average would be a stronger opponent
    trtr = (parts.test_labels, mean_scores(parts.classifiers[:1], parts.test))
    tstr = (parts.test_labels, mean_scores([synthetic_classifier(parts)], parts.test))
    real = (parts.test_labels, parts.test_scores)
    levels = tuple(f"nats/level_{level}" for level in range(generator.prior.config.levels))
    return PriorSection(
        settings=settings_shown(generator, figures, sampling),
        training_tokens=figures["codes_seen"],
        records=len(synthetic),
        einthoven_residual=largest_einthoven_residual(read_table(parts.folders.synthetic, rate, "ptb-xl")),
        trts=auroc_table(names, {"real": real, "synthetic": (asked_for, mean_scores(parts.classifiers, synthetic))}),
        tstr=auroc_table(names, {"real": trtr, "synthetic": tstr}),
        checks=signal_checks(parts.test, synthetic, rate),
        curve=LearningCurve(
            pd.DataFrame(figures["history"]),
            {"Nats per code": ("train/loss", "loss"), "Validation, by level": levels},
            figures["best_step"],
            {"train/loss": "training", "loss": "validation"}
            | {metric: f"level {number}" for number, metric in enumerate(levels, 1)},
        ),
        examples=example_sheets(store, asked_for, parts.task),
    )


def synthetic_classifier(parts: RunParts) -> Any:
    """The classifier trained on synthetic records alone."""
    model = finished_stage(parts.folders.classifier)["settings"]["training"]["model"]
    model_class: Any = classifier_class(model)
    return model_class.from_pretrained(parts.folders.classifier)


def settings_shown(generator: ECGGenerator, figures: Mapping[str, Any], sampling: SamplingSettings) -> dict[str, str]:
    """Size, loss and sampling, as name -> text."""
    config = generator.prior.config
    guidance = f"guidance {sampling.trait_guidance:g}"
    return {
        "Model": f"{config.backbone}, {config.layers} layers, {figures['parameters']:,} parameters",
        "Levels modelled": f"{config.levels} of {generator.tokenizer.num_levels}",
        "Loss": f"{figures['loss']:.3f} nats per code on validation (a uniform guess: {figures['uniform']:.3f})",
        "Sampling": f"temperature {sampling.temperature:g}, top-p {sampling.top_p:g}, {guidance}",
    }


def example_sheets(
    store: RecordStore, asked_for: np.ndarray, task: LabelTask, most: int = MOST_EXAMPLES
) -> tuple[ECGSheet, ...]:
    """The first synthetic record with each label (with that one alone, if there is one), not a chosen one.

    `asked_for`: (records, classes) 0/1, the labels of the records of `store`.
    """
    sheets, rate = [], store.spec.sampling_rate
    for column, name in enumerate(task.class_names[:most]):
        with_label = np.flatnonzero(asked_for[:, column])
        if len(with_label) == 0:
            continue
        alone = with_label[asked_for[with_label].sum(1) == 1]
        row = int(alone[0] if len(alone) else with_label[0])
        signal, about = store.signals(np.array([row]))[0], store.table.iloc[row]
        beats = np.diff(find_r_peaks(signal, rate)) / rate
        heart_rate = f", heart rate {60 / np.median(beats):.0f}/min" if len(beats) else ""
        age = "any age" if math.isnan(about["age"]) else f"{about['age']:.0f} years"
        sex = "any sex" if about["sex"] == "unknown" else about["sex"]
        labels = " + ".join(task.names(asked_for[row]))
        caption = f"Synthetic. Asked for: {labels}, {age}, {sex}; the first made with the label {name}{heart_rate}"
        sheets.append(ECGSheet(signal, rate, caption))
    return tuple(sheets)
