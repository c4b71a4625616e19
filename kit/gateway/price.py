"""What tokens cost, in micro-dollars: by the settings' own prices, or else by a price list."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType

from pydantic import Field

from kit.gateway.budget import MICROS, micros_of
from kit.ports.llm import TokenUsage
from kit.settings import Section

# The extractive answerer writes without a language model.
_FREE = "extractive"

ListPrice = Callable[[str, str, int, int], float | None]


class OwnPrice(Section):
    """US dollars a million tokens; both 0 for a model of one's own."""

    input: Decimal = Field(ge=0)
    output: Decimal = Field(ge=0)

    def micros(self, input_tokens: int, output_tokens: int) -> int:
        """Of a call, rounded up."""
        return micros_of((self.input * input_tokens + self.output * output_tokens) / MICROS)


_FREE_OF_CHARGE = OwnPrice(input=Decimal(0), output=Decimal(0))


class Prices:
    """`own` prices are by `provider/model` or by `provider`; `listed` gives dollars for provider, model, input and output tokens."""

    def __init__(self, listed: ListPrice, own: Mapping[str, OwnPrice] = MappingProxyType({})) -> None:
        self._listed = listed
        self._own = {_FREE: _FREE_OF_CHARGE, **own}

    def of(self, provider: str, model: str, input_tokens: int, output_tokens: int) -> int | None:
        """What so many tokens cost, or None if nobody knows the model's price."""
        if price := self._own_price(provider, model):
            return price.micros(input_tokens, output_tokens)
        usd = self._listed(provider, model, input_tokens, output_tokens)
        return None if usd is None else micros_of(usd)

    def billed(self, provider: str, model: str, usage: TokenUsage) -> int | None:
        """What a call did cost: the adapter knows best, who saw what was read from a cache, unless the price is ours."""
        if usage.cost_usd is None or self._own_price(provider, model):
            return self.of(provider, model, usage.input_tokens, usage.output_tokens)
        return micros_of(usage.cost_usd)

    def _own_price(self, provider: str, model: str) -> OwnPrice | None:
        return self._own.get(f"{provider}/{model}") or self._own.get(provider)
