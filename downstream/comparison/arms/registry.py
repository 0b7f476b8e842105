"""The arms that a comparison knows by name: the records that each adds, or the way it trains.

All arms share the classifier, its initial weights, batch size, number of steps and rule of selection. Arms that add
records add the labels of one plan. Every method of augmentation and every pretraining is an arm under its own name; the
others are registered in the files of this folder, or in extensions. Two arms that add records joined by "+" are an arm
too, each makes half of the records; so is one that adds records joined with one that trains otherwise, one with a
pretraining joined with another way to train, and one that averages several classifiers joined with what trains them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from vqecg.downstream.augmentation.methods.registry import METHODS, all_methods
from vqecg.downstream.augmentation.plan import DUPLICATION, REAL_ONLY, slug
from vqecg.downstream.classifiers.pretraining.registry import PRETRAININGS
from vqecg.downstream.comparison.arms.kinds import ADDING
from vqecg.downstream.comparison.arms.kinds import PAIR as PAIR
from vqecg.downstream.comparison.arms.kinds import AveragingArm as AveragingArm
from vqecg.downstream.comparison.arms.kinds import ComparisonArm as ComparisonArm
from vqecg.downstream.comparison.arms.kinds import JoinedStreams as JoinedStreams
from vqecg.records.registry import Registry

BEST_PAIR = f"prior samples{PAIR}classic augmentation"  # docs/results/mi-50.json
PRETRAINED_RANK = 20.0  # of the first pretraining among the arms
DEFAULT, QUICK, RUN = "default", "quick", "run"  # kinds of comparison that have arms where none is named
ADVICE = "advice"  # likewise: the arms that an advice tries, in the order in which time is given to them
PAIR_PLACES: Mapping[str, Mapping[str, float]] = {
    f"simulated first{PAIR}classic augmentation": {ADVICE: 1.5},
    f"mixture{PAIR}classic augmentation": {ADVICE: 2},
    f"mixture 0.2{PAIR}classic augmentation": {ADVICE: 3},
    f"pseudo-labels{PAIR}classic augmentation": {ADVICE: 3.5},
    f"reading{PAIR}classic augmentation": {ADVICE: 4},
    f"reading{PAIR}mixture{PAIR}classic augmentation": {ADVICE: 5},
    f"two networks{PAIR}classic augmentation": {ADVICE: 6},
    BEST_PAIR: {DEFAULT: 12, ADVICE: 7},
}


ARMS: Registry[ComparisonArm] = Registry("arm", "vqecg.downstream.comparison.arms")


def all_arms() -> tuple[ComparisonArm, ...]:
    """Every arm that has a name of its own, those of methods among them, in order."""
    ranked = [(ARMS.rank(name), arm) for name, arm in ARMS]
    for method in all_methods():
        if method.name not in ARMS:
            doing = method.noun and ADDING + method.noun
            arm = ComparisonArm(method.name, method.help, (method.name,), places=method.places, doing=doing)
            ranked.append((METHODS.rank(method.name), arm))
    for name, kind in PRETRAININGS:
        if name not in ARMS:
            arm = ComparisonArm(name, kind.help, pretrained=name, places=kind.places, doing=kind.doing)
            ranked.append((PRETRAINED_RANK + PRETRAININGS.rank(name), arm))
    return tuple(arm for _, arm in sorted(ranked, key=lambda pair: pair[0]))


def arms_of(kind: str = DEFAULT) -> tuple[str, ...]:
    """The names of the arms of a kind of comparison, where none is named: DEFAULT, QUICK, RUN or ADVICE."""
    places = {arm.name: arm.places for arm in all_arms()} | dict(PAIR_PLACES)
    names = [name for name in places if kind in places[name]]
    return tuple(sorted(names, key=lambda name: places[name][kind]))


def find_arms(names: Sequence[str]) -> tuple[ComparisonArm, ...]:
    """The arms of these names ("prior samples" or "prior-samples"), the two references first whether named or not.

    Raises ValueError, with the names there are, for another one.
    """
    arms = {arm.name: arm for arm in map(find_arm, (REAL_ONLY, DUPLICATION, *names))}
    return tuple(arms.values())


def find_arm(name: str) -> ComparisonArm:
    """The arm of this name, or the pair "one+other": both add records, or one does and the other trains otherwise.

    Raises ValueError, with the names there are, for an unknown arm, and for another pair.
    """
    known = arms_by_name()
    named = [known.get(slug(part)) or variant_of(slug(part), known) for part in name.split("+")]
    parts = [arm for arm in named if arm is not None]
    if len(parts) < len(named):
        names = ", ".join(slug(arm.name) for arm in all_arms())
        raise ValueError(f"arm {name!r} is unknown; expected {names}, or two of them joined by +")
    return parts[0] if len(parts) == 1 else joined_arm(name, parts)


def variant_of(name: str, known: Mapping[str, ComparisonArm]) -> ComparisonArm | None:
    """The arm of some family of `known` by its name as part of a path, None for no such arm."""
    return next(filter(None, (arm.variant(name) for arm in known.values())), None)


def is_arm(name: str) -> bool:
    """True for a name that `find_arm` knows."""
    try:
        return bool(find_arm(name))
    except ValueError:
        return False


def arms_by_name() -> dict[str, ComparisonArm]:
    """Every arm by its name as part of a path; methods also by their other names."""
    arms = all_arms()
    aliases = {slug(alias): method.name for method in all_methods() for alias in method.aliases}
    named = {arm.name: arm for arm in arms}
    return {alias: named[name] for alias, name in aliases.items()} | {slug(arm.name): arm for arm in arms}


def joined_arm(name: str, parts: Sequence[ComparisonArm]) -> ComparisonArm:
    """The pair of two arms; `name` is how it was asked for. Raises ValueError for arms that do not go together."""
    averaging = [part for part in parts if isinstance(part, AveragingArm)]
    others = [part for part in parts if not isinstance(part, AveragingArm)]
    if len(averaging) == 1 and others and all(part.name != REAL_ONLY for part in others):
        return averaging[0].trained_as(others[0] if len(others) == 1 else joined_arm(name, others))
    alike = len({(part.methods, type(part)) for part in parts}) < len(parts)
    if len(parts) == 2 and all(part.stream for part in parts) and not alike:
        return JoinedStreams.of(parts)
    adding = [part for part in parts if (part.methods or part.stream) and part.pairs]
    training = [part for part in parts if (part.training or part.pretrained) and not part.methods and not part.stream]
    started = [part for part in training if part.pretrained]
    if len(parts) == len(training) == 2 and len(started) == 1:  # where training starts, and how it goes on
        adding, training = started, [part for part in training if not part.pretrained]
    if len(adding) == len(training) == 1 and len(parts) == 2:
        (one,), (other,) = adding, training
        return replace(
            one,
            name=f"{one.name}{PAIR}{other.name}",
            help=f"{one.help}; {other.help}",
            training={**one.training, **other.training},
            pretrained=other.pretrained or one.pretrained,
            places={},
            doing=" and ".join(part.in_words for part in ((other, one) if other.pretrained else (one, other))),
        )
    lone = any(part.name == DUPLICATION or part.stream for part in parts)
    if len(adding) != 2 or len(parts) != 2 or parts[0] == parts[1] or lone:
        raise ValueError(
            f"arm {name!r}: expected two different arms that make records, or one that adds records and one that "
            f"trains otherwise, such as {BEST_PAIR!r}, or one that averages several classifiers and what trains them"
        )
    one, other = parts
    methods = (one.methods[0], other.methods[0])
    halves = ", ".join(f"half {part.in_words.removeprefix(ADDING)}" for part in parts)
    name, words = f"{one.name}{PAIR}{other.name}", f"half {one.name}, half {other.name}"
    return ComparisonArm(name, words, methods, doing=f"{ADDING}ECGs ({halves})")


def arm_help() -> str:
    """Every arm in a line: "real-only: nothing is added; ..."."""
    return "; ".join(f"{slug(arm.name)}: {arm.help}" for arm in all_arms())
