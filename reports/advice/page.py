"""An advice as one self-contained page: what to do, by how much, what would not have been seen, how it was measured."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from vqecg.downstream.advice.decision import Advice
from vqecg.downstream.advice.estimates import Estimate
from vqecg.downstream.advice.forecast import ForecastCheck
from vqecg.downstream.advice.words import METRIC_NAMES, gain_lines, gain_text, headline, labels_text, seen_line, trained
from vqecg.evaluation.statistics.bootstrap import GAIN, HARM, NO_DIFFERENCE
from vqecg.reports.alt_texts import forest_text
from vqecg.reports.figures import forest
from vqecg.reports.html import element, inline_figure, join, paragraph, table
from vqecg.reports.names import class_line
from vqecg.reports.notices import data_notices
from vqecg.reports.numbers import MISSING, count, interval, number
from vqecg.reports.page import Answer, Page, Section

# the lines under which the sections are folded
FOLDS = {
    "forecast": "The foretold gain beside the measured one",
    "gain": "The differences behind the advice, with what could have been seen",
    "classes": "The gain in every class",
    "labels": "What more labelled records would bring instead",
    "tried": "Every candidate, and what was left out",
    "method": "How it was measured, and what it does not show",
}
TITLE = "Advice: what to add to the labelled records"


def write_advice_page(
    advice: Advice, path: Path, described: str, date: str, check: ForecastCheck | None = None
) -> None:
    """Writes the page, whole or not at all; the same advice, check, texts and date give the same bytes."""
    advice_page(advice, described, date, check).write(path)


def advice_page(advice: Advice, described: str, date: str, check: ForecastCheck | None = None) -> Page:
    """The advice first; folded under it the forecast's check if there is one, then all figures and the method."""
    setting = advice.setting
    about = (
        f"{count(setting.training_records)} training records; judged on {count(setting.validation_records)} validation "
        f"records of {count(setting.validation_patients)} patients. Test folds were not read. {date}, vqecg "
        f"{Page.version}"
    )
    parts = {
        "gain": ("Expected gain", gain_section(advice)),
        "classes": ("Every class", class_section(advice)),
        "labels": ("More labels instead", label_section(advice)),
        "tried": ("All that was tried", tried_section(advice)),
        "method": ("Method and limits", method_section(advice)),
    }
    if check is not None:
        parts = {"forecast": ("Forecast and measurement", forecast_section(check))} | parts
    return Page(
        TITLE,
        date,
        tuple(Section(key, title, content, folded=FOLDS[key]) for key, (title, content) in parts.items()),
        about=(described, about),
        lead=class_line(setting.class_names),
        answer=answer_of(advice, check),
        notices=(*data_notices(described), *advice.cautions),
        navigation=False,
    )


def answer_of(advice: Advice, check: ForecastCheck | None = None) -> Answer:
    """The advice, what the trials would have seen, and its reasons; the outcome of the forecast where it is known."""
    seen = seen_line(advice)
    reasons = [line for line in gain_lines(advice) if line != seen]
    outcome = [] if check is None else [f"The forecast and the test folds: {check.sentence()}."]
    return Answer(headline(advice), (seen, *reasons, *outcome))


def forecast_section(check: ForecastCheck) -> Markup:
    """The foretold gain beside the measured one."""
    rows = [
        ["Foretold, by validation records", figure(check.foretold), interval(check.foretold_low, check.foretold_high)],
        ["Measured, on the test folds", figure(check.measured), interval(check.measured_low, check.measured_high)],
        ["Range foretold for this measurement", "", interval(check.range_low, check.range_high)],
    ]
    caption = (
        f"Gain of {check.arm} over real only in macro {METRIC_NAMES[check.metric]} of {check.group}. The range holds "
        f"the measurement with {check.confidence:.0%} if the forecast was honest: it knows the chance of both."
    )
    return table(["", "Gain", "Interval"], rows, caption) + paragraph(f"Outcome: {check.outcome}. {check.sentence()}.")


def gain_section(advice: Advice) -> Markup:
    """The differences behind the advice."""
    metric = METRIC_NAMES[advice.setting.metric]
    other = next(name for key, name in METRIC_NAMES.items() if key != advice.setting.metric)
    arm, base = trained(advice, advice.arm), f"real only, {trained(advice, advice.base)}"
    rows = [estimate_row(f"{arm}, over {base}", metric, advice.gain), estimate_row("the same", other, advice.second)]
    if advice.generator is not None:
        rows.append(estimate_row("over the best that needs no generator", metric, advice.generator))
    if advice.common is not None:
        rows.append(estimate_row("in the classes that are no targets", metric, advice.common))
    rows.append(estimate_row("as those see it who choose and measure on the same records", metric, advice.naive))
    rows.append(estimate_row("two networks of real records alone averaged, over one", metric, advice.averaging))
    caption = (
        f"Macro averages over {', '.join(advice.setting.targets)}, unless other classes are named. Detectable: the "
        f"smallest true difference that these trials find four times in five. Intervals: "
        f"{advice.setting.confidence:.0%}. {advice.note[:1].upper()}{advice.note[1:]}."
    )
    return table(["", "Metric", "Difference", "Interval", "Detectable", "Seeds"], rows, caption, texts=2)


def estimate_row(name: str, metric: str, estimate: Estimate) -> list[object]:
    """A row of differences."""
    figures = [figure(estimate.estimate), interval(estimate.low, estimate.high), number(estimate.smallest)]
    return [name, metric, *figures, count(estimate.seeds)]


def figure(value: float) -> str:
    """A difference."""
    return number(value, signed=True)


def class_section(advice: Advice) -> Markup:
    """The gain in every judged class, as figure and table."""
    metric = METRIC_NAMES[advice.setting.metric]
    rows = [
        {
            "group": "target classes" if effect.target else "other classes",
            "arm": effect.class_name,
            "against": "real only",
            "estimate": effect.gain.estimate,
            "low": effect.gain.low,
            "high": effect.gain.high,
            "verdict": verdict(effect.gain),
        }
        for effect in sorted(advice.classes, key=lambda effect: not effect.target)
    ]
    drawn = pd.DataFrame(rows)
    content = inline_figure(
        forest(drawn, ["real only"], metric),
        f"Gain of {trained(advice, advice.arm)} in {metric} of every class with {advice.setting.confidence:.0%} "
        "interval, not corrected for the number of classes.",
        "forest-classes",
        forest_text(drawn, metric),
    )
    harmed = ", ".join(advice.harmed) or "none"
    rule = f"Harmed, by the rule ({harm_rule(advice)}): {harmed}."
    unjudged = ", ".join(advice.setting.unjudged)
    few = paragraph(f"Too few validation patients have, or lack, {unjudged}: not judged.", "missing")
    return content + paragraph(rule) + (few if unjudged else Markup(""))


def harm_rule(advice: Advice) -> str:
    """The rule of harm: without targets every class is watched, else those that are none, also together."""
    alone = f"a loss of more than {advice.setting.harm:g} whose interval is below 0 in one class"
    if advice.every_class_is_a_target:
        return alone
    return f"{alone} that is no target, or a mean loss of more than that over these classes"


def verdict(gain: Estimate) -> str:
    """A verdict by an interval."""
    return GAIN if gain.low > 0 else HARM if gain.high < 0 else NO_DIFFERENCE


def label_section(advice: Advice) -> Markup:
    """The learning curve and what further labels would bring."""
    curve = advice.curve
    if curve is None:
        return paragraph("There was no time for a learning curve.", "missing")
    metric = METRIC_NAMES[advice.setting.metric]
    points = [[count(point.records), number(point.value), count(point.seeds)] for point in curve.points]
    content = table(["Labelled records", f"Macro {metric}", "Seeds"], points, "Real records alone.", texts=0)
    more = [[f"{int(records):,} more labelled records", gain_text(gain)] for records, gain in curve.more.items()]
    needed = [[f"as much as {name}", f"{labels_text(labels)} more"] for name, labels in curve.needed.items()]
    rows: Sequence[Sequence[object]] = [*more, *needed]
    caption = (
        "By a power law of the error (1 minus the metric) through these points. The interval knows patients and seeds, "
        "not whether the law holds beyond the records there are: the further, the less it is worth."
    )
    return content + table(["", "Gain, or labels"], rows, caption)


def tried_section(advice: Advice) -> Markup:
    """Every candidate, as it looked; then what was left out."""
    rows = []
    for one in advice.tried:
        bounds = (
            [MISSING, MISSING]
            if one.gain is None
            else [figure(one.gain.estimate), interval(one.gain.low, one.gain.high)]
        )
        last = MISSING if one.last is None else number(one.last)
        steps = count(max(1, round(one.candidate.steps * advice.setting.full_steps)))
        rows.append([one.candidate.arm, one.candidate.kind, steps, number(one.first), last, *bounds])
    setting = advice.setting
    caption = (
        f"Macro {METRIC_NAMES[setting.metric]} on validation records: seeds: {len(setting.first_seeds)} in the first "
        f"round, {len(setting.last_seeds)} in the last. The gains over real only are not corrected for the choice "
        "among so many: the cross-fitted gain above is."
    )
    heads = ["Arm", "Kind", "Steps", "First round", "Last round", "Gain", "Interval"]
    left_out = join(element("li", line) for line in setting.left_out)
    return table(heads, rows, caption, texts=2) + (element("ul", left_out) if setting.left_out else Markup(""))


def method_section(advice: Advice) -> Markup:
    """The way from trials to the advice, and its limits."""
    setting = advice.setting
    watched = "class" if advice.every_class_is_a_target else "class that is no target"
    texts = (
        "All trials learn from training records and are judged on validation records. Real records alone are tried "
        "in the same shares of the steps as every arm, so that they are tuned as well.",
        "The best of several on the same records looks better than it is. So the validation patients are in two "
        "halves, and the last round's seeds too: each of the four choosers takes its best candidate, which is measured "
        "on the other patients by the other seeds; the gain is the mean of the four (Chernozhukov et al. 2018). The "
        "advice is chosen on all records, so the gain is rather that of a somewhat worse choice.",
        "Intervals: seeds are readers, patients are cases (Obuchowski and Rockette 1995; Hillis 2007), with a "
        "jackknife over patients within each half.",
        f"An arm is advised where the lower end of its {setting.confidence:.0%} interval is above 0 and no {watched} "
        f"is harmed: {harm_rule(advice)}. Of arms without any gain, one in "
        f"{round(2 / (1 - setting.confidence))} would be advised.",
        "A forecast is for records like those of the validation folds. Where the test folds are of another kind, it "
        "fails: run the plan, and the page says how good the forecast was.",
    )
    return join(map(paragraph, texts))
