"""A real Kafka broker (KRaft, one node) on loopback, without Docker."""

import base64
import os
import socket
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaError

from monitor.transport_records import tolerate_in_kafka_python
from tests.services.ports import free_ports
from tests.services.process import Process
from tests.services.waiting import wait_for

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
num.partitions=4
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
{extra}
"""
READY_SECONDS = 60


@dataclass
class Broker:
    """A broker that runs until `stop` or `kill`; `start_again` brings it back on the same port with the same data."""

    process: Process
    command: list[str]
    bootstrap: str
    replication: int = 1

    @classmethod
    def start(
        cls,
        directory: Path,
        jars: Path,
        *,
        properties: Mapping[str, str] | None = None,
        format_options: Sequence[str] = (),
    ) -> Self:
        """Start a broker with fresh data under `directory`, and return once it answers a metadata request.

        In `properties`, `{port}` and `{controller}` are the ports it takes; `format_options` are StorageTool's.
        """
        port, controller = free_ports(2)
        directory.mkdir(parents=True, exist_ok=True)
        settings = directory / "server.properties"
        extra = "\n".join(f"{key}={value}" for key, value in (properties or {}).items())
        written = PROPERTIES.replace("{extra}", extra)
        settings.write_text(written.format(port=port, controller=controller, data=directory / "data"))
        format_folder(settings, jars, new_cluster(), format_options)
        command = java(settings, jars)
        broker = cls(Process("kafka", command, directory / "kafka.log"), command, f"127.0.0.1:{port}")
        broker._wait_until_ready()
        return broker

    @property
    def for_workers(self) -> list[str]:
        """Where workers connect."""
        return self.bootstrap.split(",")

    def start_again(self) -> None:
        """Start it after `stop` or `kill`, with the data it had."""
        self.process = Process("kafka", self.command, self.process.log)
        self._wait_until_ready()

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        self.process.kill()

    def pause(self) -> None:
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()

    def create_topic(self, name: str, *, partitions: int = 4, config: Mapping[str, str] | None = None) -> str:
        """Create a topic, wait until every partition has a leader, and return its name."""
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            admin.create_topics([NewTopic(name, partitions, self.replication, topic_configs=dict(config or {}))])
        finally:
            admin.close()
        wait_for(lambda: self._has_leaders(name, partitions), 30, f"leaders of topic {name!r}", tolerate=(KafkaError,))
        return name

    def send(self, topic: str, values: Iterable[bytes | None], *, partition: int | None = None) -> list[Any]:
        """Send values, wait until the broker has confirmed each, and return its confirmations in order."""
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, acks="all", linger_ms=5, max_request_size=2**25)
        try:
            sent = [
                producer.send(topic, value=value, key=b"" if value is None else None, partition=partition)
                for value in values
            ]
            return [future.get(timeout=30) for future in sent]
        finally:
            producer.close()

    def end_offsets(self, topic: str) -> dict[int, int]:
        """The offset after the last record of every partition."""
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap)
        try:
            return {tp.partition: end for tp, end in consumer.end_offsets(_partitions(consumer, topic)).items()}
        finally:
            consumer.close()

    def records(self, topic: str, *, deadline: float = 30) -> list[Any]:
        """Everything in a topic up to its present end, by partition and offset; committed transactions only."""
        tolerate_in_kafka_python()
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, isolation_level="read_committed", group_id=None)
        try:
            return _read_to_end(consumer, topic, deadline)
        finally:
            consumer.close()

    def _wait_until_ready(self) -> None:
        try:
            self.process.wait_until(self._answers, READY_SECONDS, "Kafka to answer a metadata request")
        except BaseException:
            self.process.kill()
            raise

    def _answers(self) -> bool:
        host, port = self.bootstrap.split(",")[0].split(":")
        socket.create_connection((host, int(port)), 1).close()  # kafka-python leaks the sockets that are refused
        try:
            admin = KafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=5_000)
        except KafkaError:
            return False
        try:
            return bool(admin.describe_cluster()["brokers"])
        except KafkaError:
            return False
        finally:
            admin.close()

    def _has_leaders(self, topic: str, partitions: int) -> bool:
        return len(self.end_offsets(topic)) == partitions


def java(settings: Path, jars: Path) -> list[str]:
    """The command that runs a broker with these settings."""
    return ["java", "-Xmx1g", "-cp", f"{jars}/*", "kafka.Kafka", str(settings)]


def new_cluster() -> str:
    """A new cluster's identity."""
    return base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=").replace("-", "A")  # no leading dash


def format_folder(settings: Path, jars: Path, cluster: str, options: Sequence[str] = ()) -> None:
    """Write the cluster's identity into an empty data folder, as `kafka-storage.sh format` does."""
    command = ["java", "-cp", f"{jars}/*", "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(settings)]
    command += options
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise RuntimeError(f"Kafka could not format its data folder:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def _partitions(consumer: Any, topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, partition) for partition in sorted(consumer.partitions_for_topic(topic) or ())]


def _read_to_end(consumer: Any, topic: str, deadline: float) -> list[Any]:
    partitions = _partitions(consumer, topic)
    ends = consumer.end_offsets(partitions)
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    found: list[Any] = []

    def at_end() -> bool:
        for records in consumer.poll(timeout_ms=200).values():
            found.extend(records)
        return all(consumer.position(partition) >= end for partition, end in ends.items())

    wait_for(at_end, deadline, f"the end of topic {topic!r}")
    return sorted(found, key=lambda record: (record.partition, record.offset))
