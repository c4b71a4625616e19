"""The workbench over HTTP: one method a path, JSON as the service sends it, problems as errors."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from kit.errors import DependencyDown, Permanent
from workbench.evals import Evals

Json = dict[str, Any]
API_KEY = "WORKBENCH_API_KEY"

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

    async def upload(self, filename: str, data: bytes, document_id: str | None = None, title: str | None = None) -> Json:
        """Uploads a document; gives `{document_id, version, status, status_url, duplicate}`."""
        fields = {name: value for name, value in (("document_id", document_id), ("title", title)) if value}
        return await self._call("POST", "/ingest", files={"file": (filename, data)}, data=fields)

    async def document(self, document_id: str) -> Json:
        """The status of a document."""
        return await self._call("GET", f"/documents/{document_id}")

    async def documents(self) -> list[Json]:
        """The status of all documents."""
        return await self._pages("documents")

    async def text(self, document_id: str, start: int, end: int) -> Json:
        """What a document says at `[start, end)`: `{text, start, end, length, ...}`."""
        return await self._call("GET", f"/documents/{quote(document_id, safe='')}/text", params={"start": start, "end": end})

    async def put_dataset(self, name: str, description: str, lines: bytes) -> Json:
        """Registers the cases of a dataset, one a line."""
        files = {"file": ("cases.jsonl", lines)}
        return await self._call("POST", "/datasets", files=files, data={"name": name, "description": description})

    async def datasets(self) -> list[Json]:
        """All datasets."""
        return await self._pages("datasets")

    async def dataset(self, name: str) -> Json:
        """A dataset, with what its name stood for before."""
        return await self._call("GET", f"/datasets/{quote(name, safe='')}")

    async def ask(self, question: str, top_k: int | None = None) -> Json:
        """The answer to a question."""
        return await self._call("POST", "/rag/query", json={"question": question} | ({"top_k": top_k} if top_k else {}))

    async def search(self, query: str, top_k: int) -> Json:
        """The chunks nearest to a query."""
        return await self._call("POST", "/search", json={"query": query, "top_k": top_k})

    async def create_key(self, key: Json) -> Json:
        """Makes an API key of `{name, scopes, tenant_id?, expires_at?}`; the answer's `key` is shown this once."""
        return await self._call("POST", "/keys", json=key)

    async def keys(self) -> list[Json]:
        """All API keys that one may see."""
        return await self._pages("keys")

    async def revoke_key(self, key_id: str) -> Json:
        """Ends an API key."""
        return await self._call("DELETE", f"/keys/{quote(key_id, safe='')}")

    async def generations(self) -> list[Json]:
        """All index generations, in the order of their requests."""
        found: list[Json] = (await self._call("GET", "/generations"))["generations"]
        return found

    async def generation(self, name: str) -> Json:
        """How far an index generation is."""
        return await self._call("GET", _generation(name))

    async def build_generation(self, asked: Json) -> Json:
        """Requests an index generation of `{embedding, chunker, generation?}`; gives its name."""
        return await self._call("POST", "/generations", json=asked)

    async def swap_generation(self, name: str) -> Json:
        """Requests that queries move to a generation."""
        return await self._call("POST", f"{_generation(name)}/swap")

    async def roll_back_generation(self) -> Json:
        """Requests that queries move back to where they were; gives the generation."""
        return await self._call("POST", "/generations/rollback")

    async def retire_generation(self, name: str) -> Json:
        """Ends a generation that queries do not use."""
        return await self._call("DELETE", _generation(name))

    def registry(self, kind: str) -> "Registry":
        """The `prompts` or the `variants`."""
        return Registry(self._call, f"/{kind}")

    def evals(self) -> Evals:
        """The evaluations."""
        return Evals(self._call)

    async def usage(self, by: str, start: str | None = None, end: str | None = None) -> Json:
        """What calls to language models cost: `{start, end, by, rows, total}`."""
        span = {name: value for name, value in (("from", start), ("to", end)) if value}
        return await self._call("GET", "/usage", params={"by": by, **span})

    async def readiness(self) -> Json:
        """What `/readyz` says, ready or not: `{status, dependencies}`."""
        return await self._call("GET", "/readyz", accept=HTTPStatus.SERVICE_UNAVAILABLE)

    async def _pages(self, what: str) -> list[Json]:
        page = await self._call("GET", f"/{what}")
        found: list[Json] = page[what]
        while page["next"]:
            page = await self._call("GET", f"/{what}", params={"after": page["next"]})
            found += page[what]
        return found

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


class Registry:
    """Prompts, or variants: both are versions under a name, and labels that point to them."""

    def __init__(self, call: Callable[..., Awaitable[Json]], path: str) -> None:
        self._call = call
        self._path = path

    async def register(self, version: Json) -> Json:
        """Makes a version, or gives the newest if it says the same."""
        return await self._call("POST", self._path, json=version)

    async def entries(self) -> list[Json]:
        """All names: `{name, latest, labels}`."""
        found: list[Json] = (await self._call("GET", self._path))["entries"]
        return found

    async def entry(self, name: str) -> Json:
        """All versions of a name, newest first, and its labels."""
        return await self._call("GET", self._of(name))

    async def version(self, name: str, number: int) -> Json:
        """A version with what it says."""
        return await self._call("GET", self._of(name, "versions", str(number)))

    async def diff(self, name: str, old: int, new: int) -> Json:
        """What differs between two versions."""
        return await self._call("GET", self._of(name, "diff"), params={"from": old, "to": new})

    async def move(self, name: str, label: str, move: Json) -> Json:
        """Points a label to a `version` or to `weights`, for a `reason`."""
        return await self._call("PUT", self._of(name, "labels", label), json=move)

    async def roll_back(self, name: str, label: str, why: Json) -> Json:
        """Points a label to where it pointed before, for a `reason`."""
        return await self._call("POST", self._of(name, "labels", label, "rollback"), json=why)

    async def history(self, name: str, label: str) -> list[Json]:
        """Every move of a label, oldest first."""
        found: list[Json] = (await self._call("GET", self._of(name, "labels", label, "history")))["moves"]
        return found

    def _of(self, *parts: str) -> str:
        return "/".join((self._path, *(quote(part, safe="") for part in parts)))


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Client]:
    """A client of the service at `url`, with the API key of the environment's WORKBENCH_API_KEY if there is one."""
    key = os.environ.get(API_KEY, "").strip()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=_TIMEOUT) as http:
        yield Client(http)


def _generation(name: str) -> str:
    return f"/generations/{quote(name, safe='')}"


def _refusal(response: httpx.Response) -> Permanent:
    """A problem+json answer as one sentence; anything else by its status."""
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        problem = response.json()
        told = ": ".join(part for part in (problem.get("title"), problem.get("detail")) if part)
        return Permanent(problem.get("code", "refused"), told)
    return Permanent("refused", f"{response.request.url} answered {response.status_code} {response.reason_phrase}")
