"""A node comes back in a higher term than its cluster's, with an old log.

It cannot win, and its vote requests are not heard, for all others hear from their leader. Nor does
it follow that leader, whose term is past for it. Told so, the leader steps down, a new term is
shared by all, and the node is free.
"""

from tests.unit.consensus.cluster import Cluster
from twinledger.consensus import HardState, NodeId, StaleTerm, Term


def test_the_leader_learns_of_the_higher_term_and_all_meet_above_it() -> None:
    cluster = Cluster("abc")
    cluster.elect("a")
    cluster.crash("c")
    cluster.propose("a", b"one", b"two")
    cluster.disk("c").hard_state = HardState(Term(9), NodeId("c"))
    cluster.restart("c")

    cluster.tick(times=1)
    assert cluster.sent(StaleTerm, sender="c", recipient="a", term=9)
    assert cluster.leaders() == []

    cluster.elect("b")
    cluster.tick(times=2)
    assert {cluster[name].term for name in "abc"} == {10}
    assert cluster.payloads("c") == [b"one", b"two"]
