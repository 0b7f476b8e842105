"""The forecast of an advice beside what its comparison measured on the test folds."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from scipy.stats import t as student

from vqecg.downstream.advice.decision import Advice
from vqecg.downstream.augmentation.plan import REAL_ONLY
from vqecg.downstream.comparison.results import Comparison
from vqecg.downstream.comparison.tables import ALL_CLASSES, SCARCE_CLASSES
from vqecg.evaluation.statistics.bootstrap import GAIN, HARM
from vqecg.training.checkpoint import json_values

HELD, HIGH, LOW = "as foretold", "less than foretold", "more than foretold"


@dataclass(frozen=True)
class ForecastCheck:
    """A foretold gain and the one that was measured."""

    arm: str
    metric: str
    group: str  # of classes
    foretold: float
    foretold_low: float  # interval of the true gain, by validation records
    foretold_high: float
    measured: float
    measured_low: float  # interval of the comparison
    measured_high: float
    range_low: float  # within which the comparison was to measure, with the confidence of the advice
    range_high: float
    surprise: float  # measured minus foretold, in standard errors of both together
    verdict: str  # of the comparison
    confidence: float  # of the forecast

    @property
    def outcome(self) -> str:
        """HELD, HIGH (the forecast was too high) or LOW."""
        if self.range_low <= self.measured <= self.range_high:
            return HELD
        return HIGH if self.measured < self.range_low else LOW

    @property
    def harmful(self) -> bool:
        """True where the comparison calls the arm a harm."""
        return self.verdict == HARM

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        values: dict[str, Any] = json_values(asdict(self))
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ForecastCheck":
        """The reverse of `to_dict`."""
        return cls(**{part.name: values[part.name] for part in fields(cls)})

    def sentence(self) -> str:
        """The check in words."""
        signs = f"{self.foretold:+.3f} ({self.foretold_low:+.3f} to {self.foretold_high:+.3f})"
        measured = f"{self.measured:+.3f} ({self.measured_low:+.3f} to {self.measured_high:+.3f})"
        verdict = "gain" if self.verdict == GAIN else "harm" if self.verdict == HARM else "no detectable difference"
        return (
            f"{self.arm} over real only, macro {self.metric} of {self.group}: foretold {signs}, measured {measured} "
            f"({verdict}); a measurement was to lie between {self.range_low:+.3f} and {self.range_high:+.3f}: "
            f"{self.outcome}"
        )


def check_forecast(advice: Advice, comparison: Comparison) -> ForecastCheck:
    """The gain of the advice's arm beside that of a comparison.

    Raises ValueError for a comparison of other classes, without the arm, or one that could not judge it.
    """
    setting, arm, metric = advice.setting, advice.arm.arm, advice.setting.metric
    if comparison.class_names != setting.class_names:
        raise ValueError(
            f"the comparison has the classes {', '.join(comparison.class_names)}, the advice is about "
            f"{', '.join(setting.class_names)}: give the comparison of the advice's plan"
        )
    group = group_of(advice, comparison)
    row = comparison.difference(arm, REAL_ONLY, group, metric)
    both = math.hypot(advice.gain.standard_error, float(row["standard_error"]))
    reach = reach_of(
        setting.confidence,
        (advice.gain.standard_error, advice.gain.degrees_of_freedom),
        (float(row["standard_error"]), float(row["degrees_of_freedom"])),
    )
    middle, measured = advice.gain.estimate, float(row["estimate"])
    if not math.isfinite(measured):
        raise ValueError(f"the comparison could not judge {arm} in {metric} of {group}: too few test patients")
    return ForecastCheck(
        arm=arm,
        metric=metric,
        group=group,
        foretold=middle,
        foretold_low=advice.gain.low,
        foretold_high=advice.gain.high,
        measured=measured,
        measured_low=float(row["low"]),
        measured_high=float(row["high"]),
        range_low=middle - reach,
        range_high=middle + reach,
        surprise=(measured - middle) / both if both > 0 else math.nan,
        verdict=str(row["verdict"]),
        confidence=setting.confidence,
    )


def reach_of(confidence: float, *estimates: tuple[float, float]) -> float:
    """Half the width of the interval of the difference of independent estimates, each with its standard error and
    degrees of freedom, which are combined as by Welch (1947) and Satterthwaite (1946)."""
    variances = [(error**2, degrees) for error, degrees in estimates]
    whole = sum(variance for variance, _ in variances)
    uncertain = sum(variance**2 / of_one for variance, of_one in variances)
    degrees = whole**2 / uncertain if uncertain else math.inf
    return float(student.ppf((1 + confidence) / 2, degrees)) * math.sqrt(whole)


def group_of(advice: Advice, comparison: Comparison) -> str:
    """The comparison's group of classes that the advice is about. Raises ValueError where there is none."""
    targets = set(advice.setting.targets)
    for group in (SCARCE_CLASSES, ALL_CLASSES):
        if targets <= set(comparison.group_classes[group]) <= targets | set(advice.setting.unjudged):
            return group
    raise ValueError(
        f"the advice is about {', '.join(sorted(targets))}, the comparison's target classes are "
        f"{', '.join(comparison.group_classes[SCARCE_CLASSES])}: give the comparison of the advice's plan"
    )
