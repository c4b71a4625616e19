"""The three servers alone, on the data of a stack that does not run: seconds until all answer."""

import json
import sys
import time
from pathlib import Path

from workbench.stack.servers import running_servers


def main(folder: Path) -> dict[str, float]:
    """`seconds` from the first process to the last answer."""
    began = time.perf_counter()
    with running_servers(folder):
        return {"seconds": time.perf_counter() - began}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
