"""Groundedness: every sentence is held against what it cites."""

import pytest

from services.evaluator.answered import Answered
from services.evaluator.scorers.groundedness import groundedness, statements
from services.evaluator.scorers.scorer import Score
from services.evaluator.scorers.words import stems
from tests.unit.evaluator.answers import abstained, answered, case, cited, passage, reason, value

RELAY = "The relay publishes a service's outbox to the broker in order. It polls every 100 ms. One relay is active for each service."
INBOX = "The inbox notes which events were handled. Its rows are kept for 1,000 hours."


def told(text: str) -> Answered:
    """An answer with two citations, each a quote from the beginning of its passage."""
    return answered(
        text,
        citations=(cited("relay", 0, quote="The relay publishes a service's outbox"), cited("inbox", 0, quote="The inbox notes")),
        passages=(passage("relay", 0, text=RELAY), passage("inbox", 0, text=INBOX), passage("other", 0, text="Kafka keeps records.")),
    )


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("The relay publishes the outbox in order [1].", 1),
        ("Outboxes are published to the broker by a relay. [1]", 1),  # inflected, turned round, marker behind the full stop
        ("The relay polls every 100 ms [1]. Rows are kept for 1000 hours [2].", 1),
        ("The relay polls every 250 ms [1].", 0),  # a number that is not there
        ("The relay publishes to Redpanda, the broker [1].", 0),  # a name that is not there
        ("Penguins breed on ice [1]. The inbox notes handled events [2].", 0.5),
        ("The inbox notes handled events [1].", 0),  # true, but the other passage says so
        ("Kafka keeps records [2].", 0),  # retrieved, but not what is cited
        ("One relay is active for each service.", 1),  # no marker: all that the answer cites counts
        ("relay", 1),  # no sentence, but all there is
    ],
)
def test_a_sentence_is_supported_by_the_words_of_what_it_cites(text: str, share: float) -> None:
    """Three quarters of the words that say something, and every number and name."""
    assert value(groundedness(case("x"), told(text))) == pytest.approx(share, abs=1e-9)


def test_unsupported_sentences_are_the_evidence() -> None:
    """So that a person sees what was made up."""
    judged = groundedness(case("x"), told("The inbox notes handled events [2]. Penguins breed on ice [1]."))

    assert judged == Score(0.5, "not supported: 'Penguins breed on ice.'")


def test_an_answer_without_citations_is_held_against_its_passages() -> None:
    """As one of another system may be."""
    answer = answered("Kafka keeps records. It rains.", passages=(passage("other", text="Kafka keeps records."),))

    assert value(groundedness(case("x"), answer)) == 0.5


def test_a_marker_belongs_to_the_sentence_before_it() -> None:
    """Within the full stop or behind it; list items too."""
    found = statements(told("Relays publish [1]. Inboxes note. [2]\n\n- Both matter [2] [1]\n- Neither sleeps"))

    cites = [(one.text, [cited.document_id for cited in one.citations]) for one in found]
    assert cites[:3] == [("Relays publish.", ["relay"]), ("Inboxes note.", ["inbox"]), ("Both matter", ["inbox", "relay"])]
    assert cites[3] == ("Neither sleeps", ["relay", "inbox"])


def test_who_abstains_claims_nothing() -> None:
    """So there is nothing to support."""
    assert reason(groundedness(case("x"), abstained())) == "it abstained, so it claims nothing"
    assert reason(groundedness(case("x"), told("Yes, it is."))) == "no sentence has a word that says something"


def test_words_are_compared_without_endings() -> None:
    """Common ones of English; numbers without their commas."""
    assert set(stems("publishes Published publishing publish")) == {"publish"}
    assert set(stems("policies policy")) == {"polic"}
    assert set(stems("caches cached cache")) == {"cach"}
    assert stems("relay relays glass day days need us 1,000 3,14 1000 x_y") == [
        *("relay", "relay", "glass", "day", "day", "need", "us"),
        *("1000", "3", "14", "1000", "x", "y"),
    ]
