"""What the in-process engine promises beyond `VectorStore`: its folder outlives the process, and belongs to one."""

import subprocess
import sys
from pathlib import Path

import pytest

from kit.adapters.qdrant_edge import QdrantEdge
from kit.errors import DependencyDown, Permanent
from tests.ports.vectors_fixtures import DIMENSIONS, numbers, point, query

ROOT = Path(__file__).parents[2]

# Writes 100 points, shows half of them, tells so, and waits to be killed.
CHILD = """
import asyncio, sys
from pathlib import Path
from kit.adapters.qdrant_edge import QdrantEdge
from tests.ports.vectors_fixtures import DIMENSIONS, point

async def write(folder):
    store = QdrantEdge(folder, "chunks")
    await store.ensure(DIMENSIONS)
    await store.upsert([point(n) for n in range(50)])
    await store.show("handbook", 1)
    await store.upsert([point(n, document_version=2) for n in range(50, 100)])
    print("written", flush=True)
    sys.stdin.read()

asyncio.run(write(Path(sys.argv[1])))
"""


async def reopened(folder: Path) -> QdrantEdge:
    """The store in that folder."""
    store = QdrantEdge(folder, "chunks")
    await store.ensure(DIMENSIONS)
    return store


def run_and_kill(code: str, folder: Path) -> str:
    """Runs code in a process of its own, kills it after its first line, and gives that line."""
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        said = child.stdout.readline() if child.stdout else ""
        child.kill()
    return said


async def test_points_survive_closing(tmp_path: Path) -> None:
    """What was written and shown is found by the next process."""
    first = await reopened(tmp_path)
    await first.upsert([point(1), point(2, document_version=2)])
    await first.show("handbook", 1)
    first.close()
    second = await reopened(tmp_path)

    assert (await second.count(), numbers(await second.search(query()))) == (2, [1])


async def test_points_survive_a_kill(tmp_path: Path) -> None:
    """Every write whose call returned is there after `kill -9`, flushed or not."""
    said = run_and_kill(CHILD, tmp_path)
    store = await reopened(tmp_path)

    assert said == "written\n"
    assert (await store.count(), len(await store.search(query(limit=100)))) == (100, 50)


async def test_removing_survives_closing(tmp_path: Path) -> None:
    """A deleted document does not come back."""
    first = await reopened(tmp_path)
    await first.upsert([point(1)])
    await first.show("handbook", 1)
    await first.remove("handbook", below=2)
    first.close()

    assert await (await reopened(tmp_path)).count() == 0


async def test_a_folder_of_other_dimensions_is_refused(tmp_path: Path) -> None:
    """The error names the folder, and the points stay."""
    first = await reopened(tmp_path)
    await first.upsert([point(1)])
    first.close()
    with pytest.raises(Permanent, match=str(tmp_path)) as refused:
        await QdrantEdge(tmp_path, "chunks").ensure(DIMENSIONS + 1)

    assert refused.value.code == "vector_dimensions"
    assert await (await reopened(tmp_path)).count() == 1


async def test_a_folder_that_is_open_is_refused(tmp_path: Path) -> None:
    """Two owners would destroy it."""
    first = await reopened(tmp_path)
    with pytest.raises(DependencyDown) as refused:
        await reopened(tmp_path)

    assert refused.value.code == "vector_folder_in_use"
    assert await first.count() == 0


async def test_collections_are_apart(tmp_path: Path) -> None:
    """A folder each: the next index generation can be built beside the present one."""
    first, second = QdrantEdge(tmp_path, "chunks"), QdrantEdge(tmp_path, "chunks-2")
    await first.ensure(DIMENSIONS)
    await second.ensure(DIMENSIONS + 1)
    await first.upsert([point(1)])

    assert (await first.count(), await second.count()) == (1, 0)


async def test_an_engine_failure_is_a_dependency_that_is_down(tmp_path: Path) -> None:
    """A folder that is damaged holds the work; nothing is dead-lettered for it."""
    first = await reopened(tmp_path)
    first.close()
    (tmp_path / "chunks" / "edge_config.json").write_text("{")
    with pytest.raises(DependencyDown) as refused:
        await reopened(tmp_path)

    assert refused.value.code == "vector_store_down"
