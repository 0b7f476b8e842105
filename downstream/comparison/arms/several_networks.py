"""Controls for all that is averaged with a classifier: as many networks, which differ in their seed alone."""

from vqecg.downstream.comparison.arms.arm_data import NetworkMember
from vqecg.downstream.comparison.arms.registry import ARMS, AveragingArm

for _rank, _count, _word in ((20, 2, "two"), (21, 3, "three")):
    _help = f"the mean score of {_word} networks of different seeds"
    _doing = f"averaging {_word} networks"
    _members = tuple(map(NetworkMember, range(_count)))
    ARMS.register(f"{_word} networks", _rank)(AveragingArm(f"{_word} networks", _help, members=_members, doing=_doing))
