"""Free ports on the loopback address."""

import random
import socket
import sys

HOST = "127.0.0.1"

# Below the range from which systems take the ports of outgoing connections, so that nothing takes one between choice and use.
_FIRST, _LAST = 20_000, 32_000

# Names that stand for the ports this process was given; they go with it.
_taken: list[socket.socket] = []


def free_port(chance: random.Random | None = None) -> int:
    """A port nobody listens on, and that no other call is given while this process lives (Linux). Raises OSError if 100 are all taken."""
    chance = chance or random.Random()  # noqa: S311  # not a secret
    for port in (chance.randint(_FIRST, _LAST) for _ in range(100)):
        if is_free(port) and _take(port):
            return port
    raise OSError(f"no free port found between {_FIRST} and {_LAST}")


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """Whether somebody accepts connections on `port`."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _take(port: int) -> bool:
    """A server binds its port a while after it was chosen: until then a name in the kernel tells other processes that it is taken."""
    if sys.platform != "linux":
        return True
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0workbench-port-{port}")
    except OSError:
        name.close()
        return False
    _taken.append(name)
    return True
