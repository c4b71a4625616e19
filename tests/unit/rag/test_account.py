"""On whose account a request goes: another tenant's, and an evaluation run's."""

from dataclasses import replace
from uuid import uuid4

import pytest

from kit.errors import Permanent
from kit.fakes.llm import ScriptedLLM
from kit.ports.llm import Caller, Purpose
from services.rag.principal import ALL_SCOPES, Principal, Scope
from services.rag.variants import VariantDefinition
from tests.unit.rag.main_path import PROVEN, answerer, question
from tests.unit.rag.served import app_over, direct

RUN = str(uuid4())
ROOT = Principal("default", "k1", ALL_SCOPES)
ALICE = Principal("alices", "k2", frozenset({Scope.GENERATE}))


async def caller(who: Principal, **headers: str) -> Caller | str:
    """Who pays for a POST /generate with these headers, or the code of the refusal."""
    llm = ScriptedLLM(["Yes."])
    async with direct(app_over(llm, who)) as http:
        answer = await http.post(
            "/generate", json={"prompt": "?"}, headers={f"x-workbench-{name}": value for name, value in headers.items()}
        )
    return llm.requests[0].caller if llm.requests else answer.json()["code"]


async def test_who_administers_tenants_acts_for_one_with_the_same_key() -> None:
    """The tenant pays, the key stays known."""
    told = await caller(ROOT, tenant="acme")

    assert isinstance(told, Caller)
    assert (told.tenant_id, told.key_id) == ("acme", "k1")


async def test_nobody_else_acts_for_another_tenant() -> None:
    """To name one's own is no offence."""
    own = await caller(ALICE, tenant="alices")

    assert await caller(ALICE, tenant="acme") == "scope_missing"
    assert isinstance(own, Caller)
    assert own.tenant_id == "alices"


@pytest.mark.parametrize("headers", [{"tenant": "../acme"}, {"tenant": ""}, {"run": "7"}, {"run": f"{RUN}0"}])
async def test_a_header_that_names_nothing_is_refused(headers: dict[str, str]) -> None:
    """Before any call."""
    assert await caller(ROOT, **headers) == "request_invalid"


async def test_what_is_asked_for_a_run_is_on_its_account_and_judges() -> None:
    """Without one it is an everyday call."""
    for_run, everyday = await caller(ROOT, run=RUN), await caller(ROOT)

    assert isinstance(for_run, Caller)
    assert isinstance(everyday, Caller)
    assert (for_run.run_id, for_run.purpose) == (RUN, Purpose.JUDGE)
    assert (everyday.run_id, everyday.purpose) == (None, Purpose.GENERATE)


async def test_every_call_of_an_answer_is_on_the_runs_account() -> None:
    """The other wordings of its question, too."""
    llm = ScriptedLLM([Permanent("grounding_missing", "it does not rewrite"), PROVEN])
    asked = replace(await question(VariantDefinition(multi_query=True)), run_id=RUN)

    await (await answerer(llm)).answer(asked)

    assert [request.caller.purpose for request in llm.requests] == [Purpose.REWRITE, Purpose.ANSWER]
    assert {request.caller.run_id for request in llm.requests} == {RUN}
