"""The filters of `VectorStore`, the same in the in-memory twin and in every adapter."""

import pytest

from kit.ports.vectors import Filter, Range, VectorStore, number_of
from tests.ports.vector_stores import LOCAL_MODE
from tests.ports.vectors_fixtures import NORTH, numbers, point, query

pytestmark = LOCAL_MODE

ODD = 'a "quoted".[key]'


async def found(store: VectorStore, narrowed: Filter) -> list[int]:
    """What a filter leaves of a hybrid search."""
    return sorted(numbers(await store.search(query(NORTH, "text", filter=narrowed))))


@pytest.mark.parametrize(
    "narrowed",
    [
        Filter(document_ids=("manual", "none")),
        Filter(media_types=("text/html",)),
        Filter(metadata={"team": "hr"}),
        Filter(metadata={ODD: "x=y"}),
        Filter(document_ids=("manual",), media_types=("text/html",), metadata={"team": "hr", ODD: "x=y"}),
        Filter(ranges={"year": Range(at_least=2025)}),
        Filter(without_documents=("handbook",)),
        Filter(without_metadata={"team": "it"}),
    ],
)
async def test_a_filter_narrows_each_list(store: VectorStore, narrowed: Filter) -> None:
    """Every condition alone, and all together, leave one of two."""
    metadata = {"team": "hr", ODD: "x=y", "third": "z", "year": "2026"}
    it = point(1, metadata={"team": "it", "year": "2024"})
    await store.upsert([it, point(2, document_id="manual", media_type="text/html", metadata=metadata)])
    await store.show("handbook", 1)
    await store.show("manual", 1)

    assert numbers(await store.search(query(NORTH, "text", filter=narrowed))) == [2]
    assert numbers(await store.search(query(None, "text", filter=narrowed))) == [2]


async def test_all_conditions_of_a_filter_must_hold(store: VectorStore) -> None:
    """One that fails is enough."""
    await store.upsert([point(1, metadata={"team": "hr"})])
    await store.show("handbook", 1)

    assert await found(store, Filter(document_ids=("handbook",), metadata={"team": "it"})) == []


async def test_a_key_may_have_one_of_several_values(store: VectorStore) -> None:
    """Or none of them; a chunk without the key is not one of several, and is not left out. No values at all do not narrow."""
    await store.upsert([point(n, metadata={"team": team}) for n, team in ((1, "it"), (2, "hr"), (3, "law"))])
    await store.upsert([point(4)])
    await store.show("handbook", 1)

    assert await found(store, Filter(metadata={"team": ("it", "law")})) == [1, 3]
    assert await found(store, Filter(without_metadata={"team": ("it", "law")})) == [2, 4]
    assert await found(store, Filter(metadata={"team": ()}, without_metadata={"team": ()})) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (Range(at_least=2.5, at_most=10), [2, 3]),
        (Range(at_least=10), [3, 4]),
        (Range(at_most=2.5), [1, 2]),
        (Range(), [1, 2, 3, 4]),
    ],
)
async def test_a_range_bounds_a_number(store: VectorStore, bounds: Range, expected: list[int]) -> None:
    """As numbers (10 is more than 2.5), bounds included; words, missing keys and other keys' numbers are outside."""
    for n, size in enumerate(("-1", "2.5", "10", "1e3", "big"), 1):
        await store.upsert([point(n, metadata={ODD: size, "other": "5"})])
    await store.upsert([point(6, metadata={"other": "5"})])
    await store.show("handbook", 1)

    assert await found(store, Filter(ranges={ODD: bounds})) == expected


async def test_a_range_bounds_a_date(store: VectorStore) -> None:
    """ISO dates, and times with their zone."""
    dates = ("2025-12-31", "2026-03-01", "2026-03-01T00:30:00+02:00", "2026-03-01T12:00:00Z")
    await store.upsert([point(n, metadata={"published": date}) for n, date in enumerate(dates, 1)])
    await store.show("handbook", 1)

    assert await found(store, Filter(ranges={"published": Range(at_least=number_of("2026-03-01"))})) == [2, 4]


@pytest.mark.parametrize(
    ("value", "number"), [("7", 7.0), ("1970-01-02", 86_400.0), ("nan", None), ("inf", None), ("", None), ("v2", None)]
)
def test_a_metadata_value_is_a_number_a_date_or_neither(value: str, number: float | None) -> None:
    """What is neither has no place in a range."""
    assert number_of(value) == number
