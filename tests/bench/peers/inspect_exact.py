"""Inspect asks the model each question and holds what it says against the answer, with its scorer `exact`; its log goes to a folder."""

import importlib
import tempfile
from collections.abc import Sequence

from tests.bench.peers.peer import Given, tell


def main(given: Given) -> Sequence[float]:
    """All settings but the limits are its defaults."""
    inspect, dataset = importlib.import_module("inspect_ai"), importlib.import_module("inspect_ai.dataset")
    models, scorers = importlib.import_module("inspect_ai.model"), importlib.import_module("inspect_ai.scorer")
    samples = [dataset.Sample(input=question, target=answer) for question, answer in given.cases]
    task = inspect.Task(dataset=dataset.MemoryDataset(samples), scorer=scorers.exact())
    model = models.get_model("openai-api/loopback/always-the-same", base_url=f"{given.url}/v1", api_key="none", memoize=False)
    limits = {"max_connections": given.concurrency, "max_samples": given.concurrency}
    with tempfile.TemporaryDirectory() as folder:
        [log] = inspect.eval(task, model=model, display="none", log_dir=folder, **limits)
        if log.status != "success":
            raise SystemExit(f"{log.status}: {log.error}")
        return [float(score.value == scorers.CORRECT) for sample in log.samples for score in sample.scores.values()]


if __name__ == "__main__":
    tell("inspect-ai", main)
