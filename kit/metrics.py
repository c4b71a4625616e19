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
ANSWERS = Counter("workbench_answers_total", "Answers given", ["provider", "abstained"])
CITATIONS = Counter("workbench_citations_total", "Citations drafted, by whether the quote was found in the stored text", ["verified"])
LLM_TOKENS = Counter("workbench_llm_tokens_total", "Tokens spent", ["provider", "model", "direction"])
