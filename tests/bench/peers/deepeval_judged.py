"""DeepEval asks nobody for answers, but the model for its judgement of each: its GEval with the steps given, one request a case."""

import importlib
from collections.abc import Sequence

from tests.bench.peers.peer import Given, tell

STEPS = ["Say whether the actual output says the same as the expected output."]


def main(given: Given) -> Sequence[float]:
    """All settings but the limit are its defaults; nothing is shown or kept."""
    deepeval, configs = importlib.import_module("deepeval"), importlib.import_module("deepeval.evaluate.configs")
    cases, models = importlib.import_module("deepeval.test_case"), importlib.import_module("deepeval.models")
    metrics, params = importlib.import_module("deepeval.metrics"), cases.SingleTurnParams
    model = models.LocalModel(model="always-the-same", base_url=f"{given.url}/v1", api_key="none")
    looked_at = [params.INPUT, params.ACTUAL_OUTPUT, params.EXPECTED_OUTPUT]
    found = deepeval.evaluate(
        [cases.LLMTestCase(input=question, actual_output=answer, expected_output=answer) for question, answer in given.cases],
        [metrics.GEval(name="same", evaluation_params=looked_at, evaluation_steps=STEPS, model=model)],
        async_config=configs.AsyncConfig(max_concurrent=given.concurrency),
        display_config=configs.DisplayConfig(show_indicator=False, print_results=False),
        cache_config=configs.CacheConfig(write_cache=False),
    )
    return [float(data.score) for result in found.test_results for data in result.metrics_data]


if __name__ == "__main__":
    tell("deepeval", main)
