"""The generator: labels in, twelve leads out, the same from the folder it was saved in; requests it cannot meet."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from vqecg.prior.config import SamplingSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.requests import Requests, training_conditions
from vqecg.records.folds import SplitIndices
from vqecg.records.leads import LEADS, einthoven_residual, twelve_leads
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.modeling import ECGTokenizer


def with_conditions(generator: ECGGenerator, rows: list[tuple[str, float, str, int]]) -> ECGGenerator:
    """The generator with another table of what occurred in training."""
    table = pd.DataFrame(rows, columns=["labels", "age", "sex", "count"])
    return ECGGenerator(generator.tokenizer, generator.prior, generator.task, table, generator.samples)


@pytest.fixture
def known(tiny_generator: ECGGenerator) -> ECGGenerator:
    """A generator that has seen few combinations."""
    return with_conditions(
        tiny_generator,
        [
            ("NORM", 40.0, "female", 30),
            ("NORM", 60.0, "male", 10),
            ("MI", 70.0, "male", 6),
            ("MI+HYP", 75.0, "male", 5),
            ("", float("nan"), "unknown", 3),
        ],
    )


def test_records_have_the_shape_of_the_real_ones_and_keep_their_requests(tiny_generator: ECGGenerator):
    requests = tiny_generator.requests(["NORM"], 3, seed=0)
    made = tiny_generator.generate(requests, seed=1)
    assert made.signal.shape == (3, 8, 1000) and made.signal.dtype == np.float32
    assert np.isfinite(made.signal).all() and made.codes.shape == (3, 125, 2) and len(made) == 3
    assert made.labels is requests.labels and made.attributes is requests.attributes and made.valid.all()
    assert (made.parents == -1).all() and np.isnan(made.weight).all()
    assert all("NORM" in names for names in made.statements)
    decoded = tiny_generator.decode(torch.from_numpy(made.codes), made.sketch)
    np.testing.assert_allclose(made.signal, decoded, atol=1e-6)


def test_generated_records_obey_einthoven_exactly(tiny_generator: ECGGenerator):
    made = tiny_generator.generate(tiny_generator.requests(["NORM"], 3, seed=0), seed=0)
    twelve = twelve_leads(made.signal.astype(np.float64))
    one, two, three = (twelve[:, LEADS.index(lead)] for lead in ("I", "II", "III"))
    assert (three - (two - one) == 0).all() and np.abs(three).max() > 0
    assert einthoven_residual(twelve) == 0


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(tiny_generator: ECGGenerator):
    requests = tiny_generator.requests(["NORM"], 3, seed=0)
    first, again, other = (tiny_generator.generate(requests, seed).signal for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_set_made_in_parts_is_the_set_made_at_once(tiny_generator: ECGGenerator):
    requests = tiny_generator.requests(["NORM"], 5, seed=0)
    settings = SamplingSettings(batch_size=3)
    whole = tiny_generator.generate(requests, 7, settings)
    chunks = [tiny_generator.generate(requests[start : start + 2], 7, settings, start) for start in (0, 2, 4)]
    np.testing.assert_array_equal(np.concatenate([chunk.codes for chunk in chunks]), whole.codes)
    np.testing.assert_allclose(np.concatenate([chunk.signal for chunk in chunks]), whole.signal, atol=1e-6)


def test_no_requests_give_no_records(tiny_generator: ECGGenerator):
    made = tiny_generator.generate(tiny_generator.requests(["NORM"], 0, seed=0), seed=0)
    assert made.signal.shape == (0, 8, 1000) and made.codes.shape == (0, 125, 2)


def test_a_saved_generator_comes_back_the_same(tiny_generator: ECGGenerator, tmp_path: Path):
    tiny_generator.save_pretrained(tmp_path / "generator", card="# Mine\n")
    loaded = ECGGenerator.from_pretrained(tmp_path / "generator")
    assert loaded.fingerprint == tiny_generator.fingerprint and loaded.task == tiny_generator.task
    pd.testing.assert_frame_equal(loaded.conditions, tiny_generator.conditions, check_dtype=False)
    first, second = (
        generator.generate(generator.requests(["NORM"], 2, seed=3), seed=4) for generator in (tiny_generator, loaded)
    )
    np.testing.assert_array_equal(first.signal, second.signal)
    np.testing.assert_array_equal(first.attributes["age"], second.attributes["age"])
    assert (tmp_path / "generator" / "README.md").read_text() == "# Mine\n"
    assert ECGGenerator.from_pretrained(tmp_path).fingerprint == loaded.fingerprint  # the folder of the trained prior


def test_no_label_and_unknown_age_survive_the_folder(known: ECGGenerator, tmp_path: Path):
    known.save_pretrained(tmp_path / "generator")
    loaded = ECGGenerator.from_pretrained(tmp_path / "generator")
    pd.testing.assert_frame_equal(loaded.conditions, known.conditions, check_dtype=False)


def test_an_earlier_generator_is_replaced_only_when_asked_and_anything_else_never(
    tiny_generator: ECGGenerator, tmp_path: Path
):
    folder = tmp_path / "generator"
    tiny_generator.save_pretrained(folder)
    with pytest.raises(ValueError, match="overwrite"):
        tiny_generator.save_pretrained(folder)
    tiny_generator.save_pretrained(folder, overwrite=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("dear")
    with pytest.raises(ValueError, match="something else"):
        tiny_generator.save_pretrained(tmp_path / "mine", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["generator", "mine"]


def test_another_tokenizer_is_refused(tiny_generator: ECGGenerator):
    torch.manual_seed(1)
    other = ECGTokenizer(tiny_generator.tokenizer.config)
    with pytest.raises(ValueError, match=r"trained with tokenizer .*, this one is"):
        ECGGenerator(other, tiny_generator.prior, tiny_generator.task, tiny_generator.conditions, 1000)


def test_another_task_is_refused(tiny_generator: ECGGenerator):
    task = replace(tiny_generator.task, name="other", class_names=("A", "B"), members={})
    with pytest.raises(ValueError, match="the task 'other' has"):
        ECGGenerator(tiny_generator.tokenizer, tiny_generator.prior, task, tiny_generator.conditions, 1000)


@pytest.mark.parametrize("missing", ["conditions.csv", "prior/config.json", "tokenizer/model.safetensors"])
def test_a_folder_that_lacks_a_part_is_refused(tiny_generator: ECGGenerator, tmp_path: Path, missing: str):
    folder = tmp_path / "generator"
    tiny_generator.save_pretrained(folder)
    (folder / missing).unlink()
    with pytest.raises(ValueError, match=r"no whole generator|holds no config.json|holds no weights"):
        ECGGenerator.from_pretrained(folder)


def test_a_config_that_lacks_its_task_or_is_of_something_else_is_refused(tiny_generator: ECGGenerator, tmp_path: Path):
    folder = tmp_path / "generator"
    tiny_generator.save_pretrained(folder)
    about = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(about | {"config": {"samples": 1000}}))
    with pytest.raises(ValueError, match="no whole generator"):
        ECGGenerator.from_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(about | {"format_version": 2}))
    with pytest.raises(ValueError, match="of format 2; expected ECGGenerator of format 1"):
        ECGGenerator.from_pretrained(folder)
    with pytest.raises(ValueError, match="holds ECGTokenizer"):
        ECGGenerator.from_pretrained(folder / "tokenizer")
    with pytest.raises(ValueError, match="no model folder"):
        ECGGenerator.from_pretrained(tmp_path / "nothing")


def test_requests_have_exactly_the_labels_asked_for(known: ECGGenerator):
    requests = known.requests(["MI"], 20, seed=0, only=True)
    assert known.class_names == ("NORM", "MI", "STTC", "CD", "HYP")
    np.testing.assert_array_equal(requests.labels, np.tile(np.float32([0, 1, 0, 0, 0]), (20, 1)))
    both = known.requests(["HYP", "MI", "HYP"], 2, seed=0, only=True)  # any order, named twice
    np.testing.assert_array_equal(both.labels, np.tile(np.float32([0, 1, 0, 0, 1]), (2, 1)))


def test_age_and_sex_are_drawn_together_as_they_occurred_unless_given(known: ECGGenerator):
    requests = known.requests(["NORM"], 400, seed=0)
    pairs = set(zip(*(values.tolist() for values in requests.attributes.values()), strict=True))
    assert pairs == {(40.0, "female"), (60.0, "male")}
    assert (requests.attributes["sex"] == "female").mean() == pytest.approx(0.75, abs=0.08)
    given = known.requests(["NORM"], 5, seed=0, age=33, sex="male")
    assert (given.attributes["age"] == 33).all() and (given.attributes["sex"] == "male").all()


def test_the_same_seed_draws_the_same_requests(known: ECGGenerator):
    first, again, other = (known.requests(["NORM"], 30, seed).attributes["age"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_other_labels_come_along_as_they_occurred(known: ECGGenerator):
    requests = known.requests(["MI"], 200, seed=0)
    assert (requests.labels[:, 1] == 1).all()
    assert requests.labels[:, 4].mean() == pytest.approx(0.5, abs=0.12)
    with pytest.raises(ValueError, match="no training record has the labels CD together"):
        known.requests(["CD"], 1, seed=0)


def test_a_generator_of_statements_is_asked_for_superclasses_too(
    simulated_store: RecordStore, simulated_split: SplitIndices
):
    from vqecg.prior.config import ECGPriorConfig
    from vqecg.prior.modeling import ECGPrior
    from vqecg.tokenizer.config import ECGTokenizerConfig
    from vqecg.training.checkpoint import fingerprint

    task, tokenizer = simulated_store.task("all"), ECGTokenizer(ECGTokenizerConfig(width=16, levels=2))
    shape = ECGPriorConfig(
        class_names=task.class_names,
        tokenizer_fingerprint=fingerprint(tokenizer),
        levels=2,
        width=16,
        layers=1,
        heads=2,
    )
    conditions = training_conditions(simulated_store, simulated_split.train, task)
    generator = ECGGenerator(tokenizer, ECGPrior(shape), task, conditions, 1000)
    asked = generator.requests(["HYP"], 20, seed=0)
    superclasses = simulated_store.task("superdiagnostic")
    statements = [dict.fromkeys(task.names(row), 100.0) for row in asked.labels]
    assert (superclasses.encode(statements)[:, superclasses.class_names.index("HYP")] == 1).all()
    assert set(asked.attributes["sex"]) <= {"unknown", "female", "male"}
    with pytest.raises(ValueError, match="or classes of one of the tasks superdiagnostic"):
        generator.requests(["XYZ"], 1, seed=0)


def test_an_unknown_label_or_sex_is_refused(known: ECGGenerator):
    with pytest.raises(ValueError, match=r"got the labels \['MI', 'XYZ'\]; expected some of NORM, MI, .*, or classes"):
        known.requests(["MI", "XYZ"], 1, seed=0)
    with pytest.raises(ValueError, match="expected some of NORM"):
        known.requests([], 1, seed=0)
    with pytest.raises(ValueError, match="sex 'woman', expected one of female, male, unknown"):
        known.requests(["MI"], 1, seed=0, sex="woman")
    with pytest.raises(ValueError, match="age 130, expected 0 to 125 years"):
        known.requests(["MI"], 1, seed=0, age=130.0)
    with pytest.raises(ValueError, match="attribute 'height' is unknown; expected some of age, sex"):
        known.requests(["MI"], 1, seed=0, height=180.0)


def test_a_combination_that_never_occurred_is_refused_and_the_usual_ones_are_named(known: ECGGenerator):
    with pytest.raises(ValueError, match=r"has the labels MI\+NORM together.* occurred: NORM, MI, HYP\+MI$"):
        known.requests(["MI", "NORM"], 1, seed=0)


def test_parents_are_counted_for_a_combination_and_for_each_label(known: ECGGenerator):
    counts = [known.parents(labels)["count"].sum() for labels in (["NORM"], ["MI"], ["HYP", "MI"])]
    assert counts == [40, 11, 5] and known.parents(["MI"], only=True)["count"].sum() == 6
    assert known.rare_labels(40) == {"HYP": 5, "MI": 11}
    assert known.rare_labels(11) == {"HYP": 5} and known.rare_labels(0) == {}


def test_parents_must_have_what_is_asked_for_from_classes_that_are_not_left_out(known: ECGGenerator):
    assert known.parents_without(["MI"], {"HYP"})["count"].sum() == 11
    assert known.parents_without(["HYP", "MI"], {"HYP"}).empty
    assert known.parents_without(["MI"], set(), only=True)["count"].sum() == 6


def test_requests_can_be_sliced_and_freed_of_a_label():
    attributes = {"age": np.arange(3, dtype=np.float32), "sex": np.array(["male"] * 3, object)}
    requests = Requests(np.eye(3, dtype=np.float32), attributes)
    assert requests.without([1]).labels.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]] and requests.labels[1, 1] == 1
    assert len(requests[1:]) == 2 and requests[1:].attributes["age"].tolist() == [1, 2]


def test_the_conditions_count_the_training_records(simulated_store: RecordStore, simulated_split: SplitIndices):
    task = simulated_store.task("superdiagnostic")
    found = training_conditions(simulated_store, simulated_split.train, task)
    assert list(found.columns) == ["labels", "age", "sex", "count"]
    assert found["count"].sum() == len(simulated_split.train)
    assert (found["age"] % 5 == 0).all()
    labels = simulated_store.labels(task)[simulated_split.train]
    only_normal = (labels == [1, 0, 0, 0, 0]).all(1).sum()
    assert found.loc[found["labels"] == "NORM", "count"].sum() == only_normal


@pytest.mark.bad_input("options")
@pytest.mark.parametrize("age", [300.0, -1.0, 126, math.inf, -math.inf, 1e6, "old", "70", None, True, 10**400])
def test_an_age_that_nobody_has_is_refused(tiny_generator: ECGGenerator, age: Any):
    with pytest.raises(ValueError, match="expected 0 to 125 years"):
        tiny_generator.requests(["NORM"], 2, seed=0, age=age)


@pytest.mark.bad_input("options")
@pytest.mark.parametrize(
    "wrong",
    [{"count": -1}, {"count": 2.5}, {"count": 10**12}, {"count": "2"}, {"seed": -1}, {"seed": 2**64}, {"seed": 0.5}],
)
def test_a_count_or_seed_that_cannot_be_is_refused(tiny_generator: ECGGenerator, wrong: dict[str, Any]):
    with pytest.raises(ValueError, match="expected a whole number"):
        tiny_generator.requests(["NORM"], **({"count": 2, "seed": 0} | wrong))
    if "seed" in wrong:
        with pytest.raises(ValueError, match="expected a whole number"):
            tiny_generator.generate(tiny_generator.requests(["NORM"], 1, seed=0), **wrong)


@pytest.mark.bad_input("options")
@pytest.mark.parametrize(
    "change",
    [
        lambda asked: replace(asked, labels=asked.labels * math.nan),
        lambda asked: replace(asked, labels=asked.labels * 0.5),
        lambda asked: replace(asked, labels=asked.labels[:, :3]),
        lambda asked: replace(asked, attributes={"age": np.array([400.0, 50.0], np.float32)}),
        lambda asked: replace(asked, attributes={"age": np.array([50.0], np.float32)}),
        lambda asked: replace(asked, attributes={"sex": np.array(["male", "F"], object)}),
        lambda asked: replace(asked, attributes={"shoe": np.array([44.0, 40.0], np.float32)}),
    ],
)
def test_requests_that_cannot_be_are_refused(tiny_generator: ECGGenerator, change: Callable[[Requests], Requests]):
    wrong = change(tiny_generator.requests(["NORM"], 2, seed=0))
    with pytest.raises(ValueError, match="expected"):
        tiny_generator.generate(wrong, seed=0)
