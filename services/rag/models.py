"""The language models as rag calls them: through the gateway, each try paid from budgets and written into the ledger."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from redis.asyncio import Redis

from kit.adapters.open_llm import open_providers
from kit.adapters.prices import cost_usd
from kit.adapters.tokens import TokenCounter
from kit.floor import Floor, running
from kit.gateway.accounts import Accounts
from kit.gateway.caps import BudgetSettings, Caps
from kit.gateway.counters import RedisCounters
from kit.gateway.ledger import PostgresLedger
from kit.gateway.metered import Meter, Metered
from kit.gateway.open_gateway import open_gateway
from kit.gateway.price import Prices
from kit.periodic import periodically
from kit.ports.embedding import EmbeddingModel
from kit.ports.llm import LLMClient
from services.rag.settings import Settings

_COUNTERS = "rag:budget"
# At the start and ever again: what crashes left in the counters, or a Redis that lost writes, is put right from the ledger.
_RECOUNT_EVERY_S = 600.0


@asynccontextmanager
async def open_models(settings: Settings, floor: Floor, embedder: EmbeddingModel, redis: Redis, caps: Caps) -> AsyncIterator[LLMClient]:
    """Yields the gateway. Raises Permanent if the settings of a provider, or of the cassette, cannot be used."""
    accounts = Accounts(RedisCounters(redis, _COUNTERS), PostgresLedger(floor.pool), caps, settings.budgets.when_down)
    meter = _meter(settings.budgets, floor, accounts)
    recount = partial(periodically, "budgets", accounts.recount_all, _RECOUNT_EVERY_S, floor.clock)
    async with open_providers(settings.llm, embedder) as providers, running([recount]):
        yield await open_gateway(providers, settings.gateway, floor.clock, lambda client: Metered(client, meter))


def _meter(settings: BudgetSettings, floor: Floor, accounts: Accounts) -> Meter:
    prices = Prices(cost_usd, settings.prices)
    return Meter(accounts, prices, TokenCounter().text, floor.clock, floor.ids, settings.keep_content)
