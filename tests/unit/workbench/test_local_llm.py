"""The language model that `workbench up --local-llm` runs, and how the services learn of it."""

from pathlib import Path

import pytest

from kit.errors import Permanent
from kit.settings import LLMProvider
from workbench.stack.folder import Folder
from workbench.stack.process import package_folder
from workbench.stack.servers import Servers
from workbench.stack.settings import embedded_settings


def servers(llm: str | None) -> Servers:
    """Servers that do not run."""
    return Servers("127.0.0.1:1", "redis://127.0.0.1:2/0", 3, "secret", (), llm=llm)


def test_the_local_model_is_asked_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the environment sets stays for the fallback."""
    monkeypatch.setenv("RAG_LLM__OPENAI_API_KEY", "k")

    llm = embedded_settings(servers("http://127.0.0.1:4/v1"), Folder(tmp_path)).rag.llm

    assert (llm.provider, llm.openai_compatible_base_url) == (LLMProvider.OPENAI_COMPATIBLE, "http://127.0.0.1:4/v1")
    assert llm.openai_api_key


def test_without_it_the_environment_chooses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As ever."""
    monkeypatch.setenv("RAG_LLM__PROVIDER", "extractive")

    llm = embedded_settings(servers(None), Folder(tmp_path)).rag.llm

    assert (llm.provider, llm.openai_compatible_base_url) == (LLMProvider.EXTRACTIVE, None)


def test_a_missing_package_says_how_to_install_it() -> None:
    """Few people want 90 MB of weights."""
    with pytest.raises(Permanent, match="make local-llm"):
        package_folder("no_such_package", "make local-llm")
    with pytest.raises(Permanent, match=r"\[embedded\]"):
        package_folder("no_such_package")
