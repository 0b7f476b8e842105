"""How each classifier is trained where nothing else is asked for.

All share crops, batch size, weight decay and schedule; a classifier's `recipe` names what differs. Learning rates
follow the kind of network; steps are what one core of a processor does in about one to five minutes at 8 leads, 100 Hz.
"""

from dataclasses import replace

from vqecg.downstream.classifiers.models.registry import classifier_class
from vqecg.downstream.classifiers.training import ClassifierSettings


def recipe(model: str) -> ClassifierSettings:
    """The settings for a classifier by its name. Raises ValueError, with the names there are, for another."""
    shared = ClassifierSettings(steps=1000, crop_seconds=5.0, weight_decay=0.05, evaluate_every=250)
    return replace(shared, model=model, **classifier_class(model).recipe)


def for_model(model: str, settings: ClassifierSettings) -> ClassifierSettings:
    """`settings` if they are of that model, else its recipe in at most as many steps. ValueError as `recipe`."""
    if model == settings.model:
        return settings
    chosen = recipe(model)
    return chosen.of_steps(min(chosen.steps, settings.steps))
