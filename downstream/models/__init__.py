"""Classifiers, one a file: every model maps (batch, leads, samples) float32 mV to (batch, classes) logits.

To add one: a file with a frozen dataclass config (with class_names, leads and sampling_rate) and an `nn.Module` with
`Pretrained` that takes it and has `features`, and a line in CLASSIFIERS.
"""

from vqecg.downstream.models.attention_rnn import AttentionRNNClassifier
from vqecg.downstream.models.resnet import ResNetClassifier
from vqecg.training.checkpoint import Pretrained

CLASSIFIERS: dict[str, type[Pretrained]] = {"resnet": ResNetClassifier, "attention-rnn": AttentionRNNClassifier}


def classifier_class(name: str) -> type[Pretrained]:
    """The classifier of that name in CLASSIFIERS. Raises ValueError, with the names there are, for another."""
    if name not in CLASSIFIERS:
        raise ValueError(f"classifier {name!r} is unknown; expected one of {', '.join(sorted(CLASSIFIERS))}")
    return CLASSIFIERS[name]
