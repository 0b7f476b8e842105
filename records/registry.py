"""Registries: what can be extended registers itself, by name, beside its code, in the package or outside it.

A registry imports the modules of its own package when it is first asked, then the extensions: modules that an installed
package names under the entry point group `vqecg.extensions`, and those that the environment variable VQECG_EXTENSIONS
lists, separated by commas (an importable name, or the path of a .py file). Worker processes inherit the variable.
"""

import importlib
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Generic, TypeVar

from typing_extensions import Doc

T = TypeVar("T")

GROUP, VARIABLE = "vqecg.extensions", "VQECG_EXTENSIONS"


class Registry(Generic[T]):
    """Entries of one kind by name, in the order of `rank`, then of registration."""

    def __init__(self, kind: str, package: str = "") -> None:
        """`kind` names an entry in messages ("classifier"); `package` is where the built-in entries lie."""
        self.kind, self.package = kind, package
        self._entries: dict[str, tuple[float, T]] = {}
        self._loaded = False

    def register(self, name: str, rank: float = 100.0) -> Callable[[T], T]:
        """A decorator that enters a class or function under `name`; entries of low rank are listed first.

        Raises ValueError for a name that another entry has.
        """

        def enter(entry: T) -> T:
            there = self._entries.get(name)
            if there is not None and not _is_same(there[1], entry):
                raise ValueError(f"two entries are registered as {self.kind} {name!r}: give one of them another name")
            self._entries[name] = (rank, entry)
            return entry

        return enter

    def remove(self, name: str) -> None:
        """Takes an entry out again, as a test does with its own."""
        self._entries.pop(name, None)

    def names(self) -> tuple[str, ...]:
        """All names."""
        self._load()
        return tuple(sorted(self._entries, key=lambda name: self._entries[name][0]))

    def get(self, name: str) -> T:
        """The entry of that name. Raises ValueError, with the names there are, for another."""
        self._load()
        if name not in self._entries:
            raise ValueError(f"{self.kind} {name!r} is unknown; expected one of {', '.join(self.names())}")
        return self._entries[name][1]

    def rank(self, name: str) -> float:
        """The rank of an entry. Raises ValueError as `get` does."""
        self.get(name)
        return self._entries[name][0]

    def listing(self) -> str:
        """The names for help texts, "resnet: a small network; s4d: ..." where entries have a `help`, else "a, b"."""
        helps = [(name, getattr(entry, "help", "")) for name, entry in self]
        if not any(isinstance(text, str) and text for _, text in helps):
            return ", ".join(self.names())
        return "; ".join(f"{name}: {text}" if isinstance(text, str) and text else name for name, text in helps)

    def __contains__(self, name: str) -> bool:
        return name in self.names()

    def __iter__(self) -> Iterator[tuple[str, T]]:
        return iter([(name, self._entries[name][1]) for name in self.names()])

    def __len__(self) -> int:
        return len(self.names())

    def _load(self) -> None:
        """Imports the built-in modules, once, and the extensions."""
        if not self._loaded:
            self._loaded = True
            if self.package:
                package = importlib.import_module(self.package)
                for module in pkgutil.iter_modules(package.__path__):
                    importlib.import_module(f"{self.package}.{module.name}")
        load_extensions()


class Choices(Doc):
    """The help of a setting that ends in a list: `model: Annotated[str, Choices("classifier", CLASSIFIERS.listing)]`.

    The list is made when help is shown, so that extensions are in it.
    """

    def __init__(self, text: str, listing: Callable[[], str | Sequence[str]]) -> None:
        """`listing` gives the names there are, or a text about them, to stand behind `text`."""
        self.text, self.listing = text, listing

    @property
    def documentation(self) -> str:  # type: ignore[override]  # Doc has an attribute, fixed when it is defined
        """The help text."""
        choices = self.listing()
        listed = choices if isinstance(choices, str) else ", ".join(choices)
        return f"{self.text}{'. ' if ': ' in listed else ': '}{listed}"

    __eq__ = object.__eq__
    __hash__ = object.__hash__  # Doc's would make the list while the settings are defined


def load_extensions() -> None:
    """Imports every extension that is not imported yet.

    Raises ValueError for one that cannot be found or fails while it is imported.
    """
    for place in filter(None, os.environ.get(VARIABLE, "").split(",")):
        _load_place(place.strip())
    _load_entry_points()


@cache
def _load_entry_points() -> None:
    for point in entry_points(group=GROUP):
        with _refusing(f"{point.value} (entry point {point.name})"):
            point.load()


@cache
def _load_place(place: str) -> ModuleType:
    """Imports a module by its name or its path."""
    with _refusing(place):
        if not place.endswith(".py"):
            return importlib.import_module(place)
        path = Path(place).resolve()
        if not path.is_file():
            raise ValueError(f"extension {place}: no such file; expected a .py file or the name of a module")
        known = sys.modules.get(path.stem)
        if known is not None and Path(getattr(known, "__file__", None) or "").resolve() == path:
            return known
        if known is not None:
            raise ValueError(f"extension {place}: {path.stem} is imported already; rename the file")
        # by its own folder, so that a worker process finds the classes in it by the module's name
        if str(path.parent) not in sys.path:
            sys.path.append(str(path.parent))
        module = importlib.import_module(path.stem)
        if Path(module.__file__ or "").resolve() != path:
            raise ValueError(f"extension {place}: {module.__file__} has the same name; rename one of them")
        return module


@contextmanager
def _refusing(place: str) -> Iterator[None]:
    """Turns whatever the code of an extension raises while it is imported into a ValueError that names it."""
    try:
        yield
    except ImportError as error:
        raise ValueError(f"extension {place} cannot be imported ({error}); expected a module or a .py file") from error
    except ValueError:
        raise
    except Exception as error:  # an extension is somebody else's code and may raise anything
        line = extract_tb(error.__traceback__)[-1]
        raise ValueError(
            f"extension {place} fails as it is imported, in line {line.lineno} of {line.filename} "
            f"({type(error).__name__}: {error}); expected a module that only defines and registers"
        ) from error


def _is_same(one: object, other: object) -> bool:
    """True where two entries come from the same place: a module that is loaded again replaces its own entries."""
    names = [(getattr(entry, "__module__", None), getattr(entry, "__qualname__", None)) for entry in (one, other)]
    return one is other or (names[0] == names[1] and None not in names[0])
