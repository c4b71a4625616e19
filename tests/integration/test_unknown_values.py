"""A value nobody had thought of is kept as it came: an old reader of a newer writer loses nothing."""

from uuid import uuid4

from contracts.feedback import FeedbackReceivedV1
from services.feedback.rate import Rate
from services.feedback.store import Store
from tests.events import received
from tests.integration.conftest import OpenEffects


async def test_feedback_stores_a_rating_it_does_not_know(open_effects: OpenEffects) -> None:
    """Neither up nor down; whoever reads the ratings later may know it."""
    effects = await open_effects("feedback")
    event = received(FeedbackReceivedV1(feedback_id=uuid4(), answer_id=uuid4(), rating="sideways"))

    await Rate(Store(effects)).received(event)

    assert await effects.pool.fetchval("SELECT rating FROM v_ratings WHERE feedback_id = $1", event.data.feedback_id) == "sideways"
