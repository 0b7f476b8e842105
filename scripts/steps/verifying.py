"""Everything that vqecg wrote in a folder, verified whole."""

from pathlib import Path

import vqecg.prior.verification
import vqecg.records.export.dataset
import vqecg.records.files.stage_file
import vqecg.records.store.verification
import vqecg.tokenizer.encoding
import vqecg.training.verification  # noqa: F401  # each of these registers the outputs that it writes
from vqecg.records.files.verification import verified_parts
from vqecg.scripts.cli.outcome import Outcome


def verify(folder: Path) -> Outcome:
    """The state of each output in `folder`; what is damaged is named, file by file, in the faults."""
    parts = list(verified_parts(folder))
    outputs = [{"kind": one.kind, "folder": one.folder, "summary": one.summary, "faults": one.faults} for one in parts]
    lines = [f"{one.kind} {one.folder}: {'damaged' if one.faults else one.summary}" for one in parts]
    faults = dict.fromkeys(fault for one in parts for fault in one.faults)
    return Outcome({"folder": folder, "outputs": outputs}, "\n".join(lines), "; ".join(faults))
