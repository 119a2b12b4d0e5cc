"""Explanations on the boards, in the words of the documentation."""

from __future__ import annotations

from dashboards.modern import panel

_READING = """\
A **window** is a stretch of event time. When it closes, each column's counts are compared with the **reference**; the \
column's deciding statistic over its threshold is its **drift ratio**: above 1 is drift, whatever the statistic.

| verdict | meaning |
|---|---|
| ok | no column is beyond its threshold |
| warning | close to it, or for too short a time |
| drift | beyond it |
| undecided | too few events to tell |

An **episode** lasts from the first drift verdict to the recovery. It opens one page and sends one retraining call.

The gauges hold the **last closed window**, at the time of the scrape: a window of 10:00 to 11:00 appears after 11:00. \
Where a log is replayed, the times on the axis are those of the replay.

**Where to go:** a model in drift → its board → the worst column. A model without data, or an age of several windows → \
the pipeline."""

READING = panel("text", "Words", "What the words on these boards mean.", size=(24, 11), options={"content": _READING})

_DECIDES = """\
One statistic decides for each column; it stands in the configuration as `primary`. Its value over its threshold is \
the **drift ratio** above, and only that makes the verdict.

The others are shown to understand *how* the column has moved. A dashed line marks the customary threshold where \
there is one. A statistic that is not computed for this column has no data: Kolmogorov-Smirnov and Wasserstein need an \
order, chi-square has categories."""

DECIDES = panel(
    "text",
    "Which number decides?",
    "How the statistics and the verdict hang together.",
    size=(6, 8),
    options={"content": _DECIDES},
)
