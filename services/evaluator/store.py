"""What evaluator remembers: the evaluations that were asked for."""

from contracts.codec import Received
from contracts.evals import EvalRequestedV1
from kit.effects import Effects
from kit.postgres import load_queries


class Store:
    """The `evaluator` schema."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._queries = load_queries("evaluator")

    async def add(self, event: Received[EvalRequestedV1]) -> None:
        """Keeps the request once."""
        async with self._effects.once(event) as effect:
            await self._queries.add_run(
                effect.connection, **event.data.model_dump(), tenant_id=event.envelope.tenant_id, requested_at=event.envelope.time
            )
