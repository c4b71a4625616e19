"""HTML to readable text."""

import pytest

from contracts.media_types import HTML
from services.ingest.document import Heading
from services.ingest.parse import parse


def read(html: str) -> str:
    """The text of a page."""
    return parse(html.encode(), HTML).text


def test_paragraphs_and_headings_are_parted() -> None:
    """White space is that of the reader, not of the source; a heading begins a section."""
    document = parse(b"<h1>On\n call</h1><p>One   <b>bold</b>\nword,<br>a line.</p>tail<h2>Pay</h2>", HTML)

    assert document.text == "On call\n\nOne bold word,\na line.\n\ntail\n\n\nPay"
    assert document.headings == (Heading(0, 1, "On call"), Heading(40, 2, "Pay"))


def test_lists_have_dashes() -> None:
    """Also where an item holds a paragraph, and where lists are nested."""
    assert read("<p>Do</p><ul><li><p>one</p></li><li>two<ul><li>three</li></ul></li></ul>after") == "Do\n- one\n- two\n- three\n\nafter"


def test_tables_have_rows() -> None:
    """A row of `th` is a head; cells may hold paragraphs; a table for layout is no table."""
    table = "<table><tr><th>A</th><th>B</th></tr><tr><td><p>1</p></td><td>2 <i>x</i></td></tr></table>"

    assert read(table) == "| A | B |\n| --- | --- |\n| 1 | 2 x |"
    assert read(f"<table><tr><td><h1>T</h1></td><td>{table}</td></tr></table>").startswith("T\n")


def test_what_a_reader_does_not_see_is_left_out() -> None:
    """Scripts, styles, menus, hidden elements and comments."""
    page = (
        "<title>t</title><style>s</style><nav>menu</nav><script>x()</script><p hidden>h</p><p style='display: none'>d</p><!-- c -->"
        "<p>seen</p><form><button>Send</button></form>"
    )

    assert read(page) == "seen"


def test_main_is_preferred_where_it_has_text() -> None:
    """Without it the whole body is read."""
    assert read("<header>site</header><main><p>story</p></main><footer>fine print</footer>") == "story"
    assert read("<header>site</header><main></main>") == "site"


def test_preformatted_text_keeps_its_lines() -> None:
    """Indentation is meaning there."""
    assert read("<p>Run</p><pre><code>if x:\n    y</code></pre>") == "Run\n\nif x:\n    y"


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<meta charset="iso-8859-1">', "latin-1"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">', "cp1251"),
        ("", "utf-8"),
    ],
)
def test_the_declared_charset_decides(head: str, encoding: str) -> None:
    """And UTF-8 where there is none."""
    word = "дом" if encoding == "cp1251" else "café"

    assert parse(f"<html><head>{head}</head><body>{word}</body></html>".encode(encoding), HTML).text == word


def test_depth_is_no_danger() -> None:
    """Elements nested deeper than Python's stack are read."""
    assert read("<div>" * 5_000 + "deep") == "deep"
