"""Runs this service alone: `python -m services.rag`, configured by `RAG_*` variables."""

from kit.serve import serve
from services.rag.app import build
from services.rag.settings import Settings

if __name__ == "__main__":
    serve("rag", Settings, build)
