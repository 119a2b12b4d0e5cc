"""What `make calibration` simulates: clean worlds whose pages are counted, and changes that must be found."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.calibration.worlds import Change, World

SPREADS, MEMORIES = (0.03, 0.05, 0.1, 0.2), (0.0, 0.8, 0.97)
SLOW = World("means wander by 0.05, memory 0.8", sd=0.05, memory=0.8)

LARGE = World("100 columns, 10 segments", columns=100, numbers=70, segments=10, n=1_000, sd=0.05, memory=0.8)


def clean() -> dict[str, list[World]]:
    """Worlds without drift, by what is tried."""
    wandering = [
        World(f"means wander by {sd:g}, memory {memory:g}", sd=sd, memory=memory)
        for sd in SPREADS
        for memory in MEMORIES
    ]
    sizes = [World(f"{n:,} events in a window", n=n) for n in (200, 1_000, 100_000)]
    sizes += [replace(SLOW, name=f"{n:,} events in a window, {SLOW.name}", n=n) for n in (200, 1_000, 100_000)]
    clusters = [
        World("clusters of 5 rows", cluster=5),
        World("clusters of 5 rows, 500 events", cluster=5, n=500),
        World("clusters of 5 rows, means wander by 0.1", cluster=5, sd=0.1),
        World("clusters of 5 rows, wander by 0.1, 1,000 events swing tenfold", cluster=5, sd=0.1, n=1_000, swing=10),
    ]
    seasons = [
        World("daily swing of 0.5", daily=0.5),
        World("daily swing of 0.5, a month of reference", daily=0.5, chunks=720),
        replace(SLOW, name=f"daily swing of 0.5, {SLOW.name}", daily=0.5, chunks=720),
        World("weekends shifted by 0.5, a month of reference", weekly=0.5, chunks=720),
        replace(SLOW, name=f"weekends shifted by 0.5, {SLOW.name}", weekly=0.5, chunks=720),
        World("volume swings tenfold", swing=10),
        replace(SLOW, name=f"volume swings tenfold, {SLOW.name}", swing=10),
    ]
    references = [World(f"{chunks} hours of reference", chunks=chunks) for chunks in (10, 24, 48, 720)]
    references += [
        replace(SLOW, name=f"{chunks} hours of reference, {SLOW.name}", chunks=chunks) for chunks in (10, 24, 48, 720)
    ]
    few = World("", columns=4, numbers=2)
    categories = [
        replace(few, name=f"{count:,} categories", categories=count, chunks=168 if count < 20_000 else 72)
        for count in (2, 200, 2_000, 20_000)
    ]
    models = [
        World("100 columns", columns=100, numbers=70),
        replace(SLOW, name=f"100 columns, {SLOW.name}", columns=100, numbers=70),
        World("10 segments of 1,000 events", segments=10, n=1_000),
        replace(SLOW, name=f"10 segments of 1,000 events, {SLOW.name}", segments=10, n=1_000),
        World("10 segments of 1,000 events, daily swing of 0.5", segments=10, n=1_000, daily=0.5),
        replace(
            SLOW, name=f"10 segments of 1,000 events, daily swing of 0.5, {SLOW.name}", segments=10, n=1_000, daily=0.5
        ),
    ]
    uneven = World("10 segments of 200 to 1,800 events that swing by -0.5 to 0.75", daily=0.5, uneven=True)
    uneven = replace(uneven, segments=10, n=1_000)
    models += [uneven, replace(uneven, name=f"{uneven.name}, {SLOW.name}", sd=SLOW.sd, memory=SLOW.memory)]
    return {
        "Independent events": [World("20 columns, 10,000 events in a window"), *sizes],
        "Data that wander": wandering,
        "Clustered rows": clusters,
        "Seasons and volume": seasons,
        "Length of the reference": references,
        "Categories with a long tail": categories,
        "Columns and segments": models,
    }


@dataclass(frozen=True)
class Search:
    """A change of the `first` column, or of seven from it on, to be found within some windows; `least`: the target."""

    name: str
    world: World
    change: Change
    windows: int
    least: float
    first: int = 0


MONTH_OF_REFERENCE = 720
SEARCHES = [
    Search("shift of 0.2 deviations, 10,000 events", World(""), Change(shift=0.2), 1, 0.99),
    Search("5 points of share among 8 categories", World("", numbers=12), Change(share=0.05), 1, 0.99, first=12),
    Search("a new category of 1 %", World("", numbers=12), Change(new=0.01), 1, 0.99, first=12),
    *(
        Search(
            f"shift of 0.3 where means wander by 0.1, memory {memory:g}",
            World("", sd=0.1, memory=memory, chunks=MONTH_OF_REFERENCE),
            Change(shift=0.3),
            3,
            0.9,
        )
        for memory in (0.0, 0.8)
    ),
    Search(
        "shift of 0.2 on a daily swing of 0.5",
        World("", daily=0.5, chunks=MONTH_OF_REFERENCE),
        Change(shift=0.2),
        24,
        0.9,
    ),
]
