"""What came again although it was done: how much, and through which fault."""

import json
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic

from tests.chaos.harness.audit import Audit
from tests.chaos.harness.forwarded import forwarded_at, source
from tests.chaos.harness.ledger import Ledger
from tests.chaos.harness.tap import Records

_LOGGED = '"event": "event.repeated"'


@dataclass(frozen=True, slots=True)
class Struck:
    """What a fault did: at most `again` records that were done may come again; when a replica `died` of it (monotonic seconds)."""

    again: int = 0
    died: float | None = None


@dataclass(frozen=True, slots=True)
class Redelivery:
    """Through one fault `seen` records came again, where `allowed` may."""

    fault: str
    seen: int
    allowed: int

    @property
    def bounded(self) -> bool:
        """Whether that is as it may be."""
        return self.seen <= self.allowed


@dataclass(frozen=True, slots=True)
class Stroke:
    """One fault of a story, and when it `began` (monotonic seconds): all that comes again until the next one came through it."""

    fault: str
    began: float
    struck: Struck

    @property
    def since(self) -> float:
        """From when on it had its consequences: a replica may have died of it before anybody waited for that. Seconds since 1970."""
        return _wall(self.began if self.struck.died is None else min(self.began, self.struck.died))


def by_stroke(strokes: Sequence[Stroke], repeats: Iterable[float]) -> list[Redelivery]:
    """Gives each repeat, by its time (seconds since 1970), to the stroke before it; what came before all of them may not have come."""
    order = sorted(strokes, key=lambda stroke: stroke.since)
    begins = [stroke.since for stroke in order]
    seen = Counter(bisect_right(begins, at) for at in repeats)
    calm = [Redelivery("none", seen[0], 0)] if seen[0] else []
    return [*calm, *(Redelivery(stroke.fault, seen[number], stroke.struck.again) for number, stroke in enumerate(order, start=1))]


async def repeats(ledger: Ledger, audit: Audit, logs: Sequence[Path], dead: Records) -> list[float]:
    """When something came again: a handled event that was not sent again, or a dead letter that has its copy already."""
    found: dict[str, list[float]] = defaultdict(list)
    for event_id, at in (*_logged(logs), *await _claimed_again(audit)):
        found[event_id].append(at)
    sent = Counter(sent.parcel.event_id for sent in ledger.good)
    handled = [at for event_id, times in found.items() for at in _but_first(times, sent[event_id] - 1)]
    return [*handled, *_copied_again(dead)]


def _but_first(times: Iterable[float], expected: int) -> list[float]:
    return sorted(times)[max(expected, 0) :]


async def _claimed_again(audit: Audit) -> list[tuple[str, float]]:
    rows = await audit.fetch(
        "SELECT entry ->> 'event_id' AS id, at FROM chaos.effects WHERE origin = $1", f"{audit.workload.service}.inbox"
    )
    return [(row["id"], row["at"].timestamp()) for row in rows]


def _logged(logs: Sequence[Path]) -> Iterator[tuple[str, float]]:
    for line in (line for log in logs for line in log.read_text(errors="replace").splitlines() if _LOGGED in line):
        told: Mapping[str, str] = json.loads(line)
        yield told["event_id"], datetime.fromisoformat(told["timestamp"]).timestamp()


def _copied_again(dead: Records) -> Iterator[float]:
    copies: dict[object, list[float]] = defaultdict(list)
    for record in dead:
        copies[source(record)].append(forwarded_at(record))
    for times in copies.values():
        yield from _but_first(times, 1)


def _wall(at: float) -> float:
    return at + time.time() - monotonic()
