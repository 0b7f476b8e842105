"""Notices that stand before the figures: data of no person, trial runs, and reasons not to conclude."""

from vqecg.records.datasets.ptbxl import SYNTHETIC_SET

SIMULATED = (
    "Simulated data: no ECG here was recorded from a person. The figures show that the job runs, and nothing about "
    "real recordings."
)
PRESET_NOTES = {
    "tiny": "Preset tiny: a trial of the whole job in minutes, with models that are far too small and trained far too "
    "briefly. Its figures mean nothing about real data; for those there are the presets small and base.",
}


def data_notices(described: str) -> tuple[str, ...]:
    """The banner of data that are no recordings, by the description of their store; none for recordings."""
    return (SIMULATED,) if described.startswith(SYNTHETIC_SET) else ()


def preset_notices(preset: str) -> tuple[str, ...]:
    """A preset that is only a trial, said so; none for others."""
    return (PRESET_NOTES[preset],) if preset in PRESET_NOTES else ()
