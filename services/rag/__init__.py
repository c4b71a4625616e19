"""Answers questions with verified citations: HTTP -> retrieve, generate, cite -> answer and queries.answered; uploads -> docs.uploaded."""
