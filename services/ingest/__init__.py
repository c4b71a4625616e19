"""Turns documents into embedded chunks: docs.uploaded -> parse, chunk, embed -> chunks.embedded (or docs.rejected)."""
