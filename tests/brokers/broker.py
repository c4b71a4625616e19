"""A broker that tests run against, and one that they may stop, kill and start again."""

from dataclasses import dataclass

from kit.settings import KafkaSettings
from tests.brokers.server import LocalServer


@dataclass(frozen=True, slots=True)
class Broker:
    """A running broker and the settings that fit what it can."""

    name: str
    kafka: KafkaSettings

    @property
    def bootstrap_servers(self) -> str:
        """Its address: host:port."""
        return self.kafka.bootstrap_servers

    def settings(self) -> KafkaSettings:
        """What a service needs to run on it."""
        return self.kafka


@dataclass(frozen=True, slots=True)
class LocalBroker(Broker):
    """A broker that is a process of this machine. It keeps its address, and its data unless the settings say that it `forgets`."""

    server: LocalServer

    def start(self) -> None:
        """Returns when it serves; harmless while it runs. From any thread: in async code, `await asyncio.to_thread(broker.start)`."""
        self.server.start()

    def stop(self) -> None:
        """Shuts it down in order; harmless while it does not run."""
        self.server.stop()

    def kill(self) -> None:
        """Ends it at once, as a power cut would end its process."""
        self.server.kill()
