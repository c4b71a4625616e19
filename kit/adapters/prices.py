"""What a call costs, from the price list bundled with `genai-prices`; nothing is fetched."""

from genai_prices import Usage, calc_price


def cost_usd(provider: str, model: str, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float | None:
    """US dollars for a call, or None if the list does not know the model; `cached_tokens` of the input came from a prompt cache."""
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens, cache_read_tokens=cached_tokens or None)
    try:
        return float(calc_price(usage, model, provider_id=provider).total_price)
    except LookupError:
        return None
