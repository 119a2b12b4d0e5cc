"""The batched transport on a real broker: nothing lost, nothing counted twice, nothing committed too early."""

import asyncio
import logging
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError

from monitor.errors import OutsideError
from monitor.transport import Batch, Partition, Verdict, new_app, run
from tests.services.kafka import Broker
from tests.services.reading import (
    SESSION,
    NewTopic,
    Reader,
    committed,
    covered,
    delete_before,
    in_loop,
    produce_until,
    running,
    send,
    transactions,
)
from tests.services.waiting import until


@in_loop
async def test_batches_cover_every_position_once_across_transaction_markers_and_aborts(
    broker: Broker, new_topic: NewTopic
) -> None:
    topic = new_topic("marked", partitions=1)
    await send(broker, topic, [b"plain-%d" % i for i in range(500)])
    steps = [(200, True), (100, False), (1, True), (50, False), (300, True), (40, False)]
    kept = await transactions(broker, topic, *steps)
    end = broker.end_offsets(topic)[0]
    assert end == 500 + sum(records + 1 for records, _ in steps)  # a marker for each
    async with running(Reader(broker, topic, topic, max_poll_records=97)) as reader:
        await until(lambda: reader.app.consumer.reached((topic, 0)) == end, 30, "the end of the log")
        await until(lambda: reader.app.consumer.log_ends() == {Partition(topic, 0): end}, 30, "the log's end")
    assert covered(reader.batches, 0) == list(range(end))
    assert reader.values() == [b"plain-%d" % i for i in range(500)] + kept
    assert all(batch.start <= r.offset < batch.stop for batch in reader.batches for r in batch.records)


@in_loop
async def test_a_stretch_without_any_committed_record_is_covered(broker: Broker, new_topic: NewTopic) -> None:
    topic = new_topic("aborted", partitions=1)
    assert await transactions(broker, topic, (30, False), (20, False)) == []
    async with running(Reader(broker, topic, topic)) as reader:
        await until(lambda: reader.app.consumer.reached((topic, 0)) == 52, 30, "the end of the log")
    assert covered(reader.batches, 0) == list(range(52))
    assert reader.values() == []


@in_loop
async def test_a_partition_without_records_is_heard_of(broker: Broker, new_topic: NewTopic) -> None:
    topic = new_topic("quiet", partitions=3)
    async with running(Reader(broker, topic, topic)) as reader:
        await until(lambda: len(reader.batches) == 3, 30, "an empty batch of each partition")
        await until(lambda: set(reader.app.consumer.log_ends().values()) == {0}, 30, "the log's ends")
    assert {(b.partition, b.start, b.stop, len(b.records)) for b in reader.batches} == {(p, 0, 0, 0) for p in range(3)}


@in_loop
async def test_a_committed_offset_moves_only_by_confirm(broker: Broker, new_topic: NewTopic) -> None:
    topic = new_topic("confirmed", partitions=1)
    await send(broker, topic, [b"%d" % i for i in range(100)])
    async with running(Reader(broker, topic, topic)) as reader:
        consumer, tp = reader.app.consumer, Partition(topic, 0)
        await until(lambda: consumer.reached(tp) == 100, 30, "the end of the log")
        assert not consumer.confirm(tp, 101), "nobody has seen 100 yet"
        assert not consumer.confirm(Partition(topic, 7), 30), "not our partition"
        assert consumer.confirm(tp, 30)
        assert not consumer.confirm(tp, 20), "an offset never moves back"
        await until(lambda: committed_is(broker, topic, 30), 30, "the commit")
        assert consumer.confirm(tp, 60)
    assert await committed(broker, topic, topic) == 60, "what was confirmed is committed at the end"
    async with running(Reader(broker, topic, topic)) as again:
        await until(lambda: again.app.consumer.reached(tp) == 100, 30, "the end of the log")
    assert covered(again.batches, 0) == list(range(60, 100))
    assert await committed(broker, topic, topic) == 60


async def committed_is(broker: Broker, topic: str, offset: int) -> bool:
    return await committed(broker, topic, topic) == offset


@in_loop
async def test_a_jump_is_refused_and_what_it_skipped_is_read(broker: Broker, new_topic: NewTopic) -> None:
    topic = new_topic("jump", partitions=1)
    await send(broker, topic, [b"%d" % i for i in range(1000)])
    reader = Reader(broker, topic, topic, max_poll_records=10)
    reader.gate.clear()
    async with running(reader):
        await until(reader.app.consumer.log_ends, 30, "the first batches")
        await until(lambda: not reader.app.consumer._get_active_partitions(), 30, "a full queue")
        await reader.app.consumer.seek(TopicPartition(topic, 0), 900)  # Faust's own: our consumer is not told
        reader.gate.set()
        await until(lambda: reader.app.consumer.reached((topic, 0)) == 1000, 30, "the end of the log")
    assert Verdict.JUMP in reader.verdicts
    assert covered(reader.batches, 0) == list(range(1000))
    assert reader.values() == [b"%d" % i for i in range(1000)]


@in_loop
async def test_an_assignment_begins_where_we_say_and_never_before_the_log(broker: Broker, new_topic: NewTopic) -> None:
    topic = new_topic("begin", partitions=1)
    await send(broker, topic, [b"%d" % i for i in range(100)])
    first = Reader(broker, topic, topic, confirm=True)
    async with running(first):
        await until(lambda: first.app.consumer.reached((topic, 0)) == 100, 30, "the end of the log")
    second = Reader(broker, topic, topic)
    second.app.start_of = lambda topic, partition, offset, log_start: offset // 40 * 40
    async with running(second):
        await until(lambda: second.app.consumer.reached((topic, 0)) == 100, 30, "the end of the log")
        assert second.batches[0].start == 80
        await asyncio.to_thread(delete_before, broker, topic, 90)
        assert await second.app.consumer.reread((topic, 0), 80) == 90
        await until(lambda: len(second.values()) == 30, 30, "the rest again")
    assert covered(second.batches, 0) == [*range(80, 100), *range(90, 100)]


@pytest.mark.timeout(180)
@in_loop
async def test_members_join_and_leave_and_every_position_is_read_by_somebody(
    broker: Broker, new_topic: NewTopic
) -> None:
    topic = new_topic("shared", partitions=4)
    stop, sent = asyncio.Event(), [0] * 4
    load = asyncio.create_task(produce_until(stop, broker, topic, sent))
    a, b = (Reader(broker, topic, topic, confirm=True, max_poll_records=500) for _ in range(2))
    async with running(b):
        async with running(a):
            await until(lambda: len(a.owned) == len(b.owned) == 2, 40, "two partitions each")
            seen = len(a.values()), len(b.values())
            await until(lambda: len(a.values()) > seen[0] + 500 and len(b.values()) > seen[1] + 500, 30, "both to read")
        await until(lambda: b.owned == {0, 1, 2, 3}, SESSION / 2, "the one who stays to own all")
        stop.set()
        await load
        ends = broker.end_offsets(topic)
        await until(lambda: b.reached(ends, topic), 30, "the end of the log")
        await until(
            lambda: b.app.consumer.log_ends() == {Partition(topic, p): end for p, end in ends.items()}, 30, "ends"
        )
    assert [ends[p] for p in range(4)] == sent
    assert Verdict.JUMP not in a.verdicts + b.verdicts
    for partition, end in ends.items():
        read = [position for reader in (a, b) for position in covered(reader.batches, partition)]
        assert set(read) == set(range(end))
        assert await committed(broker, topic, topic, partition) == end
        for reader in (a, b):
            for reading in {batch.reading for batch in reader.batches}:
                run_of = covered([batch for batch in reader.batches if batch.reading == reading], partition)
                assert run_of == list(range(run_of[0], run_of[0] + len(run_of))) if run_of else True


@in_loop
async def test_what_waits_for_a_slow_agent_is_bounded(broker: Broker, new_topic: NewTopic) -> None:
    topic = new_topic("slow", partitions=2)
    for partition in range(2):
        await send(broker, topic, [b"x"] * 10_000, partition)
    reader = Reader(broker, topic, topic, max_poll_records=100)
    reader.gate.clear()
    taken: list[Batch] = []
    keep = reader.app.consumer._to_message

    def note(tp: Any, batch: Batch) -> Any:
        taken.append(batch)
        return keep(tp, batch)

    reader.app.consumer._to_message = note  # type: ignore[method-assign]
    async with running(reader):
        await until(lambda: len(taken) >= 8, 30, "a full queue")
        await until(lambda: not reader.app.consumer._get_active_partitions(), 30, "both partitions to be held back")
        assert len(taken) <= 14
        reader.gate.set()
        await until(lambda: reader.reached({0: 10_000, 1: 10_000}, topic), 30, "the end of the log")
    assert Verdict.JUMP not in reader.verdicts


def test_sigterm_ends_a_worker_that_left_nothing_behind(
    broker: Broker,
    new_topic: NewTopic,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    topic = new_topic("terminated", partitions=1)
    broker.send(topic, [b"1", b"2"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEB_ENABLED", "1")  # Faust would obey it
    handlers, threads = list(logging.getLogger().handlers), threading.active_count()
    last_words: list[bool] = []

    async def work() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        reader = Reader(broker, topic, topic)

        async def drain(app: Any, *_: Any, **__: Any) -> None:
            last_words.append(app.consumer.confirm((topic, 0), 2))

        signals: Any = reader.app.on_before_shutdown  # Faust's types refuse every coroutine function
        signals.connect(drain, weak=False)
        running = asyncio.create_task(run(reader.app, stop))
        await until(lambda: reader.app.consumer.reached((topic, 0)) == 2, 30, "the end of the log")
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(running, SESSION / 2)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(work())
    assert last_words == [True]
    assert asyncio.run(committed(broker, topic, topic)) == 2, "what was confirmed at the last moment is committed"
    assert threading.active_count() == threads
    assert logging.getLogger().handlers == handlers
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@in_loop
async def test_a_topic_that_is_not_batched_is_refused(broker: Broker, new_topic: NewTopic) -> None:
    topic = new_topic("plain", partitions=1)
    app = new_app(topic, [broker.bootstrap])

    @app.agent(app.topic(topic))
    async def read(stream: Any) -> None:
        async for _ in stream:
            pass

    with pytest.raises(OutsideError, match="expected only batched topics"):
        await run(app, asyncio.Event())


@in_loop
async def test_a_driver_that_was_refused_ends_the_run(broker: Broker, new_topic: NewTopic) -> None:
    topic = new_topic("denied", partitions=1)
    reader = Reader(broker, topic, topic)
    running = asyncio.create_task(run(reader.app, asyncio.Event()))
    await until(lambda: reader.batches, 30, "the first batch")
    driver: Any = reader.app.consumer._thread._consumer
    driver._coordinator._pending_exception = GroupAuthorizationFailedError(topic)  # as when a permission is withdrawn
    with pytest.raises(OutsideError, match="GroupAuthorizationFailedError"):
        await asyncio.wait_for(running, 30)


@in_loop
async def test_a_broker_that_cannot_be_reached_ends_the_run(broker: Broker, new_topic: NewTopic) -> None:
    app = new_app("nobody", ["127.0.0.1:1"])
    with pytest.raises(OutsideError, match="broke down"):
        await run(app, asyncio.Event())
