"""Names of labels, arms and records that a page would obey are text in it, wherever they stand."""

from html.parser import HTMLParser

import pandas as pd
import pytest

from vqecg.reports.figures import label_bars, paired_dots
from vqecg.reports.html import element, folded, inline_figure, join, key_figures, paragraph, settings_list, table
from vqecg.reports.page import Page, Section

NAMES = [
    "<script>document.title='owned'</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></svg><script>alert(1)</script>",
    "]]><script>alert(1)</script><![CDATA[",
    "<!-- <script>alert(1)</script> -->",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "{{ 7 * 7 }} {% raw %}",
    r"$\frac{$ and $x$",
    "javascript:alert(1)",
]
REFUSED = {"script", "img", "iframe", "object", "embed", "link", "base", "form", "meta", "foreignobject"}


class Reader(HTMLParser):
    """Collects the elements, the attributes and the text of a page as a browser would see them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.text = set[str](), list[tuple[str, str]](), ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile_page(name: str) -> Page:
    """A page with a name in every place that takes text."""
    counts = pd.DataFrame({"class_name": [name, "MI"], "train_before": [10.0, 5.0], "train_after": [10.0, 9.0]})
    dots = pd.DataFrame({"class_name": [name, "MI"], "one": [0.6, 0.7], "two": [0.8, 0.9]})
    parts = (
        paragraph(name, "caption"),
        element("p", name),
        settings_list({name: name}),
        key_figures([(name, name, name)]),
        folded(name, paragraph(name)),
        table([name, "b"], [[name, name], name], name, over=[(name, 2)], strong=[name]),
        inline_figure(label_bars(counts), name, "bars", name),
        inline_figure(paired_dots(dots, "one", "two", (name, "b"), name), name, "dots", name),
    )
    sections = (Section("key", name, join(parts)), Section("other", name, join([name]), link="cells/x/page.html"))
    return Page(name, name, sections, (name,), (name,), name, (name,))


@pytest.mark.bad_input("hostile labels and ids")
@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_is_text_wherever_it_stands(name: str):
    reader, harmless = Reader(), Reader()
    reader.feed(hostile_page(name).render())
    harmless.feed(hostile_page("AFIB").render())
    assert reader.tags == harmless.tags and not reader.tags & REFUSED - {"meta"}
    assert not [key for key, _ in reader.attributes if key.startswith("on") or key == "srcdoc"]
    links = [value for key, value in reader.attributes if key in ("href", "src", "xlink:href", "action")]
    assert links and not [link for link in links if link.lower().strip().startswith(("javascript", "data"))]
    assert {key for key, _ in reader.attributes} == {key for key, _ in harmless.attributes}
    assert reader.text.count(name) >= 20, "the name itself is shown"
