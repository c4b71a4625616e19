"""Scores in traces: an event each, named as OpenTelemetry's conventions do, without a word of what was asked or answered."""

from collections.abc import Mapping

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kit.datasets.case import Case
from kit.errors import Permanent, Transient, WorkbenchError
from services.evaluator.answered import Answered
from services.evaluator.scorers import score_all
from services.evaluator.scorers.scorer import Judgement, Score, Scorer, Unscored
from services.evaluator.traced import Traced
from tests.unit.evaluator.answers import answered, case


class Known:
    """A scorer that gives what it was told, or fails."""

    def __init__(self, failure: Exception | None = None, **judged: Judgement) -> None:
        self.names = tuple(judged)
        self._failure, self._judged = failure, judged

    async def judge(self, case: Case, answer: Answered) -> Mapping[str, Judgement]:
        """Whatever the answer is."""
        if self._failure:
            raise self._failure
        return self._judged


def traced(*scorers: Scorer) -> tuple[Traced, InMemorySpanExporter]:
    """The scorers, and what they export."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Traced(scorers, provider.get_tracer("test")), exporter


def events(span: ReadableSpan) -> list[tuple[str, dict[str, object]]]:
    """Those of a span."""
    return [(event.name, dict(event.attributes or {})) for event in span.events]


async def test_each_score_is_an_event_on_the_span_of_its_answer() -> None:
    """The numbers and the answer's id; no evidence."""
    scorers, exporter = traced(Known(correct=Score(1.0, "says 'Oslo'")), Known(rouge_l=Unscored("no gold: 'Oslo'"), latency_ms=Score(7.5)))

    judged = await score_all([scorers], case("Oslo"), answered("Oslo", answer_id="answer-7"))

    (span,) = exporter.get_finished_spans()
    assert list(judged) == ["correct", "rouge_l", "latency_ms"]
    assert (span.name, span.attributes) == ("evaluate", {"gen_ai.response.id": "answer-7"})
    of = {"gen_ai.response.id": "answer-7"}
    assert events(span) == [
        ("gen_ai.evaluation.result", {"gen_ai.evaluation.name": "correct", "gen_ai.evaluation.score.value": 1.0, **of}),
        ("gen_ai.evaluation.result", {"gen_ai.evaluation.name": "rouge_l", "gen_ai.evaluation.score.label": "unscored", **of}),
        ("gen_ai.evaluation.result", {"gen_ai.evaluation.name": "latency_ms", "gen_ai.evaluation.score.value": 7.5, **of}),
    ]
    assert "Oslo" not in span.to_json()


@pytest.mark.parametrize("failure", [Transient("away", "it said Oslo"), Permanent("budget_spent", "it said Oslo")])
async def test_scorers_that_fail_tell_nothing_and_fail_as_before(failure: WorkbenchError) -> None:
    """Another try tells each score once."""
    scorers, exporter = traced(Known(correct=Score(1.0)), Known(failure, judged=Score(1.0)))

    with pytest.raises(type(failure)):
        await score_all([scorers], case("Oslo"), answered("Oslo"))

    (span,) = exporter.get_finished_spans()
    assert not span.status.is_ok
    assert (events(span), span.attributes) == ([], {"error.type": failure.code})
    assert failure.message not in span.to_json()


async def test_scores_are_the_same_with_and_without_traces() -> None:
    """What can never be judged is unscored, and only that."""
    inner = [Known(Permanent("too_odd", "it cannot be judged"), a=Score(1.0)), Known(b=Score(float("nan"))), Known(c=Score(0.5, "half"))]

    plain = await score_all(inner, case("Oslo"), answered("Oslo"))

    assert await score_all([traced(*inner)[0]], case("Oslo"), answered("Oslo")) == plain
