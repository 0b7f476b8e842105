"""A csv of text cells in the dialects that people have, with the line of every row; what cannot be read is named.

A wrong guess here would move cells into other columns in silence, so nothing is repaired: every row must have as many
cells as the header, quotes must be closed, and no column may be there twice.
"""

import codecs
import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

MAX_BYTES = 512 << 20  # of a csv; the table of MIMIC-IV-ECG's 800,000 records has less than half of it
MAX_LINE = 1 << 22  # characters; a hundred thousand columns have fewer
HEADER_BYTES = 1 << 16  # in which `csv_columns` looks for the header
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}  # in the order in which they are tried

_MARKS = {  # at the start of a text file; the mark of UTF-32 begins like that of UTF-16
    codecs.BOM_UTF8: "UTF-8-SIG",
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_BINARY = {  # first bytes of files that are renamed to .csv
    b"PK\x03\x04": "a spreadsheet (.xlsx, .ods) or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet (.xls)",
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"\x1f\x8b": "compressed by gzip",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a numpy array",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "a PDF",
    b"{\\rtf": "a text document (.rtf)",
    b"MATLAB ": "a MATLAB file",
}
_SEPARATOR_LINE = re.compile(r'^"?sep=(?P<separator>[^\r\n"])"?(?:\r\n|\n|\r|$)', re.IGNORECASE)  # Excel's first line
# Western European words hold no three letters beyond ASCII in a row, German umlauts aside; Cyrillic and Chinese ones do
_OTHER_SCRIPT = re.compile(r"[^\x00-\x7fäöüÄÖÜß]{3}")


@dataclass(frozen=True, eq=False)
class CsvTable:
    """The content of a csv: every cell as the text that it is, without blanks at its ends."""

    file: Path
    frame: pd.DataFrame  # text; the index, called line, is the line of the file in which the row starts (1 = the first)
    separator: str  # one of SEPARATORS
    encoding: str  # Python's name

    @property
    def dialect(self) -> str:
        """Separator and encoding for people, "" for a csv of commas in UTF-8."""
        separated = [] if self.separator == "," else [f"separated by {SEPARATORS[self.separator]}"]
        encoded = [] if self.encoding in ("UTF-8", "UTF-8-SIG") else [f"in {self.encoding}"]
        return ", ".join(separated + encoded)

    @property
    def note(self) -> str:
        """The dialect for a description, "" for the usual one: "; labels.csv is separated by semicolons"."""
        return f"; {self.file.name} is {self.dialect}" if self.dialect else ""


def read_csv_table(file: Path) -> CsvTable:
    """Read a csv separated by commas, semicolons, tabs or bars, in UTF-8, Windows-1252, or UTF-16 or -32 with a mark.

    Cells may be quoted, with separators and, below the header, line breaks in them. The names of columns and the cells
    lose blanks at their ends, a column without a name is called "Unnamed: N" (its number from 0), rows of empty cells
    are passed over, and a first line `sep=;` says the separator.

    Raises:
        ValueError: no such file, a file that is no text, empty or larger than MAX_BYTES, a header alone, one column
            twice, a row with more or fewer cells than the header, a quote that is not closed, characters that cannot be
            told. Names file and line, the cause and what to do.
    """
    text, encoding = _decode(file, _content(file))
    body, named, first_line = _without_separator_line(file, text)
    rows, separator = _rows(file, body, named, first_line)
    names = [name or f"Unnamed: {number}" for number, name in enumerate(rows[0][1])]
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ValueError(f"{file} has the column {repeated[0]!r} twice: give every column a name of its own")
    if len(rows) == 1:
        raise ValueError(f"{file} has a header ({', '.join(names)[:200]}) and no rows; expected one row per record")
    frame = pd.DataFrame([cells for _, cells in rows[1:]], columns=names, dtype=str)
    frame.index = pd.Index([line for line, _ in rows[1:]], name="line")
    return CsvTable(file, frame, separator, encoding)


def csv_columns(file: Path) -> list[str]:
    """The names of the columns of a csv, from its start alone; none where it cannot be read."""
    try:
        return read_header_line(file)
    except ValueError:
        return []


def read_header_line(file: Path) -> list[str]:
    """The names of the columns of a csv, from its start alone. ValueError: it is no file, or no text."""
    start = _content(file, HEADER_BYTES)
    text, _ = _decode(file, start[: start.rfind(b"\n") + 1] or start, whole=False)
    body, named, _ = _without_separator_line(file, text)
    return max(_headers(file, body, named, 1).values(), key=len, default=[])


def _content(file: Path, most: int = MAX_BYTES) -> bytes:
    """The bytes of the file, or as many as `most`. ValueError: it is not there, no file, too large or empty."""
    if not os.path.isfile(file):
        there = os.path.lexists(file)
        raise ValueError(f"{file} is no file; expected a csv" if there else f"no file {file}; check its name")
    size = file.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(
            f"{file} has {size / 1e9:.1f} GB, expected a csv of at most {MAX_BYTES / 1e9:.1f} GB: split it"
        )
    try:
        with file.open("rb") as opened:
            content = opened.read(most)
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror})") from error
    if not content.strip():
        raise ValueError(f"{file} is empty; expected a csv with a header and one row per record")
    return content


def _decode(file: Path, content: bytes, whole: bool = True) -> tuple[str, str]:
    """The text and its encoding. ValueError: it is no text, or in an encoding that cannot be told."""
    for start, what in _BINARY.items():
        if content.startswith(start):
            raise ValueError(f"{file} is {what}, expected text: save or unpack it as a csv in UTF-8")
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "UTF-8")
    try:
        text = content.decode(encoding, "strict" if whole or encoding == "UTF-8" else "ignore")
    except UnicodeDecodeError as error:
        if encoding != "UTF-8":
            raise ValueError(f"{file} starts as {encoding} and breaks off ({error}): save it as UTF-8") from error
        encoding, text = "Windows-1252", _western(file, content, error)
    zero = text.find("\0")
    if zero >= 0:
        raise ValueError(
            f"{file}, line {_line(text, zero)} holds a zero byte: the file is damaged, no text, or UTF-16 without its "
            "mark (BOM); save it as a csv in UTF-8"
        )
    return text, encoding


def _western(file: Path, content: bytes, error: UnicodeDecodeError) -> str:
    """The text of a file that is not UTF-8, as Windows-1252. ValueError: it hardly is that either."""
    line = content.count(b"\n", 0, error.start) + 1
    advice = f"{file}, line {line} is neither UTF-8 nor Windows-1252 (byte {content[error.start]:#x}): save it as UTF-8"
    try:
        text = content.decode("Windows-1252")
    except UnicodeDecodeError:
        raise ValueError(advice) from None
    if _OTHER_SCRIPT.search(text):
        raise ValueError(advice)
    if not content.decode("utf-8", "ignore").isascii():
        raise ValueError(f"{file}, line {line} is not UTF-8, as other lines are: two files joined? Save it as UTF-8")
    return text


def _line(text: str, place: int) -> int:
    """The line, from 1, of a place in a text."""
    return len(re.findall(r"\r\n|\n|\r", text[:place])) + 1


def _without_separator_line(file: Path, text: str) -> tuple[str, str | None, int]:
    """The text below a line `sep=;`, that separator (None: no such line), and the number of the first line left."""
    match = _SEPARATOR_LINE.match(text)
    if match is None:
        return text, None, 1
    if match["separator"] not in SEPARATORS:
        raise ValueError(f"{file}, line 1 names the separator {match['separator']!r}, expected , ; | or a tab")
    return text[match.end() :], match["separator"], 2


def _rows(file: Path, text: str, named: str | None, first_line: int) -> tuple[list[tuple[int, list[str]]], str]:
    """The rows with their lines, the header first, and the separator: that which gives the header most columns.

    One with fewer columns is never tried: it would fit a damaged file by chance. Raises ValueError where none fits
    every row, or several do.
    """
    headers = _headers(file, text, named, first_line)
    most = max(map(len, headers.values()), default=0)
    if most < 2:
        return _one_column(file, text, named or ",", first_line), named or ","
    fitting, failures = dict[str, list[tuple[int, list[str]]]](), list[ValueError]()
    for mark in (mark for mark, names in headers.items() if len(names) == most):
        try:
            fitting[mark] = _checked(file, text, mark, first_line)
        except ValueError as error:
            failures.append(error)
    if not fitting:
        raise failures[0]
    if len(fitting) > 1:
        titles = " and by ".join(SEPARATORS[mark] for mark in fitting)
        raise ValueError(f"{file} can be read by {titles}: begin it with a line such as sep=; that names the separator")
    mark, rows = fitting.popitem()
    return rows, mark


def _one_column(file: Path, text: str, separator: str, first_line: int) -> list[tuple[int, list[str]]]:
    """The rows of a csv whose header is one name. ValueError: a row holds what separates cells elsewhere."""
    rows = _checked(file, text, separator, first_line)
    for line, cells in rows[1:]:
        marks = [title for mark, title in SEPARATORS.items() if mark in cells[0]]
        if marks:
            raise ValueError(
                f"{file}, line {line} has {marks[0]} in it, the header is one name, {rows[0][1][0]!r}: is a separator "
                "lost in the header? Name every column"
            )
    return rows


def _headers(file: Path, text: str, named: str | None, first_line: int) -> dict[str, list[str]]:
    """Separator -> the cells of the first row; without those whose quotes do not fit it."""
    headers: dict[str, list[str]] = {}
    for mark in (named,) if named else SEPARATORS:
        try:
            headers[mark] = next((cells for _, cells in _parse(file, text, mark, first_line)), [])
        except ValueError:
            continue  # said by _checked, where no separator fits
    return headers


def _checked(file: Path, text: str, separator: str, first_line: int) -> list[tuple[int, list[str]]]:
    """Every row with its line. ValueError: there is none, or one has another number of cells than the header."""
    rows: list[tuple[int, list[str]]] = []
    for line, cells in _parse(file, text, separator, first_line):
        if rows and len(cells) != len(rows[0][1]):
            raise ValueError(
                f"{file}, line {line} has {len(cells)} cells, the header has {len(rows[0][1])} "
                f"(separated by {SEPARATORS[separator]}: {', '.join(rows[0][1])[:200]}): "
                "correct the row, and put a cell that holds a separator in double quotes"
            )
        rows.append((line, cells))
    if not rows:
        raise ValueError(f"{file} is empty; expected a csv with a header and one row per record")
    return rows


def _parse(file: Path, text: str, separator: str, first_line: int) -> Iterator[tuple[int, list[str]]]:
    """Rows as (line in which it starts, cells), without those of empty cells. ValueError names the line."""
    row, header = list[str](), True  # the lines of one row
    lines = _short_lines(file, text, first_line, row)
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    while True:
        row.clear()
        line = reader.line_num + first_line
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise ValueError(
                f"{file}, line {line}: the row is no csv ({error}): a double quote that is not closed or not doubled?"
            ) from error
        if not any(cells):
            continue
        if header and reader.line_num + first_line > line + 1:
            raise ValueError(f"{file}, line {line}: the header does not end in its line: a double quote too many?")
        header = False
        if any('"' in cell for cell in cells) and _has_stray_quote("".join(row), separator):
            raise ValueError(
                f"{file}, line {line}: a double quote within a cell, and none that matches it: is a separator or the "
                "end of a line lost? Put a cell that holds a double quote in double quotes, and double it"
            )
        yield line, cells


def _has_stray_quote(row: str, separator: str) -> bool:
    """True where a cell of a row that is not quoted holds an odd number of double quotes.

    The csv reader takes them for characters, and the rest of a cell that lost its separator for the next one.
    """
    cells = re.findall(rf' *"(?:[^"]|"")*"|[^{re.escape(separator)}]+', row)
    return any(cell.count('"') % 2 for cell in cells if not cell.lstrip(" ").startswith('"'))


def _short_lines(file: Path, text: str, first_line: int, row: list[str]) -> Iterator[str]:
    """The lines of a text, with their ends, each added to `row`. ValueError: one is longer than any row of cells."""
    for number, line in enumerate(io.StringIO(text, newline=""), first_line):
        if len(line) > MAX_LINE:
            raise ValueError(f"{file}, line {number} has {len(line):,} characters, expected at most {MAX_LINE:,}")
        row.append(line)
        yield line
