"""The arms of an advice: what each needs to be filled, and the candidates that arms and steps make."""

from collections.abc import Callable, Sequence

from vqecg.downstream.advice.candidates import REAL, WITH, WITHOUT, Candidate
from vqecg.downstream.augmentation.plan import REAL_ONLY
from vqecg.downstream.comparison.arms.registry import AveragingArm, ComparisonArm, find_arm


def needs_records(arm: ComparisonArm) -> bool:
    """True for an arm that is filled from the training records, by a generator or without one."""
    return bool(arm.pretrained or arm.stream) or knows_generator(arm) or asks_trained(arm, needs_records)


def needs_generator(arm: ComparisonArm) -> bool:
    """True for an arm that cannot be filled without a generator."""
    return arm.needs_generator or asks_trained(arm, needs_generator)


def knows_generator(arm: ComparisonArm) -> bool:
    """True for an arm that learns from what the generator makes, or whose readers it is."""
    readers = isinstance(arm, AveragingArm) and bool(arm.readers)
    return bool(arm.methods) or readers or asks_trained(arm, knows_generator)


def asks_trained(arm: ComparisonArm, question: Callable[[ComparisonArm], bool]) -> bool:
    """The answer of the arm by which the networks of an averaging arm are trained; False without one."""
    return isinstance(arm, AveragingArm) and arm.trained is not None and question(arm.trained)


def candidates_of(arms: Sequence[str], steps: Sequence[float]) -> tuple[Candidate, ...]:
    """Real records alone in every share of the steps, then share by share all arms: the order in which time is given.

    Raises ValueError for an unknown arm.
    """
    named = {
        arm.name: WITH if knows_generator(arm) else WITHOUT for arm in map(find_arm, arms) if arm.name != REAL_ONLY
    }
    base = [Candidate(REAL_ONLY, REAL, share) for share in steps]
    return (*base, *(Candidate(name, kind, share) for share in steps for name, kind in named.items()))
