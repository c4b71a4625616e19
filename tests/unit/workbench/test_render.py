"""The service's JSON as a person reads it."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

from workbench.cli.render.answers import answer
from workbench.cli.render.documents import documents, outcomes, tally
from workbench.cli.render.hits import hits
from workbench.cli.render.stack import addresses
from workbench.uploads import Outcome

Sent = Callable[[str], Any]


def lines(renderable: RenderableType) -> list[str]:
    """What stands on a terminal of 100 columns, without the space at the end of lines."""
    console = Console(file=StringIO(), width=100, highlight=False, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_an_answer_shows_its_citations_with_page_and_quote(sent: Sent) -> None:
    """Each citation has its number, its document, the page if there are pages, and the quoted span on one line."""
    shown = lines(answer("How long may a build run?", sent("answer")))

    assert any("How long may a build run?" in line for line in shown)
    assert "  [1] ci-runners.pdf, page 3" in shown
    assert "      “A build that runs for more than 30 minutes is stopped [and reported].”" in shown
    assert "  [2] Limits and quotas" in shown


def test_an_answer_shows_latency_by_stage_tokens_and_cost(sent: Sent) -> None:
    """The stages come in the order of the pipeline, the total last, whatever else was timed."""
    shown = lines(answer("?", sent("answer")))

    assert "  embed 11.2 · retrieve 3.4 · rerank 0.0 · generate 5.9 · verify 0.7 · total 21.4 ms" in shown
    assert "  412 tokens in, 38 out · $0.00 · extractive" in shown


def test_an_abstention_says_that_it_is_one(sent: Sent) -> None:
    """Nobody takes it for an answer; what it cost is told all the same."""
    shown = lines(answer("Who?", sent("abstention")))

    assert any("abstained: nothing in the documents supports an answer" in line for line in shown)
    assert "  900 tokens in, 7 out · $0.000239 · openai gpt-5-mini · cached" in shown


def test_a_model_without_a_known_price_says_so(sent: Sent) -> None:
    """No price is not a price of nothing."""
    reply = sent("answer")
    reply["usage"]["cost_usd"] = None

    assert any("price unknown" in line for line in lines(answer("?", reply)))


def test_hits_show_rank_score_place_and_an_excerpt(sent: Sent) -> None:
    """A long chunk is cut at a word, a short one is whole."""
    shown = lines(hits(sent("search")))

    assert shown[0] == " 1  1.235  ci-runners.pdf, page 3"
    assert shown[3].endswith("can be started again …")
    assert "           Ask the platform team for a longer limit." in shown


def test_no_hits_are_told() -> None:
    """An empty answer is a sentence."""
    assert lines(hits({"hits": [], "timings_ms": {}})) == ["Nothing found."]


def test_documents_show_whole_ids_progress_and_reasons(sent: Sent) -> None:
    """An id can be copied, a document on its way shows how far it is, and one that failed shows why."""
    text = "\n".join(lines(documents(sent("documents")["documents"])))

    assert "0199b0de-7f60-7d5e-8f6a-0d3f6f1a2b3c" in text
    assert "4/9" in text
    assert "the PDF has no" in text
    assert "[draft]" in text


def test_files_show_what_became_of_them() -> None:
    """Uploaded, there already, failed with the reason, skipped."""
    uploaded = [
        Outcome("a.md", "1", 1, "indexed", chunks=3),
        Outcome("b.md", "2", 1, "indexed", duplicate=True, chunks=2),
        Outcome("c.pdf", error="it is encrypted"),
    ]
    shown = lines(outcomes(uploaded, [Path("d.png")]))

    assert [line.split() for line in shown[1:3]] == [
        ["a.md", "indexed", "3"],
        ["b.md", "indexed", "2", *["the", "same", "content", "is", "there", "already"]],
    ]
    assert shown[3].endswith("it is encrypted")
    assert shown[4].endswith("not a supported type")
    assert tally(uploaded) == "2 indexed, 1 failed"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("postgresql://postgres:s3cret@127.0.0.1:1/workbench", "postgresql://postgres:•••@127.0.0.1:1/workbench"),
        ("redis://:s3cret@127.0.0.1:2/0", "redis://:•••@127.0.0.1:2/0"),
        ("http://127.0.0.1:3", "http://127.0.0.1:3"),
    ],
)
def test_addresses_are_shown_without_passwords(address: str, told: str) -> None:
    """A screen is not a place for them."""
    shown = lines(addresses({"part": address}))

    assert shown[1].split() == ["part", told]


def test_health_stands_beside_each_address() -> None:
    """A part that is not an address of ours, as the vectors, is listed too."""
    shown = lines(addresses({"http": "http://h", "kafka": "k:1"}, {"http": "ok", "kafka": "no answer within 2 s", "vectors": "ok"}))

    assert [line.split(maxsplit=2) for line in shown[1:3]] == [["http", "http://h", "ok"], ["kafka", "k:1", "no answer within 2 s"]]
    assert shown[3].split() == ["vectors", "ok"]
