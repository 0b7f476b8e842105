"""The form of every signal in a store: rate, length, unit and type."""

from dataclasses import dataclass
from typing import Annotated

from vqecg.records.bounds import Between, Checked, Seconds

MICROVOLTS = 1000.0  # per mV
STORED_TYPE = "<i2"  # of the signals in a store: microvolt
LOWEST_RATE, HIGHEST_RATE = 50, 32_000  # Hz; below it no QRS complex keeps its form, above it no ECG is recorded
StoreHertz = Annotated[int, Between(LOWEST_RATE, HIGHEST_RATE)]
MOST_SAMPLES = 2**20  # of a lead: 2.9 hours at 100 Hz


@dataclass(frozen=True)
class SignalSpec(Checked):
    """Rate and length of every signal; rate times length is a whole number of samples."""

    sampling_rate: StoreHertz = 100  # of every signal, Hz; recordings of other rates are resampled
    seconds: Seconds = 10.0  # length of every signal, s

    def __post_init__(self) -> None:
        """Raises ValueError where rate times length is no whole number of samples, or more than MOST_SAMPLES."""
        super().__post_init__()
        samples = self.sampling_rate * self.seconds
        if round(samples) < 1 or abs(samples - round(samples)) >= 1e-6:
            raise ValueError(
                f"{self.sampling_rate} Hz for {self.seconds} s is {samples} samples; "
                "expected a positive whole number: choose seconds that the rate divides"
            )
        if samples > MOST_SAMPLES:
            raise ValueError(
                f"{self.sampling_rate} Hz for {self.seconds} s is {samples:,.0f} samples; expected {MOST_SAMPLES:,} at "
                "most: choose fewer seconds or a lower rate"
            )

    def __str__(self) -> str:
        return f"{self.seconds:g} s at {self.sampling_rate} Hz"

    @property
    def samples(self) -> int:
        """Samples per lead."""
        return round(self.sampling_rate * self.seconds)
