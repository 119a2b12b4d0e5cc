"""Slow, obviously right twins of the methods: shares as exact fractions, sums cell by cell.

`positions` are the bins' ranks unless given. Where events are tied they count half.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from fractions import Fraction


def shares(counts: Sequence[int]) -> list[Fraction]:
    """Each cell's share of the events."""
    return [Fraction(count, sum(counts)) for count in counts]


def cumulative(values: Sequence[Fraction]) -> list[Fraction]:
    """What lies in each cell or before it."""
    return [sum(values[: i + 1], Fraction(0)) for i in range(len(values))]


def ks(reference: Sequence[int], current: Sequence[int]) -> float:
    """The largest difference of the cumulative shares."""
    pairs = zip(cumulative(shares(reference)), cumulative(shares(current)), strict=True)
    return float(max(abs(p - q) for p, q in pairs))


def total_variation(reference: Sequence[int], current: Sequence[int]) -> float:
    """What one sample has too much of, cell by cell."""
    pairs = zip(shares(reference), shares(current), strict=True)
    return float(sum(max(p - q, Fraction(0)) for p, q in pairs))


def hellinger(reference: Sequence[int], current: Sequence[int]) -> float:
    """By the Bhattacharyya coefficient."""
    pairs = zip(shares(reference), shares(current), strict=True)
    return math.sqrt(max(0.0, 1.0 - math.fsum(math.sqrt(p * q) for p, q in pairs)))


def js(reference: Sequence[int], current: Sequence[int]) -> float:
    """By entropies: of the mean, less the mean of both; in bits."""
    p, q = shares(reference), shares(current)
    mean = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    return math.sqrt(max(0.0, entropy(mean) - (entropy(p) + entropy(q)) / 2))


def entropy(values: Sequence[Fraction]) -> float:
    """Shannon's entropy of shares, in bits."""
    return -math.fsum(p * math.log2(p) for p in values if p)


def psi(reference: Sequence[int], current: Sequence[int], *, smoothing: float = 0.5) -> float:
    """Half an event more in every cell, then the terms one by one."""
    p, q = ([Fraction(smoothing) + count for count in counts] for counts in (reference, current))
    pairs = zip([a / sum(p) for a in p], [b / sum(q) for b in q], strict=True)
    return math.fsum((a - b) * (math.log(a) - math.log(b)) for a, b in pairs)


def chi2(reference: Sequence[int], current: Sequence[int]) -> float:
    """Squared difference from the expected over the expected, in all cells of the table."""
    n, m = sum(reference), sum(current)
    total = Fraction(0)
    for a, b in zip(reference, current, strict=True):
        for observed, size in ((a, n), (b, m)):
            expected = Fraction((a + b) * size, n + m)
            total += (observed - expected) ** 2 / expected if expected else 0
    return float(total)


def wasserstein(reference: Sequence[int], current: Sequence[int], positions: Sequence[float]) -> float:
    """The mean distance when the k-th smallest of one sample goes to the k-th smallest of the other."""
    n, m = sum(reference), sum(current)
    first = [place for place, count in zip(positions, reference, strict=True) for _ in range(count * m)]
    second = [place for place, count in zip(positions, current, strict=True) for _ in range(count * n)]
    return math.fsum(abs(a - b) for a, b in zip(first, second, strict=True)) / (n * m)


def wasserstein_normed(reference: Sequence[int], current: Sequence[int], positions: Sequence[float]) -> float:
    """The same over the standard deviation of the reference's events."""
    return wasserstein(reference, current, positions) / statistics.pstdev(expanded(reference, positions))


def expanded(counts: Sequence[int], positions: Sequence[float]) -> list[float]:
    """A value per event."""
    return [place for place, count in zip(positions, counts, strict=True) for _ in range(count)]


def energy(reference: Sequence[int], current: Sequence[int], positions: Sequence[float]) -> float:
    """Twice the mean distance between the samples, less those within them; its root."""
    p, q = shares(reference), shares(current)

    def apart(one: Sequence[Fraction], other: Sequence[Fraction]) -> Fraction:
        places = [Fraction(place) for place in positions]
        return sum(
            (a * b * abs(x - y) for a, x in zip(one, places, strict=True) for b, y in zip(other, places, strict=True)),
            Fraction(0),
        )

    return math.sqrt(2 * apart(p, q) - apart(p, p) - apart(q, q))


def t_test(reference: Sequence[int], current: Sequence[int], positions: Sequence[float]) -> float:
    """Means and variances of the events, a value each."""
    sides = [expanded(counts, positions) for counts in (reference, current)]
    apart = statistics.mean(map(Fraction, sides[0])) - statistics.mean(map(Fraction, sides[1]))
    error = math.sqrt(sum(statistics.variance(side) / len(side) for side in sides))
    return float(abs(apart)) / error if apart else 0.0


def kuiper(reference: Sequence[int], current: Sequence[int]) -> float:
    """How far the cumulative shares lie above each other at most, and how far below; at the start they are equal."""
    pairs = zip(cumulative(shares(reference)), cumulative(shares(current)), strict=True)
    apart = [Fraction(0), *(p - q for p, q in pairs)]
    return float(max(apart) + max(-d for d in apart))


def middles(counts: Sequence[int]) -> list[Fraction]:
    """Share of events below a cell, those in it counted half."""
    return [Fraction(2 * sum(counts[:i]) + counts[i], 2 * sum(counts)) for i in range(len(counts))]


def cramer_von_mises(reference: Sequence[int], current: Sequence[int]) -> float:
    """Anderson 1962, equation 1: a term for each event of both samples."""
    n, m = sum(reference), sum(current)
    cells = zip(reference, current, middles(reference), middles(current), strict=True)
    return float(Fraction(n * m, (n + m) ** 2) * sum((a + b) * (f - g) ** 2 for a, b, f, g in cells))


def anderson_darling(reference: Sequence[int], current: Sequence[int]) -> float:
    """As before, each term over H (1 - H)."""
    n, m = sum(reference), sum(current)
    both = [a + b for a, b in zip(reference, current, strict=True)]
    cells = zip(both, middles(reference), middles(current), middles(both), strict=True)
    terms = sum(count * (f - g) ** 2 / (h * (1 - h)) for count, f, g, h in cells if count)
    return float(Fraction(n * m, (n + m) ** 2) * terms)


def mann_whitney(reference: Sequence[int], current: Sequence[int]) -> float:
    """U by pairs of events, over its standard error with the sum of t³ - t over the ties."""
    n, m = sum(reference), sum(current)
    total = n + m
    u = sum(
        a * b * (Fraction(1, 2) if i == j else int(j > i))
        for i, a in enumerate(reference)
        for j, b in enumerate(current)
    )
    ties = sum((a + b) ** 3 - (a + b) for a, b in zip(reference, current, strict=True))
    variance = Fraction(n * m, 12) * (total + 1 - Fraction(ties, total * (total - 1)))
    return float(abs(u - Fraction(n * m, 2))) / math.sqrt(variance) if variance else 0.0


def kl(reference: Sequence[int], current: Sequence[int]) -> float:
    """Half an event more in every cell, then cross entropy less entropy."""
    p, q = (
        [Fraction(2 * count + 1, 2 * sum(counts) + len(counts)) for count in counts] for counts in (reference, current)
    )
    crossed = -math.fsum(a * math.log(b) for a, b in zip(p, q, strict=True))
    return crossed - entropy(p) * math.log(2)


def l_infinity(reference: Sequence[int], current: Sequence[int]) -> float:
    """The largest difference of any share."""
    return float(max(abs(p - q) for p, q in zip(shares(reference), shares(current), strict=True)))


def g_test(reference: Sequence[int], current: Sequence[int]) -> float:
    """Twice the observed times the logarithm of observed over expected, in all cells of the table."""
    n, m = sum(reference), sum(current)
    terms = []
    for a, b in zip(reference, current, strict=True):
        for observed, size in ((a, n), (b, m)):
            if observed:
                terms.append(2 * observed * math.log(Fraction(observed * (n + m), (a + b) * size)))
    return math.fsum(terms)


def z_test(reference: Sequence[int], current: Sequence[int]) -> float:
    """The root of chi-square; of at most two cells."""
    return math.sqrt(chi2(reference, current))


def fisher(reference: Sequence[int], current: Sequence[int]) -> float:
    """Every table of these margins, of two cells at most, that is no more probable than this one."""
    n, m, hits = sum(reference), sum(current), reference[0] + current[0]
    ways = {k: math.comb(n, k) * math.comb(m, hits - k) for k in range(max(0, hits - m), min(n, hits) + 1)}
    return -math.log10(Fraction(sum(way for way in ways.values() if way <= ways[reference[0]]), math.comb(n + m, hits)))
