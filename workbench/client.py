"""The workbench over HTTP: one method a path, JSON as the service sends it, problems as errors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx

from kit.errors import DependencyDown, Permanent

Json = dict[str, Any]

# A language model may think for a minute.
_TIMEOUT = httpx.Timeout(120, connect=5)


class Client:
    """Every method raises Permanent with the problem's title and detail where the service refuses, DependencyDown if nobody answers."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    @property
    def url(self) -> str:
        """Where the service is."""
        return str(self._http.base_url)

    async def upload(self, filename: str, data: bytes) -> Json:
        """Uploads a document; gives `{document_id, version, status, status_url, duplicate}`."""
        return await self._call("POST", "/ingest", files={"file": (filename, data)})

    async def document(self, document_id: str) -> Json:
        """The status of a document."""
        return await self._call("GET", f"/documents/{document_id}")

    async def documents(self) -> list[Json]:
        """The status of all documents."""
        page = await self._call("GET", "/documents")
        found: list[Json] = page["documents"]
        while page["next"]:
            page = await self._call("GET", "/documents", params={"after": page["next"]})
            found += page["documents"]
        return found

    async def ask(self, question: str, top_k: int | None = None) -> Json:
        """The answer to a question."""
        return await self._call("POST", "/rag/query", json={"question": question} | ({"top_k": top_k} if top_k else {}))

    async def search(self, query: str, top_k: int) -> Json:
        """The chunks nearest to a query."""
        return await self._call("POST", "/search", json={"query": query, "top_k": top_k})

    async def readiness(self) -> Json:
        """What `/readyz` says, ready or not: `{status, dependencies}`."""
        return await self._call("GET", "/readyz", accept=HTTPStatus.SERVICE_UNAVAILABLE)

    async def _call(self, method: str, path: str, accept: HTTPStatus | None = None, **request: Any) -> Json:
        try:
            response = await self._http.request(method, path, **request)
        except httpx.TransportError as error:
            told = f"{self.url} does not answer ({type(error).__name__}); see `workbench status`, or start a stack with `workbench up`"
            raise DependencyDown("no_answer", told) from error
        if response.is_error and response.status_code != accept:
            raise _refusal(response)
        answer: Json = response.json()
        return answer


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Client]:
    """A client of the service at `url`."""
    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT) as http:
        yield Client(http)


def _refusal(response: httpx.Response) -> Permanent:
    """A problem+json answer as one sentence; anything else by its status."""
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        problem = response.json()
        told = ": ".join(part for part in (problem.get("title"), problem.get("detail")) if part)
        return Permanent(problem.get("code", "refused"), told)
    return Permanent("refused", f"{response.request.url} answered {response.status_code} {response.reason_phrase}")
