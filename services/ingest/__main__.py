"""Runs this service alone: `python -m services.ingest`, configured by `INGEST_*` variables."""

from kit.serve import serve
from services.ingest.app import build
from services.ingest.settings import Settings

if __name__ == "__main__":
    serve("ingest", Settings, build)
