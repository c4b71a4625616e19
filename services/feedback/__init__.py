"""Keeps what people say of answers: feedback.received, queries.answered -> ratings, and the answers they are about."""
