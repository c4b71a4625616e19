"""rag over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import numpy as np

from contracts.queries import NamedVersion
from kit.clock import Clock
from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError
from kit.ports.embedding import Vectors
from services.evaluator.answered import Answered, Cited, Passage
from services.evaluator.rag import TIMEOUT, Pinned, Refused, readable
from services.evaluator.record import PromptVersion

TENANT, RUN = "X-Workbench-Tenant", "X-Workbench-Run"
NO_STORE = {"Cache-Control": "no-store"}
_CURRENT, _PRODUCTION = "current", "production"
_UNKNOWN = {"name_unknown", "label_unknown", "version_unknown", "request_invalid"}
_KEY = {httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN}
_AWAY = {httpx2.codes.BAD_GATEWAY, httpx2.codes.SERVICE_UNAVAILABLE, httpx2.codes.GATEWAY_TIMEOUT}
_PASSING = {
    httpx2.codes.REQUEST_TIMEOUT,
    httpx2.codes.TOO_MANY_REQUESTS,
    httpx2.codes.INTERNAL_SERVER_ERROR,
    httpx2.codes.SERVICE_UNAVAILABLE,
    httpx2.codes.GATEWAY_TIMEOUT,
}
# What rag answers 503 with though it is about one answer: by how a code ends, whichever server the adapter asked, or as a whole.
_OF_ONE_ANSWER = ("_rate_limited", "_failed", "_answer_invalid", "_answer_cut", "_order_invalid", "_timeout")
_OF_ONE_MOMENT = {"gateway_busy", "postgres_conflict"}
_TOLD_CHARS = 300


@dataclass(frozen=True)
class HttpRag:
    """`Rag` at the address of `http`, whose timeout is that of one answer."""

    http: httpx2.AsyncClient
    clock: Clock
    headers: Mapping[str, str] = field(default_factory=lambda: NO_STORE)

    def on_behalf(self, tenant_id: str, run_id: str | None = None) -> "HttpRag":
        return replace(self, headers={**NO_STORE, TENANT: tenant_id, **({RUN: run_id} if run_id else {})})

    async def pin(self, reference: str) -> Pinned:
        with readable():
            found = await self._version("variants", reference)
            definition = found["definition"]
            prompt = await self._version("prompts", definition["prompt"])
            return Pinned(
                variant=NamedVersion(name=found["name"], version=str(found["version"])),
                sha256=found["sha256"],
                prompt=PromptVersion(name=prompt["name"], version=str(prompt["version"]), sha256=prompt["sha256"]),
                index_generation=await self._generation(definition.get("index_generation", _CURRENT)),
                settings=definition,
            )

    async def ask(self, question: str, variant: NamedVersion) -> Answered:
        began = self.clock.monotonic()
        response = await self._respond("POST", "/rag/query", {"question": question, "variant": f"{variant.name}@{variant.version}"})
        with readable():
            return _answered(response.json(), (self.clock.monotonic() - began) * 1000)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        body = await self.send("POST", "/embed", {"texts": list(texts)})
        with readable():
            vectors = np.asarray(body["embeddings"], dtype=np.float32)
            if len(vectors) != len(texts):
                raise ValueError(f"{len(vectors)} vectors for {len(texts)} texts")
            return vectors

    async def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        response = await self._respond(method, path, body)
        with readable():
            return response.json()

    async def ping(self) -> None:
        """Raises DependencyDown if rag does not answer."""
        await self.send("GET", "/livez")

    async def _version(self, kind: str, reference: str) -> dict[str, Any]:
        name, _, which = reference.partition("@")
        try:
            number = which if which.isdecimal() else await self._labelled(kind, name, which or _PRODUCTION)
            found: dict[str, Any] = await self.send("GET", f"/{kind}/{name}/versions/{number}")
        except Refused as error:
            if error.code not in _UNKNOWN:
                raise
            raise Permanent("variant_unknown", f"{reference!r}: {error.message}") from error
        return found

    async def _labelled(self, kind: str, name: str, label: str) -> str:
        labels = (await self.send("GET", f"/{kind}/{name}"))["labels"]
        if label not in labels:
            told = f"{name} has no label {label!r}; name one of {', '.join(sorted(labels)) or 'its versions'}"
            raise Permanent("variant_unknown", told)
        versions = [version for version, share in labels[label].items() if share > 0]
        if len(versions) > 1:
            told = f"{name}@{label} stands for the versions {', '.join(versions)} at once; name one of them, as {name}@{versions[0]}"
            raise Permanent("variant_not_pinned", told)
        return str(versions[0])

    async def _generation(self, wanted: str) -> str | None:
        if wanted != _CURRENT:
            return wanted
        known = (await self.send("GET", "/generations"))["generations"]
        return next((each["generation"] for each in known if each["state"] == "active"), None)

    async def _respond(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx2.Response:
        try:
            response = await self.http.request(method, path, json=body, headers=self.headers)
        except (httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise DependencyDown("rag_down", f"rag does not answer at {self.http.base_url}: {error!r}") from error
        except httpx2.TimeoutException as error:
            raise Transient(TIMEOUT, f"no answer within {self.http.timeout.read:g} s") from error
        except httpx2.HTTPError as error:
            raise DependencyDown("rag_down", f"rag does not answer at {self.http.base_url}: {error!r}") from error
        if response.is_success:
            return response
        raise _failure(response)


def _failure(response: httpx2.Response) -> WorkbenchError:
    code, told = _told(response)
    if response.status_code in _KEY:
        return Permanent("rag_key_refused", f"rag does not let the evaluator do this ({code}: {told}); set EVALUATOR_RAG__API_KEY")
    if _is_away(response.status_code, code):
        return DependencyDown("rag_down", f"rag cannot answer now: {told}")
    if response.status_code in _PASSING:
        after = response.headers.get("retry-after", "")
        return Transient(code or "rag_failed", told, float(after) if after.isdecimal() else None)
    return Refused(code or "rag_refused", told)


def _is_away(status: int, code: str | None) -> bool:
    """Whether nobody gets an answer: of 503, unless its code is about one answer; of a proxy, which says no code."""
    if code is None:
        return status in _AWAY
    return status == httpx2.codes.SERVICE_UNAVAILABLE and not (code in _OF_ONE_MOMENT or code.endswith(_OF_ONE_ANSWER))


def _told(response: httpx2.Response) -> tuple[str | None, str]:
    try:
        body = response.json()
        return str(body["code"]), str(body["detail"])
    except (ValueError, KeyError, TypeError):
        return None, f"{response.status_code} {response.text[:_TOLD_CHARS]}"


def _answered(body: Mapping[str, Any], latency_ms: float) -> Answered:
    usage = body["usage"]
    return Answered(
        text=body["answer"],
        abstained=body["abstained"],
        citations=tuple(Cited(one["document_id"], one["start"], one["end"], one["quote"]) for one in body["citations"]),
        passages=tuple(Passage(one["document_id"], one["start"], one["end"], one["text"], one["score"]) for one in body["contexts"]),
        variant=NamedVersion(**body["variant"]),
        prompt=NamedVersion(**body["prompt"]),
        provider=body["provider"],
        model=body["model"],
        input_tokens=usage["input_tokens"],
        output_tokens=usage["output_tokens"],
        cost_usd=usage["cost_usd"],
        latency_ms=latency_ms,
        timings_ms=body["timings_ms"],
        degraded=tuple(body["degraded"]),
        confidence=body.get("confidence"),
        answer_id=body["answer_id"],
    )
