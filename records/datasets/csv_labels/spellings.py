"""Labels as text: one spelling for those that differ by case, blanks or Unicode form, and the words for no label."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from vqecg.records.datasets.parsing import id_text
from vqecg.records.plain_names import unfit

LONGEST_LABEL = 200  # characters
NO_LABEL = {
    *("", "nan", "none", "null", "nil", "na", "n/a", "#n/a", "#na", "<na>", "n.a.", "nat", "unknown", "unbekannt", "?"),
    *("-", "--", "–", "—", ".", "undefined", "missing", "not available", "no label", "unlabeled", "unlabelled"),
    *("no diagnosis", "not labeled", "not labelled", "not specified", "not known", "not reported", "not recorded"),
}
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff\u00ad"))  # blanks of no width, byte order mark, soft hyphen
_VALUE = re.compile(r"[^\d\s]\s*[:=]\s*\d+(\.\d+)?\s*%?$|\d\s*%\)?$")  # AF:100, AF (80 %); not AV block 2:1
_FRACTION = re.compile(r"[-+]?\d*\.\d*[1-9]\d*")
_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"))
_CURLY = "\u201c\u201d\u201e\u00ab\u00bb"  # a word processor's double quotes
_JOINERS = "\u200c\u200d"  # letters of some scripts are joined by them


def plain_text(text: str) -> str:
    """Text in one Unicode form, every run of blanks one blank, none at the ends, and nothing that is invisible."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_INVISIBLE).split())


def is_no_label(text: str) -> bool:
    """True for a word that stands for no label or an unknown one."""
    return plain_text(text).casefold() in NO_LABEL


def clean_label(text: str) -> str:
    """A label as it is written, without blanks at its ends, "" for no label. ValueError: it cannot be a name."""
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in text.strip()):
        raise ValueError(
            f"the label {text[:40]!r} has a control character or a line break in it, expected a plain name"
        )
    label = plain_text(text)
    if label.casefold() in NO_LABEL:
        return ""
    if set(label) & set(_CURLY):
        raise ValueError(f"the label {label[:40]!r} has a typographic quote in it, expected a plain name")
    if reason := unfit(label):
        raise ValueError(f"the label {reason}")
    strange = [letter for letter in label if unicodedata.category(letter) in ("Cf", "Cs", "Co", "Cn")]
    if set(strange) - set(_JOINERS):
        raise ValueError(f"the label {label[:40]!r} has an invisible character in it, expected a plain name")
    if len(label) > LONGEST_LABEL:
        raise ValueError(f"a label of {len(label):,} characters ({label[:40]!r}...), expected at most {LONGEST_LABEL}")
    if re.search(r"[;|]", label):
        raise ValueError(f"the label {label!r} has a separator in it, expected a name without ; and |")
    if (
        set(label) & set("{}")
        or label[0] == "["
        or label[-1] == "["
        or any(label.count(end) > label.count(start) for start, end in _BRACKETS)
    ):
        raise ValueError(
            f"the label {label!r} has a bracket too many; expected names separated by ; , or |, or a list with every "
            'name in quotes, such as ["AF", "LBBB"]'
        )
    if _VALUE.search(label):
        raise ValueError(
            f"the label {label!r} has a value in it, expected names alone, or a dict such as {{'AF': 100.0}} (percent)"
        )
    if _FRACTION.fullmatch(label):
        raise ValueError(f"the label {label!r} is a number with a fraction, expected a name or a whole number")
    return id_text(text.translate(_INVISIBLE), "label")


def one_spelling(labels: Iterable[str]) -> dict[str, str]:
    """Label -> the spelling that stands for all that differ from it by case, blanks or Unicode form only.

    It is the commonest one, of equals the first, in `plain_text`. `labels` holds every label as often as it is used.
    """
    counts = Counter(labels)  # in the order in which they first come
    plain = {label: plain_text(label) for label in counts}
    of_plain: Counter[str] = Counter()
    for label, count in counts.items():
        of_plain[plain[label]] += count
    best: dict[str, str] = {}
    for label, count in of_plain.items():
        key = label.casefold()
        if key not in best or count > of_plain[best[key]]:
            best[key] = label
    return {label: best[plain[label].casefold()] for label in counts}


def merged_text(spelling: Mapping[str, str]) -> str:
    """The spellings that became another one, for people: "'af' and 'Af' count as 'AF'"; "" where none did."""
    groups: dict[str, list[str]] = {}
    for label, chosen in spelling.items():
        if label != chosen:
            groups.setdefault(chosen, []).append(label)
    texts = [f"{' and '.join(map(repr, others[:3]))} as {chosen!r}" for chosen, others in list(groups.items())[:5]]
    more = f" and {len(groups) - 5:,} more" if len(groups) > 5 else ""
    return f"labels that differ by case or blanks only count as one: {', '.join(texts)}{more}" if texts else ""
