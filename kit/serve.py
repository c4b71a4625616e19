"""Runs one service as a process."""

import signal
from collections.abc import Callable
from typing import Any

import uvicorn

from kit.logs import configure_logs
from kit.settings import S, read_settings
from kit.tracing import configure_tracing


def serve(service: str, settings_type: type[S], build: Callable[[S], Any]) -> None:
    """Reads the settings, builds the app and runs it until SIGTERM or SIGINT; what is in hand is finished first."""
    settings = read_settings(settings_type)
    configure_logs(settings.log_level)
    configure_tracing(service, settings.otlp_endpoint)
    # uvicorn stops in order and then raises the signal again, which would make a clean end look like a death.
    signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.run(build(settings), host=settings.http.host, port=settings.http.port, log_config=None, access_log=False)
