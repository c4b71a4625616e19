"""An in-memory blob store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import sha256

from kit.ports.blobs import StoredBlob, content_key, key_below, missing, require_size

_PIECE_BYTES = 7


@dataclass
class InMemoryBlobs:
    """`BlobStore` in a dictionary of bytes by uri."""

    url: str = "memory://blobs"
    blobs: dict[str, bytes] = field(default_factory=dict)

    async def put(self, data: bytes) -> StoredBlob:
        digest = sha256(data).hexdigest()
        uri = f"{self.url}/{content_key(digest)}"
        self.blobs[uri] = data
        return StoredBlob(uri, digest, len(data))

    async def get(self, uri: str, limit: int) -> bytes:
        key_below(self.url, uri)
        if uri not in self.blobs:
            raise missing(uri)
        require_size(uri, len(self.blobs[uri]), limit)
        return self.blobs[uri]

    async def stream(self, uri: str, limit: int) -> AsyncIterator[bytes]:
        data = await self.get(uri, limit)
        for start in range(0, len(data), _PIECE_BYTES):
            yield data[start : start + _PIECE_BYTES]

    async def delete(self, uri: str) -> None:
        key_below(self.url, uri)
        self.blobs.pop(uri, None)
