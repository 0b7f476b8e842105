"""A model verified whole: its files by their sums, its weights finite."""

from pathlib import Path
from typing import Any

from vqecg.records.files.verification import VERIFIERS, Verifier, sum_faults
from vqecg.training.checkpoint import CONFIG_FILE, WEIGHTS_FILE, read_config
from vqecg.training.weights import check_tensors, read_tensors


@VERIFIERS.register("model", rank=4)
class ModelVerifier(Verifier):
    """A model of any class."""

    def holds(self, folder: Path) -> bool:
        """True for a model, and for what was one."""
        return (folder / WEIGHTS_FILE).exists() or ((folder / CONFIG_FILE).exists() and "class" in _settings(folder))

    def verify(self, folder: Path) -> tuple[str, list[str]]:
        """Reads all of it; whether the weights fit the settings shows when the model is loaded."""
        summary, faults = sum_faults(folder, further=False)  # a step keeps more in the same folder
        if not faults:
            tensors = read_tensors(folder / WEIGHTS_FILE)
            check_tensors(tensors, tensors, folder / WEIGHTS_FILE)
            summary = f"{read_config(folder).get('class')}, {len(tensors)} tensors, all finite, {summary}"
        return summary, faults


def _settings(folder: Path) -> dict[str, Any]:
    """The content of config.json; {} if it cannot be read, or is of a generator, whose weights lie in its parts."""
    try:
        about = read_config(folder)
    except ValueError:
        return {}
    return {} if about.get("class") == "ECGGenerator" else about
