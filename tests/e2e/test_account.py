"""A whole stack: who acts for a tenant sees what it sees, and a run's budget holds for the questions that are asked for it."""

from uuid import uuid4

import httpx

from tests.e2e.conftest import Workbench
from tests.e2e.keys import holding, made, of_tenant


async def asked(workbench: Workbench, **headers: str) -> httpx.Response:
    """POST /rag/query with these headers, nothing remembered."""
    sent = {"cache-control": "no-store", **{f"x-workbench-{name}": value for name, value in headers.items()}}
    return await workbench.http.post("/rag/query", json={"question": "What is the codeword of the vault?"}, headers=sent)


async def test_who_administers_tenants_asks_for_one(workbench: Workbench) -> None:
    """And nobody else does."""
    tenant = f"t-{uuid4().hex}"
    admin = await made(workbench, "query", "tenants:admin")
    async with of_tenant(workbench, tenant) as theirs, holding(workbench, admin["key"]) as held:
        document = await theirs.indexed("vault.txt", f"Note {tenant}. The codeword of the vault is heliotrope.".encode())

        for_them, for_itself = await asked(held, tenant=tenant), await asked(held)
        refused = await asked(theirs, tenant="default")

    assert [citation["document_id"] for citation in for_them.json()["citations"]] == [document["document_id"]]
    assert document["document_id"] not in {citation["document_id"] for citation in for_itself.json()["citations"]}
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


async def test_a_runs_budget_holds_for_its_questions_alone(workbench: Workbench) -> None:
    """The ledger knows which call was for which run."""
    await workbench.indexed("vault.txt", f"Note {uuid4().hex}. The codeword of the vault is heliotrope.".encode())
    run, poor = str(uuid4()), str(uuid4())
    await workbench.http.put(f"/budgets/run/{poor}/total", json={"tokens": 1})

    answers = [await asked(workbench, run=run), await asked(workbench, run=poor), await asked(workbench)]

    assert [answer.status_code for answer in answers] == [200, 402, 200]
    assert await workbench.eventually("SELECT purpose FROM rag.llm_calls WHERE run_id = $1", run) == ["answer"]
