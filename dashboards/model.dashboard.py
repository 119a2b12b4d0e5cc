"""What has happened to this model: which columns, since when, and is it the data or the pipeline?"""

from __future__ import annotations

from dashboards import links
from dashboards.kinds import BLUE, ORANGE, RED
from dashboards.modern import Panel, Row, board, panel
from dashboards.panels import (
    AGE,
    NEUTRAL,
    RATIO,
    SHARE,
    VERDICT,
    Part,
    coloured,
    line_at,
    mapping,
    number,
    steps,
    table,
    triggers,
)
from dashboards.promql import MODEL, gauge, highest, increase, most
from dashboards.variables import DATASOURCES, EPISODES, ONE_MODEL, RETRAINING, SEGMENT, VERSION, alerts

KEPT = ("model", "version", "segment")
COLUMN_OF_ROW = links.to(links.COLUMN, "Column ${__data.fields.column}", *KEPT, column=links.field("column"))
COLUMN_OF_SERIES = links.to(links.COLUMN, "Column ${__field.labels.column}", *KEPT, column=links.label("column"))
THIS_VERSION = links.to(
    links.MODEL, "Version ${__field.labels.version}", "model", "segment", version=links.label("version")
)
THIS = 'model="$model"'
PREDICTION = f'{MODEL}, role="prediction"'
END = gauge("window_end_timestamp_seconds", MODEL)
SIZE = gauge("window_size_seconds", THIS)


def numbers() -> list[Panel]:
    """Is it in drift, since when, and can the numbers be believed?"""
    begun = f"({END} - {gauge('model_episode_start_timestamp_seconds', MODEL)})"
    return [
        number("Verdict", "Verdict on the last closed window.", gauge("model_verdict", MODEL), VERDICT),
        number(
            "Episode open for",
            "From the first window in drift to the end of the last window, in event time; none if no episode is open.",
            f"{begun} * {gauge('model_episode_active', MODEL)}",
            mapping({"0": ("none", None)}) | steps((None, "green"), (1, RED)),
            unit="s",
        ),
        number(
            "Columns in drift",
            "Columns of the last window beyond their thresholds.",
            gauge("model_drifted_columns", MODEL),
            steps((None, "green"), (1, ORANGE)),
        ),
        number(
            "Prediction, drift ratio",
            "The worst prediction column: its deciding statistic over its threshold. Above 1, what the model says has "
            "moved, not only what it is told.",
            gauge("column_drift_ratio", PREDICTION),
            RATIO,
        ),
        number(
            "Age in windows",
            "Time since the end of the last closed window, in windows. Up to 2 is normal; above 3 no data arrive or "
            "the pipeline is behind. Click for the pipeline.",
            f"(time() - {END}) / {SIZE}",
            AGE,
            link=links.to(links.PIPELINE, "Pipeline"),
        ),
        number(
            "Events in the window",
            "Events of the last closed window. With few, a verdict stays undecided.",
            gauge("window_events", MODEL),
            NEUTRAL,
            unit="short",
        ),
    ]


def history() -> Panel:
    """The map of the model: rows that turn red together have one cause."""
    ratios = highest("column_drift_ratio", MODEL, by="column")
    ranked = f"max by (column) (max_over_time(driftline_column_drift_ratio{{{MODEL}}}[$__range] @ end()))"
    return panel(
        "status-history",
        "Columns over time",
        "Drift ratio (statistic over threshold) of the 30 columns that were worst in the time range: red is above 1. "
        "Rows that turn red together have one cause. Click a cell for the column.",
        (most(ratios, ranked, count=30, by="column"), "{{column}}"),
        unit="none",
        size=(24, 14),
        defaults=RATIO | {"links": [COLUMN_OF_SERIES]},
    )


def columns() -> list[Panel]:
    """The columns now, and the prediction over time."""
    by = "column, role"
    parts = [
        Part("Column", "column", link=COLUMN_OF_ROW),
        Part("Role", "role", width=95),
        Part("Verdict", expr=gauge("column_verdict", MODEL, by=by), look=VERDICT, coloured=True, width=95),
        Part("Drift ratio", expr=gauge("column_drift_ratio", MODEL, by=by), look=RATIO, coloured=True, width=110),
        *(
            Part(name.title(), expr=gauge(f"column_{name}_ratio", MODEL, by=by), unit="percentunit", look=SHARE)
            for name in ("missing", "invalid", "unseen")
        ),
    ]
    text = "Every column in the last closed window, the furthest beyond its threshold first. Click for the column."
    ratio = (highest("column_drift_ratio", PREDICTION, by="column"), "{{column}}")
    return [
        table("Columns", text, parts, size=(14, 10), sort="Drift ratio"),
        panel(
            "timeseries",
            "Prediction over time",
            "Drift ratio of what the model says: above the line is drift.",
            ratio,
            unit="none",
            size=(10, 10),
            defaults=line_at(1) | {"links": [COLUMN_OF_SERIES]},
        ),
    ]


def moved() -> list[Panel]:
    """What the alert says, in the columns' own units, and which columns have one cause."""
    parts, causes = "column, part", "cause, column"
    return [
        table(
            "What moved",
            "Of the last closed window of all events: which part of the worst columns in drift moved, from the "
            "reference's share to the window's. With a segment chosen, what moved in segments alone, and most in this "
            "one. Empty without drift.",
            [
                Part("Column", "column", link=COLUMN_OF_ROW),
                Part("Part", "part"),
                *(
                    Part(title, expr=gauge(name, MODEL, by=parts), unit="percentunit", look=NEUTRAL, width=110)
                    for title, name in (("Reference", "column_moved_reference_ratio"), ("Window", "column_moved_ratio"))
                ),
            ],
            size=(14, 8),
            sort="Window",
        ),
        table(
            "Moved together",
            "Columns in drift of the last closed window of all events beside the worst one that moves with them in the "
            "reference: most likely one cause. The first three causes.",
            [
                Part("Cause", "cause"),
                Part("Column", "column", link=COLUMN_OF_ROW),
                Part(
                    "Drift ratio",
                    expr=gauge("column_cause_ratio", MODEL, by=causes),
                    look=RATIO,
                    coloured=True,
                    width=110,
                ),
            ],
            size=(10, 8),
            sort="Drift ratio",
        ),
    ]


def quality() -> list[Panel]:
    """Data that are broken rather than changed; usually the quickest to explain."""
    texts = {
        "missing": "Events without the column, above the share that the reference has.",
        "invalid": "Values of a wrong type or not finite, above the share that the reference has.",
        "unseen": "Values of a category that the reference never had.",
    }
    return [_quality(share, text) for share, text in texts.items()]


def _quality(share: str, text: str) -> Panel:
    shown = gauge(f"column_{share}_ratio", MODEL, by="column")
    ranked = f"max by (column) (max_over_time(driftline_column_{share}_ratio{{{MODEL}}}[$__range] @ end()))"
    if share != "unseen":
        reference = f"column_reference_{share}_ratio"
        shown = f"{shown} - {gauge(reference, MODEL, by='column')}"
        ranked = f"{ranked} - {gauge(reference, MODEL, by='column').replace('}', '} @ end()')}"
    return panel(
        "timeseries",
        f"{share.title()} values",
        f"{text} The ten columns that were worst in the time range.",
        (most(f"({shown})", f"({ranked})", count=10, by="column"), "{{column}}"),
        unit="percentunit",
        defaults={"min": None, "links": [COLUMN_OF_SERIES]},
    )


def volume() -> list[Panel]:
    """How much was seen, how much came too late, and what was done about it."""
    counters = {"windows_total": "closed", "windows_drifted_total": "in drift"}
    return [
        panel(
            "timeseries",
            "Events per window",
            "Events in the last closed window, and how many of them came after its first result. A fall explains an "
            "undecided verdict.",
            (gauge("window_events", MODEL), "events"),
            (gauge("window_late_events", MODEL), "late"),
            unit="short",
            size=(8, 8),
        ),
        panel(
            "timeseries",
            "Windows closed",
            "Windows closed in each step, and those whose first result was drift.",
            *((increase(name, MODEL), legend) for name, legend in counters.items()),
            unit="short",
            size=(8, 8),
            defaults={"custom": {"drawStyle": "bars", "fillOpacity": 60}},
            overrides=coloured({"closed": BLUE, "in drift": RED}),
        ),
        triggers("What became of retraining triggers of all versions.", THIS, size=(8, 8)),
    ]


def verdicts() -> Panel:
    """The model's own line above the map of its columns."""
    return panel(
        "state-timeline",
        "Verdict over time",
        "The worst verdict in each stretch. Regions mark open episodes.",
        (highest("model_verdict", MODEL, by="model, version"), "{{version}}"),
        unit="none",
        size=(16, 4),
        defaults=VERDICT | {"links": [THIS_VERSION]},
    )


def worst() -> list[Panel]:
    """How bad the open episode has been, also when the last window looks better."""
    none = mapping({"0": ("none", None)})
    return [
        number(
            "Episode's worst ratio",
            "The largest drift ratio of any column since the episode opened; none if no episode is open.",
            gauge("model_episode_worst_ratio", MODEL),
            none | RATIO,
        ),
        number(
            "Episode's worst window",
            "Start of the window with that ratio, in event time.",
            f"{gauge('model_episode_worst_timestamp_seconds', MODEL)} * 1000",
            none | NEUTRAL,
            unit="dateTimeAsIso",
        ),
    ]


dashboard = board(
    links.MODEL,
    "Driftline / Model",
    "What has happened to this model: which columns, since when, and is it the data or the pipeline?",
    [
        *numbers(),
        verdicts(),
        *worst(),
        history(),
        *columns(),
        *moved(),
        Row(title="Data quality"),
        *quality(),
        Row(title="Volume, windows, retraining"),
        *volume(),
    ],
    variables=[DATASOURCES, ONE_MODEL, VERSION, SEGMENT],
    annotations=[alerts(THIS), EPISODES, RETRAINING],
    links=[links.NAVIGATION],
    tags=[links.TAG],
    start="now-7d",
)
