"""The promise of `BlobStore`, kept by the in-memory twin, a local folder and an S3 server."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from moto.server import ThreadedMotoServer

from kit.adapters.blobs import ObjectBlobs
from kit.errors import DependencyDown, Permanent
from kit.fakes.blobs import InMemoryBlobs
from kit.ports.blobs import BlobStore

DATA = b"%PDF-1.7 raw bytes \x00\xff"
LIMIT = 1000
BUCKET = "s3://raw/documents"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of an S3 server with the bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    urlopen(Request(f"http://{host}:{port}/raw", method="PUT")).close()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 takes them from the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")


@pytest.fixture(params=["fake", "folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """Each store."""
    if request.param == "fake":
        return InMemoryBlobs()
    if request.param == "folder":
        return ObjectBlobs(f"{tmp_path.as_uri()}/raw documents/")
    return ObjectBlobs(BUCKET, request.getfixturevalue("endpoint"))


@pytest.fixture
def folder(tmp_path: Path) -> ObjectBlobs:
    """A local store at `tmp_path/store`, beside which a secret lies."""
    (tmp_path / "secret").write_bytes(b"secret")
    return ObjectBlobs((tmp_path / "store").as_uri())


async def test_what_was_put_is_what_is_got(store: BlobStore) -> None:
    """Byte for byte, and described."""
    stored = await store.put(DATA)

    assert await store.get(stored.uri, LIMIT) == DATA
    assert (stored.sha256, stored.bytes) == (sha256(DATA).hexdigest(), len(DATA))
    assert stored.uri == f"{store.url}/{stored.sha256[:2]}/{stored.sha256}"


async def test_a_large_blob_comes_in_pieces(store: BlobStore) -> None:
    """Together they are what was put, and none is all of it."""
    data = DATA * 50_000
    stored = await store.put(data)

    pieces = [piece async for piece in store.stream(stored.uri, len(data))]

    assert b"".join(pieces) == data
    assert max(map(len, pieces)) < len(data)
    with pytest.raises(Permanent, match=str(len(data))):
        await anext(store.stream(stored.uri, len(data) - 1))


async def test_the_same_bytes_are_stored_once(store: BlobStore) -> None:
    """An upload that is repeated changes nothing."""
    assert await store.put(DATA) == await store.put(DATA)


async def test_an_empty_blob_is_a_blob(store: BlobStore) -> None:
    """Whether it is a document is for the parser to say."""
    assert await store.get((await store.put(b"")).uri, LIMIT) == b""


async def test_a_blob_over_the_limit_is_not_read(store: BlobStore) -> None:
    """The reader's memory is not the sender's to fill."""
    stored = await store.put(DATA)

    assert await store.get(stored.uri, len(DATA)) == DATA
    with pytest.raises(Permanent) as raised:
        await store.get(stored.uri, len(DATA) - 1)
    assert raised.value.code == "blob_too_large"


@pytest.mark.parametrize("key", ["ab/nothing", "nothing", "a" * 255, "ab"])
async def test_a_missing_blob_is_named(store: BlobStore, key: str) -> None:
    """A folder is no blob either."""
    await store.put(DATA)

    with pytest.raises(Permanent, match=key) as raised:
        await store.get(f"{store.url}/{key}", LIMIT)
    assert raised.value.code == "blob_missing"


async def test_a_deleted_blob_is_gone_and_may_be_deleted_again(store: BlobStore) -> None:
    """Deleting is repeated when a message is delivered again."""
    uri = (await store.put(DATA)).uri

    await store.delete(uri)
    await store.delete(uri)

    with pytest.raises(Permanent, match="there is no blob"):
        await store.get(uri, LIMIT)


@pytest.mark.parametrize(
    "uri",
    [
        "{root}/../secret",
        "{root}/ab/../../secret",
        "{root}/%2e%2e/secret",
        "{root}/ab%2F..%2F..%2Fsecret",
        "{root}/..\\secret",
        "{root}//etc/passwd",
        "{root}/./secret",
        "{root}/secret?versionId=1",
        "{root}/a\x00b",
        "{root}/" + "a" * 300,
        "{root}/",
        "{root}",
        "{root}-other/secret",
        "/etc/passwd",
        "file:///etc/passwd",
        "s3://other/documents/secret",
        "http://127.0.0.1/secret",
        "",
    ],
)
async def test_nothing_outside_the_store_is_reached(store: BlobStore, uri: str) -> None:
    """Anyone may publish a reference; it must not read or delete what is not the store's."""
    for call in (store.get(uri.format(root=store.url), LIMIT), store.delete(uri.format(root=store.url))):
        with pytest.raises(Permanent) as raised:
            await call

        assert raised.value.code == "blob_outside_store"


@pytest.mark.parametrize("key", ["link", "linked/secret"])
async def test_a_link_out_of_the_folder_is_not_followed(folder: ObjectBlobs, tmp_path: Path, key: str) -> None:
    """Whoever may write into the folder may not read the machine through it."""
    (tmp_path / "store" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "store" / "linked").symlink_to(tmp_path)

    for call in (folder.get(f"{folder.url}/{key}", LIMIT), folder.delete(f"{folder.url}/{key}")):
        with pytest.raises(Permanent) as raised:
            await call
        assert raised.value.code == "blob_outside_store"
    assert (tmp_path / "secret").exists()


async def test_a_link_to_itself_and_a_name_below_a_file_are_missing(folder: ObjectBlobs, tmp_path: Path) -> None:
    """What the disk takes for an error is only a bad reference, and must not hold up the others."""
    (tmp_path / "store" / "loop").symlink_to("loop")
    (tmp_path / "store" / "file").write_bytes(DATA)

    for key in ("loop", "file/name"):
        with pytest.raises(Permanent, match="there is no blob"):
            await folder.get(f"{folder.url}/{key}", LIMIT)


async def test_a_file_that_somebody_else_put_there_is_read(folder: ObjectBlobs, tmp_path: Path) -> None:
    """HTTP is not the only way in: a producer may store a document under a name of its own."""
    path = tmp_path / "store" / "hr" / "Urlaubsgrüße (2026).pdf"
    path.parent.mkdir()
    path.write_bytes(DATA)

    assert await folder.get(f"{folder.url}/hr/{path.name}", LIMIT) == DATA


@pytest.mark.parametrize("bucket", [BUCKET, "s3://nobody-made-this"])
async def test_a_store_that_is_not_there_is_down(request: pytest.FixtureRequest, bucket: str) -> None:
    """Nothing listens on the discard port; a bucket that nobody made is no fault of the document either."""
    store = ObjectBlobs(bucket, "http://127.0.0.1:9" if bucket == BUCKET else request.getfixturevalue("endpoint"))

    for call in (store.put(DATA), store.get(f"{bucket}/ab/x", LIMIT)):
        with pytest.raises(DependencyDown) as raised:
            await call
        assert raised.value.code == "blob_store_down"


@pytest.mark.parametrize("url", ["", "raw", "/raw", "http://raw/x", "file://", "file://host/raw", "s3://"])
def test_an_address_that_is_no_store_stops_the_start(url: str) -> None:
    """With a message that says which addresses are."""
    with pytest.raises(Permanent, match="file:///folder or s3://bucket/prefix"):
        ObjectBlobs(url)
