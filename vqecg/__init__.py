"""Synthetic 12-lead ECGs from a VQ-VAE tokenizer and a GPT-style prior, and an honest measure of their worth.

The names below are imported when they are first used, so that `import vqecg` waits for no learning library.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vqecg.downstream.classifiers.signal_augmentation import ClassicAugmentation
    from vqecg.downstream.comparison.comparison import compare
    from vqecg.prior.generator import ECGGenerator
    from vqecg.prior.modeling import ECGPrior
    from vqecg.records.datasets.registry import read_records
    from vqecg.records.ecg_records import ECGRecords
    from vqecg.records.plotting import plot
    from vqecg.records.reading import read_ecg as read
    from vqecg.records.record import ECGRecord
    from vqecg.records.simulation.dataset import simulate_dataset as simulate
    from vqecg.records.store.building import prepare_data_set as prepare
    from vqecg.records.store.record_store import RecordStore
    from vqecg.tokenizer.modeling import ECGTokenizer

__version__ = version("vqecg")
__all__ = [
    "ClassicAugmentation",
    "ECGGenerator",
    "ECGPrior",
    "ECGRecord",
    "ECGRecords",
    "ECGTokenizer",
    "RecordStore",
    "__version__",
    "compare",
    "plot",
    "prepare",
    "read",
    "read_records",
    "simulate",
]

_PLACES = {
    "ClassicAugmentation": "vqecg.downstream.classifiers.signal_augmentation:ClassicAugmentation",
    "ECGGenerator": "vqecg.prior.generator:ECGGenerator",
    "ECGPrior": "vqecg.prior.modeling:ECGPrior",
    "ECGRecord": "vqecg.records.record:ECGRecord",
    "ECGRecords": "vqecg.records.ecg_records:ECGRecords",
    "ECGTokenizer": "vqecg.tokenizer.modeling:ECGTokenizer",
    "RecordStore": "vqecg.records.store.record_store:RecordStore",
    "compare": "vqecg.downstream.comparison.comparison:compare",
    "plot": "vqecg.records.plotting:plot",
    "prepare": "vqecg.records.store.building:prepare_data_set",
    "read": "vqecg.records.reading:read_ecg",
    "read_records": "vqecg.records.datasets.registry:read_records",
    "simulate": "vqecg.records.simulation.dataset:simulate_dataset",
}


def __getattr__(name: str) -> Any:
    """Imports a name of the public face when it is first asked for. Raises AttributeError for any other name."""
    if name not in _PLACES:
        raise AttributeError(f"module 'vqecg' has no attribute {name!r}; it has {', '.join(__all__)}")
    module, attribute = _PLACES[name].split(":")
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
