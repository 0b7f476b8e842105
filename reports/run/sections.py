"""The sections of a run's report on data, tokenizer, prior and cost."""

import pandas as pd
from markupsafe import Markup

from vqecg.evaluation.statistics.weighted_metrics import MACRO
from vqecg.records.ecg_paper import plot_ecg
from vqecg.records.record import SYNTHETIC
from vqecg.reports.alt_texts import label_bars_text, learning_curve_text, level_bars_text, paired_dots_text
from vqecg.reports.figures import label_bars, learning_curve, level_bars, paired_dots
from vqecg.reports.html import (
    element,
    folded,
    inline_figure,
    join,
    not_run,
    paragraph,
    records_of,
    settings_list,
    table,
)
from vqecg.reports.names import in_words
from vqecg.reports.numbers import count, duration, number, significant
from vqecg.reports.run.report_data import (
    CostSection,
    DataSection,
    ECGSheet,
    LearningCurve,
    PriorSection,
    TokenizerSection,
)

PAPER_NOTE = "25 mm/s, 10 mm/mV; a large square is 0.2 s by 0.5 mV."
LONG_TABLE = 25  # classes; a longer table of labels is folded away


def data_section(data: DataSection | None) -> Markup:
    """Records per part, records left out, labels before and after augmentation."""
    if data is None:
        return not_run("Data")
    parts = data.parts
    rows = [
        [p.part, p.folds, count(p.patients) if p.patients else "unknown", count(p.records)] for p in records_of(parts)
    ]
    split = table(["Part", "Folds", "Patients", "Records"], rows, "Records in each part of the split.", texts=2)
    left_out = sum(data.rejected.values())
    if left_out:
        reasons = sorted(data.rejected.items(), key=lambda item: -item[1])
        rows = [[reason, count(records)] for reason, records in reasons if records]
        rejected = table(["Reason", "Records"], rows, f"{count(left_out)} records left out by the quality check.")
    else:
        rejected = paragraph("The quality check left out no record.", "caption")
    content = element("div", split + rejected, "pair")
    counts = data.label_counts
    added = f" Added: {data.augmentation}." if data.augmentation else ""
    content += inline_figure(
        label_bars(counts),
        f"Training records with each label, real and added.{added} A record may have several labels.",
        "labels",
        label_bars_text(counts),
    )
    rows = [
        [c.class_name, in_words(c.class_name), *map(count, (c.train_before, c.train_after, c.validation, c.test))]
        for c in records_of(counts)
    ]
    heads = ["Class", "In words", "Training, before", "Training, after", "Validation", "Test"]
    numbers = table(heads, rows, "Records with each label. Validation and test hold real records only.", texts=2)
    if len(rows) > LONG_TABLE:
        numbers = folded(f"Records with each of the {len(rows)} labels", numbers)
    return content + numbers


def tokenizer_section(tokenizer: TokenizerSection | None) -> Markup:
    """Rate, distortion, codebook use, a classifier on reconstructions, and reconstructions on paper."""
    if tokenizer is None:
        return not_run("Tokenizer")
    content = settings_list(tokenizer.settings)
    caption = (
        f"Reconstruction of {count(tokenizer.records)} test records from the first levels. PRD is the RMS of the error "
        "as a share of the RMS of the signal: median and quartiles over records. Codes in use and perplexity are those "
        "of the last level in the row."
    )
    rows = [
        [
            level.levels,
            number(level.bit_rate, 1),
            number(level.prd_median, 1),
            f"{number(level.prd_lower, 1)} to {number(level.prd_upper, 1)}",
            f"{count(level.codes_used)} of {count(level.codebook_size)}",
            significant(level.perplexity, 3),
        ]
        for level in records_of(tokenizer.levels)
    ]
    heads = ["Levels used", "Bit rate, bit/s", "PRD median, %", "PRD quartiles, %", "Codes in use", "Perplexity"]
    content += table(heads, rows, caption)
    content += inline_figure(level_bars(tokenizer.levels), "", "levels", level_bars_text(tokenizer.levels))
    if tokenizer.classifier_auroc is None:
        content += not_run("Classifier on originals and reconstructions")
    else:
        caption = (
            "AUROC on the test fold of a classifier trained on real records: can it still read the reconstructions?"
        )
        content += _auroc_pair(
            tokenizer.classifier_auroc, "original", "reconstruction", "Originals and reconstructions", caption
        )
    content += _curve(tokenizer.curve, "tokenizer")
    content += element("h3", "Reconstructions over originals")
    return content + _sheets(tokenizer.reconstructions, "reconstruction")


def prior_section(prior: PriorSection | None) -> Markup:
    """Settings, learning curve, TRTS and TSTR, the limb-lead equations, and synthetic ECGs on paper."""
    if prior is None:
        return not_run("Prior")
    facts = {
        "Codes seen in training": count(prior.training_tokens),
        "Synthetic records measured": count(prior.records),
        "Einthoven residual": f"{significant(prior.einthoven_residual * 1000, 2)} µV at most, in the files",
    }
    content = settings_list({**prior.settings, **facts})
    if prior.trts is None:
        content += not_run("TRTS")
    else:
        caption = (
            "TRTS, trained on real, tested on synthetic: a classifier that saw only real records reads synthetic ones "
            "and is marked by the labels asked for. Beside it, the same classifier on real test records. Far below the "
            "real value, the records do not show what was asked for; far above it, they are caricatures."
        )
        content += _auroc_pair(prior.trts, "real", "synthetic", "TRTS: tested on", caption)
    if prior.tstr is None:
        content += not_run("TSTR")
    else:
        caption = (
            "TSTR, trained on synthetic, tested on real: what a classifier learns from synthetic records alone, beside "
            "one trained on real records (TRTR). Both are tested on the same real records."
        )
        content += _auroc_pair(prior.tstr, "real", "synthetic", "TRTR and TSTR: trained on", caption)
    if prior.checks is not None:
        rows = [[c.measure, significant(c.real, 3), significant(c.synthetic, 3)] for c in records_of(prior.checks)]
        content += table(["Measure", "Real", "Synthetic"], rows, "Shape of the signals, real and synthetic.")
    content += _curve(prior.curve, "prior")
    content += element("h3", "Synthetic ECGs")
    return content + _sheets(prior.examples, "synthetic", SYNTHETIC, "synthetic")


def cost_section(cost: CostSection | None) -> Markup:
    """Seconds and memory of every stage."""
    if cost is None:
        return not_run("Cost")
    stages = cost.stages
    rows = [[s.stage, duration(s.seconds), f"{count(s.peak_memory_mb)} MB"] for s in records_of(stages)]
    total = float(stages["seconds"].sum())
    rows.append(["all stages", duration(total), f"{count(stages['peak_memory_mb'].max())} MB"])
    machine = f"{cost.machine}, " if cost.machine else ""
    caption = (
        f"Wall time and peak memory of the process, on {machine}{cost.cores} {'core' if cost.cores == 1 else 'cores'}."
    )
    return table(["Stage", "Time", "Peak memory"], rows, caption, strong=["all stages"])


def _auroc_pair(scores: pd.DataFrame, first: str, second: str, title: str, caption: str) -> Markup:
    """Dots and a table of two AUROCs per class; the row "macro" is set apart."""
    rows = [
        [c["class_name"], number(c[first]), number(c[second]), number(c[second] - c[first], signed=True)]
        for c in scores.to_dict("records")
    ]
    dots = paired_dots(scores, first, second, (first, second), title)
    chart = inline_figure(
        dots,
        "",
        f"auroc-{title.split()[0].strip(':').lower()}",
        paired_dots_text(scores, first, second, (first, second), title),
    )
    numbers = table(["Class", first.capitalize(), second.capitalize(), "Difference"], rows, strong=[MACRO])
    return paragraph(caption, "caption") + element("div", chart + numbers, "pair")


def _curve(curve: LearningCurve | None, key: str) -> Markup:
    if curve is None:
        return not_run("Learning curve")
    selected = f" The weights of step {count(curve.best_step)} were selected." if curve.best_step is not None else ""
    drawn = learning_curve(curve.history, curve.panels, curve.best_step, curve.names)
    described = learning_curve_text(curve.history, curve.panels, curve.names)
    return inline_figure(drawn, f"Learning curve of the {key}.{selected}", f"curve-{key}", described)


def _sheets(sheets: tuple[ECGSheet, ...], key: str, remark: str = "", mark: str = "") -> Markup:
    if not sheets:
        return not_run("ECGs on paper")
    drawn = [
        inline_figure(
            plot_ecg(sheet.signal, sheet.sampling_rate, "", sheet.over, sheet.names, remark, watermark=mark),
            sheet.caption,
            f"{key}-{i}",
            f"Twelve-lead ECG: {sheet.caption}",
            "sheet",
        )
        for i, sheet in enumerate(sheets)
    ]
    return paragraph(PAPER_NOTE, "caption") + join(drawn)
