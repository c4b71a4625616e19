"""What was retrieved and cited, against gold."""

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, P, R, nDCG

from kit.datasets.case import Gold
from services.evaluator.metrics.spans import Span, span_scores
from services.evaluator.scorers.citations import citations
from services.evaluator.scorers.retrieval import retrieval
from services.evaluator.scorers.scorer import Score
from services.evaluator.scorers.spans import spans
from tests.unit.evaluator.answers import abstained, answered, case, cited, passage, reason, span, unanswerable, value

MEASURES = {"recall@1": R @ 1, "recall@5": R @ 5, "recall@10": R @ 10, "precision@5": P @ 5, "mrr@10": RR @ 10, "ndcg@10": nDCG @ 10}
DOCUMENTS = st.sampled_from([f"d{number}" for number in range(16)])


@given(found=st.lists(DOCUMENTS, min_size=1, max_size=30), gold=st.lists(DOCUMENTS, min_size=1, max_size=6))
def test_retrieval_scores_are_those_of_ir_measures(found: list[str], gold: list[str]) -> None:
    """To the ninth digit; a document stands where its best passage does."""
    run = {"q": {document: float(-found.index(document)) for document in found}}
    theirs = ir_measures.calc_aggregate(list(MEASURES.values()), {"q": dict.fromkeys(gold, 1)}, run)
    asked = case(gold=[Gold(document_id=document) for document in gold])

    judged = retrieval(asked, answered(passages=tuple(map(passage, found))))

    assert {name: value(one) for name, one in judged.items()} == pytest.approx(
        {name: theirs[measure] for name, measure in MEASURES.items()}, abs=1e-9
    )


def test_retrieval_tells_where_gold_stands() -> None:
    """Evidence a person can use."""
    asked = case(gold=[Gold(document_id="a"), Gold(document_id="b")])

    judged = retrieval(asked, answered(passages=(passage("x"), passage("x", 20, 30), passage("a"))))

    assert judged["recall@5"] == Score(0.5, "a at 2; b not found")


def test_span_scores_compare_passages_with_gold_spans() -> None:
    """Gold that names a document alone has no span to compare."""
    asked = case(gold=[span("a", 5, 15), Gold(document_id="b")])
    expected = span_scores([Span("a", 0, 10), Span("c", 0, 10)], [Span("a", 5, 15)])

    judged = spans(asked, answered(passages=(passage("a", 0, 10), passage("c", 0, 10))))

    assert [value(judged[name]) for name in ("span_precision", "span_recall", "span_iou")] == [0.25, 0.5, 0.2]
    assert (expected.precision, expected.recall, expected.iou) == (0.25, 0.5, 0.2)


def test_citations_count_that_touch_gold() -> None:
    """One of three is right, and one of two gold spans is cited."""
    asked = case(gold=[span("a", 0, 10), span("a", 50, 60)])

    judged = citations(asked, answered("x", citations=(cited("a", 9, 20), cited("a", 10, 20, "words"), cited("b", 0, 10))))

    assert value(judged["citation_precision"]) == pytest.approx(1 / 3, abs=1e-9)
    assert judged["citation_recall"] == Score(0.5, "not cited: a [50, 60)")
    assert "not gold: a [10, 15) 'words'" in str(judged["citation_precision"])


def test_any_place_of_a_gold_document_without_a_span_may_be_cited() -> None:
    """The dataset knows no better."""
    judged = citations(case(gold=[Gold(document_id="a")]), answered("x", citations=(cited("a", 400, 420),)))

    assert [value(one) for one in judged.values()] == [1, 1]


def test_who_cites_nothing_has_no_precision_and_no_recall_of_gold() -> None:
    """Nothing was wrong, everything is missing."""
    judged = citations(case("x", gold=[span("a", 0, 10)]), abstained())

    assert reason(judged["citation_precision"]) == "nothing was cited"
    assert value(judged["citation_recall"]) == 0


@pytest.mark.parametrize("scorer", [retrieval, spans, citations])
def test_a_case_without_gold_is_unscored(scorer) -> None:  # type: ignore[no-untyped-def]
    """Under every name, and with the reason."""
    answer = answered("x", passages=(passage("a"),), citations=(cited("a"),))

    assert {reason(one) for one in scorer(unanswerable(), answer).values()} == {"the question has no answer: see abstention"}
    assert all(reason(one).startswith("the case names no gold") for one in scorer(case("x"), answer).values())


def test_nothing_retrieved_scores_nothing() -> None:
    """And is scored: it was looked for."""
    judged = retrieval(case(gold=[Gold(document_id="a")]), answered("x")) | spans(case(gold=[span("a", 0, 1)]), answered("x"))

    assert {value(one) for one in judged.values()} == {0}
