"""The choices that a comparison leaves to the validation part."""

from dataclasses import dataclass

from vqecg.records.bounds import BelowOne, Checked, Count, PositiveFactor, Seed

TUNED_BY = ("auroc", "average_precision")


@dataclass(frozen=True)
class TuningSettings(Checked):
    """The choices that every arm has on the validation part; none where nothing is named."""

    steps: tuple[Count, ...] = ()  # optimizer steps to choose from, in every arm; none = as all classifiers
    shares: tuple[BelowOne, ...] = ()  # of every batch, to choose from in mixture arms; 0 = no stream; none = the arm's
    times: tuple[PositiveFactor, ...] = ()  # synthetic records for each real one, in mixture arms; none = stream.times
    metric: str = "auroc"  # auroc or average_precision: its macro average on the validation part decides
    seeds: tuple[Seed, ...] = (100_000, 100_001)  # of the candidates' classifiers, none of the comparison's

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.metric not in TUNED_BY:
            raise ValueError(f"metric is {self.metric!r}; expected one of {', '.join(TUNED_BY)}")
        for name in ("steps", "shares", "times", "seeds"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f"tuning.{name} are {values}; expected none twice")
        if not self.seeds:
            raise ValueError("tuning.seeds are empty; expected at least one")

    @property
    def wanted(self) -> bool:
        """True where there is something to choose."""
        return bool(self.steps or self.shares or self.times)
