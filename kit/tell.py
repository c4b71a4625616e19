"""Events that come with no other write: a commit waits for the disk however little is in it, so callers at once share one."""

from collections.abc import Sequence

from contracts.base import Event
from kit.effects import Effects
from kit.outbox import Told
from kit.rounds import Rounds


class Teller:
    """Each caller returns when its own event is committed. One that leaves has told it all the same, unless the commit fails."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._commits = Rounds(self._commit)

    async def tell(self, event: Event, tenant_id: str) -> None:
        """Returns when `event` will be published, whatever happens. Raises Permanent `event_too_large`, or as the database does."""
        await self._commits.join([self._effects.told(event, tenant_id)])

    async def _commit(self, together: Sequence[Told]) -> None:
        async with self._effects.caused_by(None) as effect:
            effect.told.extend(together)
