"""The policy around language models, one file a step; every step is an `LLMClient` around an `LLMClient`.

cassette       replays a recorded completion, or records one
structured     JSON that fits the response schema, with one repair
gateway        asks the models of the request in their order, until one answers
  retries      asks one model again, with full jitter, until its first piece
  breaker      leaves a model alone that failed again and again
  gate         so many calls at a provider at once
  (wrap)       what the service puts around every try: budgets and the ledger
  telemetry    a span and metrics for every call
    provider   the adapter
"""
