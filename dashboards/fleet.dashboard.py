"""Which models need somebody, and is the monitor itself alive?"""

from __future__ import annotations

from dashboards import links
from dashboards.kinds import GREEN, ORANGE, RED
from dashboards.modern import Panel, Row, board, panel
from dashboards.panels import AGE, BAD, NEUTRAL, RATIO, VERDICT, Part, number, steps, table
from dashboards.promql import FLEET, JOB, gauge, highest, increase
from dashboards.texts import READING
from dashboards.variables import DATASOURCES, FIRING, MODELS, alert_series, alerts

KNOWN = 'model=~"$model"'
TO_MODEL = links.to(
    links.MODEL, "Model ${__data.fields.model}", model=links.field("model"), version=links.field("version")
)
TO_COLUMN = links.to(
    links.COLUMN,
    "Column ${__data.fields.column}",
    model=links.field("model"),
    version=links.field("version"),
    column=links.field("column"),
)
SERIES_TO_MODEL = links.to(
    links.MODEL, "Model ${__field.labels.model}", model=links.label("model"), version=links.label("version")
)
END = gauge("window_end_timestamp_seconds", FLEET, by="model, version")
SIZE = gauge("window_size_seconds", KNOWN, by="model")
OLD = f"time() - {END} > on (model) group_left () 3 * {SIZE}"
NEVER = f"{gauge('model_reference_events', KNOWN, by='model, version')} unless {END}"


def numbers() -> list[Panel]:
    """Six numbers: whoever opens the board reads them first."""
    drifted = f"count({gauge('model_verdict', KNOWN, by='model')} == 2) or vector(0)"
    episodes = f"sum({gauge('model_episode_active', KNOWN, by='model, version, segment')}) or vector(0)"
    firing = f"count({alert_series(FIRING)}) or vector(0)"
    return [
        number("Models in drift", "Models with a version or segment whose last window is in drift.", drifted, BAD),
        number(
            "Open episodes",
            "Drift episodes that have opened and not recovered: each is one page and one retraining call.",
            episodes,
            BAD,
        ),
        number(
            "Without data",
            "Model versions whose last window ended more than three windows ago, or that have shown none.",
            f"count(({OLD}) or ({NEVER})) or vector(0)",
            steps((None, GREEN), (1, ORANGE)),
        ),
        number("Alerts firing", "Alerts of Driftline that fire now, whatever they are about.", firing, BAD),
        number(
            "Models watched",
            "Models that the workers are configured for.",
            f"count({gauge('model_reference_events', KNOWN, by='model')}) or vector(0)",
            NEUTRAL,
        ),
        number(
            "Workers",
            "Workers that Prometheus can scrape. Click for the pipeline.",
            f"sum(up{{{JOB}}}) or vector(0)",
            steps((None, RED), (1, GREEN)),
            link=links.to(links.PIPELINE, "Pipeline"),
        ),
    ]


def models() -> Panel:
    """One row a model version, the worst first."""
    by = "model, version"
    calls = increase("triggers_total", f'{KNOWN}, outcome="sent"', by="model", over="$__range")
    worst = f"topk by ({by}) (1, {gauge('column_drift_ratio', FLEET, by=f'{by}, column')})"
    drifted, compared = (gauge(name, FLEET, by=by) for name in ("model_drifted_columns", "model_columns"))
    known = gauge("model_reference_events", KNOWN, by=by)
    parts = [
        Part("Model", "model", link=TO_MODEL),
        Part("Version", "version", link=TO_MODEL, width=90),
        Part("Verdict", expr=gauge("model_verdict", FLEET, by=by), look=VERDICT, coloured=True, width=100),
        Part("Columns in drift", expr=drifted, look={"decimals": 0}),
        Part("Share in drift", expr=f"{drifted} / ({compared} > 0)", unit="percentunit", look={"decimals": 0}),
        Part("Worst column", "column", link=TO_COLUMN),
        Part("Its drift ratio", expr=worst, look=RATIO, coloured=True, width=120),
        Part("Window ended", expr=f"1000 * {END}", unit="dateTimeFromNow"),
        Part("Age in windows", expr=f"(time() - {END}) / on (model) group_left () {SIZE}", look=AGE, coloured=True),
        Part("Events in it", expr=gauge("window_events", FLEET, by=by), unit="short"),
        Part("Reference events", expr=known, unit="short"),
        Part("Retraining calls", expr=f"0 * {known} + on (model) group_left () {calls}", look={"decimals": 0}),
    ]
    text = "One row for each model version, all its events together. Retraining calls are those of the time range."
    return table("Model versions", text, parts, size=(24, 10), sort="Its drift ratio")


def history() -> list[Panel]:
    """When it began, and what has been sent about it."""
    verdicts = (highest("model_verdict", FLEET, by="model, version"), "{{model}} {{version}}")
    shares = " / ".join(gauge(name, FLEET, by="model, version") for name in ("model_drifted_columns", "model_columns"))
    return [
        panel(
            "state-timeline",
            "Verdicts over time",
            "The worst verdict of each model version in every stretch. Click a bar for the model.",
            verdicts,
            unit="none",
            size=(16, 9),
            defaults=VERDICT | {"links": [SERIES_TO_MODEL]},
        ),
        panel(
            "alertlist",
            "Alerts",
            "Alerts of Driftline that fire or are pending.",
            size=(8, 9),
            options={"alertName": "Driftline"},
        ),
        worst_columns(),
        panel(
            "timeseries",
            "Share of columns in drift",
            "Columns in drift over columns compared, all events of a model version.",
            (shares, "{{model}} {{version}}"),
            unit="percentunit",
            size=(12, 9),
            defaults={"max": 1, "links": [SERIES_TO_MODEL]},
        ),
    ]


def worst_columns() -> Panel:
    """The same column in several models points to what feeds them all."""
    by = "model, version, column, role"
    parts = [
        Part("Column", "column", link=TO_COLUMN),
        Part("Role", "role", width=100),
        Part("Model", "model", link=TO_MODEL),
        Part("Version", "version", width=90),
        Part("Drift ratio", expr=f"topk(20, {gauge('column_drift_ratio', FLEET, by=by)})", look=RATIO, coloured=True),
    ]
    text = (
        "The twenty columns furthest beyond their thresholds. The same column under several models points upstream, "
        "to what feeds them all."
    )
    return table("Worst columns", text, parts, size=(12, 9), sort="Drift ratio")


dashboard = board(
    links.FLEET,
    "Driftline / Fleet",
    "Which models need somebody, and is the monitor itself alive?",
    [*numbers(), models(), *history(), Row(title="How to read this", collapsed=True, panels=[READING])],
    variables=[DATASOURCES, MODELS],
    annotations=[alerts('model=~"$model|"')],
    links=[links.NAVIGATION],
    tags=[links.TAG],
)
