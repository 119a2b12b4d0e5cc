"""Thousands of hostile records through a worker (`make fuzz` sends a million), and a burst of nothing but poison."""

from pathlib import Path

from tests import fuzz
from tests.services.kafka import Broker
from tests.services.small import deployment, event, past
from tests.services.waiting import wait_for


def test_every_hostile_record_is_an_event_a_dead_letter_or_skipped(broker: Broker, tmp_path: Path) -> None:
    ledger, outcome = fuzz.run(broker, tmp_path, messages=20_000, seed=11, say=print)
    assert outcome.counted == ledger.produced == 20_000
    assert all(ledger.fates[reason] for reason in ("event", "not_json", "bad_time", "future_time", "tombstone"))
    assert outcome.log_lines < 40  # however many records are bad


def test_a_burst_of_nothing_but_poison_restarts_nothing_and_good_events_after_it_count(
    broker: Broker, tmp_path: Path
) -> None:
    deployed = deployment(broker, tmp_path)
    try:
        worker = deployed.start_worker()
        broker.send(deployed.source, [b"poison %d" % i for i in range(12_000)], partition=1)
        letters = f'driftline_dead_letters_total{{reason="not_json",topic="{deployed.source}"}}'
        events = f'driftline_events_total{{topic="{deployed.source}"}}'
        wait_for(lambda: (worker.metric(letters) or 0) >= 12_000, 60, "the poison to be counted")
        deployed.produce([event(past(), i=i) for i in range(400)])
        wait_for(lambda: (worker.metric(events) or 0) >= 400, 60, "the good events to be counted")
        assert (worker.metric(letters), worker.metric(events)) == (12_000, 400)
        assert worker.process.returncode is None
        assert worker.page("/readyz")
        deployed.wait_for_windows(1, 30)
        assert worker.process.stop() == 0
    finally:
        deployed.stop()
