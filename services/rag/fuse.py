"""Several searches for one question become one list."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from kit.fusion import Fusion, Place, fuse
from kit.ports.vectors import Hit


def fused(searches: Mapping[str, Sequence[Hit]], fusion: Fusion, limit: int) -> list[Hit]:
    """The best `limit` hits of named searches, all weighing the same; see kit/fusion.py. Of one search, its own first hits.

    A hit's places tell its rank and score in each search that found it, by the search's name, and as `search.list` those in its lists.
    """
    if len(searches) == 1:
        [hits] = searches.values()
        return list(hits[:limit])
    found: dict[UUID, Hit] = {}
    lists: dict[UUID, dict[str, Place]] = {}
    for name, hits in searches.items():
        for hit in hits:
            found.setdefault(hit.chunk.chunk_id, hit)
            lists.setdefault(hit.chunk.chunk_id, {}).update({f"{name}.{part}": place for part, place in hit.places.items()})
    ranked = fuse({name: [(hit.chunk.chunk_id, hit.score) for hit in hits] for name, hits in searches.items()}, fusion)
    return [Hit(found[one.key].chunk, one.score, {**one.places, **lists[one.key]}, found[one.key].vector) for one in ranked[:limit]]
