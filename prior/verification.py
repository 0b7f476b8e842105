"""A generator verified whole: its own files by their sums, and that tokenizer, prior and conditions fit together."""

from pathlib import Path

from vqecg.prior.generator import ECGGenerator, is_generator
from vqecg.records.files.verification import VERIFIERS, Verifier, sum_faults


@VERIFIERS.register("generator", rank=3)
class GeneratorVerifier(Verifier):
    """A saved generator; its tokenizer and prior are models of their own."""

    def holds(self, folder: Path) -> bool:
        """True for a generator, and for what was one."""
        parts = [(folder / name).exists() for name in ("tokenizer", "prior", "conditions.csv")]
        return is_generator(folder) or sum(parts) > 1 or (parts[2] and (folder / "config.json").exists())

    def verify(self, folder: Path) -> tuple[str, list[str]]:
        """Loads it, and reads all of it."""
        summary, faults = sum_faults(folder)
        if not faults:
            generator = ECGGenerator.from_pretrained(folder)
            summary = f"{generator.fingerprint} for {len(generator.class_names)} labels, its parts fit, {summary}"
        return summary, faults
