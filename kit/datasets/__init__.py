"""Datasets: questions with what a good answer to each must have, read from files or a hub and brought into one form, the case."""
