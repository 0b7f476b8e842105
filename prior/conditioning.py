"""Conditioning: labels and attributes of records as tensors, and as one vector that a model can use.

Every attribute of records/attributes.py has a conditioner of its own, as in moshi's `ConditionProvider`; their vectors
and that of the labels are added up.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.records.attributes import ATTRIBUTES, USUAL_ATTRIBUTES, Attribute
from vqecg.records.labels import LabelTask

COARSER_TASKS = ("superdiagnostic", "subdiagnostic", "cpsc2018")  # whose classes follow from statements
ATTRIBUTE_KEY = "attribute/"  # before an attribute's name in a training batch


@dataclass(frozen=True)
class Condition:
    """Labels and attributes of a batch of records; an attribute that is not in the mapping is unknown."""

    labels: Tensor  # (batch, classes) float32, 1 = has the label, NaN = unknown, for a model that knows unknown ones
    attributes: Mapping[str, Tensor]  # by name, (batch,) each: float32 numbers, NaN = unknown; int64 categories
    hidden: Tensor  # (batch,) bool: True = the whole condition is replaced by the learned null

    @classmethod
    def of(
        cls,
        labels: np.ndarray,
        attributes: Mapping[str, np.ndarray],
        hidden: np.ndarray | None = None,
        unknown_labels: bool = False,
    ) -> Self:
        """The condition of records with these labels (batch, classes) and columns of a record table (batch,).

        None of them is hidden unless `hidden` (batch,) says so. Raises ValueError for an unknown attribute or category,
        and for labels that are NaN, unknown, unless `unknown_labels` says that the model was trained with such.
        """
        if not unknown_labels and np.isnan(labels).any():
            raise ValueError(
                f"{np.isnan(labels).any(axis=1).sum()} of {len(labels)} records have unknown labels (NaN); the model "
                "knows 0 and 1 alone, expected these: leave the records out"
            )
        return cls(
            torch.from_numpy(np.asarray(labels, np.float32)),
            {name: torch.from_numpy(ATTRIBUTES.get(name).encode(values)) for name, values in attributes.items()},
            torch.from_numpy(np.zeros(len(labels), bool) if hidden is None else np.asarray(hidden, bool)),
        )

    @classmethod
    def from_batch(cls, batch: Mapping[str, Tensor]) -> Self:
        """The condition in a training batch: its entries labels, hidden, and attribute/age, attribute/sex, ..."""
        names = [key.removeprefix(ATTRIBUTE_KEY) for key in batch if key.startswith(ATTRIBUTE_KEY)]
        return cls(batch["labels"], {name: batch[ATTRIBUTE_KEY + name] for name in names}, batch["hidden"])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: slice | Tensor) -> "Condition":
        return self._map(lambda values: values[rows])

    def to(self, device: torch.device) -> "Condition":
        """The same on another device."""
        return self._map(lambda values: values.to(device))

    def with_null(self) -> "Condition":
        """This batch followed by itself with everything hidden, for guidance."""
        return replace(self.twice(), hidden=torch.cat([self.hidden, torch.ones_like(self.hidden)]))

    def with_others_labels(self) -> "Condition":
        """This batch followed by itself, each record with the labels of the one before it, for contrast."""
        return replace(self.twice(), labels=torch.cat([self.labels, self.labels.roll(1, 0)]))

    def twice(self) -> "Condition":
        """This batch followed by itself."""
        return self._map(lambda values: torch.cat([values, values]))

    def _map(self, change: Callable[[Tensor], Tensor]) -> "Condition":
        attributes = {name: change(values) for name, values in self.attributes.items()}
        return Condition(change(self.labels), attributes, change(self.hidden))


class NumberConditioner(nn.Sequential):
    """An attribute that is a number, (batch,) with NaN where unknown -> (batch, width): a network of two layers."""

    def __init__(self, attribute: Attribute, width: int) -> None:
        super().__init__(nn.Linear(2, width), nn.SiLU(), nn.Linear(width, width))
        self.scale, self.offset = attribute.scale, attribute.offset

    def forward(self, values: Tensor) -> Tensor:
        known = values.isfinite()
        scaled = torch.where(known, values / self.scale - self.offset, torch.zeros_like(values))
        return super().forward(torch.stack([scaled, known.float()], dim=-1))


class CategoryConditioner(nn.Embedding):
    """An attribute that is a category, (batch,) int64 -> (batch, width)."""

    def __init__(self, attribute: Attribute, width: int) -> None:
        super().__init__(len(attribute.categories), width)


class ConditionEmbedding(nn.Module):
    """Condition -> (batch, width): labels and attributes added up, or the learned null where hidden.

    Beside each label, the embedding sees the groups that it belongs to: a rare statement shares what is learned of its
    superclass. The conditioner of an attribute is the submodule of its name.
    """

    membership: Tensor

    def __init__(
        self,
        classes: int,
        width: int,
        groups: int = 0,
        attributes: Sequence[str] = USUAL_ATTRIBUTES,
        unknown_labels: bool = False,
    ) -> None:
        """With `unknown_labels` a label may be NaN, and the embedding sees which are. ValueError: unknown attribute."""
        super().__init__()
        self.attributes = tuple(attributes)
        self.register_buffer("membership", torch.zeros(classes, groups))
        self.labels = nn.Linear(classes + groups, width)
        self.unknown_labels = nn.Linear(classes, width, bias=False) if unknown_labels else None
        for name in self.attributes:
            attribute = ATTRIBUTES.get(name)
            kind = NumberConditioner if attribute.is_number else CategoryConditioner
            self.add_module(name, kind(attribute, width))
        self.null = nn.Parameter(torch.zeros(width))
        nn.init.normal_(self.labels.weight, std=0.02)
        nn.init.zeros_(self.labels.bias)
        if self.unknown_labels is not None:
            nn.init.zeros_(self.unknown_labels.weight)
        for name in self.attributes:
            conditioner = self.get_submodule(name)
            if isinstance(conditioner, CategoryConditioner):
                nn.init.normal_(conditioner.weight, std=0.02)

    def forward(self, condition: Condition) -> Tensor:
        """(batch, width)."""
        shown = self.labels(self.label_vector(condition))
        if self.unknown_labels is not None:
            shown = shown + self.unknown_labels(condition.labels.isnan().float())
        for name in self.attributes:
            values = condition.attributes.get(name)
            if values is None:
                values = self.unknown(name, len(condition)).to(condition.labels.device)
            shown = shown + self.get_submodule(name)(values)
        return torch.where(condition.hidden[:, None], self.null.to(shown.dtype), shown)

    @staticmethod
    def unknown(name: str, count: int) -> Tensor:
        """The values of `count` records whose attribute is unknown: (count,)."""
        attribute = ATTRIBUTES.get(name)
        return torch.from_numpy(attribute.encode([attribute.unknown] * count))

    def label_vector(self, condition: Condition) -> Tensor:
        """(batch, classes + groups) float32, 1 for each label and for each group that one of them belongs to.

        An unknown label has 0 here; the embedding says beside it that it is unknown.
        """
        labels = condition.labels if self.unknown_labels is None else condition.labels.nan_to_num(nan=0.0)
        groups = (labels @ self.membership).clamp(max=1)
        return torch.cat([labels, groups], dim=-1)


def group_membership(class_names: Sequence[str]) -> Tensor:
    """Membership of classes in the classes of coarser tasks: (classes, groups) float32 0 or 1.

    Groups of a single class are left out, and so are those that have the same members as another.
    """
    columns: dict[tuple[float, ...], None] = {}
    for task in COARSER_TASKS:
        members = LabelTask.named(task).members
        for group in dict.fromkeys(members.values()):
            columns[tuple(float(members.get(name) == group) for name in class_names)] = None
    several = [column for column in columns if sum(column) > 1]
    return torch.tensor(several).T if several else torch.zeros(len(class_names), 0)
