"""Batches as brokers keep them: compressed in every way, and damaged on a disk."""

from pathlib import Path

import pytest
from kafka import KafkaProducer

from tests.faults.oracle import Findings, look_at_summaries
from tests.services.deployment import driftline
from tests.services.kafka import Broker
from tests.services.reading import delete_before
from tests.services.small import Deploy, deployment, event, past, window
from tests.services.waiting import wait_for

COUNTED = 'driftline_events_total{{topic="{}"}}'
COMPRESSIONS = ("gzip", "snappy", "lz4", "zstd")


def test_a_log_is_counted_and_redriven_however_its_producers_compress_it(deploy: Deploy) -> None:
    deployed = deploy(lateness="10m")
    for partition, compression in enumerate(COMPRESSIONS):
        kafka = {"bootstrap_servers": deployed.broker.bootstrap, "linger_ms": 50}
        producer = KafkaProducer(**kafka, compression_type=compression)
        for value in [b"poison", *window(past(), n=999)]:  # a block
            producer.send(deployed.source, value, partition=partition)
        producer.close()
    worker = deployed.start_worker()
    wait_for(lambda: worker.metric(COUNTED.format(deployed.source)) == 4 * 999, 60, "every event to be counted")
    redrive = ("dead-letters", "redrive", "--config", str(deployed.config))
    assert "sent 4; 0 had been" in driftline(*redrive)
    assert "sent 0; 4 had been" in driftline(*redrive)  # it has found the copies in the log


@pytest.mark.timeout(180)
def test_of_a_log_with_gaps_what_compaction_has_left_is_counted_once(kafka_jars: Path, tmp_path: Path) -> None:
    broker = Broker.start(tmp_path / "kafka", kafka_jars, properties={"log.cleaner.backoff.ms": "100"})
    compacted = {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01"}
    deployed = deployment(broker, tmp_path, lateness="10m", source_config=compacted)
    try:
        producer, start = KafkaProducer(bootstrap_servers=broker.bootstrap), past()
        for i in range(6_000):  # three blocks in each of two partitions, and each key three times
            producer.send(deployed.source, event(start, i=i), key=b"%d" % (i // 2 % 1_000), partition=i % 2)
        producer.flush()

        def left() -> int:
            """Events that are left; with every new record the broker begins a segment, and compacts those before."""
            for partition in range(2):
                producer.send(deployed.source, b"poison", key=b"last", partition=partition)
            producer.flush()
            return sum(record.key != b"last" for record in broker.records(deployed.source))

        wait_for(lambda: left() == 2_000, 60, "compaction")
        producer.close()
        worker = deployed.start_worker()
        wait_for(lambda: worker.metric(COUNTED.format(deployed.source)) == 2_000, 60, "what is left to be counted")
        assert worker.process.stop() == 0
        found = Findings()
        look_at_summaries(found, deployed, gaps=True)
        assert found.exact
    finally:
        deployed.stop()
        broker.stop()


@pytest.mark.timeout(180)
def test_a_batch_that_is_damaged_on_the_brokers_disk_ends_a_worker_with_3_and_is_named(
    own_broker: Broker, tmp_path: Path
) -> None:
    deployed = deployment(own_broker, tmp_path)
    deployed.produce(window(past(), n=4_000))  # a block in each partition
    first = deployed.start_worker()
    deployed.wait_for_windows(1, 60)
    assert first.process.stop() == 0
    deployed.workers.remove(first)
    deployed.produce(window(past()))
    own_broker.stop()
    (segment,) = tmp_path.glob(f"kafka/**/{deployed.source}-2/00000000000000000000.log")
    content = bytearray(segment.read_bytes())
    content[-20] ^= 1
    segment.write_bytes(content)
    own_broker.start_again()
    try:
        worker = deployed.start_worker()
        wait_for(lambda: worker.process.returncode is not None, 60, "the worker to end")
        assert worker.process.returncode == 3
        deployed.workers.remove(worker)
        assert f"Invalid CRC - TopicPartition(topic='{deployed.source}', partition=2)" in worker.process.tail()
        delete_before(own_broker, deployed.source, 1_100, partition=2)  # as docs/operations.md says
        after = deployed.start_worker()
        wait_for(lambda: after.metric(COUNTED.format(deployed.source)) == 300, 60, "all others to be counted")
        lost = f'driftline_records_lost_total{{topic="{deployed.source}"}}'
        wait_for(lambda: after.metric(lost) == 100, 30, "what was not read to be counted as lost")
    finally:
        deployed.stop()
