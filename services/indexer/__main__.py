"""Runs this service alone: `python -m services.indexer`, configured by `INDEXER_*` variables."""

from kit.serve import serve
from services.indexer.app import build
from services.indexer.settings import Settings

if __name__ == "__main__":
    serve("indexer", Settings, build)
