"""The language models as rag calls them: through the gateway, each try paid from budgets and written into the ledger."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from kit.adapters.open_llm import open_providers
from kit.adapters.prices import cost_usd
from kit.adapters.tokens import TokenCounter
from kit.floor import Floor
from kit.gateway.accounts import Accounts
from kit.gateway.caps import BudgetSettings, Caps
from kit.gateway.counters import RedisCounters
from kit.gateway.ledger import PostgresLedger
from kit.gateway.metered import Meter, Metered
from kit.gateway.open_gateway import open_gateway
from kit.gateway.price import Prices
from kit.ports.embedding import EmbeddingModel
from kit.ports.llm import LLMClient
from services.rag.settings import Settings

_COUNTERS = "rag:budget"


@asynccontextmanager
async def open_models(settings: Settings, floor: Floor, embedder: EmbeddingModel, redis: Redis, caps: Caps) -> AsyncIterator[LLMClient]:
    """Yields the gateway. Raises Permanent if the settings of a provider, or of the cassette, cannot be used."""
    meter = _meter(settings.budgets, floor, redis, caps)
    async with open_providers(settings.llm, embedder) as providers:
        yield await open_gateway(providers, settings.gateway, floor.clock, lambda client: Metered(client, meter))


def _meter(settings: BudgetSettings, floor: Floor, redis: Redis, caps: Caps) -> Meter:
    accounts = Accounts(RedisCounters(redis, _COUNTERS), PostgresLedger(floor.pool), caps, settings.when_down)
    prices = Prices(cost_usd, settings.prices)
    return Meter(accounts, prices, TokenCounter().text, floor.clock, floor.ids, settings.keep_content)
