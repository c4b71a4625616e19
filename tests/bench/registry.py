"""What the registry costs a question: which variant and prompt it gets, and what the prompt says; in microseconds."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import NAMESPACE_URL, uuid5

import redis.asyncio as redis
from jinja2 import Environment
from pydantic import SecretStr

from contracts.envelope import DEFAULT_TENANT
from kit.clock import SystemClock
from kit.logs import configure_logs
from kit.migrations import migrate
from kit.ports.llm import Caller
from kit.ports.vectors import Chunk, Hit
from kit.postgres import open_pool
from kit.settings import PostgresSettings
from services.rag.authenticate import ANYBODY
from services.rag.catalogue import Catalogue, make_catalogue
from services.rag.registry.entry import PRODUCTION, Entry, Kind
from services.rag.registry.labels import Why
from services.rag.registry.move import Weights
from services.rag.settings import PromotionSettings
from services.rag.variants import DEFAULT, VariantDefinition
from tests.bench.load import percentiles
from tests.bench.report import Figure, Peer, Target
from tests.bench.workspace import Workspace
from workbench.stack.servers import Servers, fresh_database, running_servers

CALLS = 2_000
PASSAGES = 5
PASSAGE_CHARS = 1_200
QUESTION = "How many days after filing are travel expenses paid?"
LOOKUP_US = 100
RENDER_US = 300


async def measure(workspace: Workspace) -> list[Figure]:
    """Lookups from memory and from Postgres, moves of a label, and the prompt of an answer beside bare Jinja2."""
    configure_logs("WARNING")  # every move is logged
    with running_servers(workspace.new_folder("registry") / ".workbench") as servers:
        async with _opened(fresh_database(servers)) as catalogue:
            workspace.tell("looking variants up, in a canary")
            figures = [await _remembered(catalogue), await _read(catalogue), await _moved(catalogue)]
            workspace.tell("rendering a prompt")
            return [*figures, await _rendered(catalogue)]


@asynccontextmanager
async def _opened(servers: Servers) -> AsyncIterator[Catalogue]:
    """A catalogue whose default variant has a canary."""
    settings = PostgresSettings(dsn=SecretStr(servers.dsn("rag")))
    async with open_pool(settings, "rag") as pool, redis.from_url(servers.redis) as client:
        await migrate(pool, "rag")
        catalogue = make_catalogue(pool, client, SystemClock(), PromotionSettings())
        await catalogue.built_in.ensure(DEFAULT_TENANT)
        await catalogue.variants.register(ANYBODY, DEFAULT, VariantDefinition(top_k=9), "canary", "bench")
        await _move(catalogue, 0.1)
        yield catalogue


async def _move(catalogue: Catalogue, share: float) -> None:
    entry = Entry(Kind.VARIANT, DEFAULT_TENANT, DEFAULT)
    await catalogue.labels.move(ANYBODY, entry, PRODUCTION, Weights.of({1: 1 - share, 2: share}), Why("bench"))


async def _remembered(catalogue: Catalogue) -> Figure:
    subjects = (f"user-{number}" for number in range(CALLS))
    taken = await _timed(lambda: catalogue.variants.resolve(DEFAULT_TENANT, None, next(subjects)), CALLS)
    return Figure("variant and prompt by label", "µs", percentiles(taken), len(taken), "subjects", target=Target(LOOKUP_US))


async def _read(catalogue: Catalogue) -> Figure:
    count = CALLS // 10

    async def forgetful() -> None:
        catalogue.variants.lookup.forget()
        await catalogue.variants.resolve(DEFAULT_TENANT, None, "somebody")

    taken = await _timed(forgetful, count)
    return Figure("the same, labels read from Postgres", "µs", percentiles(taken), len(taken), "lookups")


async def _moved(catalogue: Catalogue) -> Figure:
    shares = (0.1 + 0.8 * number / CALLS for number in range(1, CALLS))
    count = CALLS // 10
    taken = await _timed(lambda: _move(catalogue, next(shares)), count)
    return Figure("move of a label, with history", "µs", percentiles(taken), len(taken), "moves")


async def _rendered(catalogue: Catalogue) -> Figure:
    variant, hits, caller = await catalogue.variants.resolve(DEFAULT_TENANT, None, "somebody"), _hits(), Caller()
    taken = [_time(lambda: variant.request(QUESTION, hits, caller)) for _ in range(CALLS)]
    version = await catalogue.registry.store.version(Entry(Kind.PROMPT, DEFAULT_TENANT, variant.prompt.identity.name), 1)
    bare = [Environment(autoescape=False).from_string(turn["content"]) for turn in version.definition["template"]]  # noqa: S701
    passages = [{"title": hit.chunk.title, "text": hit.chunk.text} for hit in hits]
    alone = percentiles([_time(lambda: [one.render(question=QUESTION, passages=passages) for one in bare]) for _ in range(CALLS)])
    note = f"{PASSAGES} passages of {PASSAGE_CHARS} characters; variables checked, sandboxed, metered"
    peer = Peer("Jinja2, neither checked nor sandboxed", alone["p50"])
    return Figure("prompt of an answer", "µs", percentiles(taken), CALLS, "renderings", peer, Target(RENDER_US), note=note)


def _hits() -> list[Hit]:
    text = "The quick brown fox jumps over the lazy dog. " * 30
    return [
        Hit(
            Chunk(uuid5(NAMESPACE_URL, str(n)), DEFAULT_TENANT, "d", 1, "a" * 64, n, text[:PASSAGE_CHARS], "A title", "text/plain", 0, 9),
            1.0,
        )
        for n in range(PASSAGES)
    ]


async def _timed(call: Callable[[], Awaitable[object]], count: int) -> list[float]:
    """Microseconds of each of so many calls, one after another, without the first of them."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        await call()
        taken.append((time.perf_counter() - began) * 1e6)
    return taken[count // 20 :]


def _time(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1e6
