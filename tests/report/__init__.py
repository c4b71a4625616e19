"""Measures what the product finds and answers, on public data that stays where it is.

`make retrieval-report DATA=folder` finds out which way of retrieval is best, and is what the defaults were chosen by; `python -m
tests.report.abstention --data folder` finds out how sure an answer must be. The results that are committed are docs/retrieval.md.
"""
