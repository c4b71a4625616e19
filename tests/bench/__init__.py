"""Speed and memory of the whole stack, each figure beside the raw library that does the same work: `make bench`.

One file a figure (ingest, search, query, gateway, memory, startup); `raw` holds what they are compared with, run in processes of their own.
A bench reports and does not judge: it fails only if something could not be measured.
"""
