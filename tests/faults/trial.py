"""One trial: a deployment under load, faults that are written down, proof that each bit, and a verdict."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.pipeline.results import Result
from tests.faults import events, oracle
from tests.faults.events import Expected
from tests.faults.load import CLOSER, PARTITIONS, Load
from tests.faults.oracle import Findings
from tests.services import small
from tests.services.deployment import Deployment, Worker
from tests.services.kafka import Broker
from tests.services.waiting import wait_for

SIZE = 2 * small.SECOND  # of a window
AHEAD = 10 * SIZE  # how far behind the load the events lie that close its windows
ENDINGS = (3, 4)  # exit codes after which an orchestrator starts a worker again
MODELS = ("credit", "fraud", "churn")


class Missed(Exception):
    """The fault came too late to hit anything."""


@dataclass
class Trial:
    """A deployment with a load of so many events at so many a second; `faults` may need more than one broker."""

    broker: Broker
    folder: Path
    seed: int
    events: int = 100_000
    rate: int = 5_000
    models: tuple[str, ...] = MODELS
    kafka: Mapping[str, Any] = field(default_factory=dict)
    source_config: Mapping[str, str] = field(default_factory=dict)
    disorder: int = 500
    idle: str = "10m"  # far away: event time moves by events alone
    partitions: int = PARTITIONS  # that the load writes to
    transactions: bool = False
    gaps: bool = False
    supervised: bool = False  # whether the fault may end a worker by itself, to be started again
    notes: list[str] = field(default_factory=list)
    bites: dict[str, float] = field(default_factory=dict)
    excluded: set[int] = field(default_factory=set)  # starts of windows that are not judged
    kills: list[float] = field(default_factory=list)  # wall-clock times

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self._began = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.settings(self.folder) | {"kafka": dict(self.kafka)}
        name = f"f{self.seed}-{random.SystemRandom().randrange(1 << 32):08x}"
        self.deployed = Deployment(self.broker, self.folder, name, settings, source_config=dict(self.source_config))
        self.templates = events.templates(self.models, self.rng)
        self.load = Load(
            self.broker,
            self.deployed.source,
            self.templates,
            self.seed,
            self.events,
            self.rate,
            base=small.past(3_600),
            size=SIZE,
            disorder=self.disorder,
            partitions=self.partitions,
            transactions=self.transactions,
        )

    def settings(self, folder: Path) -> dict[str, Any]:
        """The configuration, with its profiles written into a folder; event time moves by events alone."""
        settings = small.settings(folder, models=self.models, idle=self.idle)
        settings["clock"]["disorder"] = f"{self.disorder}ms"
        return settings

    # What a row of the matrix does.

    def start(self, workers: int = 1, **options: Any) -> list[Worker]:
        """Start the load and so many workers."""
        started = [self.worker(**options) for _ in range(workers)]
        self.load.start()
        return started

    def worker(self, **options: Any) -> Worker:
        """Start one more worker."""
        worker = self.deployed.start_worker(**options)
        self.note(f"worker {worker.process.pid} starts")
        return worker

    def kill(self, worker: Worker) -> None:
        """SIGKILL."""
        self.note(f"worker {worker.process.pid} is killed")
        self.kills.append(time.time())
        worker.process.kill()
        self.deployed.workers.remove(worker)

    def stop(self, worker: Worker) -> None:
        """SIGTERM; it must end with 0."""
        self.note(f"worker {worker.process.pid} is told to stop")
        code = worker.process.stop()
        assert code == 0, f"a worker that was told to stop ended with {code}:\n{worker.process.tail()}"
        self.deployed.workers.remove(worker)

    def note(self, text: str) -> None:
        """Write down what is done, with the time."""
        line = f"{time.monotonic() - self._began:7.2f} s  {text}"
        self.notes.append(line)
        print(f"    {line}", file=sys.stderr, flush=True)

    def bit(self, what: str, times: float) -> None:
        """How often the fault is known to have bitten; a trial with a 0 here is void."""
        self.bites[what] = self.bites.get(what, 0) + times

    def look_after(self) -> None:
        """What an orchestrator does: start a worker again that ended by itself, where the fault may end it."""
        for worker in list(self.deployed.workers):
            code = worker.process.returncode
            if code is None:
                continue
            assert self.supervised, f"a worker ended by itself with {code}:\n{worker.process.tail()}"
            assert code in ENDINGS, f"a worker ended with {code}, not with one of {ENDINGS}:\n{worker.process.tail()}"
            self.note(f"worker {worker.process.pid} ended by itself with {code}")
            self.deployed.workers.remove(worker)
            self.worker()

    def moments(self, count: int) -> Iterator[None]:
        """So many moments, drawn by the seed, at which the load has written some share of its events.

        Raises Missed where the load has ended by then: the fault would hit nothing.
        """
        for share in sorted(self.rng.uniform(0.15, 0.85) for _ in range(count)):
            self.reach(share)
            yield

    def reach(self, share: float) -> None:
        """Wait until the load has written that share of its events; it must still run then."""
        wanted = share * self.events

        def reached() -> bool:
            self.look_after()
            return self.load.confirmed >= wanted or not self.load.running

        wait_for(reached, 600, f"{wanted:,.0f} events")
        self.still_loaded("the fault")

    def still_loaded(self, what: str) -> None:
        """Raise Missed where the load has ended before this came: on a slow machine, of a short load."""
        if not self.load.running:
            raise Missed(f"the load ended before {what}: make it longer")

    def counted(self, least: int, deadline: float = 60) -> None:
        """Wait until workers have published so many windows."""
        topic = self.deployed.topic("windows")
        wait_for(lambda: sum(self.broker.end_offsets(topic).values()) >= least, deadline, f"{least} windows")

    # The verdict.

    def finish(self, deadline: float = 120) -> Findings:
        """End the load, close its windows, wait for them, and compare everything with the ledger."""
        self.load.join(self.events / self.rate + 300)
        self._close()
        self.load.settle()
        ledger = events.expected(self.templates, self.load.ledger)
        ledger = {key: columns for key, columns in ledger.items() if key[1] not in self.excluded}
        windows = self._wait(ledger, deadline)
        found = Findings()
        oracle.compare(found, windows, ledger)
        last = max(start for _, start in ledger)
        found.strangers = sum(key not in ledger and key[1] <= last for key in windows if key[1] not in self.excluded)
        oracle.look_at_summaries(found, self.deployed, gaps=self.gaps or self.transactions)
        return found

    def _close(self) -> None:
        """An event of every model on every partition that lies behind all windows of the load."""
        when = self.load.end + AHEAD
        made = [t.event(CLOSER, when) for t in {t.model: t for t in self.templates}.values()]
        for partition in range(PARTITIONS):
            self.broker.send(self.deployed.source, made, partition=partition)

    def _wait(self, ledger: Expected, deadline: float) -> dict[tuple[str, int], Result]:
        """The windows, once all are there that the ledger knows of; what is there where the time runs out."""

        def all_there() -> bool:
            self.look_after()
            topic = self.deployed.topic("windows")
            return sum(self.broker.end_offsets(topic).values()) >= len(ledger) and not (
                ledger.keys() - oracle.newest(self.deployed).keys()
            )

        try:
            wait_for(all_there, deadline, f"{len(ledger)} windows")
        except TimeoutError as error:
            self.note(str(error))
        return oracle.newest(self.deployed)

    def until_rebalanced(self, before: int) -> None:
        """Wait until a worker was given partitions since there were so many rebalances."""
        wait_for(lambda: self.rebalances() > before, 60, "a rebalance")

    def rebalances(self) -> int:
        """How often a worker was given partitions, by the logs of all."""
        logs = self.folder.glob("worker-*.log")
        return sum(log.read_text(errors="replace").count("partitions of ours:") for log in logs)

    def peak(self) -> int:
        """The most memory (MB, resident) that a worker which still runs has had."""
        status = [Path(f"/proc/{w.process.pid}/status").read_text() for w in self.deployed.workers]
        return max(int(text.partition("VmHWM:")[2].split()[0]) // 1024 for text in status)

    def said(self, text: str) -> int:
        """How often the workers' logs say something."""
        logs = self.folder.glob("worker-*.log")
        return sum(log.read_text(errors="replace").count(text) for log in logs)

    def recovery(self) -> float | None:
        """The longest time (s) from a kill to the next window; the last of several kills counts."""
        if not self.kills:
            return None
        stamps = sorted(r.timestamp / 1000 for r in self.broker.records(self.deployed.topic("windows")))
        longest = None
        for kill, following in zip(self.kills, [*self.kills[1:], float("inf")], strict=True):
            # What the killed one had sent may arrive a moment later.
            window = next((stamp for stamp in stamps if stamp > kill + 0.5), None)
            if window is not None and window <= following:
                longest = max(longest or 0.0, window - kill)
        return longest

    def end(self) -> None:
        """Stop what still runs."""
        self.load.stop() if self.load.running else None
        for worker in self.deployed.workers:
            worker.process.kill()
