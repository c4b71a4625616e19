"""What feedback remembers: answers, and what people said of them."""

from contracts.codec import Received
from contracts.feedback import FeedbackReceivedV1
from contracts.queries import NamedVersion, QueryAnsweredV1
from kit.effects import Effects
from kit.postgres import load_queries


class Store:
    """The `feedback` schema."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._queries = load_queries("feedback")

    async def add_rating(self, event: Received[FeedbackReceivedV1]) -> None:
        """Keeps a rating once."""
        async with self._effects.once(event) as effect:
            row = event.data.model_dump()
            await self._queries.add_rating(effect.connection, **row, tenant_id=event.envelope.tenant_id, rated_at=event.envelope.time)

    async def add_answer(self, event: Received[QueryAnsweredV1]) -> None:
        """Keeps an answer once."""
        answered = event.data
        async with self._effects.once(event) as effect:
            await self._queries.add_answer(
                effect.connection,
                answer_id=answered.answer_id,
                tenant_id=event.envelope.tenant_id,
                question=answered.question,
                answer=answered.answer,
                abstained=answered.abstained,
                variant=_at(answered.variant),
                prompt=_at(answered.prompt),
                model=f"{answered.provider}/{answered.model}",
                answered_at=event.envelope.time,
            )


def _at(named: NamedVersion) -> str:
    return f"{named.name}@{named.version}"
