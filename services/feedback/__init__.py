"""Keeps what people say of answers: feedback.received -> ratings."""
