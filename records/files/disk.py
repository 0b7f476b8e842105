"""Room on the disk, asked before hours of work."""

import shutil
from pathlib import Path

from vqecg.records.leads import LEADS

SAMPLE_BYTES = 2
OVERHEAD = 2_000  # bytes of a record beside its signal: header, row of a table, what a file system rounds up


def check_room(output: Path, records: int, samples: int) -> None:
    """Raises ValueError, with figures, where the disk of an output has no room for so many records of twelve leads.

    A record has that many `samples` of 16 bits per lead, over all the rates at which it is written.
    """
    place = Path(output).resolve()
    while not place.exists():
        place = place.parent
    needed, free = records * (samples * len(LEADS) * SAMPLE_BYTES + OVERHEAD), shutil.disk_usage(place).free
    if needed > free:
        raise ValueError(
            f"{records:,} records need {needed / 1e9:,.1f} GB, the disk of {output} has {free / 1e9:,.1f} GB free: "
            "ask for fewer records, or name a folder on another disk"
        )
