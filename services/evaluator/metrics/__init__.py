"""Metrics: what one question's result is worth, as pure functions; `services.evaluator.statistics` sums them up, with intervals."""
