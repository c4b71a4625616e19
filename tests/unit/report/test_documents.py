"""What is written down."""

import json
from pathlib import Path

import pytest

from tests.report.document import write_markdown
from tests.report.grid import Grid
from tests.report.peers.peer import Given, Told, tell

GRID = Grid("Found", ["system", "R@1"], [["dense", "0.5"], ["x|y"]], "of two")


def test_a_table_is_markdown() -> None:
    """A short row is filled up, and a bar in a cell ends no cell."""
    assert GRID.markdown() == "### Found\n\n| system | R@1 |\n| --- | --- |\n| dense | 0.5 |\n| x/y |  |\n\nof two\n"


def test_a_document_keeps_what_people_wrote(tmp_path: Path) -> None:
    """Before, between and after the sections that are measured, however often they are."""
    path = tmp_path / "retrieval.md"
    path.write_text("# Retrieval\n\nWords.\n")
    for section, date in (("first", "1"), ("second", "2"), ("first", "3")):
        write_markdown(path, section, {"date": date}, [GRID])
    path.write_text(path.read_text() + "More words.\n")
    write_markdown(path, "second", {"date": "4"}, [GRID])

    written = path.read_text()

    assert written.startswith("# Retrieval\n\nWords.\n\n<!-- first: generated, begin -->\n\n* date: 3\n")
    assert written.endswith("<!-- second: generated, end -->\nMore words.\n")
    assert [f"date: {date}" in written for date in "1234"] == [False, False, True, True]


def test_a_peer_that_is_not_installed_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """And imports nothing."""

    def main(_: Given) -> Told:
        raise AssertionError("it was asked")

    tell("some-framework", "some_framework_that_is_not_here", main)

    assert json.loads(capsys.readouterr().out) == {"not_installed": "some-framework"}
