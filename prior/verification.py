"""A generator verified whole: its own files by their sums, and that tokenizer, prior and conditions fit together."""

from pathlib import Path

from vqecg.prior.generator import ECGGenerator
from vqecg.records.files.verification import VERIFIERS, Verifier, sum_faults
from vqecg.training.checkpoint import CONFIG_FILE, read_config


@VERIFIERS.register("generator", rank=3)
class GeneratorVerifier(Verifier):
    """A saved generator; its tokenizer and prior are models of their own."""

    def holds(self, folder: Path) -> bool:
        """True for a generator, and for what was one."""
        if (folder / "conditions.csv").exists():
            return (folder / "prior").is_dir() or (folder / CONFIG_FILE).exists()
        try:
            return read_config(folder).get("class") == "ECGGenerator"
        except ValueError:
            return False

    def verify(self, folder: Path) -> tuple[str, list[str]]:
        """Loads it, and reads all of it."""
        summary, faults = sum_faults(folder)
        if not faults:
            generator = ECGGenerator.from_pretrained(folder)
            summary = f"{generator.fingerprint} for {len(generator.class_names)} labels, its parts fit, {summary}"
        return summary, faults
