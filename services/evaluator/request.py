"""The verb of this service so far: an evaluation request is checked and kept."""

from dataclasses import dataclass

import structlog

from contracts.codec import Received
from contracts.evals import EvalRequestedV1
from kit.errors import Permanent
from services.evaluator.store import Store

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """Takes requests."""

    store: Store

    async def requested(self, event: Received[EvalRequestedV1]) -> None:
        """Handles `eval.requested`. Raises Permanent if nothing can be compared."""
        if event.data.baseline == event.data.candidate:
            raise Permanent("eval_same_variant", f"baseline and candidate are both {event.data.candidate!r}; name two variants")
        await self.store.add(event)
        log.info("eval.stored", eval_id=str(event.data.eval_id), dataset=event.data.dataset)
