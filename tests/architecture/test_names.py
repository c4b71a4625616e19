"""One table for each kind of name, and the same folder for each service."""

import pytest

from contracts.topics import TOPICS
from tests.architecture.shape import ROOT, SERVICES, Source, sources, strings

TOPIC_NAMES = {topic.name for topic in TOPICS}
CORE_FILES = ("__init__.py", "__main__.py", "settings.py", "app.py", "store.py", "queries.sql")


def topic_literals(source: Source) -> list[str]:
    """Where a module spells a topic's name out."""
    return [place for place, text in strings(source) if text in TOPIC_NAMES]


def test_topics_are_named_in_one_table() -> None:
    """Everyone else imports `contracts.topics`."""
    code = (source for source in sources("contracts", "kit", "services", "workbench") if source.path != "contracts/topics.py")

    assert [place for source in code for place in topic_literals(source)] == []


def test_a_topic_spelt_out_is_seen() -> None:
    """The checker itself: the name alone, not a word that holds it."""
    bad = Source("bad.py", '"""Reads docs.uploaded."""\nlog("docs.uploaded.late")\nsubscribe(f(x)["docs.uploaded"])\n')

    assert topic_literals(bad) == ["bad.py:3"]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_files(service: str) -> None:
    """Who knows one service finds the way in each."""
    folder = ROOT / "services" / service

    assert [name for name in CORE_FILES if not (folder / name).is_file()] == []
    assert (folder / "handlers.py").is_file() or (folder / "api").is_dir() or (folder / "api.py").is_file()
    assert sorted((folder / "migrations").glob("*.sql")) != []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_tells_its_data_flow(service: str) -> None:
    """Its docstring is the line of the picture that is its own: in -> out."""
    first = (ROOT / "services" / service / "__init__.py").read_text().split("\n")[0]

    assert " -> " in first


def test_there_is_no_sixth_service() -> None:
    """These tests look at every folder there is."""
    folders = {path.name for path in (ROOT / "services").iterdir() if path.is_dir() and not path.name.startswith(("_", "."))}

    assert folders == set(SERVICES)
