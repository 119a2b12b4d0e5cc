"""Do events become windows in time, and is anything lost or refused on the way?"""

from __future__ import annotations

from dashboards import links
from dashboards.kinds import GREEN, ORANGE, RED
from dashboards.modern import Panel, Row, board, panel
from dashboards.panels import BAD, BARS, LEGEND_TABLE, STACKED, Part, line_at, number, steps, table, triggers
from dashboards.promql import JOB, gauge, increase, quantile, rate, series
from dashboards.variables import DATASOURCES, REBALANCES, alerts
from dashboards.workers import exactness, workers

PARTITION = "topic, partition"
WATERMARK = gauge("watermark_timestamp_seconds", by=PARTITION)
IDLE = gauge("partition_idle", by=PARTITION)
LAG = gauge("partition_lag_records", by=PARTITION)
PROGRESS = gauge("last_progress_timestamp_seconds", by="stage")
PARTITION_NAME = "{{topic}} {{partition}}"
TO_MODEL = links.to(links.MODEL, "Model ${__data.fields.model}", model=links.field("model"))


def numbers() -> list[Panel]:
    """What whoever is woken looks at first, from left to right."""
    dead, good = rate("dead_letters_total"), rate("events_total")
    holes, gaps = (increase(name, over="1h") for name in ("block_holes_total", "batches_refused_total"))
    return [
        number(
            "Workers",
            "Workers that Prometheus can scrape.",
            f"sum(up{{{JOB}}}) or vector(0)",
            steps((None, RED), (1, GREEN)),
        ),
        number(
            "Records behind",
            "The partition that is furthest behind. The highest, because an average hides one that is stuck.",
            f"max({LAG})",
            steps((None, GREEN), (10_000, ORANGE), (100_000, RED)),
            unit="short",
        ),
        number(
            "Watermark behind by",
            "Wall clock less event time of the slowest partition that is not idle; 0 when all are. It is large while "
            "an old log is replayed.",
            f"max(time() - ({WATERMARK} unless {IDLE} == 1)) or vector(0)",
            steps((None, GREEN), (300, ORANGE), (3600, RED)),
            unit="s",
        ),
        number(
            "Last progress",
            "Since the slower of the two stages last moved on. Long is right when nothing arrives, and wrong when "
            "records wait.",
            f"max(time() - {PROGRESS})",
            steps((None, GREEN), (120, ORANGE), (600, RED)),
            unit="s",
        ),
        number(
            "Dead letters",
            "Share of records that cannot be used, now.",
            f"({dead} / ({dead} + {good} > 0)) or vector(0)",
            steps((None, GREEN), (0.001, ORANGE), (0.05, RED)) | {"max": 1},
            unit="percentunit",
        ),
        number(
            "Refused in an hour",
            "Envelopes refused because a block before them is missing, and batches refused because they did not follow "
            "the last one. One heals by itself; a growing number does not.",
            f"({holes} or vector(0)) + ({gaps} or vector(0))",
            BAD | {"decimals": 0},
        ),
    ]


def throughput() -> list[Panel]:
    """In, and out by the wrong door."""
    return [
        panel(
            "timeseries",
            "Events",
            "Events counted, by topic.",
            (rate("events_total", by="topic"), "{{topic}}"),
            unit="cps",
            defaults=STACKED,
        ),
        panel(
            "timeseries",
            "Dead letters by reason",
            "Records that could not be used; they are in the dead-letter topic with their reason.",
            (rate("dead_letters_total", by="reason"), "{{reason}}"),
            unit="cps",
            defaults=STACKED,
        ),
        panel(
            "timeseries",
            "Skipped by reason",
            "Records without a value: tombstones, or empty. They are right to be skipped.",
            (rate("skipped_total", by="reason"), "{{reason}}"),
            unit="cps",
            defaults=STACKED,
        ),
    ]


def behind() -> list[Panel]:
    """Records behind and time behind: the first can be 0 while the second grows, if a producer stops."""
    return [
        panel(
            "timeseries",
            "Records behind, by partition",
            "Records between our position and the end of the log. One partition that grows alone is stuck.",
            (LAG, PARTITION_NAME),
            unit="short",
            size=(12, 8),
            options=LEGEND_TABLE,
        ),
        panel(
            "timeseries",
            "Watermark behind, by partition",
            "Wall clock less the event time that a partition has reached, without idle ones. Windows wait for the "
            "slowest.",
            (f"time() - ({WATERMARK} unless {IDLE} == 1)", PARTITION_NAME),
            unit="s",
            size=(12, 8),
            options=LEGEND_TABLE,
        ),
        panel(
            "timeseries",
            "Since the last progress",
            "Wall clock since a stage last moved on, the latest of all workers. It rises when nothing arrives, too.",
            (f"time() - {PROGRESS}", "{{stage}}"),
            unit="s",
        ),
        panel(
            "timeseries",
            "Late events",
            "Events that came after every window that holds them had retired: they are counted in none. Raise "
            "lateness if this is steady.",
            (rate("late_events_total", by="model"), "{{model}}"),
            unit="cps",
        ),
        panel(
            "timeseries",
            "Idle partitions",
            "Partitions at the end of their log that the watermark does not wait for.",
            (f"sum by (topic) ({IDLE})", "{{topic}}"),
            unit="short",
        ),
    ]


def windows() -> list[Panel]:
    """From the watermark to the result."""
    delay = "window_close_delay_seconds"
    return [
        panel(
            "timeseries",
            "Close delay",
            "From the passing of the watermark to the published result; 99 of 100 are promised within a second.",
            (quantile(0.5, delay), "median"),
            (quantile(0.99, delay), "p99"),
            unit="s",
            defaults=line_at(1),
        ),
        panel(
            "heatmap",
            "Close delay, all windows",
            "Each window that closed, by its delay.",
            (f"sum by (le) (increase({series(delay)}_bucket[$__rate_interval]))", "{{le}}"),
            unit="short",
        ),
        panel(
            "timeseries",
            "Windows closed",
            "Windows closed in each step, all events of each model; revisions are not counted again.",
            (increase("windows_total", 'segment=""', by="model"), "{{model}}"),
            unit="short",
            defaults=BARS,
        ),
    ]


def outputs() -> list[Panel]:
    """What was decided, and what was left out."""
    by = "model"
    parts = [
        Part("Model", "model", link=TO_MODEL),
        Part("Late events", expr=increase("late_events_total", by=by, over="$__range"), unit="short"),
        Part("Unknown columns", expr=gauge("unknown_columns", by=by), unit="short"),
        Part("Series left out", expr=increase("series_dropped_total", by=by, over="$__range"), unit="short"),
        Part("Triggers", expr=increase("triggers_total", by=by, over="$__range"), unit="short", look={"decimals": 0}),
    ]
    text = (
        "For each model, in the time range: events too late for any window, column series left out because of "
        "max_series, and triggers of any outcome. Unknown columns are those of events that the reference has not."
    )
    return [
        triggers(
            "What became of retraining triggers of all models. A failed one is in its worker's log.", size=(10, 8)
        ),
        table("Left out, by model", text, parts, size=(14, 8), sort="Late events"),
    ]


dashboard = board(
    links.PIPELINE,
    "Driftline / Pipeline",
    "Do events become windows in time, and is anything lost or refused on the way?",
    [
        *numbers(),
        *throughput(),
        Row(title="Behind"),
        *behind(),
        Row(title="Windows"),
        *windows(),
        Row(title="Exactness"),
        *exactness(),
        Row(title="Triggers, and what was left out"),
        *outputs(),
        Row(title="Workers"),
        *workers(),
    ],
    variables=[DATASOURCES],
    annotations=[alerts('alertname=~"Driftline(Worker.*|NoData|DataQuality)"'), REBALANCES],
    links=[links.NAVIGATION],
    tags=[links.TAG],
    start="now-1h",
)
