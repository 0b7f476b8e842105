"""Everything that vqecg wrote in a folder, verified whole."""

from pathlib import Path

import vqecg.prior.verification
import vqecg.records.export.dataset
import vqecg.records.files.stage_file
import vqecg.records.store.verification
import vqecg.tokenizer.encoding
import vqecg.training.verification  # noqa: F401  # each of these registers the outputs that it writes
from vqecg.records.files.verification import verified_parts


def verify(folder: Path) -> None:
    """Prints a line for each output in `folder`. Raises ValueError, naming every file, for what is damaged."""
    faults = []
    for part in verified_parts(folder):
        print(f"{part.kind} {part.folder}: {'damaged' if part.faults else part.summary}")
        faults += part.faults
    if faults:
        raise ValueError("; ".join(dict.fromkeys(faults)))
