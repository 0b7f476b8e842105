"""The settings of pseudo-labels."""

from dataclasses import dataclass

from vqecg.records.bounds import Checked, Count, PositiveShare


@dataclass(frozen=True)
class PseudoLabelSettings(Checked):
    """The ensemble that predicts unknown labels, and the hard labels made from its scores."""

    teachers: Count = 3  # classifiers, whose scores are averaged
    sure_share: PositiveShare = 0.8  # of the records, in each class, that get a hard label; the others' stays unknown
