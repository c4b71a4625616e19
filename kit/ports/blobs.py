"""The role that keeps raw documents outside the stream (claim check)."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """Where bytes lie and what they are."""

    uri: str
    sha256: str
    bytes: int


class BlobStore(Protocol):
    """Promise: what was put is what is got, and nothing outside the store's own root can be reached through it."""

    @property
    def url(self) -> str:
        """The root; every uri of this store starts with it."""
        ...

    async def put(self, data: bytes) -> StoredBlob:
        """Stores bytes under their hash; the same bytes give the same uri. Raises DependencyDown."""
        ...

    async def get(self, uri: str, limit: int) -> bytes:
        """Reads a blob.

        Raises Permanent `blob_outside_store`, `blob_missing` or `blob_too_large` (over `limit` bytes), or DependencyDown.
        """
        ...

    async def delete(self, uri: str) -> None:
        """Removes a blob; one that is not there is no error. Raises Permanent `blob_outside_store`, or DependencyDown."""
        ...
