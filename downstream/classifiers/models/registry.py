"""The classifiers by name.

To add one: a file in this folder, or an extension anywhere, with a frozen config that is a `ClassifierConfig` and a
`Classifier` that takes it, registered here with its name. One that needs the real training labels is `LabelAware`.
"""

from vqecg.downstream.classifiers.models.interface import Classifier
from vqecg.records.registry import Registry

CLASSIFIERS: Registry[type[Classifier]] = Registry("classifier", "vqecg.downstream.classifiers.models")
JUDGES = ("resnet", "attention-rnn")  # two small families that judge synthetic records; the first one's features too


def classifier_class(name: str) -> type[Classifier]:
    """The classifier of that name. Raises ValueError, with the names there are, for another."""
    return CLASSIFIERS.get(name)
