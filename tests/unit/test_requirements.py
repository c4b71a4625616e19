"""A test that cannot run here says why, and fails where it must run."""

import pytest

from tests.requirements import JAVA, ROOT, kafka_jars, stop


def test_what_is_missing_skips_with_its_reason() -> None:
    """On a machine that promised nothing."""
    with pytest.raises(pytest.skip.Exception, match="no engine"):
        stop("REQUIRE_DOCKER", "no engine", {})


def test_what_must_be_there_fails_with_its_reason() -> None:
    """Where CI says that it is there, for that thing alone."""
    with pytest.raises(pytest.fail.Exception, match="no engine"):
        stop("REQUIRE_DOCKER", "no engine", {"REQUIRE_DOCKER": "1"})
    with pytest.raises(pytest.skip.Exception, match="no jars"):
        stop("REQUIRE_KAFKA", "no jars", {"REQUIRE_DOCKER": "1", "REQUIRE_KAFKA": "0"})


def test_make_fetches_kafka_where_the_tests_look_for_it() -> None:
    """Makefile, pom and tests agree on the folder; CI asks for the Java that the tests want."""
    folder = kafka_jars().relative_to(ROOT)

    assert f"KAFKA := {folder.parent}/" in (ROOT / "Makefile").read_text()
    assert f"/{folder.parent}/${{kafka.version}}<" in (ROOT / "tests/brokers/pom.xml").read_text()
    assert f"1[{JAVA - 10}-9]|" in (ROOT / ".ci/run").read_text()
