"""The form of every signal in a store: rate, length, unit and type."""

from dataclasses import dataclass

from vqecg.records.bounds import Checked, Hertz, Seconds

MICROVOLTS = 1000.0  # per mV
STORED_TYPE = "<i2"  # of the signals in a store: microvolt


@dataclass(frozen=True)
class SignalSpec(Checked):
    """Rate and length of every signal. Raises ValueError when rate x seconds is no whole number of samples."""

    sampling_rate: Hertz = 100  # of every signal, Hz; recordings of other rates are resampled
    seconds: Seconds = 10.0  # length of every signal, s

    def __post_init__(self) -> None:
        super().__post_init__()
        samples = self.sampling_rate * self.seconds
        if round(samples) < 1 or abs(samples - round(samples)) >= 1e-6:
            raise ValueError(
                f"{self.sampling_rate} Hz for {self.seconds} s is {samples} samples; "
                "expected a positive whole number: choose seconds that the rate divides"
            )

    @property
    def samples(self) -> int:
        """Samples per lead."""
        return round(self.sampling_rate * self.seconds)
