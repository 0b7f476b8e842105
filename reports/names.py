"""Names of classes in words, wherever a page shows their codes."""

from collections.abc import Iterable, Mapping

from vqecg.records.label_tables import label_names

FEW = 12  # classes that are spelled out in one line


def in_words(code: str) -> str:
    """The name of a class: "MI" -> "myocardial infarction"; "" for one that is not known, or says it itself."""
    words = label_names().get(code, "")
    return "" if words == code else words


def named(code: str) -> str:
    """A class with its name: "MI (myocardial infarction)"."""
    words = in_words(code)
    return f"{code} ({words})" if words else code


def spelled_out(codes: Iterable[str]) -> Mapping[str, str]:
    """Class -> its name, for those whose names are known."""
    return {code: in_words(code) for code in dict.fromkeys(codes) if in_words(code)}


def class_line(codes: Iterable[str]) -> tuple[str, ...]:
    """A line that spells the classes out where they are few; nothing otherwise."""
    names = spelled_out(codes)
    if not 0 < len(names) <= FEW:
        return ()
    return (f"Classes: {', '.join(f'{code} = {words}' for code, words in names.items())}.",)
