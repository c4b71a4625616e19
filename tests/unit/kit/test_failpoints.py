"""Failpoints: a process dies where and when it is told, and nowhere else."""

import signal
import subprocess
import sys

import pytest
from pydantic import SecretStr, ValidationError

from kit.failpoints import Failpoints, Place
from kit.settings import KafkaSettings, PostgresSettings, ServiceSettings

KAFKA, POSTGRES = KafkaSettings(bootstrap_servers="127.0.0.1:1"), PostgresSettings(dsn=SecretStr("postgresql://x@127.0.0.1/x"))


def deaths(failpoints: Failpoints, *places: Place) -> list[int]:
    """At which of these passes it would have died."""
    found: list[int] = []
    failpoints.die = lambda: found.append(passed)
    for passed, place in enumerate(places, start=1):  # noqa: B007  # the lambda above uses it
        failpoints.reach(place)
    return found


def test_a_process_dies_at_the_pass_it_was_told() -> None:
    """Passes of other places do not count, and one death is enough."""
    told = Failpoints.of("after_commit:2")

    assert deaths(told, Place.AFTER_COMMIT, Place.MID_RELAY, Place.AFTER_COMMIT, Place.AFTER_COMMIT) == [3]


def test_a_process_that_is_told_nothing_passes_all_places() -> None:
    """The setting of production."""
    assert deaths(Failpoints.of(None), *Place) == []


def test_death_is_a_kill_that_nothing_can_catch() -> None:
    """No `finally`, no exit handler."""
    code = "from kit.failpoints import *\ntry:\n    Failpoints.of('mid_relay:1').reach(Place.MID_RELAY)\nfinally:\n    print('caught')"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)

    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, b"")


@pytest.mark.parametrize("text", ["after_commit", "after_commit:0", "somewhere:1", "after_commit:1:2"])
def test_a_failpoint_that_is_none_stops_the_process_at_start(text: str) -> None:
    """A test that kills nothing proves nothing."""
    with pytest.raises(ValidationError, match="failpoint"):
        ServiceSettings(kafka=KAFKA, postgres=POSTGRES, failpoint=text)


@pytest.mark.parametrize("place", Place)
def test_every_place_can_be_set(place: Place) -> None:
    """By its name."""
    settings = ServiceSettings(kafka=KAFKA, postgres=POSTGRES, failpoint=f"{place}:17")

    assert (Failpoints.of(settings.failpoint).place, Failpoints.of(settings.failpoint).nth) == (place, 17)
