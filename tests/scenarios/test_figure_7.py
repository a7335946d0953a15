"""The Raft paper's Figure 7: a new leader meets every way in which followers can differ.

Followers miss entries, hold surplus ones, or both, over several terms. The leader of term 8 makes
them all equal to itself, with one probe for a whole term, not for every entry.
"""

from tests.unit.consensus.cluster import Cluster
from twinledger.consensus import AppendRejected

LOGS = {
    "leader": (1, 1, 1, 4, 4, 5, 5, 6, 6, 6),
    "a": (1, 1, 1, 4, 4, 5, 5, 6, 6),
    "b": (1, 1, 1, 4),
    "c": (1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6),
    "d": (1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7),
    "e": (1, 1, 1, 4, 4, 4, 4),
    "f": (1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3),
}


def test_a_new_leader_makes_every_log_equal_to_its_own() -> None:
    cluster = Cluster(LOGS)
    for name, terms in LOGS.items():
        cluster.give_log(name, *terms, term=7)

    leader = cluster.elect("leader")

    assert leader.term == 8
    expected = list(enumerate((*LOGS["leader"], 8), start=1))
    assert {name: cluster.log(name) for name in LOGS} == dict.fromkeys(LOGS, expected)
    assert leader.commit == 11


def test_one_refusal_is_enough_however_many_terms_differ() -> None:
    cluster = Cluster(LOGS)
    for name, terms in LOGS.items():
        cluster.give_log(name, *terms, term=7)

    cluster.elect("leader")

    refusals = {name: len(cluster.sent(AppendRejected, sender=name)) for name in LOGS}
    assert refusals == {"leader": 0, "a": 1, "b": 1, "c": 0, "d": 0, "e": 1, "f": 1}


def test_a_node_with_a_newer_log_does_not_vote_for_the_leader() -> None:
    cluster = Cluster(LOGS)
    for name, terms in LOGS.items():
        cluster.give_log(name, *terms, term=7)

    cluster.elect("leader")

    assert cluster.disk("d").hard_state.vote is None
    assert cluster.disk("c").hard_state.vote is None
    assert cluster.disk("f").hard_state.vote == "leader"
