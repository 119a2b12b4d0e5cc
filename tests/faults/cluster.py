"""Three brokers with two listeners each: one for the harness, and one for workers, behind proxies."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.proxies import Proxies
from tests.services.kafka import PROPERTIES, READY_SECONDS, Broker, format_folder, java, new_cluster
from tests.services.ports import free_ports
from tests.services.process import Process
from tests.services.waiting import wait_for

EXTRA = """\
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{proxy}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
default.replication.factor=3
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
min.insync.replicas=2
group.min.session.timeout.ms=1000
replica.lag.time.max.ms=5000
controller.quorum.election.timeout.ms=1000
controller.quorum.fetch.timeout.ms=2000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""
NODES = 3


@dataclass
class Node:
    """One broker of the cluster; `name` is that of its proxy."""

    name: str
    command: list[str]
    log: Path
    process: Process

    def kill(self) -> None:
        self.process.kill()

    def stop(self) -> None:
        self.process.stop()

    def start_again(self) -> None:
        self.process = Process(f"kafka {self.name}", self.command, self.log)


@dataclass
class Cluster(Broker):
    """Three brokers; `proxied` is where workers connect."""

    nodes: list[Node] = field(default_factory=list)
    proxied: str = ""
    proxies: Proxies | None = None

    @classmethod
    def launch(cls, folder: Path, jars: Path) -> Cluster:
        """Start the brokers and their proxies, and return once all three are there."""
        ports = [dict(zip(("port", "behind", "controller", "proxy"), free_ports(4), strict=True)) for _ in range(NODES)]
        voters = ",".join(f"{node + 1}@127.0.0.1:{where['controller']}" for node, where in enumerate(ports))
        cluster, nodes, proxies = new_cluster(), [], Proxies.start(folder)
        for node, where in enumerate(ports):
            proxies.add(str(node + 1), listen=where["proxy"], upstream=where["behind"])
            nodes.append(_node(folder / f"node-{node + 1}", jars, cluster, str(node + 1), voters, where))
        bootstrap = ",".join(f"127.0.0.1:{where['port']}" for where in ports)
        proxied = ",".join(f"127.0.0.1:{where['proxy']}" for where in ports)
        made = cls(nodes[0].process, nodes[0].command, bootstrap, NODES, nodes, proxied, proxies)
        wait_for(made.whole, READY_SECONDS, "three brokers", tolerate=(OSError,))
        return made

    @property
    def for_workers(self) -> list[str]:
        return self.proxied.split(",")

    def whole(self) -> bool:
        """Whether all brokers answer and every partition has all its replicas in sync."""
        from kafka import KafkaAdminClient
        from kafka.errors import KafkaError

        try:
            admin = KafkaAdminClient(bootstrap_servers=self.bootstrap.split(","), request_timeout_ms=5_000)
        except KafkaError:
            return False
        try:
            if len(admin.describe_cluster()["brokers"]) < NODES:
                return False
            topics = admin.describe_topics()
            return all(len(p["isr_nodes"]) == len(p["replica_nodes"]) for t in topics for p in t["partitions"])
        except KafkaError:
            return False
        finally:
            admin.close()

    def leader(self, topic: str, partition: int = 0) -> Node:
        """The broker that leads a partition."""
        from kafka import KafkaAdminClient

        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap.split(","))
        try:
            (described,) = admin.describe_topics([topic])
            found = {p["partition_index"]: p["leader_id"] for p in described["partitions"]}
            return self.nodes[found[partition] - 1]
        finally:
            admin.close()

    def stop(self) -> None:
        for node in self.nodes:
            node.process.kill()
        if self.proxies is not None:
            self.proxies.process.kill()


def _node(folder: Path, jars: Path, cluster: str, name: str, voters: str, where: dict[str, int]) -> Node:
    folder.mkdir(parents=True)
    settings = folder / "server.properties"
    extra = EXTRA.format(node=name, voters=voters, **where)
    known = PROPERTIES.format(port=where["port"], controller=where["controller"], data=folder / "data", extra="")
    settings.write_text(known + extra)  # of a property that stands twice the last one counts
    format_folder(settings, jars, cluster)
    command = java(settings, jars)
    return Node(name, command, folder / "kafka.log", Process(f"kafka {name}", command, folder / "kafka.log"))
