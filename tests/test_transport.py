"""The transport without a broker: which batches follow on each other, and what it relies on in Faust and aiokafka.

Those tests that read signatures fail when Faust or its driver change inside; then read the new source before anything.
"""

import ast
import asyncio
import inspect
import itertools
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiokafka
import faust
import pytest
from aiokafka.consumer import fetcher, group_coordinator, subscription_state
from faust.tables.recovery import Recovery
from faust.transport import consumer as faust_consumer
from faust.transport.drivers import aiokafka as driver
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import DriftlineError
from monitor.transport import Batch, BatchApp, BatchConsumer, BatchTransport, Check, Partition, Ranges, Verdict, new_app
from monitor.transport_fetch import FetchThread, Reading

LOG = Partition("log", 0)


def batch(start: int, stop: int, *, reading: int = 1, partition: int = 0) -> Batch:
    return Batch("log", partition, start, stop, 5, reading, [], None)


def ranges(start: int = 0) -> Ranges:
    found = Ranges()
    found.begin(LOG, reading=1, start=start)
    assert found.check(batch(start, start)).verdict is Verdict.ACCEPT
    return found


def test_batches_that_follow_on_each_other_are_accepted() -> None:
    log = ranges(50)
    assert [log.check(batch(a, b)).verdict for a, b in ((50, 50), (50, 60), (60, 100))] == [Verdict.ACCEPT] * 3
    assert log.position(LOG) == 100


def test_a_reading_whose_empty_first_batch_was_lost_is_a_jump() -> None:
    log = Ranges()
    log.begin(LOG, reading=1, start=0)
    assert log.check(batch(0, 10)) == Check(Verdict.JUMP, 0, 0)
    assert log.check(batch(0, 0)).verdict is Verdict.ACCEPT


def test_a_first_batch_that_does_not_begin_where_the_reading_does_is_a_jump() -> None:
    assert ranges(50).check(batch(60, 70)) == Check(Verdict.JUMP, 50, 60)


def test_a_jump_moves_nothing_so_the_batch_that_was_missing_still_fits() -> None:
    log = ranges()
    assert log.check(batch(10, 20)).verdict is Verdict.JUMP
    assert log.check(batch(0, 10)).verdict is Verdict.ACCEPT


def test_positions_that_were_read_already_are_a_jump_too() -> None:
    log = ranges()
    log.check(batch(0, 10))
    assert log.check(batch(5, 15)) == Check(Verdict.JUMP, 10, 5)


def test_what_was_fetched_before_a_seek_is_stale_even_where_it_would_fit() -> None:
    log = ranges()
    log.begin(LOG, reading=2, start=0)
    assert log.check(batch(0, 10, reading=1)).verdict is Verdict.STALE
    assert log.check(batch(0, 0, reading=2)).verdict is Verdict.ACCEPT


def test_what_comes_of_a_partition_that_is_not_read_is_stale() -> None:
    log = ranges()
    log.end(LOG)
    assert log.check(batch(0, 10)).verdict is Verdict.STALE
    assert log.position(LOG) is None
    assert ranges().check(batch(0, 10, partition=1)).verdict is Verdict.STALE


@given(cuts=st.lists(st.integers(0, 99), unique=True, max_size=20), lost=st.sets(st.integers(0, 20)))
def test_whatever_is_lost_is_never_counted_as_read(cuts: list[int], lost: set[int]) -> None:
    edges = sorted({0, 100, *cuts})
    whole = [batch(a, b) for a, b in itertools.pairwise(edges)]
    log, read = ranges(), 0
    for arrived in (b for i, b in enumerate(whole) if i not in lost):
        if log.check(arrived).verdict is Verdict.ACCEPT:
            assert arrived.start == read
            read = arrived.stop
    first_lost = min((i for i in lost if i < len(whole)), default=None)
    assert read == (100 if first_lost is None else whole[first_lost].start)


def test_faust_is_pinned_to_the_version_that_is_overridden() -> None:
    pinned = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["dependencies"]
    assert "faust-streaming==0.15.3" in pinned
    assert version("faust-streaming") == "0.15.3"
    assert version("aiokafka") == "0.14.0"


def signature(function: Callable[..., Any]) -> str:
    """Names and defaults of the parameters, without `self` and types."""
    kinds: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    parameters = [p for name, p in inspect.signature(function).parameters.items() if name != "self"]
    return ", ".join(
        kinds.get(p.kind, "") + p.name + ("" if p.default is inspect.Parameter.empty else f"={p.default!r}")
        for p in parameters
    )


OVERRIDDEN = [
    (faust.App._new_transport, BatchApp._new_transport, ""),
    (faust.App._create_directories, BatchApp._create_directories, ""),
    (faust.App._on_rebalance_when_stopped, BatchApp._on_rebalance_when_stopped, ""),
    (faust.Settings.getenv, BatchApp.Settings.getenv, "env_name"),
    (driver.Consumer._new_consumer_thread, BatchConsumer._new_consumer_thread, ""),
    (driver.Consumer._to_message, BatchConsumer._to_message, "tp, record"),
    (driver.Consumer.verify_event_path, BatchConsumer.verify_event_path, "now, tp"),
    (faust_consumer.Consumer.perform_seek, BatchConsumer.perform_seek, ""),
    (faust_consumer.Consumer.on_partitions_revoked, BatchConsumer.on_partitions_revoked, "revoked"),
    (faust_consumer.Consumer.on_buffer_drop, BatchConsumer.on_buffer_drop, "tp"),
    (faust_consumer.Consumer._wait_next_records, BatchConsumer._wait_next_records, "timeout"),
    (faust_consumer.Consumer._new_offset, BatchConsumer._new_offset, "tp"),
    (
        faust_consumer.Consumer._filter_tps_with_pending_acks,
        BatchConsumer._filter_tps_with_pending_acks,
        "topics=None",
    ),
    (driver.AIOKafkaConsumerThread._create_worker_consumer, FetchThread._create_worker_consumer, "transport"),
    (
        driver.AIOKafkaConsumerThread._fetch_records,
        FetchThread._fetch_records,
        "consumer, active_partitions, timeout=None, max_records=None",
    ),
]


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"), OVERRIDDEN, ids=lambda value: getattr(value, "__qualname__", "")
)
def test_what_is_overridden_is_still_called_the_same_way(theirs: Any, ours: Any, expected: str) -> None:
    assert signature(theirs) == expected
    assert len(inspect.signature(ours).parameters) == len(inspect.signature(theirs).parameters)
    assert inspect.iscoroutinefunction(theirs) == inspect.iscoroutinefunction(ours)


def source(thing: Any) -> str:
    """Source without comments, docstrings and layout."""
    function = getattr(thing, "fun", thing)  # Faust wraps what runs for ever
    tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(function)))
    return ast.unparse(tree)


RELIED_ON = [
    # Only here are batches made into messages, and only while the flow is on and the generation the same.
    (faust_consumer.Consumer.getmany, ["await self._wait_next_records(timeout)", "to_message(tp, record)"]),
    (faust_consumer.Consumer.getmany, ["if records is None or self.should_stop:"]),
    # Offsets that were read before are asked of a mapping, which answers None to let everything pass.
    (
        faust_consumer.Consumer._drain_messages,
        ["self._read_offset.__getitem__", "if r_offset is None or offset >= r_offset"],
    ),
    # Nothing but `_new_offset` says what is committed, and only for what `_filter_tps_with_pending_acks` names.
    (faust_consumer.Consumer.force_commit, ["self._filter_tps_with_pending_acks(topics)"]),
    (faust_consumer.Consumer._filter_committable_offsets, ["self._new_offset(tp)", "self._should_commit(tp, offset)"]),
    (faust_consumer.Consumer._should_commit, ["committed is None or (bool(offset) and offset > committed)"]),
    (faust_consumer.Consumer.on_stop, ["await self.commit_and_end_transactions()"]),
    # Without tables every assignment ends in a seek, before records flow.
    (Recovery._resume_streams, ["consumer.perform_seek()", "consumer.resume_flow()"]),
    (Recovery._restart_recovery, ["if not self.tables", "except IllegalStateError"]),
    (driver.AIOKafkaConsumerThread.getmany, ["self._fetch_records", "max_records=_consumer._max_poll_records"]),
    (driver.AIOKafkaConsumerThread._create_worker_consumer, ["self.app.conf.table_standby_replicas > 0"]),
    (driver.ConsumerRebalanceListener.on_partitions_assigned, ["self._thread.app.consumer_generation_id = generation"]),
    # The driver: positions, results, records.
    (fetcher.Fetcher.fetched_records, ["if partitions and tp not in partitions", "res_or_error.getall(max_records)"]),
    (fetcher.FetchResult.getall, ["self.check_assignment(tp)", "self._update_position()"]),
    (fetcher.PartitionRecords._unpack_records, ["self._consumer_record(tp, record)"]),
    (fetcher.Fetcher._create_fetch_waiter, ["self._fetch_waiters.add(fut)", "return fut"]),
    (subscription_state.Subscription._assign, ["self._assignment = Assignment(topic_partitions)"]),
    # Where the driver leaves word that it has broken down.
    (group_coordinator.GroupCoordinator.__init__, ["self._coordination_task =", "self._pending_exception = None"]),
    (group_coordinator.GroupCoordinator._push_error_to_user, ["self._pending_exception = exc"]),
    (fetcher.Fetcher.__init__, ["self._fetch_task = create_task(self._fetch_requests_routine())"]),
    (group_coordinator.GroupCoordinator._on_join_complete, ["assign_from_subscribed(assignment.partitions())"]),
    (
        aiokafka.AIOKafkaConsumer.start,
        [
            "isolation_level=self._isolation_level",
            "fetch_max_bytes=self._fetch_max_bytes",
            "fetch_max_wait_ms=self._fetch_max_wait_ms",
        ],
    ),
]


@pytest.mark.parametrize(("place", "lines"), RELIED_ON, ids=lambda value: getattr(value, "__qualname__", ""))
def test_what_the_transport_relies_on_is_still_so(place: Any, lines: list[str]) -> None:
    code = source(place)
    assert [line for line in lines if line not in code] == []


async def app_of_one_topic() -> BatchApp:
    app = new_app("group", ["localhost:9092", "[::1]:9093"], session_timeout=7.0, broker_client_id="other")
    app.batches("logs")
    return app


@pytest.fixture
def app() -> Any:
    with asyncio.Runner() as runner:
        app = runner.run(app_of_one_topic())
        yield app
        app.consumer.discard()


def test_the_app_is_set_up_for_batches_and_for_nothing_else(app: BatchApp) -> None:
    conf = app.conf
    assert [str(url) for url in conf.broker] == ["kafka://localhost:9092", "kafka://[::1]:9093"]
    assert (conf.broker_session_timeout, conf.broker_client_id) == (7.0, "other")
    assert conf.broker_session_timeout < conf.broker_request_timeout
    assert not any([conf.web_enabled, conf.topic_allow_declare, conf.stream_wait_empty])
    assert isinstance(app.transport, BatchTransport)
    assert isinstance(app.consumer, BatchConsumer)


def test_the_environment_does_not_change_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_ENABLED", "1")
    monkeypatch.setenv("BROKER_URL", "kafka://elsewhere:9092")
    conf = new_app("group", ["localhost:9092"]).conf
    assert (conf.web_enabled, [str(url) for url in conf.broker]) == (False, ["kafka://localhost:9092"])


def test_tables_are_refused(app: BatchApp) -> None:
    with pytest.raises(DriftlineError, match="expected no tables"):
        app.Table("counts", default=int)


def test_a_message_of_faust_carries_the_batch_and_its_generation(app: BatchApp) -> None:
    message = app.consumer._to_message(Partition("logs", 2), Batch("logs", 2, 10, 20, 5, 1, [], None))
    assert (message.tp, message.offset, message.generation_id) == (faust.types.TP("logs", 2), 19, 5)
    assert message.value.tp == Partition("logs", 2)


def test_only_what_was_confirmed_can_be_committed(app: BatchApp) -> None:
    consumer, tp = app.consumer, faust.types.TP("logs", 0)
    assert list(consumer._filter_tps_with_pending_acks()) == []
    consumer._readings[Partition("logs", 0)] = Reading(1, 5, 40)
    consumer._ranges.begin(Partition("logs", 0), reading=1, start=40)
    assert not consumer.confirm(tp, 41), "it was never read"
    for stop in (40, 60):
        consumer.check(Batch("logs", 0, 40, stop, 5, 1, [], None))
    assert consumer.confirm(tp, 50)
    assert not consumer.confirm(tp, 50)
    assert consumer._filter_committable_offsets(consumer._filter_tps_with_pending_acks()) == {tp: 50}


def test_a_partition_that_was_revoked_leaves_nothing_to_commit_and_takes_no_batch(app: BatchApp) -> None:
    consumer, tp = app.consumer, faust.types.TP("logs", 0)
    consumer._readings[Partition("logs", 0)] = Reading(1, 5, 40)
    consumer._ranges.begin(Partition("logs", 0), reading=1, start=40)
    consumer.check(Batch("logs", 0, 40, 40, 5, 1, [], None))
    consumer.check(Batch("logs", 0, 40, 60, 5, 1, [], None))
    assert consumer.confirm(tp, 50)
    consumer._committed_offset[tp] = 50  # nothing is left to be committed, which would need a broker
    consumer.loop.run_until_complete(consumer.on_partitions_revoked({tp}))
    assert list(consumer._filter_tps_with_pending_acks()) == []
    assert consumer.readings == {}
    assert not consumer.confirm(tp, 55)
    assert consumer.check(Batch("logs", 0, 60, 70, 5, 1, [], None)).verdict is Verdict.STALE
