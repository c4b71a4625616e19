"""Windows, money, prices, caps and token bounds."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.adapters.prices import cost_usd
from kit.adapters.tokens import TokenCounter
from kit.gateway.budget import Budget, BudgetScope, Charge, Counter, Window, counters_of, micros_of
from kit.gateway.caps import BudgetSettings, DefaultCaps
from kit.gateway.price import OwnPrice, Prices
from kit.gateway.tokens import input_bound
from kit.ports.llm import Caller, CompletionRequest, Message, Role, TokenUsage

DAY = timedelta(days=1)


def asking(*texts: str, schema: dict[str, object] | None = None) -> CompletionRequest:
    """A request of these messages."""
    return CompletionRequest(tuple(Message(Role.USER, text) for text in texts), response_schema=schema)


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2900, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_moment_is_in_one_window_of_a_kind(at: datetime) -> None:
    """The next window begins where it ends."""
    for window in Window:
        start, end = window.bounds(at)

        assert start <= at < end
        assert window.bounds(start) == window.bounds(end - timedelta(microseconds=1)) == (start, end)


def test_a_day_is_one_of_utc() -> None:
    """Wherever the clock stands."""
    half_past_one_in_berlin = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))

    assert Counter.at(BudgetScope.TENANT, "a", Window.DAY, half_past_one_in_berlin).name == "tenant:a:day:2026-02-28"
    assert Counter.at(BudgetScope.TENANT, "a", Window.MONTH, half_past_one_in_berlin).end == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_call_belongs_to_all_counters_of_who_pays() -> None:
    """Three windows each; without a key or a run there is none of it."""
    at = datetime(2026, 1, 1, tzinfo=UTC)

    assert len(list(counters_of(Caller(tenant_id="a"), at))) == 3
    assert {counter.scope for counter in counters_of(Caller(tenant_id="a", key_id="k", run_id="r"), at)} == set(BudgetScope)


@pytest.mark.parametrize(("usd", "micros"), [(0.0, 0), (0.1 + 0.2, 300_001), (0.3, 300_000), (1e-9, 1), (Decimal("0.0000011"), 2)])
def test_dollars_are_rounded_up(usd: float | Decimal, micros: int) -> None:
    """What is counted is never below what is billed."""
    assert micros_of(usd) == micros


def test_own_prices_go_before_the_list() -> None:
    """Of a model first, then of its provider; what nobody knows has no price."""
    own = {"vllm": OwnPrice(input=Decimal(0), output=Decimal(0)), "openai/gpt-4o": OwnPrice(input=Decimal(1), output=Decimal("2.5"))}
    prices = Prices(cost_usd, own)

    assert prices.of("openai", "gpt-4o", 1_000, 1_001) == 1_000 + 2_503
    assert prices.of("openai", "gpt-5-mini", 1_000, 1_000) == 250 + 2_000
    assert (prices.of("vllm", "any", 10, 10), prices.of("extractive", "any", 10, 10)) == (0, 0)
    assert prices.of("openai", "nobody's", 10, 10) is None


def test_what_an_adapter_says_is_billed() -> None:
    """It saw what came from a cache; where it knows no price, ours counts."""
    prices = Prices(lambda *_: 0.5, {"own": OwnPrice(input=Decimal(1), output=Decimal(1))})

    assert prices.billed("listed", "m", TokenUsage(10, 10, 0.25)) == 250_000
    assert prices.billed("listed", "m", TokenUsage(10, 10, None)) == 500_000
    assert prices.billed("own", "m", TokenUsage(10, 10, 0.25)) == 20


async def test_default_caps_hold_for_everybody() -> None:
    """Each subject has its own, in the windows that are set."""
    settings = BudgetSettings.model_validate({"tenant": {"day": {"usd": "1.5"}}, "run": {"total": {"tokens": 9}}})

    assert await DefaultCaps(settings).of(Caller(tenant_id="a", key_id="k", run_id="r")) == (
        Budget(BudgetScope.TENANT, "a", Window.DAY, 1_500_000),
        Budget(BudgetScope.RUN, "r", Window.TOTAL, None, 9),
    )
    assert await DefaultCaps(BudgetSettings()).of(Caller()) == ()


@given(st.lists(st.text(max_size=300), min_size=1, max_size=4))
def test_no_token_is_billed_that_was_not_reserved(texts: list[str]) -> None:
    """Neither where tokens are counted nor where bytes are: both are above what the tokenizer says with the frame of the chat format."""
    counter = TokenCounter()
    billed = sum(counter.text(text) + 4 for text in texts) + 3

    for provider, model in (("openai", "gpt-5-mini"), ("openai", "gpt-9"), ("anthropic", "claude-haiku-4-5")):
        assert input_bound(provider, model, asking(*texts), counter.text) >= billed


def test_a_known_tokenizer_is_counted_with_and_others_by_bytes() -> None:
    """A bound that is too wide keeps money from others."""
    counter, text = TokenCounter(), "The quick brown fox jumps over the lazy dog. " * 200

    assert input_bound("openai", "gpt-4o", asking(text), counter.text) < 1.1 * counter.text(text)
    assert input_bound("openai-compatible", "gpt-4o", asking(text), counter.text) > len(text)


def test_a_schema_is_billed_too() -> None:
    """As tokens of the input."""
    schema: dict[str, object] = {"type": "object", "description": "é" * 100}
    more = input_bound("openai", "gpt-4o", asking("", schema=schema), len) - input_bound("openai", "gpt-4o", asking(""), len)

    assert more > 2 * len(json.dumps(schema, ensure_ascii=False).encode())


def test_tokens_of_both_kinds_are_charged() -> None:
    """Input and output together."""
    assert Charge(3, 4, None).tokens == 7
