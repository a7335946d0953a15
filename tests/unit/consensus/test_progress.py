import pytest

from twinledger.consensus import Configuration, Index, NodeId, Snapshot, Term
from twinledger.consensus.inflight import Inflight
from twinledger.consensus.progress import CatchUp, Progress, ProgressState


@pytest.fixture
def progress() -> Progress:
    return Progress(Index(10), Inflight(4, 1000), CatchUp(Index(9)))


def snapshot(index: int) -> Snapshot:
    return Snapshot(Index(index), Term(1), b"\x00" * 32, Configuration((NodeId("a"),)), b"")


def test_it_begins_by_probing_with_one_message(progress: Progress) -> None:
    assert progress.state is ProgressState.PROBE
    progress.sent(Index(12), 3)
    assert progress.paused
    assert progress.next == 10


def test_an_acceptance_ends_probing(progress: Progress) -> None:
    assert progress.accept(Index(12))
    assert (progress.state, progress.match, progress.next) == (ProgressState.REPLICATE, 12, 13)


def test_an_acceptance_of_what_was_known_ends_probing_too(progress: Progress) -> None:
    assert progress.accept(Index(0))
    assert (progress.state, progress.match, progress.next) == (ProgressState.REPLICATE, 0, 1)


def test_a_probe_taken_in_part_is_repeated_only_while_that_helps(progress: Progress) -> None:
    progress.sent(Index(20), 10)
    progress.accept(Index(12))
    assert (progress.state, progress.next, progress.paused) == (ProgressState.PROBE, 13, False)
    progress.sent(Index(20), 8)
    progress.accept(Index(12))
    assert (progress.state, progress.next, progress.paused) == (ProgressState.PROBE, 13, True)
    progress.accept(Index(20))
    assert (progress.state, progress.next) == (ProgressState.REPLICATE, 21)


def test_while_replicating_it_sends_ahead(progress: Progress) -> None:
    progress.accept(Index(9))
    progress.sent(Index(12), 3)
    progress.sent(Index(15), 3)
    assert (progress.match, progress.next, progress.inflight.messages) == (9, 16, 2)


def test_match_never_goes_back(progress: Progress) -> None:
    progress.accept(Index(12))
    assert not progress.accept(Index(5))
    assert progress.match == 12
    assert not progress.accept(Index(12))


def test_a_late_acknowledgement_does_not_move_next_back(progress: Progress) -> None:
    progress.accept(Index(9))
    progress.sent(Index(20), 3)
    progress.accept(Index(12))
    assert progress.next == 21


def test_a_refusal_moves_next_down_to_the_hint(progress: Progress) -> None:
    progress.sent(Index(9), 0)
    progress.reject(Index(9), Index(4))
    assert (progress.next, progress.match, progress.paused) == (5, 0, False)


def test_a_refusal_always_moves_next_down_at_least_by_one(progress: Progress) -> None:
    progress.reject(Index(9), Index(900))
    assert progress.next == 9


def test_a_refusal_never_moves_next_below_what_matches(progress: Progress) -> None:
    progress.accept(Index(7))
    progress.become_probe()
    progress.reject(Index(7), Index(0))
    assert (progress.next, progress.match) == (8, 7)


def test_a_stale_refusal_changes_nothing(progress: Progress) -> None:
    progress.reject(Index(5), Index(2))
    assert progress.next == 10
    progress.accept(Index(9))
    progress.reject(Index(9), Index(2))
    assert (progress.state, progress.next) == (ProgressState.REPLICATE, 10)


def test_a_refusal_while_replicating_leads_back_to_probing(progress: Progress) -> None:
    progress.accept(Index(9))
    progress.sent(Index(12), 3)
    progress.reject(Index(12), Index(9))
    assert (progress.state, progress.next) == (ProgressState.PROBE, 10)
    assert progress.inflight.messages == 0


def test_a_snapshot_is_settled_by_an_acceptance_at_its_index(progress: Progress) -> None:
    progress.become_snapshot(snapshot(20))
    assert progress.accept(Index(12))
    assert progress.state is ProgressState.SNAPSHOT
    assert progress.accept(Index(20))
    assert (progress.state, progress.next, progress.snapshot) == (ProgressState.REPLICATE, 21, None)


def test_a_refusal_does_not_disturb_a_snapshot(progress: Progress) -> None:
    progress.become_snapshot(snapshot(20))
    progress.reject(Index(9), Index(2))
    assert progress.state is ProgressState.SNAPSHOT


def test_a_round_of_catching_up_must_be_short_enough(progress: Progress) -> None:
    for _ in range(6):
        progress.tick(Index(30), 5)
        progress.silent_ticks = 0
    progress.accept(Index(9))
    progress.judge_catch_up(Index(30), 5)
    assert (progress.caught_up, progress.catch_up.target) == (False, 30)

    progress.tick(Index(40), 5)
    progress.accept(Index(30))
    progress.judge_catch_up(Index(40), 5)
    assert (progress.caught_up, progress.catch_up.target) == (True, 40)


def test_one_that_lags_for_too_long_is_not_caught_up_any_more(progress: Progress) -> None:
    progress.accept(Index(9))
    progress.judge_catch_up(Index(30), 5)
    assert progress.caught_up
    for _ in range(6):
        progress.silent_ticks = 0
        progress.tick(Index(30), 5)
    assert not progress.caught_up


def test_one_that_is_silent_is_not_caught_up_even_if_nothing_happens(progress: Progress) -> None:
    progress.accept(Index(9))
    progress.judge_catch_up(Index(9), 5)
    for _ in range(6):
        progress.tick(Index(9), 5)
    assert not progress.caught_up
