"""The server of the real model: closed to who has no key, and found again by its name."""

from pathlib import Path

import pytest

from kit.errors import Permanent
from kit.settings import LLMProvider
from tests.ports.llm_clients import Address, asking, local_model, opened
from tests.requirements import require_local_llm
from workbench.stack.llama import MODEL, PROCESS_NAME
from workbench.stack.process import end_leftovers


async def test_the_local_model_is_closed_and_found_again(tmp_path: Path) -> None:
    """Any web page in a browser here could use an open one; a killed stack's server is ended by the next."""
    require_local_llm()
    with local_model(tmp_path) as at:
        async with opened(LLMProvider.OPENAI_COMPATIBLE, Address(at.url, "wrong", MODEL)) as llm:
            with pytest.raises(Permanent) as raised:
                await llm.complete(asking())

        assert raised.value.code == "llm_key_refused"
        assert len(end_leftovers(tmp_path, frozenset({PROCESS_NAME}))) == 1
