"""Runs this service alone: `python -m services.feedback`, configured by `FEEDBACK_*` variables."""

from kit.serve import serve
from services.feedback.app import build
from services.feedback.settings import Settings

if __name__ == "__main__":
    serve("feedback", Settings, build)
