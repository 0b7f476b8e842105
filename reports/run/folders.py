"""The folder of `vqecg run`: where each step leaves its output, and the cost of each."""

from dataclasses import dataclass
from pathlib import Path

from vqecg.records.files.json_file import read_object


@dataclass(frozen=True)
class RunFolders:
    """Paths in the output folder of a run."""

    out: Path

    @property
    def settings(self) -> Path:
        """The settings of the run."""
        return self.out / "run.yaml"

    @property
    def store(self) -> Path:
        """The prepared recordings."""
        return self.out / "store"

    @property
    def tokenizer(self) -> Path:
        """The tokenizer."""
        return self.out / "tokenizer"

    @property
    def prior(self) -> Path:
        """The prior, with the generator in it."""
        return self.out / "prior"

    @property
    def generator(self) -> Path:
        """The generator: the prior with its tokenizer."""
        return self.prior / "generator"

    @property
    def synthetic(self) -> Path:
        """The synthetic data set, in PTB-XL's layout."""
        return self.out / "synthetic"

    @property
    def synthetic_store(self) -> Path:
        """The synthetic data set, prepared."""
        return self.out / "synthetic-store"

    @property
    def classifier(self) -> Path:
        """The classifier trained on synthetic records alone."""
        return self.out / "classifier-synthetic"

    @property
    def comparison(self) -> Path:
        """The comparison."""
        return self.out / "comparison"

    @property
    def comparison_runs(self) -> Path:
        """The scores and classifiers of the comparison."""
        return self.comparison / "runs"

    @property
    def costs(self) -> Path:
        """Seconds and memory of each step."""
        return self.out / "costs.json"

    @property
    def report(self) -> Path:
        """The report."""
        return self.out / "report.html"


def read_costs(folders: RunFolders) -> dict[str, dict[str, float]]:
    """Step -> {"seconds", "peak_memory_mb"}; empty before the first step is done."""
    return read_object(folders.costs) if folders.costs.is_file() else {}
