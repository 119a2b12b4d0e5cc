"""How has this column moved, and does it move elsewhere too?"""

from __future__ import annotations

from dashboards import links
from dashboards.modern import Panel, Row, board, panel
from dashboards.panels import NEUTRAL, RATIO, SHARE, VERDICT, Part, dashed, line_at, number, table
from dashboards.promql import ALL_EVENTS, COLUMN, MODEL, gauge, highest
from dashboards.texts import DECIDES
from dashboards.variables import COLUMN as COLUMN_VARIABLE
from dashboards.variables import DATASOURCES, EPISODES, ONE_MODEL, RETRAINING, SEGMENT, VERSION, alerts
from monitor.drift.methods import method

# What each statistic says, for somebody who has not met it: unit, range, and what it is blind to.
STATISTICS = {
    "psi": "Symmetrised divergence of the shares over coarse bins; 0 is equal, no upper end. By custom below 0.1 is "
    "stable and above 0.2 is drift. Weighs rare bins heavily.",
    "ks": "The largest gap between the two cumulative distributions, 0 to 1. For ordered columns; most sensitive in "
    "the middle. Its threshold depends on the number of events.",
    "chi2": "Squared deviations from the expected counts over the expected counts. For categories; it grows with the "
    "number of events, so compare it with its threshold only: see the drift ratio.",
    "js": "Square root of the Jensen-Shannon divergence, 0 to 1. Bounded and symmetric; empty bins do it no harm.",
    "wasserstein": "How far the values have moved on average, in the column's own unit, measured on the reference's "
    "bins. The only one that tells far from near.",
    "hellinger": "Distance between the square roots of the shares, 0 to 1. Sensitive in rare bins.",
    "total_variation": "The share of events that would have to change their bin to make both equal, 0 to 1.",
}
TO_SAME = links.to(
    links.COLUMN,
    "$column of ${__data.fields.model}",
    "column",
    model=links.field("model"),
    version=links.field("version"),
)


def numbers() -> list[Panel]:
    """The column in the last closed window."""
    shares = {
        "missing": "Events of the last window without the column.",
        "invalid": "Values of a wrong type, or not finite.",
        "unseen": "Values of a category that the reference never had.",
    }
    return [
        number("Verdict", "Verdict on the column in the last closed window.", gauge("column_verdict", COLUMN), VERDICT),
        number(
            "Drift ratio",
            "What decides over its threshold in the last closed window: the statistic, a share, or a shift that lasts "
            "for several windows. Above 1 is drift.",
            gauge("column_drift_ratio", COLUMN),
            RATIO,
        ),
        *(
            number(share.title(), text, gauge(f"column_{share}_ratio", COLUMN), SHARE, unit="percentunit")
            for share, text in shares.items()
        ),
        number(
            "Events in the window",
            "Events of the last closed window. Click for the model.",
            gauge("window_events", MODEL),
            NEUTRAL,
            unit="short",
            link=links.to(links.MODEL, "Model $model", "model", "version", "segment"),
        ),
    ]


def ratio() -> list[Panel]:
    """The number that decides, and the same column in other models."""
    by = "model, version"
    elsewhere = gauge("column_drift_ratio", f'column="$column", {ALL_EVENTS}', by=by)
    verdict = gauge("column_verdict", f'column="$column", {ALL_EVENTS}', by=by)
    parts = [
        Part("Model", "model", link=TO_SAME),
        Part("Version", "version", link=TO_SAME, width=90),
        Part("Verdict", expr=verdict, look=VERDICT, coloured=True, width=100),
        Part("Drift ratio", expr=elsewhere, look=RATIO, coloured=True, width=110),
    ]
    return [
        panel(
            "timeseries",
            "Drift ratio over time",
            "What decides over its threshold: the deciding statistic, a share, or a shift that lasts for several "
            "windows. Above the line is drift, also where no statistic below is. Further references, where windows are "
            "compared with any, are shown by their names and decide nothing.",
            (highest("column_drift_ratio", COLUMN, by="column"), "{{column}}"),
            (highest("compared_drift_ratio", COLUMN, by="reference"), "{{reference}}"),
            unit="none",
            size=(16, 9),
            defaults=line_at(1),
        ),
        table(
            "The same column elsewhere",
            "Columns of this name in every model and version, all events. If several have drifted, look upstream.",
            parts,
            size=(8, 9),
            sort="Drift ratio",
        ),
    ]


def statistics() -> list[Panel]:
    """One small panel each: their scales differ."""
    return [*(_statistic(name, text) for name, text in STATISTICS.items()), DECIDES]


def _statistic(name: str, text: str) -> Panel:
    known = method(name)
    customary = {} if known.threshold is None else line_at(known.threshold, colour="orange")
    return panel(
        "timeseries",
        known.title,
        text,
        (highest(f"column_{name}", COLUMN, by="column"), known.title),
        (highest(f"compared_{name}", COLUMN, by="reference"), "{{reference}}"),
        unit="none",
        size=(6, 8),
        defaults={"noValue": "not computed for this column"} | customary,
    )


def shares() -> list[Panel]:
    """What is not a usable value, against the reference's own share of it."""
    texts = {
        "missing": "Share of the window's events without the column.",
        "invalid": "Share of the window's values of a wrong type, or not finite.",
        "unseen": "Share of the window's values of a category that the reference never had.",
    }
    return [_share(share, text) for share, text in texts.items()]


def _share(share: str, text: str) -> Panel:
    lines = [(gauge(f"column_{share}_ratio", COLUMN), "window")]
    if share != "unseen":
        lines.append((gauge(f"column_reference_{share}_ratio", COLUMN), "reference"))
        text += " Dashed: the reference's."
    return panel(
        "timeseries",
        f"{share.title()} values over time",
        text,
        *lines,
        unit="percentunit",
        overrides=[dashed("reference")],
    )


dashboard = board(
    links.COLUMN,
    "Driftline / Column",
    "How has this column moved, and does it move elsewhere too?",
    [
        *numbers(),
        *ratio(),
        Row(title="Every statistic"),
        *statistics(),
        Row(title="Values that cannot be used"),
        *shares(),
    ],
    variables=[DATASOURCES, ONE_MODEL, VERSION, SEGMENT, COLUMN_VARIABLE],
    annotations=[alerts('model="$model"'), EPISODES, RETRAINING],
    links=[links.NAVIGATION],
    tags=[links.TAG],
    start="now-7d",
)
