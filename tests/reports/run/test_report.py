"""The HTML report: what it says, what it does not load, and that text from outside stays text."""

import html
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vqecg.evaluation.statistics.bootstrap import NO_DIFFERENCE
from vqecg.reports.comparison.classes import p_text
from vqecg.reports.comparison.section_data import ComparisonSection
from vqecg.reports.run.report import report_page, write_report
from vqecg.reports.run.report_data import (
    CostSection,
    DataSection,
    ECGSheet,
    LearningCurve,
    PriorSection,
    ReportData,
    TokenizerSection,
)

CLASSES = ["NORM", "MI", "macro"]
HOSTILE = "<script>alert('x')</script> & \"$x^{\""


def sheet(caption: str, pair: bool = False) -> ECGSheet:
    signal = np.random.default_rng(0).normal(0, 0.1, (8, 300)).astype(np.float32)
    return ECGSheet(signal, 100.0, caption, 0.9 * signal if pair else None)


def curve() -> LearningCurve:
    history = pd.DataFrame({"step": [0, 10, 20], "loss": [3.0, 2.0, 1.5], "validation/loss": [np.nan, 2.1, 1.9]})
    return LearningCurve(history, {"Loss, nats": ("loss", "validation/loss")}, best_step=20)


def data_section() -> DataSection:
    return DataSection(
        parts=pd.DataFrame(
            {"part": ["train", "test"], "folds": ["1-8", "10"], "patients": [90, 0], "records": [1234, 9]}
        ),
        rejected={"flat lead": 2, "nan": 0, "clipped": 5},
        label_counts=pd.DataFrame(
            {
                "class_name": ["NORM", HOSTILE],
                "train_before": [1000, 40],
                "train_after": [1000, 240],
                "validation": [100, 5],
                "test": [100, 4],
            }
        ),
        augmentation="200 records of the prior",
    )


def tokenizer_section() -> TokenizerSection:
    levels = {
        "levels": [1, 2],
        "bit_rate": [112.5, 225.0],
        "prd_lower": [30.0, 20.0],
        "prd_median": [45.1, 33.2],
        "prd_upper": [60.0, 44.0],
        "codes_used": [512, 500],
        "codebook_size": [512, 512],
        "perplexity": [301.2, 388.4],
    }
    auroc = pd.DataFrame({"class_name": CLASSES, "original": [0.9, 0.8, 0.85], "reconstruction": [0.9, 0.81, np.nan]})
    return TokenizerSection(
        {"Frame rate": "12.5 Hz"}, pd.DataFrame(levels), 100, auroc, curve(), (sheet("Record 7", pair=True),)
    )


def prior_section() -> PriorSection:
    auroc = pd.DataFrame({"class_name": CLASSES, "real": [0.9, 0.8, 0.85], "synthetic": [0.7, 0.75, 0.725]})
    checks = pd.DataFrame({"measure": ["Standard deviation, mV"], "real": [0.243], "synthetic": [0.229]})
    return PriorSection({}, 1_000_000, 512, 2e-7, auroc, auroc, checks, curve(), (sheet("Asked for: MI"),))


def class_differences() -> pd.DataFrame:
    """MI gains and NORM is harmed by the main arm against real only; nothing else differs."""
    rows = [
        (arm, against, group, name, 100, "auroc", 0.01 * sign, 0.01 * sign - 0.004, 0.01 * sign + 0.004, verdict)
        for arm, against in (("prior", "real only"), ("duplication", "real only"), ("prior", "duplication"))
        for name, group, own, sign in (
            ("NORM", "common classes", "harm", -1),
            ("MI", "scarce classes", "gain", 1),
        )
        for verdict in (own if (arm, against) == ("prior", "real only") else NO_DIFFERENCE,)
    ]
    keys = ["arm", "against", "group", "class_name", "test_positives", "metric"]
    table = pd.DataFrame(rows, columns=[*keys, "estimate", "low", "high", "verdict"])
    return table.assign(p_holm=0.0004, tests=2, smallest_detectable=0.0061)


def comparison_section() -> ComparisonSection:
    arms = ["real only", "duplication", "prior"]
    per_class = [(name, 100, arm, 0.9, 0.8, 0.7) for name in CLASSES[:2] for arm in arms]
    differences = [
        ("prior", "real only", "all classes", "auroc", 0.0124, 0.0031, 0.0217, 0.012, "gain", 0.0133, 5),
        ("prior", "duplication", "all classes", "auroc", -0.001, -0.006, 0.004, 0.7, NO_DIFFERENCE, 0.0071, 5),
        ("duplication", "real only", "all classes", "auroc", -0.02, -0.03, -0.01, 0.0003, "harm", 0.0143, 5),
        ("prior", "real only", "all classes", "f1", 0.01, -0.01, 0.03, 0.3, NO_DIFFERENCE, 0.0286, 5),
    ]
    keys = ["arm", "against", "group", "metric"]
    figures = ["estimate", "low", "high", "p", "verdict", "smallest_detectable", "seeds"]
    scores = [(arm, "all classes", metric, 0.9, 0.004, 5) for arm in arms for metric in ("auroc", "f1")]
    return ComparisonSection(
        main_arm="prior",
        primary_metric="auroc",
        arms=pd.DataFrame({"arm": arms, "description": arms, "real_records": 1234, "synthetic_records": [0, 0, 200]}),
        scores=pd.DataFrame(scores, columns=["arm", "group", "metric", "mean", "std", "seeds"]),
        differences=pd.DataFrame(differences, columns=[*keys, *figures]),
        group_classes={"all classes": ("NORM", "MI")},
        threshold_policy="per class, best F1 on validation",
        cautions=("One seed only.",),
        class_differences=class_differences(),
        per_class=pd.DataFrame(
            per_class, columns=["class_name", "test_positives", "arm", "auroc", "average_precision", "f1"]
        ),
    )


@pytest.fixture(scope="module")
def report() -> ReportData:
    stages = pd.DataFrame({"stage": ["store", "prior"], "seconds": [41.2, 5600.0], "peak_memory_mb": [810.0, 3120.0]})
    return ReportData(
        title="A report",
        date="2025-01-02",
        data_description="simulated",
        version="0.1.0",
        command="vqecg run --config run.yaml",
        settings="seed: 0\n",
        data=data_section(),
        tokenizer=tokenizer_section(),
        prior=prior_section(),
        comparison=comparison_section(),
        cost=CostSection(stages, cores=2),
        method=("Folds are by patient.",),
    )


@pytest.fixture(scope="module")
def page(report: ReportData) -> str:
    return report_page(report).render()


class Outline(HTMLParser):
    """Open tags, to see that every tag is closed, and every attribute met."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(page: str) -> Outline:
    parsed = Outline()
    parsed.feed(page)
    parsed.close()
    assert parsed.open == []
    return parsed


def words(page: str) -> str:
    """The page's text on one line."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page)))


def test_the_page_is_self_contained_and_well_formed(page: str) -> None:
    parsed = outline(page)
    assert not {"script", "link", "img", "iframe", "object"} & set(parsed.tags)
    links = [value for name, value in parsed.attributes if name in ("href", "src", "xlink:href")]
    assert links
    assert all(link.startswith("#") for link in links)
    assert "@import" not in page
    assert set(re.findall(r"url\((.)", page)) <= {"#"}


def test_ids_are_unique_and_every_reference_has_its_target(page: str) -> None:
    parsed = outline(page)
    ids = [value for name, value in parsed.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    wanted = re.findall(r'(?:url\(#|href="#)([^)"]+)', page)
    assert set(wanted) <= set(ids)


def test_verdicts_stand_at_the_top_in_words(page: str) -> None:
    summary = words(page[page.index('id="summary"') : page.index('id="data"')])
    assert "AUROC was 0.012 higher than with real only (interval +0.003 to +0.022)." in summary
    assert "AUROC was 0.001 lower than with duplication; anything from −0.006 to +0.004 fits the data." in summary
    assert "▼ harm" in summary
    assert "3 differences of class groups in AUROC" in summary
    assert "not corrected for their number" in summary and "after Holm's correction" in summary
    assert "0.012 0.013 duplication" in summary  # p and the smallest detectable difference
    assert "One seed only." in summary


def test_harm_stands_beside_gain_and_is_as_loud(page: str) -> None:
    boxes = page[page.index('class="verdicts"') :]
    gain, harm = (words(boxes[boxes.index(f'<div class="{name}">') :].split("</div>")[0]) for name in ("gain", "harm"))
    assert "▲ Gain all classes against real only: +0.012 (+0.003 to +0.022), p 0.012 MI" in gain
    assert "▼ Harm NORM against real only: −0.010 (−0.014 to −0.006), p <0.001 after Holm" in harm


def test_without_gain_or_harm_the_boxes_say_what_would_have_been_missed(report: ReportData) -> None:
    section = comparison_section()
    nothing = {name: getattr(section, name).assign(verdict=NO_DIFFERENCE) for name in ("differences",)}
    page = report_page(replace(report, comparison=replace(section, class_differences=None, **nothing))).render()
    assert page.count('class="quiet"') == 2
    text = words(page)
    for wanted in ("gain", "harm"):
        assert (
            f"A true {wanted} smaller than 0.013 (all classes) would have been missed in one run of five, or more."
            in text
        )
    assert "Differences of every class: not run." in text


def test_every_class_has_difference_interval_adjusted_p_and_verdict(page: str) -> None:
    text = words(page[page.index("Every class: prior") : page.index('id="cost"')])
    assert "NORM 100 real only ▼ harm −0.010 −0.014 to −0.006 <0.001 0.006" in text
    assert "duplication no detectable difference −0.010" in text
    matrix = text[text.index("Every class: all arms") :]
    assert "against real only, after Holm" in matrix and "NORM ▼ harm –" in matrix and "MI ▲ gain –" in matrix


def test_figures_come_with_their_units_and_policies(page: str) -> None:
    text = words(page)
    for claim in (
        "7 records left out by the quality check",
        "0.00020 µV at most",
        "25 mm/s, 10 mm/mV",
        "Bit rate, bit/s",
        "45.1 30.0 to 60.0 512 of 512 301",
        "0.900 ± 0.004",
        "F1 with thresholds: per class, best F1 on validation",
        "prior 1.6 h 3,120 MB",
        "train 1-8 90 1,234",
        "test 10 unknown 9",
        "Synthetic records enter training only, never validation or test.",
        "not for diagnosis",
    ):
        assert claim in text, claim
    assert page.count("<svg") == 12


def test_text_from_outside_stays_text(report: ReportData) -> None:
    header = {field: HOSTILE for field in ("title", "date", "data_description", "version", "command", "settings")}
    comparison = comparison_section()
    tables = ("arms", "scores", "differences", "class_differences", "per_class")
    renamed = {name: getattr(comparison, name).replace({"prior": HOSTILE, "NORM": HOSTILE}) for name in tables}
    hostile = replace(
        report,
        **header,
        method=(HOSTILE,),
        data=replace(data_section(), rejected={HOSTILE: 1}, augmentation=HOSTILE),
        prior=replace(prior_section(), settings={HOSTILE: HOSTILE}, examples=(sheet(HOSTILE),)),
        comparison=replace(comparison, main_arm=HOSTILE, threshold_policy=HOSTILE, **renamed),
    )
    page = report_page(hostile).render()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    outline(page)


def test_a_section_that_is_missing_is_named(report: ReportData) -> None:
    empty = replace(report, data=None, tokenizer=None, prior=None, comparison=None, cost=None)
    page = report_page(empty).render()
    for part in ("Data", "Tokenizer", "Prior", "Comparison", "Cost"):
        assert f'<p class="missing">{part}: not run.</p>' in page
    partly = replace(report, prior=replace(prior_section(), trts=None, tstr=None, curve=None, examples=()))
    text = words(report_page(partly).render())
    for part in ("TRTS", "TSTR", "Learning curve", "ECGs on paper"):
        assert f"{part}: not run." in text


def test_a_table_without_a_column_is_refused() -> None:
    section = data_section()
    with pytest.raises(ValueError, match=r"DataSection.parts lacks the columns \['folds'\]"):
        replace(section, parts=section.parts.drop(columns="folds"))
    comparison = comparison_section()
    wrong = comparison.differences.assign(verdict="better")
    with pytest.raises(ValueError, match="verdicts \\['better'\\] are unknown"):
        replace(comparison, differences=wrong)
    with pytest.raises(ValueError, match=r"class_differences lacks the columns \['p_holm'\]"):
        replace(comparison, class_differences=class_differences().drop(columns="p_holm"))
    with pytest.raises(ValueError, match="main_arm is 'other'"):
        replace(comparison, main_arm="other")
    with pytest.raises(ValueError, match="lacks the columns \\['prd'\\]"):
        LearningCurve(curve().history, {"PRD, %": ("prd",)})


def test_the_same_report_gives_the_same_file_and_nothing_beside_it(report: ReportData, tmp_path: Path) -> None:
    write_report(report, tmp_path / "new" / "report.html")
    first = (tmp_path / "new" / "report.html").read_bytes()
    write_report(report, tmp_path / "new" / "report.html")
    assert (tmp_path / "new" / "report.html").read_bytes() == first
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.html"]


def test_an_undefined_difference_is_said_to_be_undefined(report: ReportData) -> None:
    comparison = comparison_section()
    differences = comparison.differences.assign(
        estimate=np.nan, low=np.nan, high=np.nan, verdict="no detectable difference"
    )
    text = words(report_page(replace(report, comparison=replace(comparison, differences=differences))).render())
    assert "The difference in AUROC to real only is undefined: too few positives in test." in text


def test_a_long_label_set_still_fits(report: ReportData) -> None:
    names = [f"{i:02d}AVB" for i in range(71)]
    counts = pd.DataFrame({"class_name": names, "train_before": 0, "train_after": 0, "validation": 0, "test": 0})
    outline(report_page(replace(report, data=replace(data_section(), label_counts=counts))).render())


def test_p_values_have_three_decimals() -> None:
    assert [p_text(p) for p in (0.04321, 0.0009, 1.0, np.nan)] == ["0.043", "<0.001", "1.000", "–"]
