"""Other evaluators, one a module: `python -m tests.bench.peers.<name>` reads the cases as JSON and prints when it was done with them."""
