"""Classifiers, one a file: every model maps (batch, leads, samples) float32 mV to (batch, classes) logits.

To add one: a file with a frozen config that starts with `ClassifierConfig`, an `nn.Module` with `Pretrained` that takes
it and has `features`, and a line in CLASSIFIERS. One that must know the real training labels is `LabelAware`.
"""

from vqecg.downstream.classifiers.models.attention_rnn import AttentionRNNClassifier
from vqecg.downstream.classifiers.models.bi_lstm import BiLSTMClassifier
from vqecg.downstream.classifiers.models.label_correlation import LabelCorrelationClassifier
from vqecg.downstream.classifiers.models.resnet import ResNet18Classifier, ResNetClassifier
from vqecg.downstream.classifiers.models.s4d import S4DClassifier
from vqecg.downstream.classifiers.models.xresnet import XResNetClassifier
from vqecg.training.checkpoint import Pretrained

CLASSIFIERS: dict[str, type[Pretrained]] = {
    "resnet": ResNetClassifier,
    "attention-rnn": AttentionRNNClassifier,
    "resnet18": ResNet18Classifier,
    "xresnet1d101": XResNetClassifier,
    "bi-lstm": BiLSTMClassifier,
    "s4d": S4DClassifier,
    "label-correlation": LabelCorrelationClassifier,
}
JUDGES = ("resnet", "attention-rnn")  # two small families that judge synthetic records; the first one's features too


def classifier_class(name: str) -> type[Pretrained]:
    """The classifier of that name in CLASSIFIERS. Raises ValueError, with the names there are, for another."""
    if name not in CLASSIFIERS:
        raise ValueError(f"classifier {name!r} is unknown; expected one of {', '.join(sorted(CLASSIFIERS))}")
    return CLASSIFIERS[name]
