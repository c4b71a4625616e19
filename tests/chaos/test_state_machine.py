"""Whatever happens in whatever order, nothing is lost, nothing happens twice, nothing goes back. `CHAOS_EXAMPLES` says how many stories."""

import os
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from contracts.codec import Received
from kit.delivery import Again
from kit.errors import DependencyDown, Permanent
from kit.route import Headers
from tests.chaos.model import Group, Log, Member
from tests.chaos.store import Effect, Store
from tests.chaos.stories import Stories

pytestmark = pytest.mark.usefixtures("quiet")

EXAMPLES = int(os.environ.get("CHAOS_EXAMPLES", "100"))
SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much)


def test_every_story_ends_well() -> None:
    """The invariants hold after each step, and at the end all that was sent is accounted for."""
    told = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW, print_blob=True)

    run_state_machine_as_test(Stories, settings=told)


class NoInbox(Store):
    """Forgets to record what it handled."""

    def claim(self, event: Received[Any]) -> None:
        self.refuse_if_handled(event)


class NoFence(Store):
    """Lets an older version win."""

    def wins(self, effect: Effect) -> bool:
        return True


class HalfATransaction(Store):
    """Commits the first of several effects that share a transaction, and forgets the others."""

    def commit_all(self, events: Sequence[Received[Any]]) -> None:
        super().commit_all(events[:1])


class TwoTransactions(Store):
    """Tells outside of the transaction, and sometimes does not come to it."""

    def commit(self, event: Received[Any]) -> None:
        super().commit(event)
        if len(self.outbox) > 1:
            self.outbox.pop()


class AcksFirst(Member):
    """Commits the offset before the effect."""

    async def take(self, records: Log, group: Group, generation: int) -> Again | None:
        group.commit(records[0], generation)
        return await super().take(records, group, generation)


class SpoilsCopies(Member):
    """Forwards without the headers that came with the record."""

    async def forward(self, topic: str, record: ConsumerRecord[Any, Any], headers: Headers) -> None:
        await super().forward(topic, record, headers[-8:])


class DropsDeadLetters(Member):
    """Forwards nothing, and says it did."""

    async def forward(self, topic: str, record: ConsumerRecord[Any, Any], headers: Headers) -> None:
        await self.failpoint()


class BlamesTheRecord(Member):
    """Takes a database that is away for the record's fault."""

    async def refuse_if_handled(self, event: Received[Any]) -> None:
        try:
            await super().refuse_if_handled(event)
        except DependencyDown as down:
            raise Permanent(down.code, down.message) from down


@pytest.mark.parametrize(
    ("part", "mutant", "violation"),
    [
        ("store_type", NoInbox, "two effects of one event"),
        ("store_type", NoFence, "went back"),
        ("store_type", HalfATransaction, "committed but not done"),
        ("store_type", TwoTransactions, "was forgotten"),
        ("member_type", AcksFirst, "committed but not done"),
        ("member_type", SpoilsCopies, "not byte for byte"),
        ("member_type", DropsDeadLetters, "committed but not done"),
        ("member_type", BlamesTheRecord, "dead letter that should not be"),
    ],
)
def test_a_broken_part_is_caught(part: str, mutant: type[Any], violation: str) -> None:
    """The checker itself is checked: each mutant breaks the promise it should, within few stories."""
    broken = type(mutant.__name__, (Stories,), {part: mutant})
    few = settings(max_examples=300, deadline=None, suppress_health_check=SLOW, phases=[Phase.generate], database=None, derandomize=True)

    with pytest.raises(AssertionError, match=violation):
        run_state_machine_as_test(broken, settings=few)
