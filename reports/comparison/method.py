"""The section on method and limits: sentences that hold for every page, after those of the page at hand."""

from collections.abc import Sequence

from markupsafe import Markup

from vqecg.downstream.comparison.results import Comparison
from vqecg.reports.comparison.section_data import ComparisonSection
from vqecg.reports.html import element, join

LIMITS = (
    "Synthetic records enter training only, never validation or test.",
    "An interval that includes zero does not show that there is no effect; it shows how large one could still be.",
    "One data set, one label scheme, one family of classifiers: elsewhere the answer may differ.",
    "Labels of a synthetic record are the labels asked for. No cardiologist has read the synthetic ECGs.",
    "Research use only. Not a medical device; not for diagnosis or treatment.",
)


def stopping_rule(comparison: Comparison) -> str:
    """The steps of a comparison's classifiers, chosen on validation or by its settings, and the weights they keep."""
    fit = comparison.settings.get("fit", comparison.settings)  # not nested in earlier comparisons
    chosen = sorted({row["steps"] for row in comparison.candidates if row["chosen"]}) or [fit["steps"]]
    steps = f"{chosen[0]} steps"
    if len(chosen) > 1:
        steps = f"{chosen[0]} to {chosen[-1]} steps, by the choice for each arm"
    if fit.get("patience"):
        return f"up to {steps}, stopped early, the weights of the lowest validation loss"
    return f"{steps}, the weights of the last step"


def method_section(sentences: Sequence[str], comparison: ComparisonSection | None) -> Markup:
    """The sentences given, then those on the comparison's statistics, then the limits."""
    statistics = () if comparison is None else comparison_sentences(comparison)
    return element("ul", join(element("li", sentence) for sentence in (*sentences, *statistics, *LIMITS)))


def comparison_sentences(comparison: ComparisonSection) -> tuple[str, ...]:
    """Intervals, p-values, draws and thresholds of a comparison."""
    level = 100 * comparison.confidence
    drawn = (
        "Which training records are left or labelled, the generator and the records added were drawn "
        f"{comparison.draws} times, which intervals know: seeds vary within a draw."
        if comparison.draws > 1
        else "The records that an arm adds are drawn anew for every seed, those of a mixture once for all unless asked "
        "otherwise, by one generator: intervals hold chance in the draws, but not in a stream that is drawn once, nor "
        "the difference that another generator, or other training records, would make."
    )
    return (
        f"Intervals are {level:g} % intervals: {comparison.interval_method} (Obuchowski and Rockette 1995, Hillis "
        "2007). They hold chance in patients, by a jackknife, and in training, by what classifiers differ beyond that.",
        "A p-value is two-sided, by the same t distribution as the interval. Over classes it is adjusted by Holm's "
        "step-down method: were there no effect in any class, the chance of one false verdict or more among them would "
        f"be about {100 - level:g} %. A two-way bootstrap over patients and seeds stands beside it as a second "
        "opinion; it is cautious.",
        drawn,
        f"F1 needs a threshold: {comparison.threshold_policy}. AUROC and AP need none.",
    )
