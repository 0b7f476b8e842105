"""The label tasks: their classes, what counts as which, and likelihoods."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqecg.records.label_tables import statement_table
from vqecg.records.labels import CPSC2018_CLASSES, OWN, SUPERCLASSES, TASKS, LabelTask

CLASSES = {
    "all": 71,
    "diagnostic": 44,
    "subdiagnostic": 23,
    "superdiagnostic": 5,
    "form": 19,
    "rhythm": 12,
    "cpsc2018": 9,
}


def names(task: LabelTask, statements: dict[str, float]) -> tuple[str, ...]:
    return task.names(task.encode([statements])[0])


@pytest.mark.parametrize(("task", "count"), CLASSES.items())
def test_every_task_has_its_published_number_of_classes(task: str, count: int) -> None:
    assert len(LabelTask.named(task).class_names) == count
    assert len(set(LabelTask.named(task).class_names)) == count


def test_superclasses_and_cpsc2018_classes_are_in_the_order_of_the_literature() -> None:
    assert LabelTask.named("superdiagnostic").class_names == SUPERCLASSES == ("NORM", "MI", "STTC", "CD", "HYP")
    assert LabelTask.named("cpsc2018").class_names == CPSC2018_CLASSES
    assert LabelTask.named("all").class_names == tuple(statement_table().index)


@pytest.mark.parametrize("task", TASKS)
def test_a_class_name_as_statement_is_that_class(task: str) -> None:
    label_task = LabelTask.named(task)
    for class_name in label_task.class_names:
        assert names(label_task, {class_name: 100.0}) == (class_name,)


def test_an_unknown_task_is_refused_with_the_list_of_tasks() -> None:
    with pytest.raises(ValueError, match="superdiagnostic, form, rhythm, cpsc2018"):
        LabelTask.named("superclass")


def test_statements_of_one_superclass_make_one_label() -> None:
    task = LabelTask.named("superdiagnostic")
    assert names(task, {"IMI": 100.0, "ASMI": 80.0, "LVH": 100.0, "SR": 0.0}) == ("MI", "HYP")
    assert task.encode([{"SR": 0.0}]).tolist() == [[0, 0, 0, 0, 0]]
    assert task.encode([]).shape == (0, 5)


def test_likelihood_zero_is_unknown_and_counts() -> None:
    task = LabelTask.named("superdiagnostic", minimum_likelihood=50)
    assert names(task, {"IMI": 0.0}) == ("MI",)
    assert names(task, {"IMI": 35.0}) == ()
    assert names(task, {"IMI": 50.0}) == ("MI",)


def test_the_minimum_likelihood_leaves_form_and_rhythm_alone() -> None:
    record = {"NDT": 15.0, "PVC": 15.0, "AFIB": 15.0, "IMI": 15.0}
    assert names(LabelTask.named("form", minimum_likelihood=50), record) == ("NDT", "PVC")
    assert names(LabelTask.named("rhythm", minimum_likelihood=50), record) == ("AFIB",)
    assert names(LabelTask.named("all", minimum_likelihood=50), record) == ("PVC", "AFIB")


def test_a_minimum_likelihood_outside_percent_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a number from 0 to 100"):
        LabelTask.named("all", minimum_likelihood=101)


def test_a_data_sets_own_rows_add_members_but_no_classes() -> None:
    own = statement_table()
    own.loc["INFARCT"] = ["made up", 1, 0, 0, "MI", "IMI", ""]
    own.loc["MI"] = ["a superclass as statement", 1, 0, 0, "MI", "", ""]
    own.loc["NEWCLASS"] = ["a class of its own", 1, 0, 0, "NEW", "NEW", ""]
    for task, count in CLASSES.items():
        assert LabelTask.named(task, own).class_names == LabelTask.named(task).class_names
        assert len(LabelTask.named(task, own).class_names) == count
    superclasses = LabelTask.named("superdiagnostic", own)
    assert names(superclasses, {"INFARCT": 100.0}) == ("MI",)
    assert names(superclasses, {"MI": 100.0}) == ("MI",)
    assert names(superclasses, {"NEWCLASS": 100.0}) == ()
    assert names(LabelTask.named("subdiagnostic", own), {"INFARCT": 100.0}) == ("IMI",)


def test_a_data_sets_own_row_cannot_change_a_published_statement() -> None:
    own = statement_table()
    own.loc["IMI", "diagnostic_class"] = "HYP"
    assert names(LabelTask.named("superdiagnostic", own), {"IMI": 100.0}) == ("MI",)


def test_cpsc2018_reads_all_three_vocabularies() -> None:
    task = LabelTask.named("cpsc2018")
    ptbxl = ("NORM", "AFIB", "1AVB", "CLBBB", "CRBBB", "PAC", "PVC", "STD_", "STE_")
    challenge = ("NSR", "AF", "IAVB", "LBBB", "RBBB", "SVPB", "VEB", "STD", "STE")
    for class_name, *spellings in zip(CPSC2018_CLASSES, CPSC2018_CLASSES, ptbxl, challenge, strict=True):
        for spelling in spellings:
            assert names(task, {spelling: 0.0}) == (class_name,), spelling
    assert names(task, {"SR": 0.0, "IRBBB": 100.0, "AFLT": 0.0}) == ()


def test_challenge_statements_have_superclasses() -> None:
    task = LabelTask.named("superdiagnostic")
    assert names(task, {"RBBB": 0.0, "OldMI": 0.0, "LVH": 0.0, "STC": 0.0}) == ("MI", "STTC", "CD", "HYP")
    assert names(task, {"SNR": 0.0}) == ("NORM",)
    assert names(task, {"NSR": 0.0, "SB": 0.0}) == ()
    assert names(LabelTask.named("rhythm"), {"NSR": 0.0, "SB": 0.0}) == ("SR", "SBRAD")


@pytest.mark.parametrize("task", TASKS)
def test_a_task_survives_json(task: str) -> None:
    label_task = LabelTask.named(task, minimum_likelihood=35.0)
    assert LabelTask.from_dict(json.loads(json.dumps(label_task.to_dict()))) == label_task


def test_from_dict_refuses_unknown_keys_and_strange_members() -> None:
    plain = LabelTask.named("form").to_dict()
    with pytest.raises(ValueError, match="keys"):
        LabelTask.from_dict(plain | {"colour": "red"})
    with pytest.raises(ValueError, match="does not have"):
        LabelTask.from_dict(plain | {"members": {"PVC": "nowhere"}})


def test_names_refuses_a_row_of_another_task() -> None:
    with pytest.raises(ValueError, match="shape"):
        LabelTask.named("form").names(np.zeros(5))


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(TASKS), st.data())
def test_encoding_the_names_of_a_row_gives_the_row_back(task: str, data: st.DataObject) -> None:
    label_task = LabelTask.named(task)
    count = len(label_task.class_names)
    row = np.array(data.draw(st.lists(st.sampled_from([0, 1]), min_size=count, max_size=count)), np.float32)
    encoded = label_task.encode([dict.fromkeys(label_task.names(row), 0.0)])
    assert encoded.dtype == np.float32
    np.testing.assert_array_equal(encoded[0], row)


def test_a_corpus_has_a_task_of_its_own_labels_whatever_they_are_called() -> None:
    task = LabelTask.own([{"LQTS": 0.0, "AF": 0.0}, {}, {"Brugada 1": 100.0}])
    assert (task.name, task.class_names) == (OWN, ("AF", "Brugada 1", "LQTS"))
    assert names(task, {"LQTS": 0.0, "MI": 0.0, "AF": 0.0}) == ("AF", "LQTS")
    assert LabelTask.from_dict(task.to_dict()) == task
    with pytest.raises(ValueError, match="no record has a label"):
        LabelTask.own([{}, {}])
    with pytest.raises(ValueError, match=r"label 'A\+B' has a \+"):
        LabelTask.own([{"A+B": 0.0}])
    with pytest.raises(ValueError, match="or of a corpus own"):
        LabelTask.named(OWN)
