"""A WFDB record of which a test can change any byte before it is written."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from vqecg.records.leads import LEADS


@dataclass
class RawRecord:
    """Twelve leads in one file of 16 bit, 3000 samples at 500 Hz: the lines of the header and the bytes of the file."""

    folder: Path
    name: str
    digital: np.ndarray  # (samples, leads) int16, what the leads are
    lines: list[str]
    data: bytes

    @property
    def path(self) -> Path:
        """Without extension."""
        return self.folder / self.name

    def write(self) -> Path:
        """Writes both files; returns the path without extension."""
        (self.folder / f"{self.name}.dat").write_bytes(self.data)
        (self.folder / f"{self.name}.hea").write_text("\n".join(self.lines) + "\n", "utf-8")
        return self.path

    def replace(self, old: str, new: str, count: int = -1) -> None:
        """Changes the text of the header, which must hold `old`."""
        text = "\n".join(self.lines)
        assert old in text, text
        self.lines = text.replace(old, new, count).split("\n")

    def signal_line(self, lead: int, samples: np.ndarray, shape: str = "16", gain: str = "1000(0)/mV") -> str:
        """The line of a signal, with the first value and the checksum that are right for its samples."""
        total = int(samples.sum(dtype=np.int64)) % 65536
        return f"{self.name}.dat {shape} {gain} 16 0 {int(samples[0])} {total} 0 {LEADS[lead]}"


@pytest.fixture
def raw(tmp_path: Path) -> RawRecord:
    """A record whose leads differ in size, and keep to Einthoven's law."""
    seconds = np.arange(3000) / 500
    beat = np.exp(-0.5 * ((seconds % 0.8 - 0.3) / 0.012) ** 2) + 0.3 * np.sin(2 * np.pi * seconds)
    one, two = 600 * beat + 7, 1100 * beat + 20 * np.sin(seconds)
    limbs = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    chest = [scale * beat + 30 * seconds for scale in (-800, -400, 300, 1400, 1200, 900)]
    digital = np.rint(np.stack([*limbs, *chest], axis=1)).astype("<i2")
    record = RawRecord(tmp_path, "r1", digital, [], digital.tobytes())
    lines = [record.signal_line(lead, digital[:, lead]) for lead in range(len(LEADS))]
    record.lines = ["r1 12 500 3000", *lines]
    return record
