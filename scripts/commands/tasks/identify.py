"""`vqecg identify`."""

from vqecg.scripts.steps.tasks.identifying import IdentifyingStep, identify

Arguments = IdentifyingStep


def run(arguments: IdentifyingStep) -> None:
    """Learns a verifier, or searches with one."""
    print(identify(arguments))
