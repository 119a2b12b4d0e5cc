"""Runs the demo: reference, log, configuration and results in a folder, the whole pipeline in this process."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from monitor import access, config, settings
from monitor.brokers import reach
from monitor.demo import market
from monitor.demo.view import Heat
from monitor.drift.profiles import encode as encode_profile
from monitor.errors import OutsideError
from monitor.metrics import Metrics
from monitor.pipeline import results
from monitor.pipeline.assemble import LogBatch, targets
from monitor.pipeline.explain import sentences
from monitor.pipeline.merge import Output
from monitor.pipeline.results import EpisodeEvent, Result, rfc3339
from monitor.replay import Log, Summary, replay
from monitor.server import Server

DAY_OF_RECORDS = 48
DEADLINE = 10.0  # seconds in which Kafka must answer
FOLDER = Path("driftline-demo")
CONFIG = """\
# The configuration of `driftline demo`; try: driftline replay --config driftline.yml events.jsonl
models:
  - name: nsw-price
    versions: {"1": reference-1.json}
    window: {size: 7d, offset: 4d}       # weeks from Monday to Monday
    min_events: 336                      # a whole week of half-hours: the first one lacks its Monday
budget: {pages: 1, per: 365d}
"""


def demo(*, serve: bool, port: int, out: Path | None) -> None:
    """Play two and a half years of the market through the pipeline and say what was found."""
    console, began = Console(), time.monotonic()
    folder = prepare(out or FOLDER, console)
    settings_ = settings.load(folder / "driftline.yml")
    metrics = Metrics(settings_.max_series)
    metrics.configure(settings_)
    log = (folder / "events.jsonl").read_bytes().splitlines()
    found = _play(console, settings_, metrics, log, folder / "windows.jsonl")
    _say(console, *found, folder, time.monotonic() - began)
    if serve:
        asyncio.run(_serve(console, port, metrics))


def prepare(folder: Path, console: Console) -> Path:
    """Write the log, the reference and the configuration of the demo into a folder."""
    from monitor.reference import build

    folder.mkdir(parents=True, exist_ok=True)
    events = market.events(market.load())
    (folder / "events.jsonl").write_bytes(b"\n".join(events) + b"\n")
    (folder / "training.jsonl").write_bytes(b"\n".join(events[: market.REFERENCE]) + b"\n")
    profile, _ = build([folder / "training.jsonl"], model=market.MODEL, version=market.VERSION, time="time")
    (folder / "reference-1.json").write_bytes(encode_profile(profile))
    (folder / "driftline.yml").write_text(CONFIG, encoding="utf-8")
    console.print(
        f"[bold]driftline demo[/]: the New South Wales electricity market, {len(events):,} half-hours from May 1996 to "
        f"December 1998.\nA logistic regression was fitted on the first {market.REFERENCE:,}; they are the reference. "
        "Every week is compared with them.\n"
    )
    return folder


def _play(
    console: Console, chosen: config.Config, metrics: Metrics, log: Sequence[bytes], out: Path
) -> tuple[Summary, list[Result]]:
    """The whole log through the pipeline, a day at a time, with the picture growing as weeks close."""
    model = chosen.models[0]
    target = targets(chosen)[market.MODEL, market.VERSION]
    first = model.windows.starting_in(model.windows.pane_of(market.START))[0]
    last = market.START + (len(log) - 1) * market.HALF_HOUR
    opening = market.START + market.OPENING * market.HALF_HOUR
    names = [column.name for column in target.profile.columns]
    heat = Heat(
        names, range(first, last + 1, model.windows.step), mark=opening, label="5 May 1997: the national market opens"
    )
    found: list[Result] = []
    width = min(console.width, 160)
    with out.open("wb") as file, Live(console=console, refresh_per_second=12, transient=False) as live:

        def output(event: Output) -> None:
            if isinstance(event, Result):
                found.append(event)
                file.write(results.encode(event) + b"\n")
                metrics.window(event, target.profile)
                heat.add(event)
                live.update(heat.render(width))
            elif isinstance(event, EpisodeEvent):
                live.console.print(_episode(event), highlight=False)
                for line in sentences(event.evidence, most=1) if event.kind == "opened" else ():
                    live.console.print(Padding(Text(line, style="dim"), (0, 0, 0, 12), expand=False))

        summary = replay(chosen, [Log("demo", 0, "events.jsonl", _days(log), Counter())], on_output=output)
        live.update(heat.render(width))
    return summary, found


def _days(log: Sequence[bytes]) -> Iterator[LogBatch]:
    for start in range(0, len(log), DAY_OF_RECORDS):
        values = log[start : start + DAY_OF_RECORDS]
        stop = start + len(values)
        yield LogBatch("demo", 0, values, None, range(start, stop), stop)


def _episode(event: EpisodeEvent) -> str:
    names = ", ".join(event.columns)
    if event.kind == "opened":
        return f"{rfc3339(event.start)[:10]}  [bold red]▲ episode opens[/]   {names}"
    return f"{rfc3339(event.evidence.end)[:10]}  [bold green]▼ episode closes[/]  {names}, three weeks without drift"


def _say(console: Console, summary: Summary, found: Sequence[Result], folder: Path, seconds: float) -> None:
    """One paragraph: what was found, in which windows, and what to type next."""
    opening = market.START + market.OPENING * market.HALF_HOUR
    before = [result for result in found if result.end <= opening]
    after = [result for result in found if result.end > opening]
    drifted = [result for result in after if result.verdict == "drift"]
    early = [result for result in before if result.verdict == "drift"]
    first = drifted[0]
    columns = ", ".join(f"{name} {first.columns[name].ratio:.1f}×" for name in first.drifted)
    console.print(
        f"\n{summary.events:,} events made {len(found)} weekly windows in {seconds:.1f} s. Of the {len(before)} weeks "
        f"before the national market opened {len(early)} drifted{_weeks(early)}; of the {len(after)} since then "
        f"{len(drifted)} did. The first of these is the week of {rfc3339(first.start)[:10]}, beyond its thresholds in "
        f"{columns}: what had been constant came alive on that day, and a model fitted before it had never seen such "
        "inputs.",
        highlight=False,
    )
    console.print(
        f"\nNext:\n  {_command()} reference show {folder}/reference-1.json"
        f"\n  {_command()} replay --config {folder}/driftline.yml {folder}/events.jsonl --out {folder}/windows.jsonl"
        f"\n  {_command()} demo --serve        keeps /metrics on loopback for your Prometheus",
        highlight=False,
        soft_wrap=True,
    )


def _command() -> str:
    """How this command was called, so that the next one can be typed the same way."""
    return "driftline" if shutil.which("driftline") else os.path.relpath(sys.argv[0])


def _weeks(found: Sequence[Result]) -> str:
    """Which weeks, and in which columns."""
    if not found:
        return ""
    names = sorted({name for result in found for name in result.drifted})
    return f" ({', '.join(names)} in the weeks of {', '.join(rfc3339(result.start)[:10] for result in found)})"


async def _serve(console: Console, port: int, metrics: Metrics) -> None:
    server = Server(config.Server(port=port), metrics, health=list, ready=list)
    await server.start()
    console.print(f"\nhttp://127.0.0.1:{server.port}/metrics is there until Ctrl-C", highlight=False)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await server.stop()


def shift_to_now(played: market.Market, *, now: float | None = None) -> int:
    """Whole weeks (ms) by which the log must be later to end in the week before now: alerts ask how old windows are."""
    end = market.START + len(played.features) * market.HALF_HOUR
    week = 7 * config.DAY
    return int((now or time.time()) * 1000 - end) // week * week


def produce(kafka: config.Kafka, topic: str, *, speed: float) -> None:
    """Play the demo's log into a Kafka topic, in order, as if it ended now; `speed` in events per second, or 0."""
    from kafka import KafkaProducer
    from kafka.errors import KafkaError

    reach(kafka, DEADLINE)
    console, played = Console(stderr=True), market.load()
    log = market.events(played, shift=shift_to_now(played))
    try:
        producer = KafkaProducer(**access.options(kafka), acks="all", linger_ms=20)
        began = time.monotonic()
        sent = []
        for i, event in enumerate(log):
            if speed and i / speed > time.monotonic() - began:
                time.sleep(i / speed - (time.monotonic() - began))  # the pace that was asked for
            sent.append(producer.send(topic, event, key=f"half-hour-{i}".encode()))
        producer.flush()
        for future in sent:
            future.get(timeout=30)
        producer.close()
    except KafkaError as error:
        raise OutsideError(
            f"Kafka at {', '.join(kafka.brokers)}: {error!r}; is it running, and is {topic!r} there?"
        ) from error
    console.print(f"{len(log):,} events are in {topic}")
