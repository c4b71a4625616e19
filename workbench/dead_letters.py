"""Dead letters: the records a consumer group could not handle, listed, shown, sent once more to that group, or let go."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from aiokafka import ConsumerRecord

from contracts.codec import Record
from kit.clock import Clock
from kit.errors import DependencyDown, Permanent
from kit.route import REPLAY_FOR, Headers, Route
from workbench.records import Records
from workbench.settlements import Place, Settled, Settlement, marker, read_marker

FOREIGN = "foreign"


class Sender(Protocol):
    """Whoever writes to the broker; see `kit.broker.KafkaPublisher`."""

    async def forward(self, topic: str, record: ConsumerRecord, headers: Headers) -> None:
        """Copies key and value of `record` to `topic` with `headers`. Raises DependencyDown."""
        ...

    async def publish(self, records: Sequence[Record]) -> int:
        """Sends records; gives how many were acknowledged."""
        ...


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record of a dead letter topic: `headers` are those it was first sent with, `why` those that delivery put behind them.

    One that no delivery of ours put there has no `why` and the code `foreign`; it cannot be replayed.
    """

    route: Route
    place: Place
    headers: tuple[tuple[str, bytes | None], ...]
    why: Mapping[str, str]
    time: datetime
    size: int
    settlement: Settlement | None = None

    @property
    def code(self) -> str:
        """Why it failed, as a stable code."""
        return self.why.get("x-error-code", FOREIGN)


@dataclass
class Pace:
    """At most `rate` steps a second."""

    clock: Clock
    rate: float
    _next: float = float("-inf")

    async def wait(self) -> None:
        """Returns when the next step may be taken."""
        now = self.clock.monotonic()
        await self.clock.sleep(max(0.0, self._next - now))
        self._next = max(now, self._next) + 1 / self.rate


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters are meant: those at `places`, those with a `reason` (an x-error-code), or all; `again`: settled ones too."""

    places: frozenset[Place] = frozenset()
    reason: str | None = None
    again: bool = False

    def of(self, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """The chosen ones. Raises Permanent `no_such_record`, and `settled` for a place that was settled before."""
        if missing := self.places - {letter.place for letter in letters}:
            raise Permanent("no_such_record", f"no dead letter at {', '.join(map(str, sorted(missing)))}; see `workbench dlq list TOPIC`")
        meant = [letter for letter in letters if self._means(letter)]
        if not meant:
            raise Permanent("no_such_record", f"no dead letter has the code {self.reason}" if self.reason else "there are no dead letters")
        settled = [letter for letter in meant if letter.settlement]
        if settled and self.places and not self.again:
            raise Permanent("settled", f"{settled[0].place} was {settled[0].settlement}; add --again to do it once more")
        return meant if self.again else [letter for letter in meant if not letter.settlement]

    def _means(self, letter: DeadLetter) -> bool:
        return letter.place in self.places if self.places else self.reason in (None, letter.code)


@dataclass(frozen=True, slots=True)
class Tally:
    """The dead letters of one topic, group and code, and when the oldest and the newest failed."""

    topic: str
    group: str
    code: str
    open: int
    replayed: int
    dropped: int
    oldest: datetime
    newest: datetime


async def read(records: Records, route: Route) -> list[DeadLetter]:
    """The dead letters of `route` without their values, oldest first in each partition. Raises DependencyDown."""
    letters: dict[Place, DeadLetter] = {}
    settlements: dict[Place, Settlement] = {}
    async for record in records.of(route.dead_letters):
        if told := read_marker(record):
            settlements[told[0]] = told[1]
        else:
            letter = dead_letter(route, record)
            letters[letter.place] = letter
    return [replace(letter, settlement=settlements.get(place)) for place, letter in sorted(letters.items())]


async def read_values(records: Records, route: Route, places: Collection[Place]) -> AsyncIterator[ConsumerRecord]:
    """The whole records at `places`, one after another, so that a topic of any size can be gone through."""
    async for record in records.of(route.dead_letters):
        if Place(record.partition, record.offset) in places:
            yield record


def dead_letter(route: Route, record: ConsumerRecord) -> DeadLetter:
    """Reads what stands in a record's headers."""
    sent = tuple(route.sent(record))
    why = {name: (value or b"").decode(errors="replace") for name, value in record.headers[len(sent) :]}
    if why.get("x-source-topic") != route.topic.name:
        sent, why = tuple(record.headers), {}
    size = len(record.key or b"") + len(record.value or b"")
    failed = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return DeadLetter(route, Place(record.partition, record.offset), sent, why, failed, size)


async def replay(records: Records, sender: Sender, letters: Sequence[DeadLetter], pace: Pace, by: str) -> AsyncIterator[DeadLetter]:
    """Sends `letters`, which are of one route, to where they came from, marks and yields each.

    Key, value and headers are byte for byte those of the first sending, with `x-replay-for` behind them. A crash between the sending and
    the mark sends it again next time, which the group's inbox makes harmless. Raises Permanent `foreign` before the first, DependencyDown.
    """
    if foreign := [letter for letter in letters if letter.code == FOREIGN]:
        raise Permanent(FOREIGN, f"nobody knows where {foreign[0].place} came from: it has no x-source-topic; drop it")
    chosen = {letter.place: letter for letter in letters}
    if not chosen:
        return
    async for record in read_values(records, letters[0].route, chosen):
        await pace.wait()
        letter = chosen[Place(record.partition, record.offset)]
        await sender.forward(letter.route.topic.name, record, _replayed(letter))
        await _settle(sender, letter, Settlement(Settled.REPLAYED, f"for {letter.route.group}", by, pace.clock.now()))
        yield letter


async def drop(sender: Sender, letters: Sequence[DeadLetter], settlement: Settlement) -> AsyncIterator[DeadLetter]:
    """Marks each of `letters` as done with, and yields it; the records stay until their retention ends. Raises DependencyDown."""
    for letter in letters:
        await _settle(sender, letter, settlement)
        yield letter


def tallies(letters: Sequence[DeadLetter]) -> list[Tally]:
    """The dead letters counted by topic, group and code, in that order."""
    groups: defaultdict[tuple[str, str, str], list[DeadLetter]] = defaultdict(list)
    for letter in letters:
        groups[letter.route.topic.name, letter.route.group, letter.code].append(letter)
    return [_tally(*name, group) for name, group in sorted(groups.items())]


def _tally(topic: str, group: str, code: str, letters: Sequence[DeadLetter]) -> Tally:
    settled = [letter.settlement.how for letter in letters if letter.settlement]
    times = [letter.time for letter in letters]
    replayed, dropped = settled.count(Settled.REPLAYED), settled.count(Settled.DROPPED)
    return Tally(topic, group, code, len(letters) - len(settled), replayed, dropped, min(times), max(times))


def _replayed(letter: DeadLetter) -> list[tuple[str, bytes | None]]:
    """As first sent, then the one group that is to handle it; one that failed once more says so already."""
    for_group = (REPLAY_FOR, letter.route.group.encode())
    return [*letter.headers, *([] if letter.headers[-1:] == (for_group,) else [for_group])]


async def _settle(sender: Sender, letter: DeadLetter, settlement: Settlement) -> None:
    topic = letter.route.dead_letters
    if not await sender.publish([marker(topic, letter.place, settlement)]):
        raise DependencyDown("broker_down", f"{topic} does not take records, so {letter.place} could not be marked as {settlement.how}")
