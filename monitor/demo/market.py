"""The New South Wales electricity market as a prediction log, with a model fitted on its first months.

The model is a logistic regression of "the price rises above its 24-hour mean" on what the log's features say. It is
fitted on the reference period alone, as a model in production would have been.
"""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from importlib import resources

import msgspec
import numpy as np

from monitor.drift.bins import Floats

MODEL, VERSION = "nsw-price", "1"
START = 831_427_200_000  # 1996-05-07T00:00:00Z, the first record
HALF_HOUR = 1_800_000
REFERENCE = 8_000  # records that the model is fitted on, and that are the reference
OPENING = 17_424  # the first record of 5 May 1997, when the national market opened
FEATURES = ("day", "period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
RIDGE = 1.0  # keeps the weights of columns that do not move in the reference at zero


@dataclass(frozen=True, slots=True)
class Market:
    """The features, shape (records, columns), and whether the price rose."""

    features: Floats
    rises: Floats


def load() -> Market:
    """The market's records in the order of time, from the data that come with the package."""
    packed = resources.files("monitor.demo").joinpath("data/electricity.csv.gz").read_bytes()
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(packed).decode())))
    features = np.array([[float(row[name]) for name in FEATURES] for row in rows])
    return Market(features, np.array([float(row["class"] == "UP") for row in rows]))


def predict(market: Market) -> Floats:
    """The model's probability of a rise for every record; it has seen the reference period alone."""
    centre, spread = market.features[:REFERENCE].mean(axis=0), market.features[:REFERENCE].std(axis=0)
    scaled = (market.features - centre) / np.where(spread > 0, spread, 1.0)
    design = np.column_stack((np.ones(len(scaled)), scaled))
    weights = fit(design[:REFERENCE], market.rises[:REFERENCE])
    probabilities: Floats = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
    return probabilities


def fit(design: Floats, target: Floats, *, rounds: int = 12) -> Floats:
    """Weights of a logistic regression by Newton's method with a ridge; `design` has a column of ones first."""
    weights = np.zeros(design.shape[1])
    penalty = RIDGE * np.eye(design.shape[1])
    penalty[0, 0] = 0.0
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (target - p) - penalty @ weights
        hessian = (design * (p * (1 - p))[:, None]).T @ design + penalty
        weights = weights + np.linalg.solve(hessian, gradient)
    return weights


def events(market: Market, *, shift: int = 0) -> list[bytes]:
    """The prediction log, one canonical JSON event per half-hour, `shift` milliseconds later than it was."""
    encode = msgspec.json.Encoder().encode
    log = []
    for i, (row, probability) in enumerate(zip(market.features.tolist(), predict(market).tolist(), strict=True)):
        features = dict(zip(FEATURES, row, strict=True)) | {"day": WEEKDAYS[int(row[0]) - 1]}
        log.append(
            encode(
                {
                    "model": MODEL,
                    "version": VERSION,
                    "id": f"half-hour-{i}",
                    "time": START + i * HALF_HOUR + shift,
                    "features": features,
                    "prediction": round(probability, 6),
                }
            )
        )
    return log
