"""The raw libraries, each in a process of its own: `python -m tests.bench.raw.<name>` prints one line of JSON."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.bench.report import MeasurementFailed

ROOT = Path(__file__).parents[3]


async def run_raw(name: str, *arguments: str, given: object = None) -> dict[str, Any]:
    """What `tests.bench.raw.<name>` measures when it reads `given` as JSON. Raises MeasurementFailed with the end of what it said."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", f"{__name__}.{name}", *arguments)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        out, err = await process.communicate(json.dumps(given).encode())
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise MeasurementFailed(f"raw {name} ended with {process.returncode}: {err.decode()[-500:]}")
    measured: dict[str, Any] = json.loads(out)
    return measured
