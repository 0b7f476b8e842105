"""YAML from a file, or one line that says what is wrong with it."""

import re
from pathlib import Path
from typing import Any

import yaml

MOST = 100_000  # values in a file, aliases written out
INT = "tag:yaml.org,2002:int"


class Loader(yaml.SafeLoader):
    """Plain values only; a key is there once, and a whole number is decimal: 010 is ten and 1:30 no number."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping of a node. Raises ConstructorError for a key that is there twice."""
        seen = set()
        for key, _ in node.value:
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if name is not None and name in seen and key.value != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is there twice", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != INT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(INT, re.compile(r"[-+]?(0|[1-9][0-9]{0,400})$"), list("-+0123456789"))


def read_yaml(path: Path, origin: str = "") -> dict[Any, Any]:
    """The mapping in a YAML file; `origin` stands before the path in messages.

    Raises ValueError for a file that cannot be read, no YAML, anything else than a mapping, a key that is there twice,
    and one that is nested too deeply or blown up by aliases.
    """
    where = f"{origin} {path}".strip()
    try:
        values = yaml.load(path.read_bytes().decode("utf-8"), Loader)  # a SafeLoader
        count(values)
    except FileNotFoundError as error:
        raise ValueError(f"{where}: no such file") from error
    except (OSError, ValueError) as error:
        raise ValueError(f"{where} cannot be read: {' '.join(str(error).split())}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{where} is no valid YAML: {' '.join(str(error).split())}") from error
    except (RecursionError, TypeError, AttributeError, KeyError, IndexError) as error:  # PyYAML's, on odd nodes
        raise ValueError(f"{where} is no YAML that can be read ({type(error).__name__}: {error})") from error
    if not isinstance(values, dict):
        raise ValueError(f"{where} holds {type(values).__name__}; expected a mapping of option: value")
    return values


def count(value: Any, known: dict[int, int] | None = None) -> int:
    """The number of values in nested lists and mappings, written out. Raises ValueError for more than MOST of them."""
    known = {} if known is None else known
    if not isinstance(value, list | tuple | set | dict):
        return 1
    if id(value) in known:
        if not known[id(value)]:
            raise ValueError("a list or mapping that holds itself; expected plain values")
        return known[id(value)]
    known[id(value)] = 0  # while its parts are counted
    parts = [*value, *value.values()] if isinstance(value, dict) else list(value)
    total = 1 + sum(count(part, known) for part in parts)
    if total > MOST:
        raise ValueError(f"more than {MOST:,} values; expected a few options")
    known[id(value)] = total
    return total
