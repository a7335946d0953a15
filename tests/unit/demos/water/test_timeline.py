"""The moments around a kill."""

import pytest

from twinledger.demos.water.timeline import Timeline


def test_the_time_without_a_leader_runs_from_the_kill_to_the_next_leader() -> None:
    timeline = Timeline([1.0, 2.0], killed_at=2.5, led_again_at=4.0)
    assert timeline.seconds_without_leader == pytest.approx(1.5)


def test_the_longest_pause_spans_the_kill() -> None:
    assert Timeline([0.0, 9.0, 10.0, 12.0, 13.0], killed_at=10.5).longest_pause == pytest.approx(2)


def test_a_pause_before_the_kill_does_not_count() -> None:
    assert Timeline([0.0, 50.0, 50.5, 51.5], killed_at=50.1).longest_pause == pytest.approx(1.0)


def test_without_a_kill_there_is_neither() -> None:
    timeline = Timeline([1.0, 2.0])
    assert timeline.seconds_without_leader is None
    assert timeline.longest_pause is None


def test_without_acknowledgements_after_the_kill_there_is_no_pause_to_tell() -> None:
    assert Timeline([1.0, 2.0], killed_at=3.0).longest_pause is None
