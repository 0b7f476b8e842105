"""Who may be mixed with whom: labels by three rules, different patients, and nearness."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from vqecg.prior.editing.pairing import (
    Parents,
    may_interpolate,
    partner_features,
    shared_statements,
)
from vqecg.prior.editing.settings import EXACT, PAIRINGS, SHARED, SPACES, SUPPORTED
from vqecg.records.folds import SplitIndices
from vqecg.records.label_tables import rhythm_bound, snomed_table
from vqecg.records.store.record_store import RecordStore
from vqecg.records.unknown_labels import with_unknown_column
from vqecg.tokenizer.modeling import ECGTokenizer

TASK = "superdiagnostic"


def with_statements(store: RecordStore, statements: list[list[str]], patients: list[str] | None = None) -> Parents:
    """The store's first records, as if they had these statements."""
    count = len(statements)
    table = store.table.iloc[:count].assign(
        statements=[dict.fromkeys(names, 100.0) for names in statements],
        patient_id=patients or [str(number) for number in range(count)],
    )
    known = replace(store, table=table)
    task = known.task(TASK)
    return Parents(known, known.labels(task), np.arange(count), task=task)


def partners(parents: Parents, first: int) -> set[int]:
    """All that may be the second parent of a record with the first one's labels."""
    asked = parents.labels[first]
    return {
        other
        for other in parents.candidates(asked).tolist()
        if other != first and parents.may_join(first, other, asked)
    }


def test_exact_labels_may_be_an_undefined_mixture_which_supported_labels_are_not(simulated_store: RecordStore):
    parents = with_statements(simulated_store, [["AMI", "SR"], ["IMI", "SR"], ["AMI", "SR"], ["AMI", "LVH"]])
    assert partners(parents, 0) == {1, 2}, "both are MI, and half of each infarction is neither"
    assert partners(replace(parents, pairing=SUPPORTED), 0) == {2}
    assert partners(replace(parents, pairing=SHARED), 0) == {2, 3}, "AMI is shared, LVH is not"
    assert partners(replace(parents, pairing=SHARED), 3) == set(), "nobody else has MI and HYP"


def test_a_label_that_no_shared_statement_supports_is_never_asked_of_a_mixture(simulated_store: RecordStore):
    statements = [["AMI", "LVH"], ["IMI", "LVH"], ["LVH"], ["LVH", "CLBBB"], ["RVH"], ["LVH", "AFIB"], ["AMI", "LVH"]]
    for pairing in PAIRINGS[1:]:
        parents = replace(with_statements(simulated_store, statements), pairing=pairing)
        assert parents.task is not None
        for first in range(len(statements)):
            for second in partners(parents, first):
                shared = shared_statements(parents.statements[first], parents.statements[second])
                np.testing.assert_array_equal(parents.task.encode([shared])[0], parents.labels[first])
                assert not any(rhythm_bound()[name] for name in shared)
    assert partners(replace(parents, pairing=SHARED), 2) == {0, 1, 3, 6}


def test_no_two_records_of_a_patient_are_paired_and_unknown_patients_are_different_ones(simulated_store: RecordStore):
    parents = with_statements(simulated_store, [["NORM"]] * 4, ["7", "7", "", ""])
    assert partners(parents, 0) == {2, 3} and partners(parents, 2) == {0, 1, 3}
    alone = with_statements(simulated_store, [["NORM"], ["NORM"]], ["7", "7"])
    assert not alone.able().any()
    assert alone.partner(0, alone.labels[0], 0, np.random.default_rng(0)) is None


def test_a_record_of_which_a_statement_is_unknown_is_no_parent(simulated_store: RecordStore):
    parents = with_statements(simulated_store, [["NORM"]] * 3)
    table = with_unknown_column(parents.store.table, [(), ("AFIB",), ()])
    doubtful = replace(parents, store=replace(parents.store, table=table))
    assert partners(parents, 0) == {1, 2} and partners(doubtful, 0) == {2}
    assert doubtful.able().tolist() == [True, False, True]


def test_able_records_are_those_with_a_partner(simulated_store: RecordStore, simulated_split: SplitIndices):
    task = simulated_store.task(TASK)
    labels = simulated_store.labels(task)
    for pairing in PAIRINGS:
        parents = Parents(simulated_store, labels, simulated_split.train, pairing, task)
        able = parents.able()
        expected = [
            bool(parents.unbound[place] and partners(parents, int(row))) for place, row in enumerate(parents.rows)
        ]
        np.testing.assert_array_equal(able, expected)
        assert 0 < able.sum() < len(able)


def test_the_partner_is_one_of_the_nearest(simulated_store: RecordStore):
    parents = with_statements(simulated_store, [["NORM"]] * 6, ["0", "0", "2", "3", "4", "5"])
    features = torch.tensor([0.0, 0.1, 3.0, 1.0, torch.nan, 2.0])[:, None]
    parents = replace(parents, features=features)
    drawn = {parents.partner(0, parents.labels[0], 2, np.random.default_rng(seed)) for seed in range(40)}
    assert drawn == {3, 5}, "1 is of the same patient, 4 is unknown and so the last"
    everyone = {parents.partner(0, parents.labels[0], 0, np.random.default_rng(seed)) for seed in range(80)}
    assert everyone == {2, 3, 4, 5}


@pytest.mark.parametrize("space", SPACES)
def test_features_are_finite_and_the_same_again(simulated_store: RecordStore, tiny_tokenizer: ECGTokenizer, space: str):
    rows = np.arange(20)
    features = partner_features(simulated_store, rows, space, tiny_tokenizer)
    assert features.shape[0] == 20 and features.dtype == torch.float32 and features.isfinite().all()
    again = partner_features(simulated_store, rows, space, tiny_tokenizer)
    torch.testing.assert_close(features, again)
    assert partner_features(simulated_store, rows[:0], space, tiny_tokenizer).shape[0] == 0


def test_unknown_rules_and_spaces_are_refused(simulated_store: RecordStore, tiny_tokenizer: ECGTokenizer):
    labels = simulated_store.labels(simulated_store.task(TASK))
    with pytest.raises(ValueError, match=r"pairing is 'alike'; expected one of exact, supported, shared"):
        Parents(simulated_store, labels, np.arange(3), "alike")
    with pytest.raises(ValueError, match="'supported' statements needs the task"):
        Parents(simulated_store, labels, np.arange(3), SUPPORTED)
    with pytest.raises(ValueError, match=r"space is 'words'; expected one of beats, latent"):
        partner_features(simulated_store, np.arange(3), "words", tiny_tokenizer)
    assert Parents(simulated_store, labels, np.arange(3)).pairing == EXACT


@pytest.mark.parametrize("bound", sorted(name for name, bound in rhythm_bound().items() if bound))
def test_statements_bound_to_rhythm_are_refused_on_either_side(bound: str):
    for pair in (({bound: 0.0}, {"NORM": 100.0}), ({"NORM": 100.0}, {bound: 0.0})):
        reason = may_interpolate(*pair)
        assert reason is not None and bound in reason


def test_rhythms_are_known_by_the_names_of_other_data_sets():
    table = snomed_table()
    names = {*table["abbreviation"], *table["cpsc2018"]} - {""}
    bound = {name for name in names if may_interpolate({name: 0.0}, {name: 0.0}) is not None}
    assert {"AF", "AFL", "IAVB", "IIAVB", "CHB", "PAC", "PVC", "SVPB", "VPB", "PR", "AVB", "VTach", "WPW"} <= bound
    assert not bound & {"SNR", "NSR", "SB", "STach", "SA", "RBBB", "CLBBB", "STD", "STE", "LVH", "MI", "Brady", "LQT"}
    assert "SBRAD" in str(may_interpolate({"STach": 0.0}, {"SB": 0.0}))
    assert may_interpolate({"SB": 0.0}, {"SBRAD": 0.0}) is None


def test_sinus_rhythms_mix_only_with_their_like():
    assert may_interpolate({"NORM": 100.0, "SR": 0.0}, {"NORM": 80.0}) is None
    assert may_interpolate(("NORM", "SBRAD"), ("NORM", "SBRAD")) is None
    assert "STACH" in str(may_interpolate(("NORM", "SBRAD"), ("NORM", "STACH")))


def test_a_statement_that_no_table_knows_is_refused_unless_the_data_set_says_what_it_is():
    reason = may_interpolate({"NORM": 100.0}, {"SPODICK": 0.0})
    assert reason == "the label tables do not know SPODICK, so it is not interpolated"
    table = pd.DataFrame({"rhythm_bound": ["0", "1", ""]}, index=["SPODICK", "PARA", "OTHER"])
    bound = rhythm_bound(table)
    assert may_interpolate({"NORM": 100.0}, {"SPODICK": 0.0}, bound) is None
    assert "PARA: its timing" in str(may_interpolate({"PARA": 0.0}, {"NORM": 0.0}, bound))
    assert "do not know OTHER" in str(may_interpolate({"OTHER": 0.0}, {"NORM": 0.0}, bound))
