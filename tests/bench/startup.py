"""How long `workbench up` takes in a folder that was used before."""

from statistics import median

from tests.bench.raw import run_raw
from tests.bench.report import Figure, Peer, Target
from tests.bench.stack import running_stack
from tests.bench.workspace import Workspace

STARTS = 3


async def measure(workspace: Workspace) -> list[Figure]:
    """Seconds from the start of the process to its line of JSON; the raw peer is the three servers alone, in turns."""
    folder = await workspace.with_handbook()
    stacks, servers = [], []
    for number in range(1, STARTS + 1):
        workspace.tell(f"start {number} of {STARTS}")
        async with running_stack(folder) as stack:
            stacks.append(stack.ready_s)
        alone = await run_raw("servers", str(folder / ".workbench"))
        servers.append(float(alone["seconds"]))
    return [
        Figure(
            name="`workbench up`, warm",
            unit="s",
            measured={"p50": median(stacks)},
            n=STARTS,
            of="starts",
            peer=Peer("servers alone", median(servers)),
            target=Target(10),
            note="starts took " + ", ".join(f"{seconds:.1f}" for seconds in stacks) + " s",
        )
    ]
