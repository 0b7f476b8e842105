"""How each classifier of downstream/models is trained when nothing else is asked for.

All share crops, batch size, weight decay and schedule. Learning rates follow the kind of network; steps are what one
core of a processor does in about one to five minutes at 8 leads and 100 Hz.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vqecg.downstream.classifiers.losses import ASYMMETRIC
from vqecg.downstream.classifiers.models import CLASSIFIERS
from vqecg.downstream.classifiers.training import ClassifierSettings

SHARED = ClassifierSettings(steps=1000, crop_seconds=5.0, weight_decay=0.05, evaluate_every=250)
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "resnet": {},
    "attention-rnn": {},
    "resnet18": {"steps": 600, "learning_rate": 1e-3},
    "xresnet1d101": {"steps": 400, "learning_rate": 2e-3},
    "bi-lstm": {"learning_rate": 2e-3},
    "s4d": {"steps": 800},
    # Zhang and Sun train with the asymmetric loss; 2, not Ridnik's 4: a superclass is in a tenth of records or more
    "label-correlation": {"learning_rate": 2e-3, "loss": ASYMMETRIC, "negative_gamma": 2.0},
}


def recipe(model: str) -> ClassifierSettings:
    """The settings for a model of CLASSIFIERS. Raises ValueError, with the names there are, for another."""
    if model not in CHANGES:
        raise ValueError(f"classifier {model!r} is unknown; expected one of {', '.join(sorted(CLASSIFIERS))}")
    return replace(SHARED, model=model, **CHANGES[model])


def for_model(model: str, settings: ClassifierSettings) -> ClassifierSettings:
    """`settings` if they are of that model, else its recipe in at most as many steps. ValueError as `recipe`."""
    if model == settings.model:
        return settings
    chosen = recipe(model)
    return chosen.of_steps(min(chosen.steps, settings.steps))
