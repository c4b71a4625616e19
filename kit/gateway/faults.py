"""Whose fault an error is, and what may be done about it. The codes of providers' adapters begin with `llm_`."""

from kit.errors import DependencyDown, Transient, WorkbenchError

BREAKER_OPEN = "llm_breaker_open"
GATE_FULL = "gateway_busy"
OUTPUT_INVALID = "llm_output_invalid"
SCHEMA_INVALID = "response_schema_invalid"

PASSING = (Transient, DependencyDown)
_PROVIDER = "llm_"
_REFUSALS = frozenset({"llm_request_refused", "llm_key_refused"})
# What one provider cannot do, the next one may.
_OF_ONE_PROVIDER = frozenset({"llm_key_refused", "llm_settings_incomplete", "llm_schema_unsupported", "grounding_missing"})


def provider_failed(error: WorkbenchError) -> bool:
    """Whether the provider was asked and failed, as opposed to answering that the request is bad."""
    return isinstance(error, PASSING) and error.code.startswith(_PROVIDER) and error.code != BREAKER_OPEN


def provider_answered(error: WorkbenchError) -> bool:
    """Whether the provider was asked and refused, which shows that it is there."""
    return error.code in _REFUSALS


def another_model_may_answer(error: WorkbenchError) -> bool:
    """A bad request stays bad, an empty budget empty and a database away, whoever is asked."""
    return error.code in _OF_ONE_PROVIDER or (isinstance(error, PASSING) and error.code.startswith((_PROVIDER, GATE_FULL)))
