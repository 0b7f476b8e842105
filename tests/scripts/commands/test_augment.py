"""`vqecg augment`: what it writes, what it counts, how it goes on, and what it refuses."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vqecg.downstream.augmentation.methods.registry import METHODS, find_method
from vqecg.downstream.augmentation.plan import AdditionPlan, AdditionSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.records.datasets.registry import read_record, read_table
from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainingSubset
from vqecg.scripts.cli.main import main
from vqecg.scripts.steps import augmenting
from vqecg.scripts.steps.augmenting import AugmentingStep

FEW = ["--settings.attempts", "2", "--settings.infilling.candidates", "1", "--settings.least", "1"]


@pytest.fixture(scope="module")
def generator(tiny_generator: ECGGenerator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny generator."""
    folder = tmp_path_factory.mktemp("augment") / "generator"
    tiny_generator.save_pretrained(folder)
    return folder


DRAWN = (  # without a parent
    *("prior samples", "rendered sketches", "noisy sketches"),
    *("simulated hearts", "textbook hearts"),
)


def words(store: RecordStore, generator: Path, out: Path, *more: str) -> list[str]:
    """`vqecg augment` for a few CD records."""
    given = ["--store", str(store.folder), "--generator", str(generator), "--out", str(out), "--target-classes", "CD"]
    return ["augment", *given, "--ratio", "0.7", "--min-parents", "2", *FEW, *more]


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS.names())
def test_every_method_writes_a_data_set_that_names_method_and_parents(
    simulated_store: RecordStore,
    simulated_split: SplitIndices,
    generator: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    method: str,
):
    given = words(simulated_store, generator, tmp_path / "more", "--method", method, "--no-gate", "--no-likelihood")
    assert main(given) == 0
    printed = capsys.readouterr().out
    table = read_table(tmp_path / "more").records
    manifest = pd.read_parquet(tmp_path / "more" / "manifest.parquet")
    assert f"{len(table)} records by {method} (" in printed and "No draw was rejected" in printed
    assert (
        len(table) == len(manifest) > 0
        and set(manifest["method"]) == {find_method(method).manifest_name}
        and (manifest["draws"] == 1).all()
    )
    task = simulated_store.task("superdiagnostic")
    labels = task.encode(table["statements"].tolist())
    assert ["+".join(task.names(row)) for row in labels] == manifest["labels"].tolist()
    train = simulated_store.table.iloc[simulated_split.train].set_index("record_id")
    place = tmp_path / "more" / "private" / "origins.parquet"
    mixed = "mixing" in method or method in ("latent interpolation", "resampled beats")  # beats and rhythm of two
    assert place.is_file() == (method not in DRAWN) and not {"first_parent", "second_parent"} & set(manifest)
    if place.is_file():
        origins = pd.read_parquet(place)
        assert origins["first_parent"].isin(train.index).all() and ("second_parent" in origins) == mixed
        assert not mixed or origins["second_parent"].isin(train.index).all()
    real = simulated_store.labels(task)[simulated_split.train]
    both = labels.sum(0) + real.sum(0)
    assert both[task.class_names.index("CD")] == pytest.approx(0.7 * real.sum(0).max(), abs=1)
    record = read_record(table.iloc[0])
    assert record.signal.shape == (12, 1000) and np.isfinite(record.signal).all()


def test_a_gate_and_a_range_of_likelihood_apply_and_what_they_reject_is_told(
    simulated_store: RecordStore,
    generator: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    refused: Callable[..., str],
):
    more, none = tmp_path / "more", tmp_path / "none"
    assert main(words(simulated_store, generator, more, "--method", "prior", "--no-likelihood")) == 0
    assert "A gate compared every record with" in capsys.readouterr().out
    told = (more / "README.md").read_text()
    assert "A gate compared every record with" in told
    assert "CAUTION, OTHER TRAINING" in told, "this generator does not say what it was trained on"
    manifest = pd.read_parquet(more / "manifest.parquet")
    assert (manifest["nearest_distance"] >= manifest["gate_threshold"]).all() and not manifest["checked"].any()
    narrow = ["--likelihood.low", "50", "--likelihood.high", "50.001", "--no-gate"]
    told = refused(*words(simulated_store, generator, none, "--method", "interpolation", *narrow))
    assert "no record passed" in told and "likely" in told and "--settings.attempts" in told
    assert "No gate was applied" in told and "nats, as it gives training records" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["more"]


def test_the_same_command_goes_on_from_the_finished_shards(
    simulated_store: RecordStore,
    generator: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("vqecg.records.files.shards.SHARD_RECORDS", 4)
    more = ["--method", "interpolation", "--no-gate", "--no-likelihood"]
    assert main(words(simulated_store, generator, tmp_path / "whole", *more)) == 0
    make_shard, made = augmenting.make_shard, []

    def stopped(*given: Any) -> bytes:
        if made:
            raise KeyboardInterrupt
        made.append(given)
        return make_shard(*given)

    monkeypatch.setattr(augmenting, "make_shard", stopped)
    assert main(words(simulated_store, generator, tmp_path / "parts", *more)) == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == [".parts.shards", "whole"]
    monkeypatch.setattr(augmenting, "make_shard", make_shard)
    assert main(words(simulated_store, generator, tmp_path / "parts", *more)) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts", "whole"]
    for name in ("ptbxl_database.csv", "records100/1000000/1000000_lr.dat", "records500/1000000/1000005_hr.dat"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_what_cannot_be_is_refused_before_anything_is_made(
    simulated_store: RecordStore, generator: Path, tmp_path: Path, refused: Callable[..., str]
):
    out = tmp_path / "more"
    told = refused(*words(simulated_store, generator, out, "--method", "magic"))
    assert "method 'magic' is unknown; expected one of duplication" in told
    told = refused(*words(simulated_store, generator, out, "--min-parents", "1000"))
    assert "so many training records can be parents by latent interpolation" in told and "--force" in told
    told = refused(*words(simulated_store, generator, out, "--target-classes", "XYZ"))
    assert "XYZ" in told
    out.mkdir()
    (out / "mine.txt").write_text("not to be lost")
    assert "holds something else" in refused(*words(simulated_store, generator, out))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["more"]


def test_shards_made_while_other_labels_were_hidden_are_not_gone_on_from(
    simulated_store: RecordStore, generator: Path, tmp_path: Path
):
    digests = set()
    for known in (4, 6):
        additions = AdditionSettings(
            target_classes=("CD",), subset=TrainingSubset(known_class="MI", known_records=known)
        )
        step = AugmentingStep(simulated_store.folder, generator, tmp_path / "more", additions=additions)
        ingredients = augmenting.open_ingredients(step)
        names = ingredients.task.class_names
        plan = AdditionPlan(names, ("CD",), np.zeros(1, np.int64), np.zeros((1, len(names)), np.float32))
        digests.add(augmenting.identity_of(step, ingredients, plan))
    assert len(digests) == 2


def test_what_is_invented_needs_no_parents(simulated_store: RecordStore, generator: Path, tmp_path: Path):
    step = AugmentingStep(
        *(simulated_store.folder, generator, tmp_path / "more", "simulated hearts"),
        additions=AdditionSettings(target_classes=("CD",), ratio=0.7),
        min_parents=1000,
    )
    assert len(augmenting.make_plan(step, augmenting.open_ingredients(step)))
    with pytest.raises(ValueError, match="--min-parents asks for 1000"):
        augmenting.make_plan(replace(step, method="reconstructions"), augmenting.open_ingredients(step))
