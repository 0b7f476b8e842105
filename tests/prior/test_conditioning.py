"""Conditions: they can be cut, sent and doubled, and hiding one hides all of it."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from vqecg.prior.conditioning import Condition, ConditionEmbedding, group_membership
from vqecg.records.attributes import ATTRIBUTES, Attribute
from vqecg.records.labels import LabelTask


def condition() -> Condition:
    return Condition.of(np.eye(2), {"age": np.array([40.0, math.nan]), "sex": np.array(["female", "male"], object)})


def test_a_slice_keeps_what_belongs_together():
    later = condition()[1:].to(torch.device("cpu"))
    assert len(later) == 1 and later.labels.tolist() == [[0.0, 1.0]] and later.attributes["sex"].tolist() == [2]


def test_guidance_asks_twice_once_with_everything_hidden():
    doubled = condition().with_null()
    assert doubled.hidden.tolist() == [False, False, True, True]
    assert torch.equal(doubled.labels[2:], condition().labels)


def test_what_is_hidden_is_the_null_and_an_unknown_age_is_finite():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        embedding = ConditionEmbedding(2, 8)
    embedding.null.data.fill_(3.0)
    vectors = embedding(condition().with_null())
    assert vectors.shape == (4, 8) and bool(vectors.isfinite().all())
    assert (vectors[2:] == 3).all() and not torch.allclose(vectors[0], vectors[1])


def test_a_statement_shows_its_superclass_too():
    names = LabelTask.named("all").class_names
    membership = group_membership(names)
    groups = [{name for name, own in zip(names, column, strict=True) if own} for column in membership.T]
    infarctions = max((group for group in groups if {"IMI", "AMI"} <= group), key=len)
    assert {"LMI", "ASMI"} <= infarctions and not {"NORM", "LVH"} & infarctions
    assert membership.shape[1] > 5 and bool((membership.sum(0) > 1).all())
    assert group_membership(LabelTask.named("superdiagnostic").class_names).shape == (5, 0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        embedding = ConditionEmbedding(len(names), 8, membership.shape[1])
    two = torch.eye(len(names))[[names.index("IMI"), names.index("AMI")]]
    embedding.labels.weight.data[:, : len(names)] = 0  # what is left is the groups
    asked = Condition.of(two.numpy(), {"age": np.full(2, 50.0), "sex": np.full(2, "female", object)})
    assert (embedding(asked)[0] == embedding(asked)[1]).all()  # no group known yet
    embedding.membership.copy_(membership)
    before = embedding.labels.weight.data.clone()
    embedding.labels.weight.data[:, len(names) :] = 0
    bare = embedding(asked)
    embedding.labels.weight.data.copy_(before)
    assert not torch.allclose(embedding(asked), bare)


@pytest.fixture
def height() -> Iterator[str]:
    """A further attribute, as an extension registers one."""
    ATTRIBUTES.register("height", 50)(Attribute("height", unit="cm", highest=250, scale=100, offset=1.7, step=10))
    yield "height"
    ATTRIBUTES.remove("height")


def test_a_further_attribute_has_a_conditioner_of_its_name_and_may_be_unknown(height: str):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        plain = ConditionEmbedding(2, 8).state_dict()
        embedding = ConditionEmbedding(2, 8, attributes=("age", "sex", height))
    assert set(embedding.state_dict()) - set(plain) == {
        f"height.{layer}.{part}" for layer in (0, 2) for part in ("weight", "bias")
    }
    without, asked = condition(), {name: values for name, values in condition().attributes.items()}
    nothing = replace(without, attributes=asked | {height: torch.full((2,), math.nan)})
    tall = replace(without, attributes=asked | {height: torch.full((2,), 190.0)})
    assert torch.equal(embedding(without), embedding(nothing)) and not torch.allclose(
        embedding(without), embedding(tall)
    )


def test_an_attribute_that_nobody_registered_is_refused():
    with pytest.raises(ValueError, match="attribute 'height' is unknown; expected one of age, sex"):
        ConditionEmbedding(2, 8, attributes=("height",))
    with pytest.raises(ValueError, match="attribute 'height' is unknown"):
        Condition.of(np.eye(2), {"height": np.array([170.0, 180.0])})
