"""The tokenizer's section of a run's report, from its folder and the test records."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch

from vqecg.downstream.assessment.realism import auroc_table, mean_scores
from vqecg.records.files.stage_file import finished_stage
from vqecg.reports.run.report_data import ECGSheet, LearningCurve, TokenizerSection
from vqecg.reports.run.run_parts import RunParts
from vqecg.tokenizer.config import ECGTokenizerConfig
from vqecg.tokenizer.metrics import encode_store, prd, reconstruct
from vqecg.tokenizer.modeling import ECGTokenizer


def gather_tokenizer(parts: RunParts) -> TokenizerSection:
    """PRD by number of levels, codebook use, AUROC on reconstructions, and three reconstructions to look at."""
    figures = finished_stage(parts.folders.tokenizer)["figures"]
    tokenizer = ECGTokenizer.from_pretrained(parts.folders.tokenizer)
    codes = encode_store(tokenizer, parts.store, parts.rows.test, progress=False)
    decoded = reconstruct(tokenizer, codes, parts.store.spec.samples).numpy()
    original, decoded_scores = parts.test.signals, mean_scores(parts.classifiers, decoded)
    return TokenizerSection(
        settings=settings_shown(tokenizer.config, parts.store.spec.seconds, figures),
        levels=level_table(tokenizer.config, figures),
        records=len(parts.rows.test),
        classifier_auroc=auroc_table(
            parts.task.class_names,
            {
                "original": (parts.test_labels, parts.test_scores),
                "reconstruction": (parts.test_labels, decoded_scores),
            },
        ),
        curve=LearningCurve(
            pd.DataFrame(figures["history"]),
            {
                "Loss (error over signal energy)": ("train/loss/time",),
                "PRD on validation, %": ("prd/median", "prd/half_levels"),
            },
            figures["best_step"],
            {"train/loss/time": "training", "prd/median": "all levels", "prd/half_levels": "half of the levels"},
        ),
        reconstructions=quartile_sheets(parts, original, decoded, tokenizer.config.sampling_rate),
    )


def settings_shown(config: ECGTokenizerConfig, seconds: float, figures: Mapping[str, Any]) -> dict[str, str]:
    """Size and speed, as name -> text."""
    return {
        "Signal": f"8 leads, {config.sampling_rate} Hz, {seconds:g} s",
        "Frame rate": f"{config.frame_rate:g} Hz",
        "Codebooks": f"{config.levels} levels of {config.codebook_size} codes",
        "Parameters": f"{figures['parameters']:,}",
        "Speed": f"{figures['encode_records_per_second']:.0f} records encoded, "
        f"{figures['decode_records_per_second']:.0f} decoded per second",
    }


def level_table(config: ECGTokenizerConfig, figures: Mapping[str, Any]) -> pd.DataFrame:
    """One row for the first 1, 2, ... levels: the columns of `TokenizerSection.levels`."""
    rows = []
    for row in figures["prd"]:
        use = figures["use"][row["levels"] - 1]
        rows.append(
            {
                "levels": row["levels"],
                "bit_rate": row["levels"] * (config.bit_rate / config.levels),
                "prd_lower": row["lower_quartile"],
                "prd_median": row["median"],
                "prd_upper": row["upper_quartile"],
                "codes_used": round(use["used"] * config.codebook_size),
                "codebook_size": config.codebook_size,
                "perplexity": use["perplexity"],
            }
        )
    return pd.DataFrame(rows)


def quartile_sheets(
    parts: RunParts, original: np.ndarray, decoded: np.ndarray, sampling_rate: int
) -> tuple[ECGSheet, ...]:
    """The reconstructions with the lower quartile, median and upper quartile of PRD among the test records.

    `original` and `decoded` are (test records, 8, samples) float32 mV.
    """
    errors = prd(torch.from_numpy(original), torch.from_numpy(decoded)).numpy()
    order = np.argsort(errors)
    sheets = []
    for quarter, name in enumerate(("lower quartile", "median", "upper quartile"), start=1):
        row = order[len(order) * quarter // 4]
        labels = ", ".join(parts.task.names(parts.test_labels[row])) or "none"
        caption = f"A test record, labels {labels}: PRD {errors[row]:.1f} %, the {name} of all"
        sheets.append(ECGSheet(original[row], sampling_rate, caption, decoded[row]))
    return tuple(sheets)
