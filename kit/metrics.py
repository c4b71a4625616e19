"""Every metric, once. Names follow Prometheus: a unit or `_total` at the end."""

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter("workbench_events_total", "Records taken from a topic, by what became of them", ["topic", "group", "outcome"])
EVENT_SECONDS = Histogram(
    "workbench_event_duration_seconds",
    "Time to handle one record, tries included",
    ["topic", "group"],
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 30, 120),
)
DEPENDENCY_HELD = Gauge(
    "workbench_dependency_held", "1 while a consumer holds its partition because a dependency is down", ["topic", "group"]
)
CONSUMER_STOPPED = Gauge("workbench_consumer_stopped", "1 after a consumer stopped because of too many dead letters", ["group"])
REQUEST_SECONDS = Histogram(
    "workbench_http_request_duration_seconds",
    "Time to answer a request",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
QUERY_STAGE_SECONDS = Histogram(
    "workbench_query_stage_duration_seconds",
    "Time a question spends in a stage",
    ["stage"],
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
)
LOOP_LAG_SECONDS = Histogram(
    "workbench_event_loop_lag_seconds",
    "How long after its time the event loop woke a sleeper",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2),
)
DEGRADED = Counter("workbench_degraded_total", "Answers and searches that did without something, by what", ["without"])
CACHE = Counter("workbench_cache_total", "Lookups in a cache", ["cache", "outcome"])
CACHE_AWAY = Gauge("workbench_cache_away", "1 while the cache does not answer")
ANSWERS = Counter("workbench_answers_total", "Answers given", ["provider", "abstained"])
CITATIONS = Counter("workbench_citations_total", "Citations drafted, by whether the quote was found in the stored text", ["verified"])
CITATIONS_DROPPED = Counter("workbench_citations_dropped_total", "Citations drafted and not sent, by why", ["reason"])

# The conventions' metrics of calls to language models, as Prometheus writes OpenTelemetry's names; see kit/gateway/telemetry.py.
_LLM_CALL = ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model"]
_LLM_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
LLM_TOKENS = Histogram(
    "gen_ai_client_token_usage", "Tokens of a call", [*_LLM_CALL, "gen_ai_token_type"], buckets=[4.0**power for power in range(14)]
)
LLM_SECONDS = Histogram(
    "gen_ai_client_operation_duration_seconds", "Time of a call, one try of one model", [*_LLM_CALL, "error_type"], buckets=_LLM_SECONDS
)
LLM_FIRST_CHUNK_SECONDS = Histogram(
    "gen_ai_client_operation_time_to_first_chunk_seconds", "Time to the first piece of a stream", _LLM_CALL, buckets=_LLM_SECONDS
)
LLM_BREAKER = Gauge("workbench_llm_breaker_state", "0 closed, 1 half-open, 2 open: the model is left alone", ["provider", "model"])
LLM_WAITING = Gauge("workbench_llm_waiting", "Calls that wait for a place at a provider", ["provider"])
LLM_RETRIES = Counter("workbench_llm_retries_total", "Calls made again, by the error before", ["provider", "code"])
LLM_FAILOVERS = Counter(
    "workbench_llm_failovers_total", "Times that the next model was asked, by the error of this one", ["provider", "code"]
)
BUDGET_REFUSALS = Counter("workbench_budget_refusals_total", "Calls to language models that a budget had no room for", ["scope", "window"])
BUDGET_UNCHECKED = Counter("workbench_budget_unchecked_total", "Calls made though nobody could say what was spent (`fail_open`)")
EVAL_CASES = Counter("workbench_eval_cases_total", "Cases that an evaluation asked, by whether they were answered", ["outcome"])
EVAL_SECONDS = Histogram(
    "workbench_evaluation_duration_seconds",
    "Time from the request of an evaluation to its end",
    ["status"],
    buckets=(1, 5, 15, 60, 300, 900, 3600, 14400, 86400),
)
