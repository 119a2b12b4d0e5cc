"""A window's scores are those that scipy finds in the raw values on the same bins; what is new is neither missed nor
mistaken for news."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from monitor.config import ColumnRules
from monitor.drift.bins import Counts, Ordered, Unordered
from monitor.drift.methods import METHODS
from monitor.drift.profiles import Column, Profile
from monitor.drift.thresholds import Fixed, Significant
from monitor.pipeline.compare import Comparison
from monitor.pipeline.results import ScoreResult
from tests.oracles import ks_distance
from tests.pipeline.columns import PVALUE, categorical, compared, counted, numeric

finite = st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float)


@given(st.lists(finite, min_size=5, max_size=80), st.lists(finite, min_size=1, max_size=60))
def test_with_a_bin_per_value_ks_is_that_of_the_raw_values(reference: list[float], window: list[float]) -> None:
    # Also for values that the reference never had: between two of its values its cumulative share stands still.
    column = numeric(np.array(reference))
    found = compared(column, counted(column, np.array(window)))
    assert found.scores["ks"].statistic == pytest.approx(ks_distance(reference, window))


def test_on_quantile_bins_ks_is_at_most_one_bin_below_that_of_the_raw_values() -> None:
    rng = np.random.default_rng(11)
    reference, window = rng.normal(size=20_000), rng.normal(0.2, 1.3, size=3_000)
    column = numeric(reference, bins=200)
    found = compared(column, counted(column, window)).scores["ks"].statistic
    exact = ks_distance(reference, window)
    assert found is not None
    assert exact - 1 / 200 <= found <= exact


def test_wasserstein_is_in_the_columns_own_unit() -> None:
    rng = np.random.default_rng(12)
    reference = rng.integers(18, 90, size=5_000).astype(float)
    window = np.clip(reference[:900] + 3, 18, 90)
    column = numeric(reference)
    found = compared(column, counted(column, window)).scores["wasserstein"].statistic
    assert found == pytest.approx(stats.wasserstein_distance(reference, window), rel=0.02)


def test_distances_of_a_numeric_column_are_those_of_scipy_on_deciles_of_the_reference() -> None:
    rng = np.random.default_rng(13)
    reference, window = rng.normal(size=10_000), rng.normal(0.3, size=2_000)
    column = numeric(reference, bins=200)
    cuts = np.concatenate(([-np.inf], np.sort(reference)[np.arange(1, 10) * 1_000], [np.inf]))
    sides = [np.histogram(side, cuts)[0] for side in (reference, window)]
    found = compared(column, counted(column, window)).scores
    assert found["js"].statistic == pytest.approx(float(jensenshannon(*sides, 2.0)))
    shares = [(side + 0.5) / (side + 0.5).sum() for side in sides]
    assert found["psi"].statistic == pytest.approx(stats.entropy(*shares) + stats.entropy(*shares[::-1]))


def test_chi2_of_common_categories_is_that_of_scipy_with_nothing_expected_elsewhere() -> None:
    reference = {"a": 5_000, "b": 3_000, "c": 2_000}
    window = ["a"] * 450 + ["b"] * 320 + ["c"] * 230
    found = compared(categorical(reference), counted(categorical(reference), window)).scores["chi2"]
    # Five events in a thousand are expected of what the reference never had, in both samples.
    expected = stats.chi2_contingency([[5_000, 3_000, 2_000, 50], [450, 320, 230, 5]], correction=False)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.pvalue == pytest.approx(expected.pvalue)


def test_chi2_pools_what_is_rare_in_the_reference() -> None:
    # In a window of 500 of 10,000, five events are expected of a category with 100: d and e have fewer and share.
    reference = {"a": 6_000, "b": 3_740, "c": 100, "d": 90, "e": 70}
    window = ["a"] * 300 + ["b"] * 180 + ["c"] * 6 + ["d"] * 9 + ["new"] * 5
    found = compared(categorical(reference), counted(categorical(reference), window)).scores["chi2"]
    expected = stats.chi2_contingency([[6_000, 3_740, 100, 160], [300, 180, 6, 14]], correction=False)
    assert found.statistic == pytest.approx(expected.statistic)


@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=12),
    st.lists(st.integers(0, 400), min_size=12, max_size=12),
    st.integers(0, 2**32 - 1),
)
def test_cells_are_decided_by_the_reference_and_n_alone(reference: list[int], window: list[int], seed: int) -> None:
    column = categorical({str(i): count + 1 for i, count in enumerate(reference)})
    values = np.array([*window[: column.size - 4], 0, 7])
    other = np.random.default_rng(seed).multinomial(values.sum(), np.full(len(values), 1 / len(values)))
    limits = [compared(column, np.append(side, [0, 0])).scores["chi2"].threshold for side in (values, other)]
    assert limits[0] == limits[1], "the same number of cells whatever the window holds"


COMMON = {"a": 5_000, "b": 3_000, "c": 2_000}
CONSTANT = {"a": 10_000}


@pytest.mark.parametrize("reference", [COMMON, CONSTANT], ids=["common", "constant"])
@pytest.mark.parametrize("new", [0, 1, 2])
def test_a_few_events_of_a_new_category_in_a_small_window_do_not_alarm(reference: dict[str, int], new: int) -> None:
    window = [name for name, count in reference.items() for _ in range(count // 50)][new:] + ["new"] * new
    found = compared(categorical(reference), counted(categorical(reference), window))
    assert found.n == 200
    assert found.unseen == new
    assert found.verdict in {"ok", "warning"}


@pytest.mark.parametrize("reference", [COMMON, CONSTANT], ids=["common", "constant"])
@pytest.mark.parametrize("share", [0.1, 0.3, 1.0])
def test_a_new_category_of_a_share_that_cannot_be_chance_alarms(reference: dict[str, int], share: float) -> None:
    window = [name for name, count in reference.items() for _ in range(count // 50)]
    new = int(share * len(window))
    found = compared(categorical(reference), counted(categorical(reference), [*window[new:], *["new"] * new]))
    assert found.verdict == "drift"


def test_a_new_category_cannot_take_the_place_of_an_old_one_unseen() -> None:
    window = ["a"] * 500 + ["b"] * 300 + ["new"] * 200  # as much as c used to have
    assert compared(categorical(COMMON), counted(categorical(COMMON), window)).verdict == "drift"


@pytest.mark.parametrize(
    ("size", "window"), [(20_000, 1_000), (5_000, 500)], ids=["a large reference", "a small reference"]
)
def test_a_column_with_a_long_tail_keeps_its_share_of_alarms(size: int, window: int) -> None:
    # Two thousand categories by Zipf's law: hundreds are in `other`, some in no reference at all.
    rng = np.random.default_rng(21)
    chances = 1 / np.arange(1, 2_001)
    chances /= chances.sum()
    alarms = windows = 0
    for _ in range(10):
        drawn = rng.multinomial(size, chances)
        column = categorical({str(i): int(count) for i, count in enumerate(drawn) if count}, cap=1_000)
        rules = ColumnRules(methods=("chi2",), thresholds={"chi2": Significant(0.05)})
        assert isinstance(column.bins, Unordered)
        for _ in range(100):
            names = np.repeat(np.arange(2_000), rng.multinomial(window, chances)).astype(str)
            alarms += compared(column, counted(column, names.tolist()), rules).verdict == "drift"
            windows += 1
    assert alarms <= stats.binom.ppf(1 - 1e-5, windows, 0.05)


def test_missing_and_invalid_values_are_counted_and_not_compared() -> None:
    rng = np.random.default_rng(14)
    reference = rng.normal(size=5_000)
    column = numeric(reference, bins=50)
    bare = compared(column, counted(column, reference[:500]))
    found = compared(column, counted(column, reference[:500], missing=300, invalid=200))
    assert (found.n, found.missing, found.invalid) == (500, 300, 200)
    assert found.scores == bare.scores


@pytest.mark.parametrize(("events", "verdict"), [(49, "undecided"), (50, "drift")])
def test_too_few_usable_values_decide_nothing(events: int, verdict: str) -> None:
    column = numeric(np.arange(1000.0), bins=50)
    found = compared(column, counted(column, np.full(events, 999.0)))
    assert found.verdict == verdict
    assert found.scores["ks"].statistic is not None, "but the numbers are there to be looked at"
    assert (found.ratio is None) == (verdict == "undecided"), "a ratio above 1 is drift, and nothing else is"


def test_a_column_without_any_value_has_no_scores() -> None:
    column = numeric(np.arange(1000.0), bins=50)
    found = compared(column, counted(column, np.empty(0)))
    assert found.verdict == "undecided"
    assert set(found.scores.values()) == {ScoreResult(None, None, None)}


def test_a_column_whose_values_have_all_gone_missing_has_drifted_though_it_has_no_scores() -> None:
    column = numeric(np.arange(1000.0), bins=50)
    found = compared(column, counted(column, np.empty(0), missing=700))
    assert found.verdict == "drift"
    assert set(found.scores.values()) == {ScoreResult(None, None, None)}
    assert found.reason is not None
    assert found.reason.startswith("missing 100.00% against 0.00% in the reference")


def test_a_column_that_the_reference_never_had_decides_nothing() -> None:
    column = Column("age", "feature", Ordered(np.array([]), np.array([0.0])), np.array([0, 900, 0]))
    assert compared(column, np.array([500, 0, 0])).verdict == "undecided"


def test_by_default_the_test_with_a_known_null_decides_and_the_customary_methods_inform() -> None:
    customary = {"hellinger", "js", "psi", "total_variation"}
    age = numeric(np.arange(1000.0), bins=50)
    city = categorical(COMMON)
    for column, primary, more in ((age, "ks", {"ks", "wasserstein"}), (city, "chi2", {"chi2"})):
        found = compared(column, column.counts)
        assert found.primary == primary
        assert set(found.scores) == customary | more
        assert found.verdict == "ok"


def test_a_rule_chooses_methods_the_deciding_one_and_its_threshold() -> None:
    column = numeric(np.arange(1000.0), bins=50)
    counts = counted(column, np.arange(300.0, 1000.0))
    rules = ColumnRules(methods=("psi", "ks"), primary="psi", thresholds={"psi": Fixed(0.2), "ks": Fixed(0.99)})
    found = compared(column, counts, rules)
    assert list(found.scores) == ["psi", "ks"]
    assert found.primary == "psi"
    assert found.scores["psi"].threshold == 0.2
    assert found.scores["ks"].statistic == pytest.approx(0.3, abs=0.02)
    assert found.verdict == "drift"
    assert compared(column, counts, ColumnRules(methods=("ks", "psi"), thresholds={"ks": Fixed(0.99)})).verdict == "ok"


def test_every_method_that_fits_can_be_asked_for_by_any_of_its_names() -> None:
    age, city, flag = numeric(np.arange(1000.0), bins=50), categorical(COMMON), categorical({"yes": 700, "no": 300})
    for column, kind in ((age, "ordered"), (city, "unordered"), (flag, "unordered")):
        fitting = [m for m in METHODS.values() if kind in m.kinds and (not m.binary or column is flag)]
        names = tuple(name for found in fitting for name in (found.name, *found.aliases.values()))
        scores = compared(column, column.counts, ColumnRules(methods=names)).scores
        assert set(scores) == {found.name for found in fitting}
        assert all(score.statistic == pytest.approx(0.0, abs=1e-9) for score in scores.values())


def test_a_deciding_method_without_a_rule_decides_nothing() -> None:
    column = numeric(np.arange(1000.0), bins=50)
    rules = ColumnRules(methods=("wasserstein",))
    assert compared(column, counted(column, np.full(300, 999.0)), rules).verdict == "undecided"


def test_more_columns_make_each_of_them_less_easily_alarmed_unless_these_have_drifted_too() -> None:
    columns = tuple(numeric(np.arange(1000.0), name=f"age{i}", bins=50) for i in range(20))
    many = Comparison(Profile("m", "1", columns), {}, pvalue=PVALUE, min_events=50)
    one = Comparison(Profile("m", "1", columns[:1]), {}, pvalue=PVALUE, min_events=50)
    calm = [counted(column, np.arange(1000.0)) for column in columns]
    wild = [counted(column, np.arange(500.0)) for column in columns]

    def threshold(comparison: Comparison, counts: Sequence[Counts]) -> float:
        found = comparison(np.concatenate(counts))[1]["age0"].scores["ks"]
        assert found.statistic == pytest.approx(0.5)
        assert found.threshold is not None
        return found.threshold

    among_calm, among_wild = threshold(many, wild[:1] + calm[1:]), threshold(many, wild)
    assert among_calm > among_wild
    assert among_wild == threshold(one, wild[:1]), "where all have drifted, none is held back by the others"


def test_a_number_that_is_not_defined_is_none_and_never_nan() -> None:
    column = categorical(CONSTANT)
    found = compared(column, counted(column, ["a"] * 3), least=1)
    numbers = [number for score in found.scores.values() for number in (score.statistic, score.pvalue, score.threshold)]
    assert all(number is None or math.isfinite(number) for number in numbers)
