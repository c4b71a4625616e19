"""The HTTP client: pages are followed, problems become errors."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kit.errors import DependencyDown, Permanent
from workbench.client import Client

ClientOf = Callable[[Callable[[httpx.Request], httpx.Response]], Client]


async def test_a_problem_is_one_sentence(client_of: ClientOf) -> None:
    """Title and detail of an RFC 9457 answer make the message, its code is the error's."""
    body = {"title": "Not Found", "status": 404, "detail": "there is no document 'x'", "code": "document_unknown"}
    client = client_of(lambda _: httpx.Response(404, json=body, headers={"content-type": "application/problem+json"}))

    with pytest.raises(Permanent, match="Not Found: there is no document 'x'") as refused:
        await client.document("x")

    assert refused.value.code == "document_unknown"


async def test_an_error_that_is_no_problem_is_told_by_its_status(client_of: ClientOf) -> None:
    """A proxy in between answers HTML."""
    client = client_of(lambda _: httpx.Response(502, html="<h1>Bad Gateway</h1>"))

    with pytest.raises(Permanent, match="http://workbench/search answered 502 Bad Gateway"):
        await client.search("x", 3)


async def test_silence_says_what_to_do(client_of: ClientOf) -> None:
    """Nobody listens at the address."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(DependencyDown, match=r"does not answer.*workbench up"):
        await client_of(refuse).documents()


async def test_all_pages_of_documents_are_read(client_of: ClientOf) -> None:
    """The next page starts after the last document of this one."""
    pages: dict[str | None, Any] = {None: {"documents": [{"n": 1}], "next": "b"}, "b": {"documents": [{"n": 2}], "next": None}}
    client = client_of(lambda request: httpx.Response(200, json=pages[request.url.params.get("after")]))

    assert await client.documents() == [{"n": 1}, {"n": 2}]


async def test_a_service_that_is_not_ready_still_tells_why(client_of: ClientOf) -> None:
    """503 of /readyz is an answer."""
    said = {"status": "not_ready", "dependencies": {"kafka": "down"}}

    assert await client_of(lambda _: httpx.Response(503, json=said)).readiness() == said


async def test_a_question_without_top_k_leaves_it_to_the_service(client_of: ClientOf) -> None:
    """Only what was asked for is sent."""
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(200, json={})

    client = client_of(answer)
    await client.ask("why?")
    await client.ask("why?", 3)

    assert bodies == [b'{"question":"why?"}', b'{"question":"why?","top_k":3}']
