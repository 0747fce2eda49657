"""Tables as exact text, and as HTML that needs nothing else."""

from wirelab.console.table import Column, Table, cut

TABLE = Table(
    [Column("id"), Column("here", can_shrink=True), Column("made")],
    [("p1", "127.0.0.1:8007", "[1]"), ("c12", "a.very.long.name.example.org:53412", "")],
    "nothing is open",
)


def test_columns_are_as_wide_as_their_widest_text() -> None:
    assert TABLE.text(80).splitlines() == [
        " id   here                                made",
        " p1   127.0.0.1:8007                      [1]",
        " c12  a.very.long.name.example.org:53412",
    ]


def test_a_wide_column_is_cut_in_the_middle_to_fit() -> None:
    assert TABLE.text(30).splitlines() == [
        " id   here                made",
        " p1   127.0.0.1:8007      [1]",
        " c12  a.very.l..rg:53412",
    ]


def test_no_column_is_cut_below_what_says_something() -> None:
    assert max(len(line) for line in TABLE.text(5).splitlines()) == 1 + 3 + 2 + 6 + 2 + 4


def test_cutting_keeps_both_ends() -> None:
    assert [cut("abcdefgh", width) for width in (8, 7, 4, 3, 2, 1)] == [
        "abcdefgh",
        "abc..gh",
        "a..h",
        "a..",
        "..",
        ".",
    ]


def test_an_empty_table_says_so() -> None:
    empty = Table(TABLE.columns, [], "nothing is open")
    assert empty.text(80) == "nothing is open"
    assert empty._repr_html_() == "<em>nothing is open</em>"


def test_a_note_stands_below() -> None:
    assert Table(TABLE.columns, TABLE.rows, "", note="3 more").text(80).splitlines()[-1] == "3 more"


def test_html_is_self_contained_and_escaped() -> None:
    html = Table([Column("a<b")], [("<script>",)], "")._repr_html_()
    assert "&lt;script&gt;" in html and "a&lt;b" in html and "<script>" not in html
    assert "http" not in html and "color:inherit" in html
