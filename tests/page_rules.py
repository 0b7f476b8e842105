"""Rules of accessibility that every page must keep, read from its HTML: headings, tables, figures, links, keyboard.

`faults` says which are broken. The rules are those of WCAG 2 that need no browser; contrast is tested from the style.
"""

import re
from html.parser import HTMLParser

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})
NAMED = ("h1", "h2", "h3", "th", "a", "summary", "title")  # elements that say nothing without text


class Element:
    """An element with its attributes, the names of its child elements, and the text in it."""

    def __init__(self, tag: str, attributes: dict[str, str], parents: tuple[str, ...]) -> None:
        self.tag, self.attributes, self.parents = tag, attributes, parents
        self.children, self.text = list[str](), ""


class PageReader(HTMLParser):
    """Collects the elements of a page in their order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements, self.open = list[Element](), list[Element]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opens an element."""
        parents = tuple(one.tag for one in self.open)
        element = Element(tag, {name: value or "" for name, value in attrs}, parents)
        self.elements.append(element)
        if self.open:
            self.open[-1].children.append(tag)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content."""
        parents = tuple(one.tag for one in self.open)
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}, parents))

    def handle_endtag(self, tag: str) -> None:
        """Closes an element."""
        if self.open and self.open[-1].tag == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        """Text of all open elements."""
        for element in self.open:
            element.text += data


def faults(page: str) -> list[str]:
    """The rules that a page breaks, in words; none for a page that keeps them."""
    reader = PageReader()
    reader.feed(page)
    elements = reader.elements
    return [*of_document(page, elements), *of_headings(elements), *of_names(elements), *of_keyboard(elements)]


def of_document(page: str, elements: list[Element]) -> list[str]:
    """Language, landmarks, ids and links."""
    broken = [] if page.lower().startswith("<!doctype html>") else ["no doctype"]
    broken += [] if any(e.tag == "html" and e.attributes.get("lang") for e in elements) else ["html has no lang"]
    for tag in ("main", "title", "h1"):
        number = sum(e.tag == tag for e in elements)
        broken += [] if number == 1 else [f"{number} elements {tag}, expected one"]
    ids = [e.attributes["id"] for e in elements if "id" in e.attributes]
    broken += [f"the id {name!r} is there twice" for name in {name for name in ids if ids.count(name) > 1}]
    links = [e.attributes.get("href", "") for e in elements if e.tag == "a"]
    broken += [f"link to {link!r}, which is not there" for link in links if link[:1] == "#" and link[1:] not in ids]
    return broken


def of_headings(elements: list[Element]) -> list[str]:
    """Levels that are skipped."""
    levels = [int(e.tag[1]) for e in elements if e.tag in HEADINGS]
    steps = zip([0, *levels], levels, strict=False)
    return [f"h{after} follows h{before}" for before, after in steps if after > before + 1]


def of_names(elements: list[Element]) -> list[str]:
    """Figures without an alternative text, headers without scope, and what has no text."""
    broken = [f"{e.tag} without text" for e in elements if e.tag in NAMED and not e.text.strip()]
    for e in elements:
        if e.tag == "svg" and "svg" not in e.parents:
            label = e.attributes.get("aria-label", "").strip()
            broken += [] if e.attributes.get("role") == "img" and label else ["svg without role and aria-label"]
        if e.tag == "img" and not e.attributes.get("alt"):
            broken.append("img without alt")
        if e.tag == "th" and e.attributes.get("scope") not in ("col", "row", "colgroup", "rowgroup"):
            broken.append(f"th {e.text[:20]!r} without scope")
        if e.tag == "table" and e.children[:1] != ["thead"]:
            broken.append("table without head")
    return broken


def of_keyboard(elements: list[Element]) -> list[str]:
    """What a keyboard does not reach, or reaches in another order."""
    broken = []
    for e in elements:
        if e.tag == "details" and e.children[:1] != ["summary"]:
            broken.append("details does not begin with its summary")
        if e.attributes.get("tabindex", "0") != "0":
            broken.append(f"tabindex {e.attributes['tabindex']}")
        if "scroll" in e.attributes.get("class", "").split() and "tabindex" not in e.attributes:
            broken.append("a part that scrolls is not reached by the keyboard")
    return broken


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, "#rrggbb" or "#rgb", by WCAG 2: 1 for equal ones, 21 for black on white."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of a colour."""
    digits = colour.removeprefix("#")
    digits = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def colours_of(style: str) -> list[tuple[str, str, str]]:
    """(selector, text colour, its paper) of every rule of a style sheet that sets a text colour; white paper if none.

    Names such as var(--ink) are looked up in the sheet.
    """
    values = dict(re.findall(r"(--[\w-]+):\s*(#[0-9a-fA-F]{3,6})", style))
    plain = re.sub(r"var\((--[\w-]+)\)", lambda name: values[name[1]], style)
    pairs = []
    for selector, content in re.findall(r"([^{}]+)\{([^{}]*)\}", plain):
        text = re.search(r"(?:^|[;\s])color:\s*(#[0-9a-fA-F]{3,6})", content)
        paper = re.search(r"background(?:-color)?:\s*(#[0-9a-fA-F]{3,6})", content)
        if text:
            pairs.append((selector.strip(), text[1], paper[1] if paper else "#ffffff"))
    return pairs
