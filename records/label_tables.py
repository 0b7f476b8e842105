"""Two packaged tables: what the statements of PTB-XL mean, and the Challenge's codes for them.

`statements.csv` is PTB-XL's scp_statements.csv (Wagner et al., Sci Data 7:154, 2020) cut down to what a task needs,
plus the CPSC2018 class of the nine statements that have one. `snomed.csv` lists the 133 SNOMED CT codes of the
PhysioNet/CinC Challenge 2021 with the Challenge's abbreviations, the PTB-XL statement (or, where only that is certain,
the superclass) and the CPSC2018 class of each. Two abbreviations are ours, because PTB-XL uses the Challenge's for
something else: AcuteMI (there AMI, in PTB-XL anterior infarction) and CardDys (there CD, in PTB-XL conduction
disturbance). SNR, the label Normal of CPSC2018, has no SNOMED code.

The column `rhythm_bound` of both is 1 for a statement whose meaning lies in the times between waves or beats, as of
AFIB or 1AVB: a record with it must not be given the timing of another one. A data set's own scp_statements.csv may have
that column too.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources

import pandas as pd

FLAGS = ("diagnostic", "form", "rhythm")
TABLE_NEEDS = (*FLAGS, "diagnostic_class", "diagnostic_subclass")
RHYTHM_BOUND = "rhythm_bound"  # column
CLASS_NAMES = {  # of classes that are no statement themselves
    "MI": "myocardial infarction",
    "STTC": "ST and T wave changes",
    "CD": "conduction disturbance",
    "HYP": "hypertrophy",
    "ISCA": "ischemia in anterior leads",
    "ISCI": "ischemia in inferior leads",
    "LAFB/LPFB": "left anterior or posterior fascicular block",
    "_AVB": "AV block",
    "SNR": "normal ECG",
}


def _packaged(name: str) -> pd.DataFrame:
    """A table that ships with the package, every cell as text, an empty cell as ""."""
    with resources.files("vqecg.records").joinpath(name).open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype=str, keep_default_na=False)


@cache
def _statements() -> pd.DataFrame:
    return normal_statement_table(_packaged("statements.csv"))


@cache
def _snomed() -> pd.DataFrame:
    return _packaged("snomed.csv")


def statement_table() -> pd.DataFrame:
    """PTB-XL's 71 statements: index code; columns description, diagnostic, form, rhythm (0/1), diagnostic_class,
    diagnostic_subclass, cpsc2018 ("" where there is none)."""
    return _statements().drop(columns=RHYTHM_BOUND)  # which no written data set or store of ours has had


def snomed_table() -> pd.DataFrame:
    """The Challenge's SNOMED CT codes, all columns text: snomed, abbreviation, name, scp, cpsc2018 ("" where none)."""
    return _snomed().drop(columns=RHYTHM_BOUND)


@cache
def ptbxl_names() -> Mapping[str, str]:
    """Another name of a statement, by the Challenge or CPSC2018 -> its name in PTB-XL."""
    published, names_of = (
        set(_statements().index),
        {"I-AVB": "1AVB"},
    )  # as CPSC2018's paper has it; its label file says IAVB
    for statement, *names in _snomed()[["scp", "abbreviation", "cpsc2018"]].to_numpy(dtype=object).tolist():
        if statement in published:
            names_of = {name: statement for name in names if name and name not in published} | names_of
    return names_of


@cache
def _packaged_rhythm_bound() -> Mapping[str, bool]:
    statements, codes = _statements(), _snomed()
    bound = dict(zip(statements.index, statements[RHYTHM_BOUND] == "1", strict=True))
    for column in ("diagnostic_subclass", "diagnostic_class"):  # a class is bound where all of its statements are
        for name, members in statements.groupby(column):
            bound.setdefault(str(name), all(bound[code] for code in members.index))
    for column in ("abbreviation", "cpsc2018"):
        for name, flag in zip(codes[column], codes[RHYTHM_BOUND], strict=True):
            bound.setdefault(name, flag == "1")
    return {name: flag for name, flag in bound.items() if name} | {
        name: bound[statement] for name, statement in ptbxl_names().items()
    }


def rhythm_bound(table: pd.DataFrame | None = None) -> Mapping[str, bool]:
    """Statement, class or abbreviation -> True where its meaning lies in the timing of waves or beats.

    Holds every name that the packaged tables know, and those of a data set's own `table` of statements with a column
    rhythm_bound of 0 and 1, which goes first. A name that is missing is not known.
    """
    bound = _packaged_rhythm_bound()
    if table is None or RHYTHM_BOUND not in table.columns:
        return bound
    flags = pd.to_numeric(table[RHYTHM_BOUND], errors="coerce")
    return {**bound, **{str(name): bool(flag) for name, flag in flags.dropna().items()}}


@cache
def label_names() -> Mapping[str, str]:
    """Statement, class or abbreviation -> its name in words, "MI" -> "myocardial infarction".

    Holds every name that the packaged tables know; a label of one's own is not among them.
    """
    codes = _snomed()
    names = {
        code: words
        for column in ("cpsc2018", "abbreviation")
        for code, words in zip(codes[column], codes["name"], strict=True)
        if code
    }
    statements = _statements()["description"].to_dict()
    return names | {name: statements[code] for name, code in ptbxl_names().items()} | CLASS_NAMES | statements


def table_with(names: Iterable[str]) -> pd.DataFrame:
    """`statement_table()` with a row for each of `names` of unknown meaning: a label of one's own, in no task but OWN.

    A superclass, a subclass and a Challenge abbreviation of one of PTB-XL's statements have a meaning.
    """
    table, codes = statement_table(), _snomed()
    abbreviations = codes["abbreviation"][codes["scp"].isin(table.index)]
    known = {*table.index, *table["diagnostic_class"], *table["diagnostic_subclass"], *abbreviations}
    for name in sorted(set(names) - known):
        table.loc[name] = dict.fromkeys(table.columns, "") | dict.fromkeys(FLAGS, 0) | {"description": name}
    return table


def normal_statement_table(table: pd.DataFrame) -> pd.DataFrame:
    """A table of statements in one form: index `code`, the flags of TABLE_NEEDS as 0/1, its class columns as text.

    The codes may be the index or the column `code`; an empty flag (PTB-XL's own file) is 0. Further columns are kept.
    Raises ValueError for a missing column, a flag that is not 0, 1 or empty, and a code that is there twice.
    """
    table = table.set_index("code") if "code" in table.columns else table.copy()
    table.index = table.index.astype(str).rename("code")
    missing = [column for column in TABLE_NEEDS if column not in table.columns]
    if missing:
        raise ValueError(
            f"the statement table lacks the columns {missing}, it has {list(table.columns)}; "
            "expected the columns of PTB-XL's scp_statements.csv"
        )
    if table.index.has_duplicates:
        raise ValueError(f"the statement table lists {table.index[table.index.duplicated()][0]!r} twice: drop one row")
    for flag in FLAGS:
        numbers = pd.to_numeric(table[flag].replace("", "0"), errors="coerce").where(table[flag].notna(), 0.0)
        if not numbers.isin([0, 1]).all():
            values = sorted(set(table[flag].astype(str)))[:6]
            raise ValueError(f"column {flag} of the statement table holds {values}, expected 1, 0 or nothing")
        table[flag] = numbers.astype(int)
    for column in ("diagnostic_class", "diagnostic_subclass"):
        table[column] = table[column].fillna("").astype(str)
    return table
