"""Settings of an advice: the rule of its decision, and the trials that it may try."""

from dataclasses import dataclass

from vqecg.records.bounds import Checked, Count, InnerShare, PositiveShare, Seed, Share

SCREENING_SEEDS = 2  # of the first round, at most
LEAST_SEEDS = 4  # of the last round
METRICS = ("auroc", "average_precision")  # that need no thresholds, which would be chosen on the same records


@dataclass(frozen=True)
class AdviceSettings(Checked):
    """The rule of the decision, and the trials."""

    confidence: InnerShare = 0.9  # of all intervals; an arm is advised where the lower end of its gain is above 0
    harm: Share = 0.005  # loss in a class that is not a target from which on an arm is not advised
    steps: tuple[PositiveShare, ...] = (0.5, 1.0, 0.25)  # shares of the classifier's steps that all arms are tried with
    fractions: tuple[InnerShare, ...] = (0.25, 0.5)  # of the labelled patients, for the learning curve beside all
    seeds: Count = 12  # of the last round, at most
    first_seed: Seed = 1000  # of the trials' classifiers; a comparison has other seeds

    @property
    def every_seed(self) -> range:
        """Those that trials may have, of both rounds."""
        return range(self.first_seed, self.first_seed + SCREENING_SEEDS + self.seeds)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.seeds < LEAST_SEEDS:
            raise ValueError(f"seeds is {self.seeds}; expected at least {LEAST_SEEDS}: half of them choose")
        if not self.steps or len(set(self.steps)) < len(self.steps):
            raise ValueError(f"steps are {self.steps}; expected at least one share of the steps, and none twice")
        if len(set(self.fractions)) < len(self.fractions):
            raise ValueError(f"fractions are {self.fractions}; expected none twice")
