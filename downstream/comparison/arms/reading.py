"""Arms in which the generator reads beside a network, and their controls: readers that know less, or no generator."""

from vqecg.downstream.augmentation.plan import slug
from vqecg.downstream.classifiers.models.registry import JUDGES
from vqecg.downstream.classifiers.settings import recipe
from vqecg.downstream.comparison.arms.arm_data import NetworkMember
from vqecg.downstream.comparison.arms.registry import ARMS, AveragingArm, ComparisonArm
from vqecg.downstream.reading.registry import READERS, find_reader

SURE = 0.2  # weight of the logits by Bayes' rule beside those of a network; codes, surer still, only did harm
HALF = (2.0, 1.0, 1.0)  # the network counts as much as both readers
OUT_OF_FOLD = 3  # parts of the training patients for stacking: as many further networks are trained


def network_of(model: str) -> NetworkMember:
    """A network of another architecture at its recipe's learning rate; all else, steps too, as the other networks."""
    return NetworkMember(0, {"model": model, "fit.learning_rate": recipe(model).fit.learning_rate}, model)


class ReadingArm(AveragingArm):
    """The arm of any reader: "reading of logistic traits" is a network and that reader, half and half."""

    def variant(self, name: str) -> ComparisonArm | None:
        """The arm of a reader by its name as part of a path, such as "reading-of-boosted-traits"."""
        readers = {f"{slug(self.name)}-of-{slug(reader)}": reader for reader in READERS.names()}
        if name not in readers:
            return None
        doing = f"averaging a network with a reader ({readers[name]})"
        help_text = f"a network and this reader, averaged: {find_reader(readers[name]).help}"
        return AveragingArm(
            f"{self.name} of {readers[name]}", help_text, members=_ONE, readers=(readers[name],), doing=doing
        )


_ONE = (NetworkMember(),)
_READING = ("boosted traits", "logistic traits")
_OTHER = JUDGES[1]
for _rank, _arm in (
    (
        22,
        ReadingArm(
            "reading",
            "a network, gradient boosting and logistic regression on the sketch's traits, averaged half and half",
            doing="averaging a network with readers of the generator's sketch",
            members=_ONE,
            readers=_READING,
            weights=HALF,
        ),
    ),
    (
        23,
        AveragingArm(
            "reading of likelihoods",
            "a network's logits and a fifth of those by Bayes' rule with the generator's likelihood of the sketch",
            doing="averaging a network with the generator's likelihoods",
            members=_ONE,
            readers=("likelihood of the sketch",),
            weights=(1.0, SURE),
            logits=True,
        ),
    ),
    (
        24,
        AveragingArm(
            "reading of states",
            "a network and logistic regression on the transformer's states, averaged",
            doing="averaging a network with a reader of the generator's states",
            members=_ONE,
            readers=("logistic states",),
        ),
    ),
    (
        24.5,
        AveragingArm(
            "three networks and reading",
            "three networks and both readers of the sketch's traits, averaged: beside three networks",
            doing="averaging three networks with readers of the generator's sketch",
            members=tuple(map(NetworkMember, range(3))),
            readers=_READING,
            weights=(2.0, 2.0, 2.0, 3.0, 3.0),
        ),
    ),
    (
        25,
        AveragingArm(
            "stacked reading",
            "a network and both readers of the sketch's traits, with weights fitted out of fold on training records",
            doing="weighing a network and readers of the generator's sketch",
            members=_ONE,
            readers=_READING,
            stacked=OUT_OF_FOLD,
        ),
    ),
    (
        26,
        AveragingArm(
            "network and attention RNN",
            f"the mean score of a network and an {_OTHER}: another architecture instead of a reader",
            doing="averaging a network and an attention RNN",
            members=(*_ONE, network_of(_OTHER)),
        ),
    ),
    (
        27,
        AveragingArm(
            "beat PCA",
            "as reading, but on components of the median beat: neither tokenizer nor prior",
            doing="averaging a network with readers of the median beat",
            members=_ONE,
            readers=("boosted beat PCA", "logistic beat PCA"),
            weights=HALF,
        ),
    ),
    (
        28,
        AveragingArm(
            "untrained tokenizer",
            "as reading, but on the embedding of a tokenizer of random weights",
            doing="averaging a network with readers of an untrained tokenizer",
            members=_ONE,
            readers=("boosted untrained tokenizer", "logistic untrained tokenizer"),
            weights=HALF,
        ),
    ),
):
    ARMS.register(_arm.name, _rank)(_arm)
