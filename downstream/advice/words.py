"""An advice in plain words, for the terminal and for the head of its page."""

import math

from vqecg.downstream.advice.candidates import WITH, Candidate
from vqecg.downstream.advice.decision import ARM, AVERAGE, Advice
from vqecg.downstream.advice.estimates import Estimate
from vqecg.downstream.advice.learning_curve import Range
from vqecg.downstream.augmentation.plan import REAL_ONLY

METRIC_NAMES = {"auroc": "AUROC", "average_precision": "AP"}


def headline(advice: Advice) -> str:
    """The advice in a sentence."""
    base = trained(advice, advice.base)
    if advice.action == ARM:
        return f"Use {trained(advice, advice.arm)}."
    if advice.action == AVERAGE:
        return f"Add nothing: average two networks trained on real records alone, {base}."
    return f"Add nothing: train on real records alone, {base}."


def trained(advice: Advice, candidate: Candidate) -> str:
    """A candidate with its steps: "mixup, 500 steps"."""
    steps = f"{max(1, round(candidate.steps * advice.setting.full_steps)):,} steps"
    return steps if candidate.arm == REAL_ONLY else f"{candidate.arm}, {steps}"


def signed(estimate: Estimate) -> str:
    """ "+0.012 (+0.004 to +0.020)" """
    return f"{estimate.estimate:+.3f} ({estimate.low:+.3f} to {estimate.high:+.3f})"


def labels_text(labels: Range) -> str:
    """Further labels with their interval: "about 210 (90 to more than can be said)", or that no number can be said."""
    if labels.low is None:
        return "more than can be said"
    ends = ["more than can be said" if end is None else f"{math.ceil(end):,}" for end in (labels.low, labels.high)]
    middle = "more than can be said" if labels.value is None else f"about {math.ceil(labels.value):,}"
    return f"{middle} ({ends[0]} to {ends[1]})"


def gain_text(gain: Range) -> str:
    """The gain of further labels with its interval: "+0.010 (+0.004 to +0.015)"."""
    ends = ["more than can be said" if end is None else f"{end:+.3f}" for end in (gain.value, gain.low, gain.high)]
    return f"{ends[0]} ({ends[1]} to {ends[2]})"


def gain_lines(advice: Advice) -> list[str]:
    """The expected gain, or why none is expected, in sentences."""
    setting, gain = advice.setting, advice.gain
    metric = METRIC_NAMES[setting.metric]
    lines = [
        f"Expected gain of {trained(advice, advice.arm)} over real records alone, {trained(advice, advice.base)}: "
        f"macro {metric} of {', '.join(setting.targets)} {signed(gain)}, {setting.confidence:.0%} interval, measured "
        "on patients and seeds that did not choose it."
    ]
    if advice.action != ARM:
        why = f"it may harm {', '.join(advice.harmed)}" if gain.low > 0 else "its interval is not above 0"
        lines.append(f"That arm is not advised, since {why}.")
    if advice.generator is not None:
        lines.append(f"Of this, over the best that needs no generator: {signed(advice.generator)}.")
    elif advice.arm.kind == WITH:
        lines.append("No arm without a generator was measured beside it: how much is the generator's, is not known.")
    lines.append(seen_line(advice))
    lines.append(f"Averaging two networks of real records alone brings {signed(advice.averaging)}.")
    return lines


def seen_line(advice: Advice) -> str:
    """The smallest gain that the trials would have seen, in a sentence."""
    return f"These trials would have seen a gain of {advice.gain.smallest:.3f} or more, four times in five."


def label_lines(advice: Advice) -> list[str]:
    """The worth of further labels, in sentences; none without a learning curve."""
    if advice.curve is None:
        return []
    more = [f"{int(records):,} more {gain_text(gain)}" for records, gain in advice.curve.more.items()]
    lines = [f"Labelling, by the learning curve of {advice.setting.training_records:,} records: {'; '.join(more)}."]
    for name, labels in advice.curve.needed.items():
        lines.append(f"As much as {name} would come from {labels_text(labels)} more labelled records.")
    return lines


def summary_of(advice: Advice) -> str:
    """The advice for the terminal."""
    setting = advice.setting
    halves = f"{setting.agreeing} of 4 choosers (half the patients, half the seeds) preferred the same arm."
    about = (
        f"{setting.validation_records:,} validation records of {setting.validation_patients:,} patients, "
        f"{len(setting.last_seeds)} seeds in the last round; test folds were not read."
    )
    parts = [headline(advice), "", *gain_lines(advice), *label_lines(advice), halves, about]
    return "\n".join([*parts, *setting.left_out, *advice.cautions])
