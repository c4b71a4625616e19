"""Runs this service alone: `python -m services.evaluator`, configured by `EVALUATOR_*` variables."""

from kit.serve import serve
from services.evaluator.app import build
from services.evaluator.settings import Settings

if __name__ == "__main__":
    serve("evaluator", Settings, build)
