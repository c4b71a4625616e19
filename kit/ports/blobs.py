"""The role that keeps raw documents outside the stream (claim check)."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from kit.errors import Permanent

_PLAIN_NAME = re.compile(r"[\w@+=,()~ .-]+")
_NAME_BYTES = 255


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

    def stream(self, uri: str, limit: int) -> AsyncIterator[bytes]:
        """Reads a blob in pieces, never all of it in memory. Raises as `get`, before the first piece or in the middle."""
        ...

    async def delete(self, uri: str) -> None:
        """Removes a blob; one that is not there is no error. Raises Permanent `blob_outside_store`, or DependencyDown."""
        ...


def content_key(sha256: str) -> str:
    """The key of a blob below the store's root: two levels, so that no folder holds them all."""
    return f"{sha256[:2]}/{sha256}"


def key_below(root: str, uri: str) -> str:
    """The key of `uri` in the store at `root`. Raises Permanent `blob_outside_store` unless it is plain names below that root.

    Escapes (`%2e`), backslashes, empty names, `.` and `..` are refused rather than interpreted: stores differ in what they make of them.
    """
    prefix = f"{root}/"
    names = uri.removeprefix(prefix).split("/")
    plain = all(_PLAIN_NAME.fullmatch(name) and name not in (".", "..") and len(name.encode()) <= _NAME_BYTES for name in names)
    if not uri.startswith(prefix) or not plain:
        raise Permanent("blob_outside_store", f"{uri!r} is not a plain path below {root}; put the blob there and refer to it by that path")
    return "/".join(names)


def missing(uri: str) -> Permanent:
    """The error of a blob that is not there."""
    return Permanent("blob_missing", f"there is no blob {uri!r}; upload it before it is referred to")


def require_size(uri: str, size: int, limit: int) -> None:
    """Raises Permanent `blob_too_large` if `size` exceeds `limit` bytes."""
    if size > limit:
        raise Permanent(
            "blob_too_large", f"blob {uri!r} has {size} bytes, more than the {limit} allowed; split the document or raise the limit"
        )
