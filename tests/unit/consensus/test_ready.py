"""The contract with the driver: what may leave when, in which order, once."""

import pytest

from tests.unit.consensus.cluster import GENESIS, Cluster, chain, work_for
from twinledger.consensus import (
    Append,
    AppendAccepted,
    HardState,
    Index,
    InvariantViolation,
    NodeId,
    Settings,
    Snapshot,
    SnapshotOffer,
    Term,
)

A, B = map(NodeId, "ab")


def append(*terms: int, commit: int = 0) -> Append:
    term = Term(max(terms))
    return Append(A, B, term, Index(0), Term(0), GENESIS, chain(*terms), Index(commit))


def test_nothing_is_handed_out_twice() -> None:
    cluster = Cluster("abc")
    cluster["b"].step(append(1, 1))
    ready = work_for(cluster["b"])
    assert ready.persist is not None
    assert cluster["b"].ready() is None


def test_one_write_carries_term_entries_commit_and_what_waits_for_it() -> None:
    cluster = Cluster("abc")
    cluster["b"].step(append(1, 1, commit=1))
    ready = work_for(cluster["b"])
    persist = ready.persist
    assert persist is not None
    assert persist.sequence == 1
    assert persist.hard_state == HardState(Term(1), None)
    assert persist.truncate_from is None
    assert persist.entries == chain(1, 1)
    assert persist.commit == 1
    assert persist.messages == (AppendAccepted(B, A, Term(1), Index(2)),)
    assert persist.must_sync
    assert ready.messages == ()
    assert ready.committed == ()


def test_truncation_and_new_entries_are_one_write() -> None:
    cluster = Cluster("abc")
    cluster["b"].step(append(1, 1, 1))
    cluster.nodes["b"].work()
    cluster["b"].step(append(1, 2))
    persist = work_for(cluster["b"]).persist
    assert persist is not None
    assert (persist.truncate_from, persist.entries) == (2, chain(1, 2)[1:])
    assert persist.hard_state == HardState(Term(2), None)


def test_an_answer_to_a_repeated_message_waits_for_the_first_ones_sync() -> None:
    cluster = Cluster("abc")
    cluster["b"].step(append(1, 1))
    assert work_for(cluster["b"]).persist is not None
    cluster["b"].step(append(1, 1))
    ready = work_for(cluster["b"])
    assert ready.messages == ()
    persist = ready.persist
    assert persist is not None
    assert not persist.must_sync
    assert persist.messages == (AppendAccepted(B, A, Term(1), Index(2)),)


def test_an_answer_leaves_at_once_when_everything_is_durable() -> None:
    cluster = Cluster("abc")
    cluster["b"].step(append(1, 1))
    cluster.nodes["b"].work()
    cluster["b"].step(append(1, 1))
    ready = work_for(cluster["b"])
    assert ready.persist is None
    assert ready.messages == (AppendAccepted(B, A, Term(1), Index(2)),)


def test_reporting_a_later_write_reports_those_before_it() -> None:
    cluster = Cluster("abc")
    cluster["b"].step(append(1))
    work_for(cluster["b"])
    cluster["b"].step(append(1, 1, commit=2))
    work_for(cluster["b"])
    cluster["b"].persisted(2)
    assert work_for(cluster["b"]).committed == chain(1, 1)


def test_a_write_that_was_never_issued_cannot_be_reported() -> None:
    cluster = Cluster("abc")
    with pytest.raises(InvariantViolation):
        cluster["b"].persisted(1)


def test_pages_to_apply_are_bounded_and_wait_for_each_other() -> None:
    size = chain(1)[0].size
    cluster = Cluster("abc", max_committed_bytes_per_ready=2 * size)
    cluster.nodes["b"].hold_applies = True
    cluster["b"].step(append(1, 1, 1, 1, 1, commit=5))
    cluster.nodes["b"].work()
    assert [entry.index for entry in cluster.nodes["b"].to_apply] == [1, 2]
    cluster.nodes["b"].apply_all()
    cluster.nodes["b"].work()
    assert [entry.index for entry in cluster.nodes["b"].to_apply] == [3, 4]


def test_a_snapshot_is_not_installed_while_a_page_is_being_applied() -> None:
    cluster = Cluster("abc")
    node = cluster.nodes["b"]
    node.hold_applies = node.hold_snapshots = True
    cluster["b"].step(append(1, 1, commit=2))
    node.work()
    snapshot = Snapshot(Index(9), Term(1), GENESIS, cluster["b"].configuration, b"")
    cluster["b"].step(SnapshotOffer(A, B, Term(1), snapshot))
    node.work()
    with pytest.raises(InvariantViolation, match="being applied"):
        cluster["b"].snapshot_installed(snapshot)
    node.apply_all()
    cluster["b"].snapshot_installed(snapshot)
    assert cluster["b"].commit == 9


def test_applying_begins_after_what_was_applied_before_the_restart() -> None:
    cluster = Cluster("abc")
    cluster.elect("a")
    cluster.propose("a", b"1", b"2")
    cluster.crash("b")
    cluster.nodes["b"].applied.clear()
    cluster.restart("b")
    cluster.propose("a", b"3")
    cluster.tick(times=3)
    assert cluster.payloads("b") == [b"3"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"heartbeat_ticks": 10},
        {"heartbeat_ticks": 0},
        {"max_append_entries": 0},
        {"max_inflight_messages": 0},
        {"max_inflight_bytes": 0},
        {"max_pending_reads": 0},
    ],
)
def test_limits_under_which_nothing_could_move_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvariantViolation):
        Settings(node=A, next_election_timeout=lambda: 10, **wrong)  # type: ignore[arg-type]
