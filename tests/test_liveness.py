"""What stands still is told of, then ends the process; a watchdog ends it where nobody can."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from prometheus_client.registry import CollectorRegistry

from monitor.config import Kafka
from monitor.liveness import STUCK, Standstill, Stuck, Vigil, Watchdog
from monitor.metrics_pipeline import Pipeline
from tests.services.waiting import wait_for


def standstill(seconds: float, partition: int = 0) -> Standstill:
    return Standstill("summarise", "predictions", partition, seconds, f"predictions[{partition}] for {seconds:g} s")


def vigil(patience: int = 300) -> tuple[Vigil, CollectorRegistry]:
    registry = CollectorRegistry()
    made = Vigil(replace(Kafka(), patience=patience * 1000), Pipeline(registry))
    made.assigned()
    return made, registry


def test_what_stands_still_for_a_minute_is_told_of_the_longest_first_and_is_no_failure_yet() -> None:
    watch, registry = vigil()
    watch.look([standstill(59, 0), standstill(60, 1), standstill(61, 2)])
    assert watch.remarks() == ["predictions[2] for 61 s", "predictions[1] for 60 s"]
    assert watch.problems() == []
    labels = {"topic": "predictions", "stage": "summarise"}
    assert registry.get_sample_value("driftline_stuck_partitions", labels) == 2
    watch.look([])
    assert registry.get_sample_value("driftline_stuck_partitions", labels) == 0


def test_what_stands_still_beyond_the_patience_is_stuck() -> None:
    watch, _ = vigil()
    with pytest.raises(Stuck, match=r"predictions\[0\] for 300 s"):
        watch.look([standstill(300)])
    assert watch.problems() == ["predictions[0] for 300 s"]


def test_a_group_that_never_answers_is_a_problem() -> None:
    watch = Vigil(replace(Kafka(), patience=0), Pipeline(CollectorRegistry()))
    assert "the consumer group has not answered" in watch.problems()[0]
    watch.assigned()
    assert watch.problems() == []


class Ended:
    """What a watchdog does instead of ending this process."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.event = threading.Event()

    def __call__(self, code: int) -> None:
        self.codes.append(code)
        self.event.set()


def test_a_watchdog_ends_a_process_whose_loop_hangs(capfd: pytest.CaptureFixture[str]) -> None:
    ended = Ended()
    watchdog = Watchdog(0.3, end=ended)
    watchdog.start()
    assert ended.event.wait(20)
    watchdog.stop()
    assert ended.codes == [STUCK]
    said = capfd.readouterr().err
    assert "hangs" in said
    assert "Thread" in said


def test_a_watchdog_lets_a_process_live_that_beats() -> None:
    ended = Ended()
    beats: list[int] = []
    watchdog = Watchdog(6.0, end=ended)
    watchdog.start()

    def beaten() -> bool:
        watchdog.beat()
        beats.append(1)
        return len(beats) > 10

    wait_for(beaten, 20, "ten beats")
    watchdog.stop()
    assert ended.codes == []


def test_a_condemned_process_ends_with_its_code_however_often_it_beats() -> None:
    ended = Ended()
    watchdog = Watchdog(6.0, end=ended)
    watchdog.start()
    watchdog.condemn(3, within=0.3)

    def over() -> bool:
        watchdog.beat()
        return bool(ended.codes)

    wait_for(over, 20, "the end")
    watchdog.stop()
    assert ended.codes == [3]
