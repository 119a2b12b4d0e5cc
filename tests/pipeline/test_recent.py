"""What was used last is held, up to a weight."""

from __future__ import annotations

from monitor.pipeline.recent import Recent


def test_what_was_used_last_stays_and_the_rest_goes() -> None:
    held: Recent[str, int] = Recent(3)
    for key in "abc":
        assert held.put(key, ord(key), 1) == ord(key)
    assert held.get("a") == ord("a")
    held.put("d", 0, 1)
    assert [held.get(key) for key in "abcd"] == [ord("a"), None, ord("c"), 0]


def test_a_heavy_value_takes_the_place_of_several_and_one_that_is_too_heavy_of_none() -> None:
    held: Recent[str, int] = Recent(3)
    held.put("a", 1, 1)
    held.put("b", 2, 1)
    held.put("c", 3, 2)
    assert [held.get(key) for key in "abc"] == [None, 2, 3]
    assert held.put("d", 4, 9) == 4
    assert [held.get(key) for key in "bcd"] == [2, 3, None]
