"""What a record is asked to be - labels, age and sex - as tensors, and as one vector that a model can use."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vqecg.records.labels import LabelTask

UNKNOWN_SEX, FEMALE, MALE = 0, 1, 2
COARSER_TASKS = ("superdiagnostic", "subdiagnostic", "cpsc2018")  # whose classes follow from statements
SEX_CODES = {"unknown": UNKNOWN_SEX, "female": FEMALE, "male": MALE}


@dataclass(frozen=True)
class Condition:
    """What a batch of records is asked to be."""

    labels: Tensor  # (batch, classes) float32, 1 = has the label
    age: Tensor  # (batch,) float32 years, NaN = not told
    sex: Tensor  # (batch,) int64: 0 not told, 1 female, 2 male
    hidden: Tensor  # (batch,) bool: True = the whole condition is replaced by the learned null

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: slice) -> "Condition":
        return Condition(self.labels[rows], self.age[rows], self.sex[rows], self.hidden[rows])

    def to(self, device: torch.device) -> "Condition":
        """The same on another device."""
        return Condition(self.labels.to(device), self.age.to(device), self.sex.to(device), self.hidden.to(device))

    def with_null(self) -> "Condition":
        """This batch followed by itself with everything hidden, for guidance."""
        twice = [torch.cat([value, value]) for value in (self.labels, self.age, self.sex)]
        return Condition(twice[0], twice[1], twice[2], torch.cat([self.hidden, torch.ones_like(self.hidden)]))


class ConditionEmbedding(nn.Module):
    """Condition -> (batch, width): labels, age and sex added up, or the learned null where hidden.

    Beside each label, the embedding sees the groups that it belongs to: a rare statement shares what is learned of its
    superclass.
    """

    membership: Tensor

    def __init__(self, classes: int, width: int, groups: int = 0) -> None:
        super().__init__()
        self.register_buffer("membership", torch.zeros(classes, groups))
        self.labels = nn.Linear(classes + groups, width)
        self.age = nn.Sequential(nn.Linear(2, width), nn.SiLU(), nn.Linear(width, width))
        self.sex = nn.Embedding(3, width)
        self.null = nn.Parameter(torch.zeros(width))
        nn.init.normal_(self.labels.weight, std=0.02)
        nn.init.zeros_(self.labels.bias)
        nn.init.normal_(self.sex.weight, std=0.02)

    def forward(self, condition: Condition) -> Tensor:
        """(batch, width)."""
        known = condition.age.isfinite()
        years = torch.where(known, condition.age / 50 - 1, torch.zeros_like(condition.age))
        age = self.age(torch.stack([years, known.float()], dim=-1))
        told = self.labels(self.label_vector(condition)) + age + self.sex(condition.sex)
        return torch.where(condition.hidden[:, None], self.null.to(told.dtype), told)

    def label_vector(self, condition: Condition) -> Tensor:
        """(batch, classes + groups) float32, 1 for each label and for each group that one of them belongs to."""
        groups = (condition.labels @ self.membership).clamp(max=1)
        return torch.cat([condition.labels, groups], dim=-1)


def group_membership(class_names: Sequence[str]) -> Tensor:
    """Which classes belong to which class of the coarser tasks: (classes, groups) float32 0 or 1.

    Groups of a single class are left out, and so are those that have the same members as another.
    """
    columns: dict[tuple[float, ...], None] = {}
    for task in COARSER_TASKS:
        members = LabelTask.named(task).members
        for group in dict.fromkeys(members.values()):
            columns[tuple(float(members.get(name) == group) for name in class_names)] = None
    several = [column for column in columns if sum(column) > 1]
    return torch.tensor(several).T if several else torch.zeros(len(class_names), 0)
