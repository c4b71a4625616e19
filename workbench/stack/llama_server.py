"""The program that serves a model with llama.cpp: reads `{path, name, port, key, threads}` as JSON, and ends on SIGINT or SIGTERM."""

import ctypes
import json
import signal
import sys

import xllamacpp

from workbench.stack.llama import PROCESS_NAME
from workbench.stack.ports import HOST

# The model was trained for twice as much, but its memory for the context would double the process.
_CONTEXT_TOKENS = 4096
_PR_SET_NAME = 15


def main() -> None:
    """Serves until it is told to stop."""
    configuration = json.load(sys.stdin)
    if sys.platform == "linux":
        # By its name it is found again, should whoever started it be killed.
        ctypes.CDLL(None).prctl(_PR_SET_NAME, PROCESS_NAME.encode())
    parameters = xllamacpp.CommonParams()
    parameters.model.path = configuration["path"]
    parameters.model_alias = {configuration["name"]}
    parameters.hostnames = [HOST]
    parameters.port = configuration["port"]
    parameters.api_keys = [configuration["key"]]
    parameters.n_ctx = _CONTEXT_TOKENS
    parameters.cpuparams.n_threads = configuration["threads"]
    parameters.cpuparams_batch.n_threads = configuration["threads"]
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.offline = True
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    server = xllamacpp.Server(parameters)
    signal.sigwait(signals)
    del server


if __name__ == "__main__":
    main()
