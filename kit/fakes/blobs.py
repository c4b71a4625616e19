"""An in-memory blob store."""

from dataclasses import dataclass, field
from hashlib import sha256

from kit.ports.blobs import StoredBlob, content_key, key_below, missing, require_size


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

    async def delete(self, uri: str) -> None:
        key_below(self.url, uri)
        self.blobs.pop(uri, None)
