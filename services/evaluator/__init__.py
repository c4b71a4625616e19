"""Says whether a variant is better: eval.requested, eval.shards -> answers of rag, scored and compared -> eval.completed."""
