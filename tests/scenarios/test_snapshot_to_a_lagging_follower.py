"""A follower missed what the leader has compacted away: it is offered the state instead."""

import pytest

from tests.unit.consensus.cluster import ELECTION_TICKS, GENESIS, Cluster
from twinledger.consensus import (
    Append,
    AppendAccepted,
    Index,
    InvariantViolation,
    NodeId,
    Snapshot,
    SnapshotOffer,
    Term,
)

A, B, C = map(NodeId, "abc")


@pytest.fixture
def cluster() -> Cluster:
    """Return a cluster in which c slept while five entries came and went."""
    cluster = Cluster("abc")
    cluster.elect("a")
    cluster.crash("c")
    cluster.propose("a", *(b"%d" % number for number in range(5)))
    cluster.disk("a").compact(Index(6))
    cluster.restart("c")
    return cluster


def offers(cluster: Cluster) -> list[Snapshot]:
    return [message.snapshot for message in cluster.sent(SnapshotOffer, recipient="c")]


def test_it_installs_the_state_and_goes_on_from_there(cluster: Cluster) -> None:
    cluster.tick(times=3)
    cluster.propose("a", b"after")

    assert len(offers(cluster)) == 1
    assert cluster.disk("c").base[0] == 6
    assert cluster.payloads("c") == [b"after"]
    assert cluster.disk("c").hash(Index(7)) == cluster.disk("a").hash(Index(7))


def test_the_configuration_comes_with_the_state(cluster: Cluster) -> None:
    cluster["a"].propose_configuration((A, B), (C,), Index(0))
    cluster.crash("c")
    cluster.settle()
    cluster.disk("a").compact(Index(8))
    cluster.restart("c")

    cluster.tick(times=3)

    assert cluster.disk("c").base[0] == 7
    assert cluster["c"].configuration.learners == (C,)


def test_nothing_is_sent_while_the_offer_is_open_and_it_is_repeated_unchanged(
    cluster: Cluster,
) -> None:
    cluster.nodes["c"].hold_snapshots = True
    cluster.tick(times=3)
    cluster.propose("a", b"after")
    before = len(cluster.sent(Append, recipient="c"))
    cluster.disk("a").compact(Index(7), b"newer")

    cluster.tick(times=2 * ELECTION_TICKS)

    assert len(cluster.sent(Append, recipient="c")) == before
    assert [offer.data for offer in offers(cluster)] == [b"state"] * 3


def test_a_refused_offer_is_made_anew(cluster: Cluster) -> None:
    cluster.nodes["c"].hold_snapshots = True
    cluster.tick(times=3)
    wrong = cluster["c"].pending_snapshot
    assert wrong is not None
    cluster["c"].snapshot_failed(wrong)
    assert cluster["c"].pending_snapshot is None
    cluster.propose("a", b"after")
    cluster.disk("a").compact(Index(8), b"right")
    cluster.nodes["c"].hold_snapshots = False

    cluster.tick(times=3)

    assert offers(cluster)[-1].data == b"right"
    assert cluster.disk("c").base[0] == 7


def test_a_stale_offer_is_answered_and_not_installed(cluster: Cluster) -> None:
    cluster.tick(times=3)
    cluster.propose("a", b"after")
    stale = cluster.sent(SnapshotOffer, recipient="c")[0]

    cluster["c"].step(stale)

    assert cluster["c"].pending_snapshot is None
    cluster.settle()
    assert cluster["c"].commit == cluster["a"].commit == 7


def test_an_older_offer_does_not_replace_a_newer_one(cluster: Cluster) -> None:
    cluster.nodes["c"].hold_snapshots = True
    cluster.tick(times=3)
    newer = cluster["c"].pending_snapshot
    assert newer is not None
    older = Snapshot(Index(3), Term(1), b"\x01" * 32, cluster.configuration, b"old")

    cluster["c"].step(SnapshotOffer(A, C, Term(1), older))

    assert cluster["c"].pending_snapshot == newer


def test_an_offer_that_the_log_has_overtaken_is_withdrawn(cluster: Cluster) -> None:
    """What was acknowledged above the snapshot must not be thrown away by installing it.

    The entries come from a new leader that does not know yet that they are committed.
    """
    cluster.nodes["c"].hold_snapshots = True
    cluster.tick(times=3)
    assert cluster["c"].pending_snapshot is not None
    entries = tuple(cluster.disk("b").log)

    cluster["c"].step(Append(B, C, Term(2), Index(0), Term(0), GENESIS, entries, Index(1)))

    assert cluster["c"].pending_snapshot is None
    assert cluster["c"].commit == 6
    assert AppendAccepted(C, B, Term(2), Index(6)) in cluster.nodes["c"].work()


def test_what_nobody_asked_for_cannot_be_installed(cluster: Cluster) -> None:
    wrong = Snapshot(Index(60), Term(1), b"\x01" * 32, cluster.configuration, b"")
    with pytest.raises(InvariantViolation):
        cluster["c"].snapshot_installed(wrong)


def test_a_node_that_waits_for_a_snapshot_does_not_campaign(cluster: Cluster) -> None:
    cluster.nodes["c"].hold_snapshots = True
    cluster.tick(times=3)
    cluster.isolate("c")

    cluster.tick("c", times=100)

    assert cluster["c"].term == 1


def test_a_failed_stream_leads_back_to_a_new_offer(cluster: Cluster) -> None:
    cluster.nodes["c"].hold_snapshots = True
    cluster.tick(times=3)
    assert len(offers(cluster)) == 1

    cluster["a"].snapshot_sent(C, delivered=False)
    cluster.tick(times=1)

    assert len(offers(cluster)) == 2
