"""What an answer is worth, as OpenTelemetry's conventions for generative AI tell it: an event each on a span, by the answer's id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opentelemetry.trace import StatusCode, Tracer
from opentelemetry.util.types import AttributeValue

from kit.datasets.case import Case
from kit.errors import WorkbenchError
from kit.gateway.telemetry import ERROR_TYPE, EVALUATION_NAME, EVALUATION_RESULT, RESPONSE_ID, SCORE_LABEL, SCORE_VALUE
from services.evaluator.answered import Answered
from services.evaluator.scorers import score_all
from services.evaluator.scorers.scorer import Judgement, Score, Scorer

SPAN, UNSCORED = "evaluate", "unscored"


@dataclass(frozen=True, slots=True)
class Traced:
    """Some scorers as one, whose scores are told on a span. Never the evidence, which quotes questions and answers."""

    scorers: Sequence[Scorer]
    tracer: Tracer

    @property
    def names(self) -> tuple[str, ...]:
        """Those of all their scores."""
        return tuple(name for scorer in self.scorers for name in scorer.names)

    async def judge(self, case: Case, answer: Answered) -> Mapping[str, Judgement]:
        """The scores of all. Raises as they do, and then tells none."""
        with self.tracer.start_as_current_span(SPAN, attributes=_of(answer), record_exception=False, set_status_on_exception=False) as span:
            try:
                judged = await score_all(self.scorers, case, answer)
            except WorkbenchError as error:  # by its code alone: messages quote, too
                span.set_status(StatusCode.ERROR)
                span.set_attribute(ERROR_TYPE, error.code)
                raise
            for name, judgement in judged.items():
                span.add_event(EVALUATION_RESULT, {EVALUATION_NAME: name, **_told(judgement), **_of(answer)})
            return judged


def _told(judgement: Judgement) -> dict[str, AttributeValue]:
    return {SCORE_VALUE: judgement.value} if isinstance(judgement, Score) else {SCORE_LABEL: UNSCORED}


def _of(answer: Answered) -> dict[str, AttributeValue]:
    return {RESPONSE_ID: answer.answer_id} if answer.answer_id else {}
