"""JSON from a file, or one line that says what is wrong with it."""

import json
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DAMAGED = "the file is damaged: copy it again, or make it again"
LARGEST = 2**28  # bytes of a JSON file of ours; what is larger is none


@contextmanager
def reading(path: Path, advice: str = DAMAGED) -> Iterator[None]:
    """Turns what the reading of a damaged or foreign file raises within a `with` block into ValueError with its name.

    For the parsing of content only: an error of our code would be taken for one of the file.
    """
    try:
        yield
    except (ValueError, OSError) as error:
        if str(path) not in str(error):
            raise ValueError(f"{path}: {error}: {advice}") from error
        raise ValueError(f"{error}" if advice == DAMAGED else f"{error}: {advice}") from error
    except (KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{path} holds something else than expected ({what}): {advice}") from error
    except (EOFError, zipfile.BadZipFile, struct.error) as error:
        raise ValueError(f"{path} is cut short or damaged ({error}): {advice}") from error


def read_json(path: Path, nan: bool = True) -> Any:
    """The content of a JSON file. `nan`: NaN and Infinity are taken, which JSON does not have.

    Raises ValueError for a file that is missing, unreadable or larger than any of ours, no UTF-8, no JSON, nested too
    deeply, or with a key twice in an object.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise ValueError(f"{path} has {size:,} bytes; expected {LARGEST:,} at most: it is none of ours")
        text = path.read_bytes().decode("utf-8")
        return json.loads(text, object_pairs_hook=once_each, parse_constant=None if nan else no_constant)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8 ({error}): the file is damaged") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no valid JSON ({error}): the file is damaged") from error
    except RecursionError as error:
        raise ValueError(f"{path} is nested too deeply; expected a few levels: the file is damaged") from error
    except ValueError as error:
        raise ValueError(f"{error}" if str(path) in str(error) else f"{path}: {error}") from error


def read_object(path: Path, nan: bool = True) -> dict[str, Any]:
    """The JSON object in a file. Raises ValueError as `read_json`, and for anything else than an object."""
    content = read_json(path, nan)
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a JSON {type(content).__name__}; expected an object: the file is damaged")
    return content


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs. Raises ValueError for a key that is there twice."""
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} is there twice; expected it once")
    return values


def no_constant(name: str) -> float:
    """Refuses NaN and Infinity."""
    raise ValueError(f"{name} is no number of JSON; expected finite numbers")
