"""The measure of the house: how large, how deep and how repetitive the source tree is, in one table.

    python tests/house.py [--root FOLDER] [--details]

Rooms are the folders of the top level that hold an `__init__.py`, other than tests, benchmarks and docs. The counts:

- chain of imports: modules on the longest path, by every static import within `vqecg.*` (inside functions too, blocks
  under TYPE_CHECKING left out); a cycle counts with all its modules;
- fields of a dataclass: those written in the class body, inherited ones left out;
- files that an extension touches: one existing entry of each kind stands for the next one, and a file touches it if its
  code names it: an identifier, an attribute, a keyword, an imported module, or a word in a string (docstrings and
  comments do not count). The names are those of EXTENSIONS. What supplies the values of an attribute is left out, as
  every reader and the simulator may name it: SUPPLIERS;
- a repeated line: part of a run of REPEATED_RUN equal lines of code (imports left out) in two places.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
NOT_ROOMS = {"tests", "benchmarks", "docs"}
SCREEN, LONG_FILE, MANY_FIELDS, REPEATED_RUN, SHARED_FIELDS = 60, 300, 15, 5, 5
EVERY_COMMAND = {"out", "overwrite", "preset", "store", "workers", "seed"}
EXAMPLE = 70  # letters of an example in the table
WEAK_OPENINGS = ("What", "How", "Which", "Whether", "Where", "When")
WEAK_NAMES = {"own", "found", "told", "made", "kept"}

# kind of extension -> the names of an existing entry: its registered name, its module, its classes
EXTENSIONS = {
    "classifier": r"s4d|S4D\w*",
    "reader": r"challenge|\w*_challenge|Challenge\w*",
    "augmentation method": r"signal[ _-]mixing|mix_signals|SignalMixing\w*|SIGNAL_MIXING",
    "attribute": r"ages?",
    "quantizer": r"Residual\w*Quantizer|codebooks|\w*_codebooks",
}
SUPPLIERS = re.compile(  # the second line: where they lay before the rooms had folders
    r"records/(datasets|simulation)/.*"
    r"|records/(challenge|cpsc2018|fields|folder|ludb|ptbxl|readers|heart|rhythm|simulation|simulator)\.py"
)


@dataclass(frozen=True)
class Module:
    """A Python file of the source tree."""

    name: str  # from vqecg.
    path: Path  # relative to the root
    lines: tuple[str, ...]
    tree: ast.Module

    @cached_property
    def docstrings(self) -> set[int]:
        """The identities of the constants that are docstrings or other bare strings."""
        return {
            id(node.value)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }

    @cached_property
    def code(self) -> tuple[tuple[int, str], ...]:
        """Line number and text of each line of code: no blank lines, comments, docstrings or imports."""
        skipped: set[int] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import | ast.ImportFrom) or (
                isinstance(node, ast.Expr) and id(node.value) in self.docstrings
            ):
                skipped.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        numbered = ((number, line.strip()) for number, line in enumerate(self.lines, 1) if number not in skipped)
        return tuple((number, line) for number, line in numbered if line and not line.startswith("#"))


def nodes(modules: Mapping[str, Module], kind: Any) -> Iterator[tuple[Module, Any]]:
    """All nodes of a kind with their modules."""
    return ((module, node) for module in modules.values() for node in ast.walk(module.tree) if isinstance(node, kind))


def rooms(root: Path) -> list[Path]:
    """The folders of the top level with source code."""
    folders = sorted(path.parent for path in root.glob("*/__init__.py"))
    return [folder for folder in folders if folder.name not in NOT_ROOMS]


def read_modules(root: Path) -> dict[str, Module]:
    """All modules of the source tree by their full names, packages by the name of the folder."""
    modules = {}
    for room in rooms(root):
        for path in sorted(room.rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            name = ".".join(parts if parts[0] == "vqecg" else ("vqecg", *parts))
            text = path.read_text(encoding="utf-8")
            modules[name] = Module(name, path.relative_to(root), tuple(text.splitlines()), ast.parse(text))
    return modules


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a tree but those below `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from executed(other)
            continue
        yield child
        yield from executed(child)


def imported_names(module: Module, known: Container[str] = (), top_level: bool = False) -> set[str]:
    """The full names that a module imports; with `top_level` only those imported as it starts.

    `from a.b import c` gives `a.b.c` where that is one of the `known` modules, else `a.b`. Raises ValueError for an
    import by a relative name.
    """
    names: set[str] = set()
    for node in module.tree.body if top_level else executed(module.tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError(f"{module.path}:{node.lineno}: import by full name")
            wholes = [f"{node.module}.{alias.name}" for alias in node.names]
            names.update(whole if whole in known else node.module for whole in wholes)
    return names


def imports(module: Module, known: Mapping[str, Module], top_level: bool = False) -> set[str]:
    """The modules of the tree that a module imports."""
    return (imported_names(module, known, top_level) & known.keys()) - {module.name}


def import_graph(modules: Mapping[str, Module]) -> dict[str, set[str]]:
    """Module -> modules that it imports."""
    return {name: imports(module, modules) for name, module in modules.items()}


def cycles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other, directly or in a circle."""
    reached = {name: _reachable(graph, name) for name in graph}
    groups = {tuple(sorted(m for m in reached[name] if name in reached[m])) for name in graph if name in reached[name]}
    return [list(group) for group in sorted(groups)]


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    reached: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += graph[name]
    return reached


def longest_chain(graph: Mapping[str, set[str]]) -> list[str]:
    """The longest chain of imports, from the importing end; a cycle stands in it with all its modules."""
    group = {name: (name,) for name in graph} | {name: tuple(names) for names in cycles(graph) for name in names}
    longest: dict[tuple[str, ...], list[str]] = {}

    def from_here(names: tuple[str, ...]) -> list[str]:
        if names not in longest:
            below = sorted({group[other] for name in names for other in graph[name]} - {names})
            longest[names] = [*names, *max((from_here(other) for other in below), key=len, default=[])]
        return longest[names]

    return max((from_here(names) for names in sorted(set(group.values()))), key=len, default=[])


def dataclass_fields(modules: Mapping[str, Module]) -> dict[str, list[str]]:
    """Every dataclass and the fields in its body."""
    classes = {}
    for module, node in nodes(modules, ast.ClassDef):
        if any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
            fields = [line for line in node.body if isinstance(line, ast.AnnAssign)]
            classes[f"{module.path}:{node.name}"] = [
                ast.unparse(line.target) for line in fields if "ClassVar" not in ast.unparse(line.annotation)
            ]
    return classes


def repeated_fields(classes: Mapping[str, list[str]]) -> list[str]:
    """Pairs of dataclasses that share SHARED_FIELDS names of fields or more, besides what every command has."""
    names = {place: set(fields) - EVERY_COMMAND for place, fields in classes.items()}
    shared = {pair: names[pair[0]] & names[pair[1]] for pair in combinations(sorted(names), 2)}
    return [
        f"{one} and {other}: {', '.join(sorted(same))}"
        for (one, other), same in shared.items()
        if len(same) >= SHARED_FIELDS
    ]


def words_of(module: Module) -> set[str]:
    """Each word that the code of a module names: identifiers, attributes, keywords, imported modules and strings."""
    words = {module.path.stem}
    for node in ast.walk(module.tree):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.arg(arg=word):
                words.add(word)
            case ast.FunctionDef(name=word) | ast.ClassDef(name=word) | ast.keyword(arg=str(word)):
                words.add(word)
            case ast.Constant(value=str(word)) if id(node) not in module.docstrings:
                words.add(word)
            case ast.ImportFrom(module=str(word)):
                words.update(word.split("."), *(alias.name.split(".") for alias in node.names))
    return words


def files_naming(modules: Mapping[str, Module], kind: str) -> list[str]:
    """The files whose code names the entry that stands for an extension of that kind."""
    pattern = re.compile(rf"(?<![\w-])(?:{EXTENSIONS[kind]})(?![\w-])")
    paths = [str(module.path) for module in modules.values() if any(map(pattern.search, words_of(module)))]
    return [path for path in paths if kind != "attribute" or not SUPPLIERS.fullmatch(path)]


def long_functions(modules: Mapping[str, Module]) -> list[str]:
    """Functions over a screen and their lines."""
    sizes = [
        ((node.end_lineno or node.lineno) - node.lineno + 1, f"{module.path}:{node.name}")
        for module, node in nodes(modules, ast.FunctionDef)
    ]
    return [f"{size} {place}" for size, place in sorted(sizes, reverse=True) if size > SCREEN]


def weak_docstrings(modules: Mapping[str, Module]) -> list[str]:
    """Docstrings that begin with a question word rather than with the thing."""
    opened = (
        (module, node, (ast.get_docstring(node) or "").partition(" ")[0])
        for module, node in nodes(modules, ast.Module | ast.ClassDef | ast.FunctionDef)
    )
    return [
        f"{module.path}:{getattr(node, 'lineno', 1)}: {word}" for module, node, word in opened if word in WEAK_OPENINGS
    ]


def weak_names(modules: Mapping[str, Module]) -> list[str]:
    """Variables, arguments and fields of a name that says nothing."""
    names = [(module, node, node.arg) for module, node in nodes(modules, ast.arg)]
    names += [(module, node, node.id) for module, node in nodes(modules, ast.Name) if isinstance(node.ctx, ast.Store)]
    return sorted(f"{module.path}:{node.lineno}: {name}" for module, node, name in names if name in WEAK_NAMES)


def repeated_lines(modules: Mapping[str, Module]) -> list[str]:
    """Lines of code within a run that stands in two places, as FILE:LINE of each run's start."""
    places = defaultdict(set)
    for module in modules.values():
        for start in range(len(module.code) - REPEATED_RUN + 1):
            run = tuple(line for _, line in module.code[start : start + REPEATED_RUN])
            places[run].add((str(module.path), start))
    repeated = {
        (path, start + step)
        for starts in places.values()
        if len(starts) > 1
        for path, start in starts
        for step in range(REPEATED_RUN)
    }
    code = {str(module.path): module.code for module in modules.values()}
    return [f"{path}:{code[path][index][0]}" for path, index in sorted(repeated)]


@dataclass(frozen=True)
class Measure:
    """A row of the table."""

    name: str
    value: int
    aim: str
    example: str  # the worst place
    details: tuple[str, ...]


def _largest(name: str, counts: Mapping[str, int], aim: str, above: int = 0) -> Measure:
    order = sorted(counts.items(), key=lambda item: -item[1])
    lines = tuple(f"{count} {place}" for place, count in order if count > above)
    return Measure(name, order[0][1] if order else 0, aim, order[0][0] if order else "", lines)


def _count(name: str, places: list[str], aim: str) -> Measure:
    return Measure(name, len(places), aim, places[0] if places else "", tuple(places))


def measure(root: Path) -> list[Measure]:
    """All measures of the tree below `root`."""
    modules = read_modules(root)
    chain = longest_chain(import_graph(modules))
    sizes = {str(module.path): len(module.lines) for module in modules.values()}
    fields = dataclass_fields(modules)
    many = sorted(
        (f"{len(names)} {place}" for place, names in fields.items() if len(names) > MANY_FIELDS), reverse=True
    )
    folders = Counter(f"{module.path.parent}/" for module in modules.values() if module.path.name != "__init__.py")
    rows = [
        _largest("files in a folder, largest", folders, "16"),
        Measure("longest chain of imports, modules", len(chain), "12", " -> ".join(chain[:1]), tuple(chain)),
        _count("cycles of imports", [" <-> ".join(names) for names in cycles(import_graph(modules))], "0"),
        _count(f"dataclasses of more than {MANY_FIELDS} fields", many, "3"),
        _count(f"pairs of dataclasses with {SHARED_FIELDS} fields in common", repeated_fields(fields), "few"),
    ]
    for kind, aim in zip(EXTENSIONS, ("1", "1", "1", "4", "1"), strict=True):
        files = files_naming(modules, kind)
        rows.append(Measure(f"files that the next {kind} touches", len(files), aim, ", ".join(files[:2]), tuple(files)))
    rows += [
        _count(
            f"files over {LONG_FILE} lines",
            [f"{size} {path}" for path, size in sizes.items() if size > LONG_FILE],
            "few",
        ),
        _count(f"functions over {SCREEN} lines", long_functions(modules), "0"),
        _count("docstrings that begin with a question word", weak_docstrings(modules), "0"),
        _count(f"variables named {', '.join(sorted(WEAK_NAMES))}", weak_names(modules), "0"),
        _count(f"lines of code in runs of {REPEATED_RUN} that stand twice", repeated_lines(modules), "few"),
        Measure("modules", len(modules), "", "", ()),
        Measure("lines of source", sum(sizes.values()), "", "", ()),
    ]
    pages = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    words = {str(path.relative_to(root)): len(path.read_text(encoding="utf-8").split()) for path in pages}
    results = sum(count for path, count in words.items() if "results" in path)
    rows += [
        Measure("words of README.md", words["README.md"], "", "", ()),
        Measure("words of the results pages", results, "generated", "", ()),
        _largest("words of a page, largest", words, ""),
        Measure("words of README.md and docs/", sum(words.values()), "", "", ()),
    ]
    return rows


def main() -> None:
    """Prints the table, and with --details every place behind it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--root", type=Path, default=CHECKOUT, help="the checkout to measure")
    parser.add_argument("--details", action="store_true", help="list every place behind the numbers")
    arguments = parser.parse_args()
    rows = measure(arguments.root.resolve())
    width = max(len(row.name) for row in rows)
    print(f"{'':{width}}  {'now':>6}  {'aim':>9}  for example")
    for row in rows:
        print(f"{row.name:{width}}  {row.value:>6}  {row.aim:>9}  {row.example[:EXAMPLE]}".rstrip())
    if arguments.details:
        for row in rows:
            if row.details:
                print(f"\n{row.name}", *row.details, sep="\n  ")


if __name__ == "__main__":
    main()
