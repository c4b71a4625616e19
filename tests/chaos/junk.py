"""Records nobody would send on purpose: random bytes, and good examples that were cut, bent or given other headers."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from contracts.schema import file_stem
from contracts.topics import Topic

EXAMPLES = Path(__file__).parents[2] / "contracts/examples"
HUGE = 60_000
NAMES = ("ce_id", "ce_source", "ce_type", "ce_time", "ce_tenantid", "traceparent", "x-attempts", "x-source-offset", "", "ключ")
VALUES: tuple[bytes | None, ...] = (None, b"", b"\xff\xfe", b"\x00", b"1", b"-1", b"9" * 400, "ключ".encode(), b'"', b"2026-99-99")
DEEP = (b"[" * 50_000, b'{"a":' * 5_000, b"1" * 5_000)
BODIES = (b"", b"null", b"[]", b"{}", b"NaN", b'"\\ud800"', b"\xef\xbb\xbf{}", b"\x00\x00\x00\x00\x07", *DEEP)

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Junk:
    """What a broker carries, whatever it is."""

    key: bytes | None
    value: bytes | None
    headers: Headers


def good_examples(topic: Topic) -> list[Junk]:
    """The committed examples of a topic's events, as records."""
    found = [json.loads((EXAMPLES / f"{file_stem(event)}.json").read_text()) for event in topic.events]
    return [_record(example) for example in found]


def with_id(record: Junk, event_id: str) -> Junk:
    """The record of another event."""
    return replace(record, headers=tuple({**dict(record.headers), "ce_id": event_id.encode()}.items()))


def junk(topic: Topic, count: int, seed: int) -> Iterator[Junk]:
    """So many records, always the same for a seed; now and then one is good."""
    chance, examples = Random(seed), good_examples(topic)
    for _ in range(count):
        record = with_id(chance.choice(examples), chance.randbytes(8).hex())
        for _ in range(chance.randint(1, 2)):
            record = chance.choice(BENDS)(chance, record)
        yield record


def _record(example: dict[str, Any]) -> Junk:
    headers = tuple((name, value.encode()) for name, value in example["headers"].items())
    return Junk(example["key"].encode(), json.dumps(example["value"]).encode(), headers)


def _noise(chance: Random, record: Junk) -> Junk:
    return Junk(chance.randbytes(chance.randint(0, 40)), chance.randbytes(chance.randint(0, 400)), record.headers)


def _cut(chance: Random, record: Junk) -> Junk:
    value = record.value or b""
    return Junk(record.key, value[: chance.randint(0, len(value))], record.headers)


def _flipped(chance: Random, record: Junk) -> Junk:
    value = bytearray(record.value or b"{")
    for _ in range(chance.randint(1, 4)):
        if value:
            value[chance.randrange(len(value))] = chance.randrange(256)
    return Junk(record.key, bytes(value), record.headers)


def _other_body(chance: Random, record: Junk) -> Junk:
    return Junk(record.key, chance.choice((None, *BODIES)), record.headers)


def _other_field(chance: Random, record: Junk) -> Junk:
    try:
        data = json.loads(record.value or b"")
    except (ValueError, RecursionError):
        return record
    if not isinstance(data, dict) or not data:
        return record
    data[chance.choice(list(data))] = chance.choice((None, -1, 10**30, "", "x" * HUGE, [], {"a": [{}]}, True, "\x00", 1e308))
    return Junk(record.key, json.dumps(data).encode(), record.headers)


def _no_key(chance: Random, record: Junk) -> Junk:
    return Junk(chance.choice((None, b"", b"\xff" * 200)), record.value, record.headers)


def _headers(change: Callable[[Random, Headers], Headers], chance: Random, record: Junk) -> Junk:
    return Junk(record.key, record.value, change(chance, record.headers))


def _one_less(chance: Random, headers: Headers) -> Headers:
    gone = chance.randrange(len(headers) + 1)
    return headers[:gone] + headers[gone + 1 :]


def _one_more(chance: Random, headers: Headers) -> Headers:
    value = chance.choice((*VALUES, chance.randbytes(20), chance.randbytes(HUGE)))
    return (*headers, (chance.choice(NAMES), value))


def _twice(chance: Random, headers: Headers) -> Headers:
    return headers + headers[chance.randrange(len(headers) + 1) :]


def _none(chance: Random, headers: Headers) -> Headers:
    return headers[:0]


BENDS: tuple[Callable[[Random, Junk], Junk], ...] = (
    _noise,
    _cut,
    _cut,
    _flipped,
    _other_body,
    _other_field,
    _other_field,
    _no_key,
    partial(_headers, _one_less),
    partial(_headers, _one_more),
    partial(_headers, _one_more),
    partial(_headers, _twice),
    partial(_headers, _none),
)
