"""Uploads that are given up: the document that is known under the id stands, unless it is that upload's own."""

from typing import Any
from uuid import uuid4

import pytest

from contracts.codec import Received
from contracts.documents import BlobRef, DocumentUploadedV1
from kit.errors import Permanent
from services.ingest.store import Store
from tests.events import received
from tests.integration.conftest import OpenEffects


def uploaded(document_id: str, content: str, tenant_id: str) -> Received[Any]:
    """Version 1 of a document."""
    blob = BlobRef(uri=f"memory://blobs/{content}", sha256=content * 64, bytes=1)
    event = DocumentUploadedV1(document_id=document_id, document_version=1, title="T", media_type="text/plain", blob=blob)
    return received(event, tenant_id=tenant_id)


@pytest.mark.parametrize(
    ("content", "tenant_id", "fails"),
    [("a", "default", True), ("a", "other", False), ("b", "default", False)],
    ids=["its own", "another tenant", "other content"],
)
async def test_an_upload_that_is_given_up_fails_no_document_but_its_own(
    open_effects: OpenEffects, content: str, tenant_id: str, fails: bool
) -> None:
    """An id, or a version, that was taken is the fault of whoever came second."""
    store, document_id = Store(await open_effects("ingest")), f"doc-{uuid4()}"
    await store.begin(uploaded(document_id, "a", "default"))

    async with store.failing(uploaded(document_id, content, tenant_id), Permanent("taken", "choose another")) as (_, newest):
        assert newest is fails

    known = await store.known(document_id)
    assert known is not None
    assert (known["status"] == "failed") is fails
