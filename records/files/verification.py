"""The interface of what can be verified whole. A kind of output registers itself in VERIFIERS, beside its code.

@VERIFIERS.register("store")
class StoreVerifier(Verifier): ...
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vqecg.records.files.checksums import SUMS_FILE, checksum_faults
from vqecg.records.registry import Registry

UNSUMMED = "written without checksums, by an earlier version"


@dataclass(frozen=True)
class Verified:
    """One output that was looked at."""

    kind: str
    folder: Path
    summary: str  # what was verified, for people
    faults: list[str]  # each names a file; none if all is right


class Verifier(ABC):
    """One kind of output; made without arguments, keeps no state."""

    @abstractmethod
    def holds(self, folder: Path) -> bool:
        """True where `folder` holds such an output, damaged or not."""

    @abstractmethod
    def verify(self, folder: Path) -> tuple[str, list[str]]:
        """Summary and faults, as in `Verified`. A ValueError or OSError that it raises counts as a fault."""


VERIFIERS: Registry[type[Verifier]] = Registry("kind of output")


def verified_parts(folder: Path) -> Iterator[Verified]:
    """Every output in `folder` and below it, verified one after the other; hidden folders and links are left out.

    Raises ValueError where there is none.
    """
    if not Path(folder).is_dir():
        raise ValueError(f"{folder} is no folder; expected one that vqecg wrote")
    anything = False
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        path = Path(place)
        kinds = [(name, verifier()) for name, verifier in VERIFIERS if verifier().holds(path)]
        for name, verifier in kinds:
            anything = True
            try:
                summary, faults = verifier.verify(path)
            except (ValueError, OSError) as error:
                summary, faults = "", [str(error)]
            yield Verified(name, path, summary, faults)
        if not kinds and SUMS_FILE in files:
            anything = True
            yield Verified("files", path, "as written", checksum_faults(path))
    if not anything:
        raise ValueError(
            f"{folder} holds nothing that can be verified; expected a store, codes, a model, a generator, a data set "
            "that vqecg wrote, or a folder with such"
        )


def sum_faults(folder: Path, further: bool = True) -> tuple[str, list[str]]:
    """A summary of what the sums of a folder say, and their faults; of a folder without sums the summary says so."""
    if not (folder / SUMS_FILE).exists():
        return UNSUMMED, []
    return "files as written", checksum_faults(folder, further)
