"""The sections of a report about data, tokenizer, prior, cost and method, as HTML."""

import pandas as pd

from vqecg.reports.ecg_paper import plot_ecg
from vqecg.reports.figures import label_bars, learning_curve, level_bars, paired_dots
from vqecg.reports.html import (
    Html,
    count,
    duration,
    element,
    inline_figure,
    join,
    not_run,
    number,
    paragraph,
    settings_list,
    significant,
    table,
)
from vqecg.reports.run.report_data import (
    CostSection,
    DataSection,
    ECGSheet,
    LearningCurve,
    PriorSection,
    ReportData,
    TokenizerSection,
)

PAPER_NOTE = "25 mm/s, 10 mm/mV; a large square is 0.2 s by 0.5 mV."
MACRO = "macro"
LONG_TABLE = 25  # classes; a longer table of labels is folded away


def data_section(data: DataSection | None) -> Html:
    """Records per part, records left out, labels before and after augmentation."""
    if data is None:
        return not_run("Data")
    parts = data.parts
    rows = [
        [p.part, p.folds, count(p.patients) if p.patients else "unknown", count(p.records)] for p in parts.itertuples()
    ]
    split = table(["Part", "Folds", "Patients", "Records"], rows, "Records in each part of the split.", texts=2)
    left_out = sum(data.rejected.values())
    if left_out:
        reasons = sorted(data.rejected.items(), key=lambda item: -item[1])
        rows = [[reason, count(records)] for reason, records in reasons if records]
        rejected = table(["Reason", "Records"], rows, f"{count(left_out)} records left out by the quality check.")
    else:
        rejected = paragraph("The quality check left out no record.", "caption")
    html = element("div", split + rejected, "pair")
    counts = data.label_counts
    added = f" Added: {data.augmentation}." if data.augmentation else ""
    html += inline_figure(
        label_bars(counts),
        f"Training records with each label, real and added.{added} A record may have several labels.",
        "labels",
        "Bars of training records per class before and after augmentation",
    )
    rows = [
        [c.class_name, count(c.train_before), count(c.train_after), count(c.validation), count(c.test)]
        for c in counts.itertuples()
    ]
    heads = ["Class", "Training, before", "Training, after", "Validation", "Test"]
    numbers = table(heads, rows, "Records with each label. Validation and test hold real records only.")
    if len(rows) > LONG_TABLE:
        numbers = element("details", element("summary", f"Records with each of the {len(rows)} labels") + numbers)
    return html + numbers


def tokenizer_section(tokenizer: TokenizerSection | None) -> Html:
    """Rate, distortion, codebook use, what a classifier reads in reconstructions, and reconstructions on paper."""
    if tokenizer is None:
        return not_run("Tokenizer")
    html = settings_list(tokenizer.settings)
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
        for level in tokenizer.levels.itertuples()
    ]
    heads = ["Levels used", "Bit rate, bit/s", "PRD median, %", "PRD quartiles, %", "Codes in use", "Perplexity"]
    html += table(heads, rows, caption)
    html += inline_figure(level_bars(tokenizer.levels), "", "levels", "PRD, codes in use and perplexity by level")
    if tokenizer.classifier_auroc is None:
        html += not_run("Classifier on originals and reconstructions")
    else:
        caption = (
            "AUROC on the test fold of a classifier trained on real records: can it still read the reconstructions?"
        )
        html += _auroc_pair(
            tokenizer.classifier_auroc, "original", "reconstruction", "Originals and reconstructions", caption
        )
    html += _curve(tokenizer.curve, "tokenizer")
    html += element("h3", "Reconstructions over originals")
    return Html(html + _sheets(tokenizer.reconstructions, "reconstruction"))


def prior_section(prior: PriorSection | None) -> Html:
    """Settings, learning curve, TRTS and TSTR, the limb-lead equations, and synthetic ECGs on paper."""
    if prior is None:
        return not_run("Prior")
    facts = {
        "Codes seen in training": count(prior.training_tokens),
        "Synthetic records measured": count(prior.records),
        "Einthoven residual": f"{significant(prior.einthoven_residual * 1000, 2)} µV at most, in the files",
    }
    html = settings_list({**prior.settings, **facts})
    if prior.trts is None:
        html += not_run("TRTS")
    else:
        caption = (
            "TRTS, trained on real, tested on synthetic: a classifier that saw only real records reads synthetic ones "
            "and is marked by the labels asked for. Beside it, the same classifier on real test records. Far below the "
            "real value, the records do not show what was asked for; far above it, they are caricatures."
        )
        html += _auroc_pair(prior.trts, "real", "synthetic", "TRTS: tested on", caption)
    if prior.tstr is None:
        html += not_run("TSTR")
    else:
        caption = (
            "TSTR, trained on synthetic, tested on real: what a classifier learns from synthetic records alone, beside "
            "one trained on real records (TRTR). Both are tested on the same real records."
        )
        html += _auroc_pair(prior.tstr, "real", "synthetic", "TRTR and TSTR: trained on", caption)
    if prior.checks is not None:
        rows = [[c.measure, significant(c.real, 3), significant(c.synthetic, 3)] for c in prior.checks.itertuples()]
        html += table(["Measure", "Real", "Synthetic"], rows, "Shape of the signals, real and synthetic.")
    html += _curve(prior.curve, "prior")
    html += element("h3", "Synthetic ECGs")
    return Html(html + _sheets(prior.examples, "synthetic"))


def cost_section(cost: CostSection | None) -> Html:
    """Seconds and memory of every stage."""
    if cost is None:
        return not_run("Cost")
    stages = cost.stages
    rows = [[s.stage, duration(s.seconds), f"{count(s.peak_memory_mb)} MB"] for s in stages.itertuples()]
    total = float(stages["seconds"].sum())
    rows.append(["all stages", duration(total), f"{count(stages['peak_memory_mb'].max())} MB"])
    machine = f"{cost.machine}, " if cost.machine else ""
    caption = (
        f"Wall time and peak memory of the process, on {machine}{cost.cores} {'core' if cost.cores == 1 else 'cores'}."
    )
    return table(["Stage", "Time", "Peak memory"], rows, caption, strong=["all stages"])


def method_section(report: ReportData) -> Html:
    """This run's own sentences, then those that hold for every run."""
    sentences = list(report.method)
    if report.comparison is not None:
        level = 100 * report.comparison.confidence
        sentences.append(f"Intervals are {level:g} % intervals: {report.comparison.interval_method}.")
        sentences.append(
            "A p-value is two-sided, from the same draws as the interval: twice the share of draws on the smaller side "
            "of zero. Over classes it is adjusted by Holm's step-down method: were there no effect in any class, the "
            f"chance of one false verdict or more among them would be {100 - level:g} % at most in large samples. In "
            "simulations without a difference 8 to 9 % of single 95 % intervals were clear of 0 where five to twenty "
            "patients have the class."
        )
        sentences.append(
            "What an arm adds is drawn anew for every seed, by one generator: intervals hold chance in the draws, not "
            "what another generator would do."
        )
        sentences.append(f"F1 needs a threshold: {report.comparison.threshold_policy}. AUROC and AP need none.")
    sentences += [
        "Synthetic records enter training only, never validation or test.",
        "An interval that includes zero does not show that there is no effect; it shows how large one could still be.",
        "One data set, one label scheme, one family of classifiers: elsewhere the answer may differ.",
        "Labels of a synthetic record are the labels asked for. No cardiologist has read the synthetic ECGs.",
        "Research use only. Not a medical device; not for diagnosis or treatment.",
    ]
    return element("ul", join(element("li", sentence) for sentence in sentences))


def _auroc_pair(scores: pd.DataFrame, first: str, second: str, title: str, caption: str) -> Html:
    """Dots and a table of two AUROCs a class; the row "macro" is set apart."""
    rows = [
        [c["class_name"], number(c[first]), number(c[second]), number(c[second] - c[first], signed=True)]
        for c in scores.to_dict("records")
    ]
    dots = paired_dots(scores, first, second, (first, second), title)
    chart = inline_figure(dots, "", f"auroc-{title.split()[0].strip(':').lower()}", f"AUROC of every class. {title}")
    numbers = table(["Class", first.capitalize(), second.capitalize(), "Difference"], rows, strong=[MACRO])
    return paragraph(caption, "caption") + element("div", chart + numbers, "pair")


def _curve(curve: LearningCurve | None, key: str) -> Html:
    if curve is None:
        return not_run("Learning curve")
    kept = f" The weights of step {count(curve.best_step)} were kept." if curve.best_step is not None else ""
    return inline_figure(
        learning_curve(curve), f"Learning curve.{kept}", f"curve-{key}", f"Learning curve of the {key}"
    )


def _sheets(sheets: tuple[ECGSheet, ...], key: str) -> Html:
    if not sheets:
        return not_run("ECGs on paper")
    drawn = [
        inline_figure(
            plot_ecg(sheet.signal, sheet.sampling_rate, over=sheet.over, names=sheet.names),
            sheet.caption,
            f"{key}-{i}",
            f"Twelve-lead ECG: {sheet.caption}",
            "sheet",
        )
        for i, sheet in enumerate(sheets)
    ]
    return paragraph(PAPER_NOTE, "caption") + join(drawn)
