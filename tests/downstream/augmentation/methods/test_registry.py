"""A method from outside the package: one file gives `vqecg augment` a method and `vqecg compare` an arm."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from vqecg.downstream.augmentation.methods.registry import METHODS, find_method
from vqecg.downstream.comparison.arms.registry import arms_of, find_arm
from vqecg.downstream.comparison.comparison import read_comparison
from vqecg.prior.generator import ECGGenerator
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainedOn, TrainingSubset
from vqecg.scripts.cli.main import main

EXTENSION = '''\
"""Planned records with a little white noise."""

import numpy as np

from vqecg.downstream.augmentation.additions import Additions, fill
from vqecg.downstream.augmentation.methods.registry import METHODS, AugmentationMethod, Ingredients
from vqecg.downstream.augmentation.plan import AdditionPlan
from vqecg.prior.synthetic_records import SyntheticRecords


@METHODS.register("noisy copies")
class NoisyCopies(AugmentationMethod):
    help = "the planned records with a little white noise"

    def make(self, ingredients: Ingredients, plan: AdditionPlan, first: int = 0) -> Additions:
        def draw(rows: np.ndarray, attempt: int) -> SyntheticRecords:
            sources = ingredients.sources(plan, rows)
            stream = np.random.default_rng([ingredients.settings.seed, first, attempt])
            noise = stream.normal(scale=0.01, size=(len(rows), 8, ingredients.store.spec.samples))
            return ingredients.derived(ingredients.store.signals(sources) + noise.astype(np.float32), sources)

        return fill(self.name, plan, ingredients.task, draw, "noisy copies")
'''


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file, named as the environment names it; its entry is taken out again."""
    path = tmp_path_factory.mktemp("extension") / "noisy_copies.py"
    path.write_text(EXTENSION, encoding="utf-8")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("VQECG_EXTENSIONS", str(path))
        yield path
    METHODS.remove("noisy copies")


@pytest.fixture(scope="module")
def words(
    simulated_store: RecordStore, tiny_generator: ECGGenerator, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    """The options that name the store and a generator trained on its training folds."""
    folder = tmp_path_factory.mktemp("generator")
    tiny_generator.save_pretrained(folder / "first")
    generator = ECGGenerator.from_pretrained(folder / "first")
    seen = TrainedOn(simulated_store.fingerprint, FoldSplit(), TrainingSubset())
    generator.trained_on = {"tokenizer": seen, "prior": seen}
    generator.save_pretrained(folder / "second")
    return ["--store", str(simulated_store.folder), "--generator", str(folder / "second"), "--target-classes", "HYP"]


def test_it_is_a_method_and_an_arm(extension: Path):
    assert len(EXTENSION.splitlines()) < 40
    assert find_method("Noisy-Copies").name == "noisy copies"
    arm = find_arm("noisy-copies + mixup")
    assert arm.name == "noisy copies + mixup" and arm.methods == ("noisy copies",) and arm.training
    assert "noisy copies" not in arms_of(), "a comparison that names no arm stays as it is"


def test_the_command_line_augments_by_it(extension: Path, words: list[str], tmp_path: Path):
    given = ["--out", str(tmp_path / "more"), "--method", "noisy-copies", "--no-gate", "--no-likelihood", "--force"]
    assert main(["augment", *words, *given]) == 0
    manifest = pd.read_parquet(tmp_path / "more" / "manifest.parquet")
    assert len(manifest) and set(manifest["method"]) == {"noisy copies"}


def test_the_command_line_compares_it(extension: Path, words: list[str], tmp_path: Path):
    given = ["--out", str(tmp_path / "compared"), "--arms", "noisy-copies", "--analysis.main-arm", "noisy copies"]
    given += ["--preset", "tiny", "--seeds", "0", "--analysis.replicates", "20", "--augmentation.least", "1"]
    given += ["--training.fit.steps", "2", "--training.fit.batch-size", "8", "--training.fit.warmup-steps", "1"]
    assert main(["compare", *words, *given]) == 0
    found = read_comparison(tmp_path / "compared" / "runs")
    assert list(found.arms["arm"]) == ["real only", "duplication", "noisy copies"]
    assert "noisy copies" in found.arms["description"].iloc[2]
