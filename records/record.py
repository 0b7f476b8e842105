"""One recording in memory, and the table that lists a corpus of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from vqecg.records.attributes import ATTRIBUTES, with_unknown
from vqecg.records.folds import MAX_FOLD
from vqecg.records.unknown_labels import COLUMN, EVERYTHING, check_unknown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SYNTHETIC = "synthetic, no recording of a person"  # on the paper of such an ECG
NOTCH_RATE = 250.0  # Hz, below which fine notches of the QRS fall between samples
BETWEEN = "  ·  "  # two remarks on paper


def table_columns() -> tuple[str, ...]:
    """The columns of a record table; the registered attributes (age, sex, ...) stand between fold and statements."""
    return ("record_id", "path", "patient_id", "fold", *ATTRIBUTES.names(), "statements", "source")


@dataclass(frozen=True, eq=False)
class ECGRecord:
    """One recording with its labels. Compared by identity: two records are the same record or they are not.

    The signal is kept as float32 (float64 is converted). Raises ValueError for a signal of another shape or of integers
    (raw converter units, not mV), for lead names that do not fit it, for a sampling rate that is none, and for an
    attribute that is not registered or has another value.
    """

    signal: np.ndarray  # (leads, samples) float32 mV
    sampling_rate: float  # Hz
    leads: tuple[str, ...]  # names, in the order of `signal`
    record_id: str
    patient_id: str = ""  # "" = unknown
    attributes: Mapping[str, Any] = field(default_factory=dict)  # by name (attributes.py); those not given are unknown
    statements: Mapping[str, float] = field(default_factory=dict)  # statement -> likelihood in percent, 0 = unknown
    unknown: tuple[str, ...] = ()  # statements of which nobody said whether they are there (unknown_labels.py)
    synthetic: bool = False  # a generator made it; every picture of it says so
    filter_band: str = ""  # as its header has it, "0.05-150 Hz"; "" = unknown

    def __post_init__(self) -> None:
        signal = np.asarray(self.signal)
        if signal.ndim != 2 or signal.shape[0] != len(self.leads):
            raise ValueError(
                f"record {self.record_id}: signal has shape {signal.shape} for {len(self.leads)} lead names; "
                "expected (leads, samples): transpose it or name every lead"
            )
        if not np.issubdtype(signal.dtype, np.floating):
            raise ValueError(
                f"record {self.record_id}: signal is {signal.dtype}, expected floating mV; divide it by the gain"
            )
        if not (math.isfinite(self.sampling_rate) and self.sampling_rate > 0):
            raise ValueError(f"record {self.record_id}: sampling rate {self.sampling_rate} Hz, expected more than 0 Hz")
        try:
            object.__setattr__(self, "attributes", with_unknown(self.attributes))
        except ValueError as error:
            raise ValueError(f"record {self.record_id}: {error}") from error
        object.__setattr__(self, "signal", signal.astype(np.float32, copy=False))
        object.__setattr__(self, "leads", tuple(self.leads))

    @property
    def age(self) -> float:
        """Age in years, NaN = unknown."""
        return float(self.attributes["age"])

    @property
    def sex(self) -> str:
        """ "female", "male" or "unknown"."""
        return str(self.attributes["sex"])

    @property
    def seconds(self) -> float:
        """Length of the recording in seconds."""
        return self.signal.shape[1] / self.sampling_rate

    def __repr__(self) -> str:
        return (
            f"ECGRecord({self.record_id!r}, {len(self.leads)} leads, {self.seconds:g} s at {self.sampling_rate:g} Hz, "
            f"{self.described()}{', synthetic' if self.synthetic else ''})"
        )

    def described(self) -> str:
        """Its statements and the attributes that are known, for people: "MI, HYP; age 70 years, sex female"."""
        known = {name: attribute.text(self.attributes[name]) for name, attribute in ATTRIBUTES}
        texts = [
            " ".join(filter(None, (name, text, ATTRIBUTES.get(name).unit))) for name, text in known.items() if text
        ]
        nothing = "statements unknown" if EVERYTHING in self.unknown else "no statement"
        return "; ".join(filter(None, (", ".join(self.statements) or nothing, ", ".join(texts))))

    def plot(self, title: str | None = None) -> "Figure":
        """Its leads on ECG paper, a figure that shows itself in a notebook and has `savefig`.

        The twelve leads where they are there or can be derived, further ones below them; otherwise a row per lead.
        `title` is the line above the rows; None: the id, statements, age and sex. The paper says the sampling rate, the
        filter band where it is known, that notches are not reliable at a low rate, and, right across, that an ECG is
        synthetic, whatever the title. Raises ValueError as `plot_leads`.
        """
        from vqecg.records.ecg_paper import plot_leads  # here, so that reading records does not wait for matplotlib

        if title is None:
            title = f"{'Synthetic ECG' if self.synthetic else 'ECG'} {self.record_id}: {self.described()}"
        remarks = [SYNTHETIC] if self.synthetic else []
        remarks += [f"filter {self.filter_band}"] if self.filter_band else []
        coarse = self.sampling_rate < NOTCH_RATE
        return plot_leads(
            self.signal,
            self.sampling_rate,
            self.leads,
            title,
            BETWEEN.join(remarks),
            f"At {self.sampling_rate:g} Hz notches and narrow Q waves are not reliable." if coarse else "",
            "synthetic" if self.synthetic else "",
        )


class LeftOut(NamedTuple):
    """An item of a data set that its reader can make no row of; a store lists it in rejected.csv."""

    record_id: str
    reason: str  # one of quality.REASONS
    detail: str  # the file and what is wrong with it


@dataclass(frozen=True, eq=False)
class RecordTable:
    """A corpus before it is read: one row per recording.

    `records` has exactly the columns of `table_columns`: record_id str (unique), path str (absolute; without extension
    where the format has a header), patient_id str ("" unknown), fold int (1-10; 0 unknown), a column per attribute
    (numbers float with nan for unknown, categories str: age in years, sex), statements dict of statement -> likelihood
    in percent, source str (the reader of the row). A last column `unknown` may name, in a tuple per row, the statements
    of which nobody said whether they are there ("*" = all that are not; unknown_labels.py). Raises ValueError when a
    column or a value does not keep to this.
    """

    records: pd.DataFrame
    source: str
    description: str  # for people, e.g. "PTB-XL 1.0.3, 3,864 of 21,799 records (a subset)"
    statement_table: pd.DataFrame | None = None  # PTB-XL's scp_statements.csv with the statements as index
    left_out: tuple[LeftOut, ...] = ()  # counted in the description too
    notes: tuple[str, ...] = ()  # for people: what was read as what, and what is doubtful, a line each

    def __post_init__(self) -> None:
        columns, expected = tuple(self.records.columns), table_columns()
        if columns not in (expected, (*expected, COLUMN)):
            raise ValueError(f"record table has the columns {columns}, expected exactly {expected} (and {COLUMN})")
        repeated = self.records["record_id"][self.records["record_id"].duplicated()]
        if len(repeated):
            raise ValueError(
                f"{len(repeated)} record_id values appear twice, the first is {repeated.iloc[0]!r}; "
                "expected each once: use the path below the root as the id where file names repeat"
            )
        self._check_values()

    def _check_values(self) -> None:
        """Check the values of every column that later code computes with."""
        fold = self.records["fold"]
        if not pd.api.types.is_integer_dtype(fold) or not fold.between(0, MAX_FOLD).all():
            raise ValueError(
                f"column fold holds {list(fold.unique()[:12])}, expected integers 1-{MAX_FOLD}, 0 = unknown"
            )
        for name, attribute in ATTRIBUTES:
            column = self.records[name]
            if attribute.is_number and not pd.api.types.is_float_dtype(column):
                unit = f" {attribute.unit}" if attribute.unit else "s"
                raise ValueError(f"column {name} is {column.dtype}, expected float{unit} with nan for unknown")
            strange = set() if attribute.is_number else set(column) - set(attribute.categories)
            if strange:
                words = ", ".join(sorted(attribute.categories))
                raise ValueError(f"column {name} holds {sorted(map(str, strange))}, expected only {words}")
        for name in ("record_id", "path", "patient_id", "source"):
            if not all(isinstance(value, str) for value in self.records[name]):
                raise ValueError(f"column {name} holds values that are not text; expected str, '' for unknown")
        if not all(isinstance(value, Mapping) for value in self.records["statements"]):
            raise ValueError("column statements must hold one dict per row: statement -> likelihood in percent")
        check_unknown(self.records)

    def __len__(self) -> int:
        return len(self.records)
