"""Columns with one cell for a label: present, absent or unknown, in the spellings that people use."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from vqecg.records.datasets.csv_labels.spellings import NO_LABEL, plain_text

PRESENT = {
    "true",
    "t",
    "yes",
    "y",
    "x",
    "positive",
    "pos",
    "present",
    "+",
    "ja",
    "wahr",
    "oui",
    "vrai",
    "si",
    "s\u00ed",
    "\u2713",
}
ABSENT = {"false", "f", "no", "n", "negative", "neg", "absent", "nein", "falsch", "non", "faux"}
UNKNOWN = NO_LABEL | {"-1"}
SPELLINGS = "0 and 1, true and false, yes and no, x; nothing, -1 and nan for unknown"
MOSTLY = 0.5  # a column with this share of such cells among those with content is meant to be one


def presence(cell: str) -> bool | None:
    """True, False, or None for unknown. ValueError: the cell is neither."""
    word = plain_text(cell).casefold()
    if word in UNKNOWN:
        return None
    if word in PRESENT or word in ABSENT:
        return word in PRESENT
    try:
        number = float(word.replace(",", "."))
    except ValueError:
        number = 2.0
    if number == -1:
        return None
    if number not in (0, 1):
        raise ValueError(f"{cell!r}, expected {SPELLINGS}")
    return number == 1


@dataclass(frozen=True)
class FlagColumn:
    """The cells of a column, read as one label: True, False, None for unknown, and those that are neither."""

    values: tuple[bool | None, ...]  # None for odd cells too
    odd: tuple[tuple[int, str], ...] = ()  # number of the row and text of the cells that are neither

    @property
    def counts(self) -> Counter[bool | None]:
        """The number of cells that are True, False and None; odd ones are not among them."""
        counts = Counter(self.values)
        counts[None] -= len(self.odd)
        return counts

    @property
    def is_meant(self) -> bool:
        """True where most of the cells with content are present or absent."""
        clear = self.counts[True] + self.counts[False]
        return clear > 0 and clear >= MOSTLY * (clear + len(self.odd))

    @property
    def has_probabilities(self) -> bool:
        """True where the odd cells are fractions of 1."""
        return bool(self.odd) and all(_is_fraction(text) for _, text in self.odd)


def flag_column(cells: Sequence[str]) -> FlagColumn:
    """Reads a column of text cells."""
    meaning: dict[str, bool | None] = {}
    odd: set[str] = set()
    for cell in set(cells):
        try:
            meaning[cell] = presence(cell)
        except ValueError:
            meaning[cell] = None
            odd.add(cell)
    return FlagColumn(
        tuple(meaning[cell] for cell in cells), tuple((row, cell) for row, cell in enumerate(cells) if cell in odd)
    )


def _is_fraction(text: str) -> bool:
    """True for a number between 0 and 1."""
    try:
        return 0 < float(text.strip().replace(",", ".")) < 1
    except ValueError:
        return False
