"""The worker: two Faust agents, the timers between them, a small web server, and a clean way in and out.

An agent never raises, because Faust would acknowledge what it was holding: what we cannot handle ends the process, and
the orchestrator starts it again from the last confirmed offset.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

from monitor import access, statelog
from monitor.config import Config
from monitor.delivery import FaustSender
from monitor.errors import DriftlineError, OutsideError
from monitor.liveness import STUCK, Stuck, Vigil, Watchdog
from monitor.merging import Merging
from monitor.metrics import Metrics
from monitor.pipeline import assemble
from monitor.pipeline.checkpoints import Record
from monitor.reloading import Reloading
from monitor.server import Server
from monitor.summarising import Summarising
from monitor.topics import LARGEST, largest_summary, partition_counts
from monitor.transport import Batch, Verdict, new_app
from monitor.transport import run as run_app
from monitor.transport_consumer import HANDOVER
from monitor.triggers import webhook
from monitor.triggers.dispatch import Dispatcher

logger = logging.getLogger(__name__)

OK, FAILED = 0, 3  # exit codes
TICK = 0.1  # seconds between looks at what is due
LOG_END_AGE = 5.0  # seconds for which a log's end counts as known
DRAIN = 20.0  # seconds that a clean stop may take
GARBAGE = 20_000  # new objects after which Python looks for garbage


def run(config: Config) -> int:
    """Run a worker until SIGTERM or SIGINT; returns the exit code. Raises DriftlineError if it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("aiokafka", "faust", "mode", "kafka"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return asyncio.run(Worker(config).run())


class Worker:
    """One process beside Kafka. It lives from `run` to the exit code."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._metrics = Metrics(config.max_series)
        self._metrics.configure(config)
        self._metrics.pipeline.configured(config.epoch, time.time())
        self._vigil = Vigil(config.kafka, self._metrics.pipeline)
        self._watchdog = Watchdog(self._vigil.patience)
        self._stop = asyncio.Event()
        self._told = asyncio.Event()  # to read the configuration again
        self._failure: BaseException | None = None
        self._lost: dict[tuple[str, int], int] = {}  # where partitions had to be read from whose log begins later
        self._summaries = config.kafka.topics.summaries

    async def run(self) -> int:
        """Start, work until told to stop or until something fails, and leave cleanly."""
        self._of = await asyncio.to_thread(partition_counts, self._config)
        self._largest = await asyncio.to_thread(largest_summary, self._config)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._told.set)
        async with contextlib.AsyncExitStack() as stack:
            self._watchdog.start()
            stack.callback(self._watchdog.stop)
            self._build()
            pages = {"health": self._unhealthy, "ready": self._unready, "remarks": self._vigil.remarks}
            server = Server(self._config.server, self._metrics, **pages)
            await server.start()
            stack.push_async_callback(server.stop)
            logger.info("driftline worker: %s/metrics", server.url)
            # What was built lives as long as the process, and records come by the thousand and leave without cycles: to
            # look for garbage every 700 new objects, as Python does by default, costs more than it finds.
            gc.freeze()
            gc.set_threshold(GARBAGE)
            reloading = Reloading(self._config, self._metrics, self._summarising, self._merging, self._app)
            for upkeep in (self._watch, self._tick, partial(reloading.when_told, self._told)):
                stack.callback(asyncio.create_task(self._keep(upkeep)).cancel)
            try:
                await run_app(self._app, self._stop)
            except OutsideError as error:
                self._failure = self._failure or error
            await self._dispatcher.stop()
        if self._failure is not None:
            # What a person has to put right is said by the error itself; to start again would only repeat it.
            ours = isinstance(self._failure, DriftlineError) and not isinstance(self._failure, OutsideError)
            again = "" if ours else ", start it again"
            logger.error("the worker stops: %s; nothing unconfirmed was lost%s", self._failure, again)
            return self._code
        logger.info("the worker has stopped; everything that it confirmed is committed")
        return OK

    def _build(self) -> None:
        """The app with its agents, and what they drive."""
        kafka = self._config.kafka
        # Faust types its consumer and signals more loosely than ours are.
        app = new_app(
            kafka.group,
            kafka.brokers,
            session_timeout=kafka.session_timeout / 1000,
            broker_credentials=access.credentials(kafka),
            producer_max_request_size=LARGEST,
            producer_max_batch_size=min(16_384, self._largest),  # a broker takes no longer a batch than a record
        )
        self._app = cast(Any, app)
        self._app.start_of = self._start_of
        sender, pipeline = FaustSender(self._app), self._metrics.pipeline
        self._dispatcher = Dispatcher(self._config, sender, pipeline, webhook.carry_out)
        self._summarising = Summarising(
            self._config, sender, pipeline, partitions_of=self._of.__getitem__, largest=self._largest
        )
        self._merging = Merging(self._config, sender, self._metrics, self._dispatcher, read_state=self._read_state)
        for topic in kafka.sources:
            self._app.agent(self._app.batches(topic), name=f"summarise {topic}")(self._agent(self._summarise))
        self._app.agent(self._app.batches(self._summaries), name="merge")(self._agent(self._merge))
        self._app.on_partitions_revoked.connect(self._revoked)
        self._app.on_partitions_assigned.connect(self._assigned)
        self._app.on_before_shutdown.connect(self._drain)

    def _start_of(self, topic: str, partition: int, offset: int, log_start: int) -> int:
        """An assignment of a log begins with a block; of the summaries, where it was committed."""
        if topic == self._summaries:
            return offset
        self._lost.pop((topic, partition), None)
        if offset < log_start:
            self._lost[topic, partition] = assemble.block_start(self._config, offset, 0)
        return assemble.block_start(self._config, offset, log_start)

    def _agent(self, take: Callable[[Batch], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
        """An agent's loop: it never raises, and after an error nothing more is taken."""

        async def loop(stream: Any) -> None:
            async for event in stream.events():
                batch: Batch = event.value
                try:
                    if self._failure is None and await self._fits(batch):
                        await take(batch)
                except Exception as error:
                    self._fail(error)

        return loop

    def _fail(self, error: Exception) -> None:
        logger.error("cannot go on: %s", error, exc_info=None if isinstance(error, Stuck) else error)
        self._failure = self._failure or error
        self._stop.set()
        self._watchdog.condemn(self._code, within=DRAIN)  # what stands still may not let go

    @property
    def _code(self) -> int:
        return STUCK if isinstance(self._failure, Stuck) else FAILED

    async def _fits(self, batch: Batch) -> bool:
        """Whether a batch follows on the last one. After a loss the open block is dropped and read again."""
        check = self._app.consumer.check(batch)
        if check.verdict is not Verdict.JUMP:
            return check.verdict is Verdict.ACCEPT
        self._metrics.pipeline.batch_refused(batch.topic)
        ours, start = batch.topic == self._summaries, check.expected
        start = start if ours else assemble.block_start(self._config, start, 0)
        logger.warning(
            "%s[%d]: expected offset %d, got %d; read again from %d", *batch.tp, check.expected, check.got, start
        )
        reached = await self._app.consumer.reread(batch.tp, start)
        if reached is not None and reached > start and not ours:
            self._lost[batch.tp] = start
        return False

    async def _summarise(self, batch: Batch) -> None:
        if not self._summarising.reads(batch):
            self._summarising.begin(batch, since=self._lost.pop(batch.tp, batch.start))
        async for safe in self._summarising.take(batch):
            await self._app.consumer.settle(batch.tp, safe)

    async def _merge(self, batch: Batch) -> None:
        if not self._merging.reads(batch):
            await self._begin_merge(batch)
            return  # the first batch of a reading is empty
        safe = await self._merging.take(batch)
        if safe is not None:
            self._app.consumer.confirm(batch.tp, safe)

    async def _begin_merge(self, batch: Batch) -> None:
        """Restore a summaries partition and read on from its checkpoint; from the log's start where it has none."""
        offset = await self._merging.begin(batch)
        if offset == batch.start:
            return
        if offset is None and batch.start > 0:
            logger.error(
                "%s[%d] is known up to offset %d, but %s has no checkpoint of it: it is merged again from what it "
                "still holds, and windows of which that is only a part come out too small",
                *(*batch.tp, batch.start, self._config.kafka.topics.state),
            )
        start = await self._app.consumer.reread(batch.tp, offset or 0)
        if offset is not None and start is not None and start != offset:
            raise DriftlineError(
                f"{self._summaries}[{batch.partition}]: the checkpoint goes on at offset {offset}, the log begins at "
                f"{start}: envelopes were deleted before they were merged; lengthen its retention and replay the log"
            )

    async def _read_state(self, partition: int) -> list[Record]:
        return await statelog.read_partition(self._config.kafka, self._config.kafka.topics.state, partition)

    async def _revoked(self, app: Any, revoked: Any = (), **_: Any) -> None:
        """Drop everything that belongs to the assignment that ends; nothing of it is counted or confirmed any more.

        Before that the state is written down, or its next owner would close, and count, its newest windows again.
        """
        await self._last_words(partial(self._checkpoint, now=True), seconds=HANDOVER)
        for topic, partition in revoked:
            if topic == self._summaries:
                self._merging.drop(partition, partitions=self._of[self._summaries])
            else:
                self._summarising.drop(topic, partition)

    async def _assigned(self, app: Any, assigned: Any = (), **_: Any) -> None:
        self._vigil.assigned()
        self._metrics.pipeline.rebalance()
        for topic in self._of:
            self._metrics.pipeline.owned(topic, sum(tp.topic == topic for tp in assigned))
        names = sorted(f"{topic}[{partition}]" for topic, partition in assigned)
        logger.info("partitions of ours: %s", ", ".join(names) or "none")

    async def _keep(self, upkeep: Callable[[], Awaitable[None]]) -> None:
        """Do one of our regular duties again and again, until something fails."""
        while self._failure is None:
            try:
                await upkeep()
            except Exception as error:
                self._fail(error)

    async def _tick(self) -> None:
        """Flush snapshots, tell who is idle, and write checkpoints when they are due."""
        await asyncio.sleep(TICK)
        if self._app.started and not self._stop.is_set():
            await self._summarising.flush()
            await self._checkpoint()

    async def _watch(self) -> None:
        """Look where the logs end and what stands still; it waits for nobody, so that nothing can hold it."""
        await asyncio.sleep(TICK)
        self._watchdog.beat()
        if self._stop.is_set():
            return
        if self._app.started:
            recent = min(LOG_END_AGE, self._config.clock.idle / 2000)  # an older end proves no idleness
            ends = self._app.consumer.log_ends(max_age=recent)
            self._summarising.at(ends)
            self._merging.at(ends)
        self._vigil.look((*self._summarising.standstills(), *self._merging.standstills()))

    async def _checkpoint(self, *, now: bool = False) -> None:
        for partition, offset in (await self._merging.checkpoint(now=now)).items():
            self._app.consumer.confirm((self._summaries, partition), offset)

    async def _drain(self, app: Any, **_: Any) -> None:
        """Before the producer stops: say what is counted, and write the state down."""

        async def say_all() -> None:
            await self._summarising.flush(force=True)
            await self._checkpoint(now=True)

        await self._last_words(say_all, seconds=DRAIN)

    async def _last_words(self, say: Callable[[], Awaitable[None]], *, seconds: float) -> None:
        """What is better said before partitions go, and does no harm where it is not; nothing after a failure."""
        if self._failure is not None:
            return
        try:
            await asyncio.wait_for(say(), seconds)
        except Exception as error:
            logger.warning("could not finish in time (%r): at most a block per partition is read again", error)

    def _unhealthy(self) -> list[str]:
        """Why the orchestrator should start this process again; it ends by itself, too."""
        return ([] if self._failure is None else [f"failed: {self._failure}"]) + self._vigil.problems()

    def _unready(self) -> list[str]:
        """Why this process does not do its part yet."""
        if problems := [*self._unhealthy(), *self._vigil.remarks()]:
            return problems
        if not self._app.started:
            return ["starting"]
        return [] if self._app.consumer.readings else ["no partitions: the group gives us none yet"]
