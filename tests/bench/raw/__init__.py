"""The raw libraries, each in a process of its own: `python -m tests.bench.raw.<name>` prints one line of JSON."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.report import MeasurementFailed

ROOT = Path(__file__).parents[3]


async def run_raw(name: str, *arguments: str, given: object = None) -> dict[str, Any]:
    """What `tests.bench.raw.<name>` measures when it reads `given` as JSON. Raises as `run_module`."""
    return await run_module(sys.executable, f"{__name__}.{name}", *arguments, given=given)


async def run_module(python: str, module: str, *arguments: str, given: object, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The last line that a module tells, which reads `given`, both as JSON. Raises MeasurementFailed with the end of what it said."""
    pipe, command = asyncio.subprocess.PIPE, (python, "-m", module, *arguments)
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=os.environ | dict(env or {}), stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        out, err = await process.communicate(json.dumps(given).encode())
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise MeasurementFailed(f"{module} ended with {process.returncode}: {err.decode()[-500:]}")
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    return told
