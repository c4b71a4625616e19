"""Blobs in a local folder or an S3 bucket, through obstore."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from kit.errors import DependencyDown, Permanent
from kit.ports.blobs import StoredBlob, content_key, key_below, missing, require_size

_NO_BUCKET = "NoSuchBucket"
_TIMEOUT = timedelta(seconds=30)
_PIECE_BYTES = 256 * 1024


class ObjectBlobs:
    """`BlobStore` at `file:///folder` or `s3://bucket/prefix`; blobs are named by their SHA-256.

    S3 takes credentials and region from the environment (`AWS_*`) or the machine's role; `endpoint` is the address of a compatible server.
    Raises Permanent `blob_url_invalid` if the url is neither.
    """

    def __init__(self, url: str, endpoint: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._folder = _folder(self.url)
        self._store = _local(self._folder) if self._folder else _s3(self.url, endpoint)

    async def put(self, data: bytes) -> StoredBlob:
        digest = await asyncio.to_thread(_hexdigest, data)
        key = content_key(digest)
        with self._errors(key):
            await obstore.put_async(self._store, key, data)
        return StoredBlob(f"{self.url}/{key}", digest, len(data))

    async def get(self, uri: str, limit: int) -> bytes:
        with self._errors(uri):
            found = await obstore.get_async(self._store, await self._key(uri))
            require_size(uri, found.meta["size"], limit)
            return bytes(await found.bytes_async())

    async def stream(self, uri: str, limit: int) -> AsyncIterator[bytes]:
        with self._errors(uri):
            found = await obstore.get_async(self._store, await self._key(uri))
            require_size(uri, found.meta["size"], limit)
            async for piece in found.stream(_PIECE_BYTES):
                yield bytes(piece)

    async def delete(self, uri: str) -> None:
        try:
            with self._errors(uri):
                await obstore.delete_async(self._store, await self._key(uri))
        except Permanent as error:
            if error.code != "blob_missing":
                raise

    async def _key(self, uri: str) -> str:
        key = key_below(self.url, uri)
        if self._folder:
            await asyncio.to_thread(_require_inside, self._folder, key, uri)
        return key

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            reason = str(error)
            if isinstance(error, FileNotFoundError) and _NO_BUCKET not in reason:
                raise missing(what) from error
            summary = (
                f"the blob store at {self.url} does not serve {what!r}; check that it is there and may be used: {reason.splitlines()[0]}"
            )
            raise DependencyDown("blob_store_down", summary) from error


def _hexdigest(data: bytes) -> str:
    return sha256(data).hexdigest()


def _folder(url: str) -> Path | None:
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path:
        return Path(unquote(parts.path))
    if parts.scheme == "s3" and parts.netloc:
        return None
    raise Permanent("blob_url_invalid", f"{url!r} is not a blob store; use file:///folder or s3://bucket/prefix")


def _local(folder: Path) -> ObjectStore:
    return LocalStore(prefix=folder, mkdir=True)


def _s3(url: str, endpoint: str | None) -> ObjectStore:
    return S3Store.from_url(
        url,
        config={"endpoint": endpoint} if endpoint else {},
        client_options={"timeout": _TIMEOUT, "allow_http": (endpoint or "").startswith("http://")},
        retry_config={"max_retries": 2, "retry_timeout": _TIMEOUT},
    )


def _require_inside(folder: Path, key: str, uri: str) -> None:
    """Refuses a link out of the folder, which the store would follow, and what is no file, which it takes for a broken disk."""
    try:
        path = (folder / key).resolve()
    except RuntimeError as error:
        raise missing(uri) from error
    if not path.is_relative_to(folder.resolve()):
        raise Permanent("blob_outside_store", f"{uri!r} is a link that leads out of {folder}; put the file itself there")
    if not path.is_file():
        raise missing(uri)
