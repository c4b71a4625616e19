"""The verb of this service so far: ratings, and the answers they are about, are checked and kept."""

from dataclasses import dataclass

import structlog

from contracts.codec import Received
from contracts.feedback import FeedbackReceivedV1
from contracts.queries import QueryAnsweredV1
from services.feedback.store import Store

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rate:
    """Takes feedback and answers; they may come in either order."""

    store: Store

    async def received(self, event: Received[FeedbackReceivedV1]) -> None:
        """Handles `feedback.received`."""
        await self.store.add_rating(event)
        log.info("feedback.stored", answer_id=str(event.data.answer_id), rating=event.data.rating)

    async def answered(self, event: Received[QueryAnsweredV1]) -> None:
        """Handles `queries.answered`."""
        await self.store.add_answer(event)
