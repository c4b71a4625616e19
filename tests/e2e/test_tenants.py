"""What is one tenant's is not there for another, whatever the other asks."""

from collections.abc import AsyncIterator
from typing import NamedTuple
from uuid import uuid4

import pytest

from tests.e2e.conftest import Workbench
from tests.e2e.keys import of_tenant


class Tenants(NamedTuple):
    """Two, each with a key of their own."""

    ours: Workbench
    theirs: Workbench


@pytest.fixture
async def tenants(workbench: Workbench) -> AsyncIterator[Tenants]:
    """Two that nobody else has."""
    async with of_tenant(workbench, f"t-{uuid4().hex}") as ours, of_tenant(workbench, f"t-{uuid4().hex}") as theirs:
        yield Tenants(ours, theirs)


def a_secret() -> bytes:
    """A text that only its own tenant should see."""
    return f"Note {uuid4().hex}. The codeword of the vault is heliotrope.".encode()


async def test_a_search_and_an_answer_show_nothing_of_another_tenant(tenants: Tenants) -> None:
    """Not even when the document is asked for by name."""
    document = await tenants.ours.indexed("vault.txt", a_secret())
    question, by_name = "What is the codeword of the vault?", {"document_ids": [document["document_id"]]}

    ours, theirs = await tenants.ours.ask(question), await tenants.theirs.ask(question, filter=by_name)

    assert (ours["abstained"], ours["citations"][0]["document_id"]) == (False, document["document_id"])
    assert (theirs["abstained"], theirs["contexts"]) == (True, [])
    assert await tenants.ours.search(question) != []
    assert await tenants.theirs.search(question) == await tenants.theirs.search(question, filter=by_name) == []


async def test_a_document_can_be_neither_read_nor_deleted_by_another_tenant(tenants: Tenants) -> None:
    """It is as unknown as one that was never there."""
    document = await tenants.ours.indexed("vault.txt", a_secret())
    path = f"/documents/{document['document_id']}"

    read, deleted = await tenants.theirs.http.get(path), await tenants.theirs.http.delete(path)
    listed = (await tenants.theirs.http.get("/documents")).json()["documents"]

    assert [(answer.status_code, answer.json()["code"]) for answer in (read, deleted)] == [(404, "document_unknown")] * 2
    assert listed == []
    assert (await tenants.ours.http.get(path)).json()["status"] == "indexed"


async def test_the_same_content_is_two_documents_for_two_tenants(tenants: Tenants) -> None:
    """Nobody learns from `duplicate` what another one has; a delete by one leaves the other's."""
    data = a_secret()
    ours, theirs = await tenants.ours.indexed("a.txt", data), await tenants.theirs.upload("a.txt", data)
    copy = await tenants.theirs.settled(theirs.json()["document_id"])
    gone = await tenants.ours.http.delete(f"/documents/{ours['document_id']}")

    found = await tenants.theirs.search("codeword of the vault")

    assert (theirs.status_code, theirs.json()["duplicate"], copy["status"], gone.status_code) == (202, False, "indexed", 202)
    assert {hit["document_id"] for hit in found} == {copy["document_id"]} != {ours["document_id"]}


async def test_an_idempotency_key_means_nothing_to_another_tenant(tenants: Tenants) -> None:
    """The same key with another body is a new request there."""
    header = {"Idempotency-Key": uuid4().hex}
    ours = await tenants.ours.http.post("/ingest", files={"file": ("k.txt", a_secret())}, headers=header)

    theirs = await tenants.theirs.http.post("/ingest", files={"file": ("k.txt", a_secret())}, headers=header)

    assert (ours.status_code, theirs.status_code) == (202, 202)
    assert ours.json()["document_id"] != theirs.json()["document_id"]


async def test_the_default_tenant_sees_nothing_of_the_others(workbench: Workbench, tenants: Tenants) -> None:
    """Whoever sends no key is a tenant like any other."""
    document = await tenants.ours.indexed("vault.txt", a_secret())

    hits = await workbench.search("codeword of the vault", top_k=100)

    assert document["document_id"] not in {hit["document_id"] for hit in hits}
    assert (await workbench.http.get(f"/documents/{document['document_id']}")).status_code == 404


async def test_events_carry_the_tenant_of_the_key(workbench: Workbench, tenants: Tenants) -> None:
    """What the pipeline and other readers go by."""
    document = await tenants.ours.indexed("vault.txt", a_secret())
    tenant = await workbench.fetch("SELECT tenant_id FROM rag.uploads WHERE document_id = $1", document["document_id"])

    [told] = await workbench.records("docs.uploaded", lambda record: record.key == document["document_id"].encode())

    assert dict(told.headers)["ce_tenantid"] == tenant[0]["tenant_id"].encode()
