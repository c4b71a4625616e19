"""Mappings: one file for each form of rows that datasets come in; each makes cases of rows, with the documents that come along."""
