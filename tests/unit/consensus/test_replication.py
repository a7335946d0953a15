import pytest

from tests.unit.consensus.cluster import GENESIS, Cluster, chain
from twinledger.consensus import (
    Append,
    AppendAccepted,
    AppendRejected,
    EntryKind,
    Heartbeat,
    Index,
    NodeId,
    NotLeader,
    ProposalsFull,
    Role,
    Term,
)
from twinledger.consensus.progress import ProgressState

A, B, C = map(NodeId, "abc")


def test_a_new_leader_begins_with_an_empty_entry_of_its_term() -> None:
    cluster = Cluster("abc")
    cluster.elect("a")
    (entry,) = cluster.disk("a").log
    assert (entry.index, entry.term, entry.kind, entry.payload) == (1, 1, EntryKind.BLOCK, b"")


def test_proposals_reach_everybody_in_order() -> None:
    cluster = Cluster("abcde")
    cluster.elect("a")
    assert cluster.propose("a", b"1", b"2", b"3") == 4
    assert [cluster.payloads(name) for name in "abcde"] == [[b"1", b"2", b"3"]] * 5


def test_only_the_leader_takes_proposals_and_others_name_it() -> None:
    cluster = Cluster("abc")
    with pytest.raises(NotLeader) as raised:
        cluster["b"].propose(b"x")
    assert raised.value.leader is None
    cluster.elect("a")
    with pytest.raises(NotLeader) as raised:
        cluster["b"].propose(b"x")
    assert raised.value.leader == A


def test_what_waits_travels_in_one_message() -> None:
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    for number in range(5):
        leader.propose(b"%d" % number)
    sizes = [len(message.entries) for message in cluster.waiting(Append, recipient=B)]
    assert sizes == [5]


def test_a_message_is_bounded_in_entries_and_in_bytes() -> None:
    for limits in ({"max_append_entries": 2}, {"max_append_bytes": 2 * chain(1)[0].size}):
        cluster = Cluster("abc", **limits)  # type: ignore[arg-type]
        leader = cluster.elect("a")
        for _ in range(5):
            leader.propose(b"x")
        sizes = [len(message.entries) for message in cluster.waiting(Append, recipient=B)]
        assert sizes == [2, 2, 1]


@pytest.mark.parametrize(
    "limits", [{"max_inflight_messages": 2}, {"max_inflight_bytes": 2 * chain(1)[0].size}]
)
def test_the_window_holds_back_what_is_too_much(limits: dict[str, int]) -> None:
    cluster = Cluster("abc", max_append_entries=1, **limits)  # type: ignore[arg-type]
    leader = cluster.elect("a")
    for _ in range(6):
        leader.propose(b"x")
    assert len(cluster.waiting(Append, recipient=B)) == 2

    cluster.deliver(lambda m: isinstance(m, Append) and m.recipient == B and m.previous_index == 1)
    cluster.deliver(lambda m: isinstance(m, AppendAccepted))
    assert [m.previous_index for m in cluster.waiting(Append, recipient=B)] == [2, 3]

    cluster.settle()
    assert len(cluster.payloads("b")) == 6


def test_a_lost_message_is_noticed_by_the_next_one() -> None:
    cluster = Cluster("abc", max_append_entries=1)
    cluster.elect("a")
    cluster.lost = lambda m: isinstance(m, Append) and m.recipient == B and m.previous_index == 1
    cluster["a"].propose(b"1")
    cluster["a"].propose(b"2")
    cluster.deliver(lambda m: isinstance(m, Append))
    cluster.lost = lambda _: False
    cluster.settle()
    assert cluster.payloads("b") == [b"1", b"2"]
    assert len(cluster.sent(AppendRejected, sender=B)) == 1


def test_a_lost_last_message_is_noticed_by_heartbeats() -> None:
    cluster = Cluster("abc")
    cluster.elect("a")
    cluster.lost = lambda m: isinstance(m, Append) and m.recipient == B
    cluster.propose("a", b"1")
    cluster.lost = lambda _: False
    cluster.tick(times=3)
    assert cluster.payloads("b") == [b"1"]


def test_a_lost_acknowledgement_does_not_block_a_full_window() -> None:
    cluster = Cluster("ab", max_inflight_messages=1)
    cluster.elect("a")
    cluster.lost = lambda m: isinstance(m, AppendAccepted)
    cluster.propose("a", b"1")
    cluster.lost = lambda _: False
    cluster.tick(times=3)
    assert cluster.propose("a", b"2") == cluster["a"].commit == 3


def test_heartbeats_ask_only_when_nothing_moves() -> None:
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    leader.propose(b"1")
    cluster.nodes["a"].work()
    cluster.tick("a", settle=False)
    cluster.deliver(lambda m: not isinstance(m, Append | AppendAccepted))
    assert cluster.waiting(Append, recipient=B) == []


def test_the_commit_index_is_told_at_once() -> None:
    cluster = Cluster("abc")
    cluster.elect("a")
    index = cluster.propose("a", b"1")
    assert [cluster[name].commit for name in "abc"] == [index] * 3
    assert cluster.sent(Heartbeat) == []


def test_a_heartbeat_names_no_more_than_the_follower_holds() -> None:
    cluster = Cluster("abc")
    cluster.elect("a")
    cluster.lost = lambda m: isinstance(m, Append) and m.recipient == C
    index = cluster.propose("a", b"1")
    cluster.tick("a", settle=False)
    beats = {m.recipient: m.commit for m in cluster.waiting(Heartbeat)}
    assert beats == {B: index, C: index - 1}


def test_a_heartbeat_beyond_the_log_is_dropped() -> None:
    cluster = Cluster("abc")
    cluster.elect("a")
    cluster["b"].step(Heartbeat(A, B, Term(1), Index(9), 0))
    assert cluster["b"].dropped["impossible_index"] == 1
    assert cluster["b"].commit == 1


def test_an_acknowledgement_beyond_the_log_is_dropped() -> None:
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    leader.step(AppendAccepted(B, A, Term(1), Index(99)))
    assert leader.dropped["impossible_index"] == 1
    assert leader.progress[B].match == 1


def test_the_leader_sends_before_its_own_sync_and_counts_itself_after() -> None:
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    cluster.nodes["a"].hold_syncs = True
    cluster.crash("c")
    index = leader.propose(b"1")
    cluster.settle()
    assert cluster.disk("b").last_index() == index
    assert leader.commit == index - 1

    cluster.nodes["a"].hold_syncs = False
    cluster.settle()
    assert leader.commit == index


def test_followers_may_commit_what_the_leader_has_not_synced() -> None:
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    cluster.nodes["a"].hold_syncs = True
    index = cluster.propose("a", b"1")
    assert leader.commit == index
    assert cluster.payloads("b") == [b"1"]
    assert cluster.payloads("a") == []


def test_a_follower_acknowledges_only_what_it_has_synced() -> None:
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    cluster.nodes["b"].hold_syncs = True
    cluster.crash("c")
    index = cluster.propose("a", b"1")
    assert leader.commit == index - 1
    cluster.nodes["b"].hold_syncs = False
    cluster.settle()
    assert leader.commit == index


def test_too_much_uncommitted_is_refused_until_something_commits() -> None:
    size = chain(1)[0].size
    cluster = Cluster("abc", max_uncommitted_bytes=3 * size)
    leader = cluster.elect("a")
    for _ in range(3):
        leader.propose(b"x")
    with pytest.raises(ProposalsFull):
        leader.propose(b"x")
    cluster.settle()
    leader.propose(b"x")


def test_one_proposal_is_taken_however_large() -> None:
    cluster = Cluster("abc", max_uncommitted_bytes=1)
    leader = cluster.elect("a")
    leader.propose(b"x" * 100)
    with pytest.raises(ProposalsFull):
        leader.propose(b"x")


def test_a_new_leader_counts_what_it_inherits() -> None:
    size = chain(1)[0].size
    cluster = Cluster("ab", max_uncommitted_bytes=5 * size)
    cluster.give_log("a", 1, 1, 1, 1, term=1)
    leader = cluster.elect("a", quietly=True)
    with pytest.raises(ProposalsFull):
        leader.propose(b"x")
    cluster.settle()
    leader.propose(b"x")


def test_an_unreachable_follower_is_probed() -> None:
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    assert leader.progress[B].state is ProgressState.REPLICATE
    leader.unreachable(B)
    assert leader.progress[B].state is ProgressState.PROBE
    cluster.propose("a", b"1")
    assert cluster.payloads("b") == [b"1"]


def test_a_probe_carries_one_entry_and_what_follows_is_sent_ahead() -> None:
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    cluster.crash("b")
    leader.unreachable(B)
    cluster.propose("a", *[b"missed"] * 20)
    cluster.restart("b")
    begin = len(cluster.seen)
    cluster.tick("a")
    sent = [m for m in cluster.seen[begin:] if isinstance(m, Append) and m.recipient == B]
    assert len(sent[0].entries) <= 1
    assert max(len(message.entries) for message in sent) >= 19
    assert cluster["b"].last_index == leader.last_index


def test_a_log_of_equal_terms_and_other_content_does_not_match() -> None:
    """Nothing of Raft can bring this about; a store put together from two pasts can."""
    cluster = Cluster("ab")
    cluster.give_log("a", 1, 1, term=1)
    cluster.disk("b").log = list(chain(1, 1, payload=b"other"))
    cluster.restart("b")
    cluster.elect("a")
    assert cluster.disk("b").log == cluster.disk("a").log
    assert cluster["b"].dropped["content_differs"] >= 1


def test_committed_content_that_differs_is_never_overwritten() -> None:
    cluster = Cluster("ab")
    cluster.give_log("a", 1, 1, term=1)
    other = list(chain(1, 1, payload=b"other"))
    cluster.disk("b").log = list(other)
    cluster.disk("b").commit = Index(2)
    cluster.restart("b")
    cluster.elect("a")
    cluster.tick(times=4)
    assert cluster.disk("b").log == other
    assert cluster["a"].commit == 0
    assert cluster["b"].dropped["content_differs"] >= 1


def test_a_second_leader_of_one_term_is_not_believed() -> None:
    cluster = Cluster("abc")
    cluster.elect("a")
    for receiver in (A, B):
        forged = Append(C, receiver, Term(1), Index(0), Term(0), GENESIS, chain(1), Index(1))
        cluster[receiver].step(forged)
        assert cluster[receiver].dropped["second_leader"] == 1
    assert cluster["a"].role is Role.LEADER
    assert cluster["b"].leader == A
