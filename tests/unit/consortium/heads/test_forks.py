"""What an adversary can make of everything that was ever signed.

It holds the keys of the liars, sees every signature of the honest, delivers nothing it does not
like, and restarts honest nodes on another branch than before. It may use the witness set of genesis
or one from which liars were taken out, as whoever leaves a change out of a proof would. The honest
are the real machines, driven by schedules that hypothesis searches.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.consortium.heads.world import (
    ORIGIN,
    Branch,
    Honest,
    key_of,
    name_of,
    signed,
    witnesses,
)
from twinledger.consortium.heads.restoring import Kept, restore
from twinledger.consortium.heads.roots import OwnHeads
from twinledger.consortium.witnesses import (
    Certificate,
    WitnessSet,
    certify,
    check_certificate,
)
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.evidence import SignedHead, check_evidence, find_evidence

BRANCHES = ("a", "ab@3", "ac@5")
HEIGHTS = 9
AT_ONCE = 4
"""Blocks executed before the next head is signed."""
MEMBERS = [4, 7]

steps = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.sampled_from(["go on", "go on", "again", "restart", *BRANCHES]),
    ),
    min_size=10,
    max_size=30,
)


class Follower:
    """An honest node under the adversary's hand: it obeys, restarts, and stops when it diverged."""

    def __init__(self, number: int, branch: str, witness_set: WitnessSet) -> None:
        self._set = witness_set
        self.node: Honest | None = Honest.start(number, branch, witness_set)
        self.number = number
        self.said: list[SignedHead] = []

    def step(self, action: str) -> None:
        if self.node is None:
            return
        try:
            self._step(self.node, action)
        except LedgerError as error:
            if error.code is not Code.DIVERGED:
                raise
            self.node = None

    def _step(self, node: Honest, action: str) -> None:
        if action == "go on":
            for _ in range(min(AT_ONCE, HEIGHTS - node.branch.size)):
                node.execute()
            self.said += node.sign()
        elif action == "again":
            self.said += node.sign(again=True)
        else:
            self._restart(node, node.branch.name if action == "restart" else action)

    def _restart(self, node: Honest, branch: str) -> None:
        """From the mark of what it signed, on the chain that the adversary left it."""
        tree = Branch(branch)
        tree.grow(max(1, node.branch.size - 1))
        own = OwnHeads(ORIGIN, tree.history, tree.size)
        kept = Kept(signed=node.keeper.signing.signed, first=self._set)
        self.node = None  # unless what it signed is on that chain
        self.node = Honest(self.number, tree, restore(own, kept))


def heads_of_all() -> list[Checkpoint]:
    """Every head that there could be."""
    found = {Branch(name).head(size) for name in BRANCHES for size in range(1, HEIGHTS + 1)}
    return sorted(found, key=lambda head: (head.size, head.root))


HEADS = heads_of_all()


def branch_with(head: Checkpoint) -> Branch:
    return next(b for b in map(Branch, BRANCHES) if b.head(head.size) == head)


def consistent(one: Checkpoint, other: Checkpoint) -> bool:
    smaller, larger = sorted((one, other), key=lambda head: head.size)
    tree = branch_with(larger)
    tree.grow(larger.size)
    return tree.head(smaller.size) == smaller


def certified(
    sets: Iterable[WitnessSet], followers: Sequence[Follower], liars: Iterable[int]
) -> list[Certificate]:
    """Every certificate that can be put together, each under a set that it is valid in."""
    said = {(each.number, made.checkpoint): made for each in followers for made in each.said}
    made = []
    for found in sets:
        counted = {n for n in range(len(followers) + 9) if name_of(n) in found.by_name}
        for head in HEADS:
            by = [said[n, head] for n in counted if (n, head) in said]
            by += [signed(liar, head) for liar in liars if liar in counted]
            if len(by) >= found.quorum:
                raw = certify(found, head, [each.cosignature for each in by]).encode()
                made.append(check_certificate(raw, found, ORIGIN))
    return made


def without(full: WitnessSet, gone: Iterable[int]) -> WitnessSet:
    """The set after the keys of some were disqualified: their seats stay, so does the quorum."""
    names = {name_of(number) for number in gone}
    left = tuple(witness for witness in full.witnesses if witness.name not in names)
    return WitnessSet(left, full.quorum)


@pytest.mark.parametrize("members", MEMBERS)
@given(data=st.data())
def test_whatever_up_to_f_sign_no_two_certificates_conflict(members: int, data: st.DataObject):
    most = (members - 1) // 3
    liars = range(data.draw(st.sampled_from([most, most, most - 1])))
    gone = data.draw(st.sets(st.sampled_from(liars))) if liars else set[int]()
    full = witnesses(*range(members))
    followers = [
        Follower(number, data.draw(st.sampled_from(BRANCHES)), full)
        for number in range(len(liars), members)
    ]
    for number, action in data.draw(steps):
        followers[number % len(followers)].step(action)
    found = certified((full, without(full, gone)), followers, liars)
    for one, other in combinations({each.checkpoint for each in found}, 2):
        assert consistent(one, other)


@pytest.mark.parametrize("members", MEMBERS)
@given(data=st.data())
def test_an_honest_node_is_convicted_by_nothing_it_signed(members: int, data: st.DataObject):
    follower = Follower(0, data.draw(st.sampled_from(BRANCHES)), witnesses(*range(members)))
    for _, action in data.draw(steps):
        follower.step(action)
    assert not convicted(follower.said)


@pytest.mark.parametrize("members", MEMBERS)
@given(data=st.data())
def test_two_certificates_that_conflict_convict_more_than_f_and_nobody_who_signed_one_history(
    members: int, data: st.DataObject
):
    full = witnesses(*range(members))
    liars = data.draw(st.integers(2 * full.quorum - members, members - 2))
    forks = forked(members, liars)
    assert forks, "so many liars can force a fork"
    one, other = data.draw(st.sampled_from(forks))
    said = [
        SignedHead(each.checkpoint, made) for each in (one, other) for made in each.cosignatures
    ]
    named = convicted(said)
    both = {made.name for made in one.cosignatures} & {made.name for made in other.cosignatures}
    assert named == both
    assert named <= {name_of(liar) for liar in range(liars)}
    assert len(named) >= 2 * full.quorum - members > (members - 1) // 3


@cache
def forked(members: int, liars: int) -> list[tuple[Certificate, Certificate]]:
    """Pairs of certificates that conflict: the honest are misled, each to one branch of two."""
    full = witnesses(*range(members))
    honest = [Follower(n, ("a", "ab@3")[n % 2], full) for n in range(liars, members)]
    for follower in honest:
        for _ in range(HEIGHTS):
            follower.step("go on")
    return [
        (one, other)
        for one, other in combinations(certified([full], honest, range(liars)), 2)
        if not consistent(one.checkpoint, other.checkpoint)
    ]


def convicted(said: Sequence[SignedHead]) -> set[str]:
    """Whom any two of these heads convict; all of it is checked."""
    found = set()
    for one, other in combinations(said, 2):
        name = one.cosignature.name
        if name == other.cosignature.name:
            larger = max(one.checkpoint, other.checkpoint, key=lambda head: head.size)
            tree = branch_with(larger)
            tree.grow(larger.size)
            key = next(key_of(n).public_key for n in range(9) if name_of(n) == name)
            evidence = find_evidence(tree.history, key, one, other)
            if evidence is not None:
                check_evidence(evidence.encode(), key, ORIGIN)
                found.add(name)
    return found
