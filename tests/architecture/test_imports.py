"""Imports flow one way, and each image holds what its service imports."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest

from tests.architecture.shape import ROOT, SERVICES, Source, imports, sources

PACKAGES = ("contracts", "kit", "services", "workbench")
NOT_OURS = {"contracts", "kit", "services", "workbench"} | sys.stdlib_module_names


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs import-linter with the contracts of `folder/pyproject.toml` on the packages there."""
    command = [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An empty copy of the packages under the real import contracts."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in (*PACKAGES, *(f"services/{name}" for name in SERVICES)):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    return tmp_path


def test_imports_flow_one_way() -> None:
    """From contracts to kit to services to workbench; services independent; no cycles."""
    done = lint_imports(ROOT)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_import_contracts_accept_an_empty_tree(tree: Path) -> None:
    """So that the next test fails for its one line alone."""
    assert lint_imports(tree).returncode == 0


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("kit/a.py", "import services.rag"),
        ("services/ingest/a.py", "import services.rag"),
        ("contracts/a.py", "import kit"),
        ("services/rag/a.py", "import workbench"),
    ],
)
def test_an_import_against_the_flow_is_found(tree: Path, module: str, line: str) -> None:
    """The checker itself, on bad code."""
    (tree / module).write_text(line)

    done = lint_imports(tree)

    assert done.returncode == 1
    assert "BROKEN" in done.stdout


def test_an_import_cycle_is_found(tree: Path) -> None:
    """Two modules of one package that need each other."""
    (tree / "kit/a.py").write_text("import kit.b")
    (tree / "kit/b.py").write_text("import kit.a")

    assert lint_imports(tree).returncode == 1


def test_contracts_need_pydantic_and_nothing_else() -> None:
    """Whoever wants to read our events can copy that folder."""
    foreign = {name for source in sources("contracts") for name in imports(source)} - NOT_OURS

    assert foreign <= {"pydantic", "pydantic_core"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Who imports what, packages of others included."""
    return grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_imports_only_what_its_image_installs(graph: grimp.ImportGraph, service: str) -> None:
    """Every package that `python -m services.<name>` may reach is in requirements/<name>.txt."""
    reached = graph.find_upstream_modules(f"services.{service}", as_package=True)
    foreign = {module for module in reached if "." not in module} - NOT_OURS

    assert missing(foreign, f"requirements/{service}.txt") == set()


def test_what_runs_here_is_locked() -> None:
    """Tests and command line import nothing that a fresh `.venv` lacks, or gets from `make local-llm`."""
    foreign = {name for source in sources(*PACKAGES, "tests") for name in imports(source)} - NOT_OURS - {"tests"}

    assert missing(missing(foreign, "requirements/dev.txt"), "requirements/local-llm.txt") == set()


def test_a_package_missing_from_an_image_is_found() -> None:
    """The checker itself: feedback has no business with PDFs."""
    assert missing({"pydantic", "pypdfium2"}, "requirements/feedback.txt") == {"pypdfium2"}


def test_imports_are_read_from_all_their_forms() -> None:
    """The checker itself: relative imports are ours."""
    text = "import a.b, c\nfrom d.e import f\nfrom . import g\ndef h():\n    import i\n"

    assert list(imports(Source("m.py", text))) == ["a", "c", "d", "i"]


def missing(modules: set[str], requirements: str) -> set[str]:
    """Those modules that no pinned distribution of a requirements file provides; what is not installed here is named as its module."""
    pinned = {_normal(name) for name in re.findall(r"^([\w.-]+)==", (ROOT / requirements).read_text(), re.MULTILINE)}
    provided = packages_distributions()
    return {module for module in modules if not pinned & {_normal(name) for name in provided.get(module, [module])}}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
