"""The pieces of a page, in which text stays text."""

from markupsafe import Markup, escape

from vqecg.reports.html import element, folded, join, key_figures, settings_list, table

HOSTILE = "<script>alert('x')</script>"


def test_only_markup_is_taken_as_it_is() -> None:
    assert escape("<b>") == "&lt;b&gt;"
    assert escape(Markup("<b>")) == "<b>"
    assert element("p", "a") + "<" == "<p>a</p>&lt;"
    assert isinstance(element("p", "a") + element("p", "b"), Markup)
    assert '<td class="number">&lt;1</td>' in table(["a", "b"], [["x", "<1"]])


def test_every_piece_escapes_what_it_is_given() -> None:
    pieces = [
        join([HOSTILE, HOSTILE], HOSTILE),
        settings_list({HOSTILE: HOSTILE}),
        key_figures([(HOSTILE, HOSTILE, HOSTILE)]),
        folded(HOSTILE, escape(HOSTILE)),
        element("p", HOSTILE, HOSTILE),
        table([HOSTILE], [[HOSTILE], HOSTILE], HOSTILE, over=[(HOSTILE, 1)]),
    ]
    for piece in pieces:
        assert isinstance(piece, Markup) and "<script" not in piece and "&lt;script&gt;" in piece


def test_a_table_has_groups_spans_strong_rows_and_small_type_where_it_is_wide() -> None:
    page = table(["", "a", "b"], ["group", ["x", 1, 2]], "caption", over=[("", 2), ("N", 1)], strong=["x"])
    assert '<p class="caption">caption</p><table><thead><tr class="over">' in page
    assert '<td class="start" colspan="2"></td><th scope="colgroup" class="start" colspan="1">N</th>' in page
    assert '<tr><td></td><th scope="col" class="number">a</th>' in page
    assert '<tr class="group"><th scope="rowgroup" colspan="3">group</th></tr><tr class="strong">' in page
    assert '<tr class="strong"><th scope="row">x</th>' in page
    assert '<td class="number">1</td><td class="number start">2</td>' in page
    assert '<table class="wide">' in table(list("abcdefghij"), [])


def test_without_figures_there_is_no_list_of_them() -> None:
    assert key_figures([]) == ""
