"""Whatever peers send, the core neither raises nor breaks a promise.

Messages are drawn near the truth (right ids, small numbers) and far from it, and thrown at a node
in any role. What must hold after each: the term never goes back; the vote of a term never changes;
what is committed never changes; commit never passes the log; the stored log is a valid chain.
"""

from dataclasses import fields
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.consensus.cluster import GENESIS, Cluster, chain
from twinledger.consensus import (
    Append,
    AppendAccepted,
    Configuration,
    Entry,
    EntryKind,
    Heartbeat,
    Index,
    Message,
    NodeId,
    Role,
    Snapshot,
    SnapshotOffer,
    Term,
    entry_hash,
)

NUMBERS = st.one_of(
    st.integers(0, 6), st.integers(-2, 2**64), st.sampled_from([2**62, 2**62 - 1, 2**63, 2**64 - 1])
)
NODES = st.one_of(st.sampled_from(["a", "b", "c", "d"]), st.text(max_size=3))
HASHES = st.one_of(
    st.sampled_from([GENESIS, *(entry.hash for entry in chain(1, 1, 1))]), st.binary(max_size=33)
)
PAYLOADS = st.one_of(
    st.binary(max_size=4),
    st.just(Configuration((NodeId("b"),)).encode()),
    st.just(Configuration((NodeId("a"), NodeId("c")), warrant=Index(9)).encode()),
)
ENTRIES = st.one_of(
    st.lists(
        st.builds(Entry, NUMBERS, NUMBERS, st.sampled_from(EntryKind), PAYLOADS, HASHES), max_size=3
    ).map(tuple),
    st.lists(st.integers(1, 3), max_size=4).map(lambda terms: chain(*sorted(terms))),
)
CONFIGURATIONS = st.builds(
    Configuration,
    st.lists(NODES, max_size=3).map(tuple),
    st.lists(NODES, max_size=2).map(tuple),
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "sender": NODES,
    "recipient": st.one_of(st.just("a"), NODES),
    "previous_hash": HASHES,
    "entries": ENTRIES,
    "granted": st.booleans(),
    "transfer": st.booleans(),
    "context": st.binary(max_size=2),
    "snapshot": st.builds(
        Snapshot, NUMBERS, NUMBERS, HASHES, CONFIGURATIONS, st.binary(max_size=2)
    ),
}


def messages() -> st.SearchStrategy[Message]:
    kinds = [
        st.builds(kind, **{name: FIELDS.get(name, NUMBERS) for name in kind.__slots__})
        for kind in get_args(Message)
    ]
    return st.one_of(kinds)


def node_in(role: str) -> Cluster:
    cluster = Cluster("abc")
    if role == "leader":
        cluster.elect("a")
        cluster.propose("a", b"x", b"x")
    elif role == "follower":
        cluster.elect("b")
        cluster.propose("b", b"x", b"x")
    elif role == "candidate":
        cluster.give_log("a", 1, 1, 1, term=1, commit=2)
        cluster.tick("a", times=19, settle=False)
    cluster.crash("b", "c")
    return cluster


def check_chain(cluster: Cluster) -> None:
    disk = cluster.disk("a")
    _, term, content = disk.base
    for entry in disk.log:
        assert entry.term >= term
        content = entry_hash(content, entry.index, entry.term, entry.kind, entry.payload)
        assert entry.hash == content
        term = entry.term


@pytest.mark.parametrize("role", ["fresh", "follower", "candidate", "leader"])
@given(st.lists(messages(), min_size=1, max_size=12))
def test_garbage_breaks_no_promise(role: str, thrown: list[Message]) -> None:
    cluster = node_in(role)
    cluster.nodes["a"].hold_snapshots = True
    core, disk = cluster["a"], cluster.disk("a")
    for message in thrown:
        term, vote, commit = core.term, core.vote, core.commit
        committed = [entry.hash for entry in disk.log[:commit]]

        core.step(message)
        cluster.nodes["a"].work()
        core.tick()

        assert core.term >= term
        assert core.term > term or vote is None or core.vote == vote
        assert commit <= core.commit <= core.last_index
        assert [entry.hash for entry in disk.log[:commit]] == committed
        check_chain(cluster)


@given(st.lists(messages(), min_size=1, max_size=12))
def test_a_message_for_somebody_else_changes_nothing(thrown: list[Message]) -> None:
    cluster = node_in("leader")
    core = cluster["a"]
    before = (core.term, core.vote, core.commit, core.last_index, core.role)
    for message in thrown:
        core.step(message) if message.recipient != "a" else None
    assert (core.term, core.vote, core.commit, core.last_index, core.role) == before
    strangers = sum(message.recipient != "a" for message in thrown)
    assert core.dropped.get("wrong_recipient", 0) == strangers


A, B, C = map(NodeId, "abc")
GOOD = chain(1, 1)


def broken(**changes: object) -> Append:
    """Return an Append to c from a, with one thing wrong."""
    fields: dict[str, Any] = {
        "sender": A,
        "recipient": C,
        "term": Term(1),
        "previous_index": Index(0),
        "previous_term": Term(0),
        "previous_hash": GENESIS,
        "entries": GOOD,
        "commit": Index(0),
    }
    return Append(**{**fields, **changes})


def entry(**changes: object) -> Entry:
    good: dict[str, Any] = {field.name: getattr(GOOD[0], field.name) for field in fields(Entry)}
    return Entry(**{**good, **changes})


NONSENSE = chain(1, 1, payload=b"\x07")
UNREADABLE = Entry(
    Index(1),
    Term(1),
    EntryKind.CONFIGURATION,
    b"?",
    entry_hash(GENESIS, Index(1), Term(1), EntryKind.CONFIGURATION, b"?"),
)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (broken(recipient=B), "wrong_recipient"),
        (broken(sender=C), "unknown_sender"),
        (broken(sender=NodeId("")), "unknown_sender"),
        (broken(term=Term(0)), "impossible_term"),
        (broken(term=Term(2**62)), "impossible_term"),
        (broken(previous_index=Index(-1)), "impossible_index"),
        (broken(commit=Index(2**62)), "impossible_index"),
        (broken(previous_index=Index(1)), "impossible_term"),
        (broken(previous_term=Term(1)), "impossible_term"),
        (broken(previous_hash=b""), "broken_entries"),
        (broken(entries=GOOD[1:]), "broken_entries"),
        (broken(entries=(GOOD[0], GOOD[0])), "broken_entries"),
        (broken(entries=(entry(term=Term(2)),)), "broken_entries"),
        (broken(entries=(entry(term=Term(0)),)), "broken_entries"),
        (broken(entries=(entry(payload=b"forged"),)), "broken_entries"),
        (broken(entries=(entry(hash=b"\x00" * 32),)), "broken_entries"),
        (broken(previous_hash=b"\x01" * 32), "broken_entries"),
        (broken(entries=(GOOD[0], NONSENSE[1])), "broken_entries"),
        (broken(entries=(UNREADABLE,)), "bad_configuration"),
    ],
)
def test_each_kind_of_garbage_is_counted_by_its_reason(message: Append, reason: str) -> None:
    cluster = Cluster("abc")
    cluster["c"].step(message)
    assert cluster["c"].dropped == {reason: 1}
    assert (cluster["c"].term, cluster["c"].last_index) == (0, 0)


def test_a_snapshot_that_cannot_be_is_dropped() -> None:
    cluster = Cluster("abc")
    good = Snapshot(Index(5), Term(1), b"\x05" * 32, cluster.configuration, b"")
    for index, term, content, configuration, reason in (
        (0, 0, good.hash, good.configuration, "impossible_index"),
        (5, 2, good.hash, good.configuration, "impossible_index"),
        (5, 0, good.hash, good.configuration, "impossible_index"),
        (5, 1, b"", good.configuration, "broken_entries"),
        (5, 1, good.hash, Configuration(()), "bad_configuration"),
    ):
        wrong = Snapshot(Index(index), Term(term), content, configuration, b"")
        before = cluster["c"].dropped.get(reason, 0)
        cluster["c"].step(SnapshotOffer(A, C, Term(1), wrong))
        assert cluster["c"].dropped[reason] == before + 1
    assert cluster["c"].pending_snapshot is None


def test_answers_from_nodes_outside_every_configuration_are_dropped() -> None:
    cluster = node_in("leader")
    cluster["a"].step(AppendAccepted(NodeId("z"), A, cluster["a"].term, Index(1)))
    assert cluster["a"].dropped["unknown_sender"] == 1


def test_answers_to_a_node_that_does_not_lead_are_dropped() -> None:
    cluster = node_in("follower")
    cluster["a"].step(AppendAccepted(B, A, cluster["a"].term, Index(1)))
    assert cluster["a"].dropped["not_leader"] == 1


def test_a_leader_hears_of_a_second_one_and_stays() -> None:
    cluster = node_in("leader")
    cluster["a"].step(Heartbeat(B, A, cluster["a"].term, Index(0), 0))
    assert cluster["a"].role is Role.LEADER
    assert cluster["a"].dropped["second_leader"] == 1
