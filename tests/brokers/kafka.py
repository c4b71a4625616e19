"""Apache Kafka without a container: one node in KRaft mode, from the jars of `make kafka`."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.errors import DependencyDown
from kit.settings import KafkaSettings
from tests.brokers.broker import LocalBroker
from tests.brokers.server import local_server
from workbench.stack.ports import HOST, free_port
from workbench.stack.process import Command, isolation

_CLUSTER_ID = "d29ya2JlbmNoLXRlc3RzIQ"
_STARTED = "Kafka Server started"

# One node has one replica of everything, and one partition of its own topics is enough: they are made at the first use.
_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": "data",
    "auto.create.topics.enable": "false",
    # A killed broker may come back once the controller has forgotten it.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
}


@contextmanager
def running_kafka(folder: Path, jars: Path) -> Iterator[LocalBroker]:
    """Yields a broker with its data in `folder`; it keeps them over stop, kill and start. Raises DependencyDown `server_failed`."""
    broker, controller = free_port(), free_port()
    properties = _properties(broker, controller)
    (folder / "server.properties").write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
    _format(folder, jars)
    logs = folder / "logs"
    command = Command(
        name="kafka",
        argv=(*_java(jars), "-Xmx512m", "-Dlog4j2.level=INFO", "kafka.Kafka", "server.properties"),
        folder=folder,
        # Its port takes connections before the broker takes part in the cluster.
        ready=lambda: _STARTED in (logs / "kafka.log").read_text(),
    )
    with local_server(command, logs) as server:
        yield LocalBroker("kafka", KafkaSettings(bootstrap_servers=f"{HOST}:{broker}", session_timeout_ms=6_000), server)


def _properties(broker: int, controller: int) -> dict[str, str]:
    return _SETTINGS | {
        "listeners": f"PLAINTEXT://{HOST}:{broker},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{broker}",
        "controller.quorum.voters": f"1@{HOST}:{controller}",
    }


def _format(folder: Path, jars: Path) -> None:
    argv = (*_java(jars), "kafka.tools.StorageTool", "format", "--cluster-id", _CLUSTER_ID, "--config", "server.properties")
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, **isolation(None))
    if done.returncode != 0:
        raise DependencyDown("server_failed", f"Kafka's storage in {folder} could not be formatted:\n{done.stdout}{done.stderr}")


def _java(jars: Path) -> tuple[str, ...]:
    # It runs for minutes beside what it serves: to be up soon, on few cores, is worth more than its top speed.
    return ("java", "-cp", f"{jars}/*", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
