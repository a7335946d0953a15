"""Following the ledger from head to head: forward only, and along one history only."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache

import pytest

from tests.unit.ledger.refusals import refused
from tests.unit.ledger.wire import create, set_, update
from tests.unit.proofs.cases import recovered_world, until_the_second_change
from tests.unit.proofs.world import World
from twinledger.ledger.errors import Code
from twinledger.ledger.names import TwinId
from twinledger.proofs.bundle import Bundle, HeadAnchor, encode_claim
from twinledger.proofs.light import claimed, follow
from twinledger.proofs.standing import Standing

TANK = TwinId("tank-1")


@cache
def grown() -> World:
    """Ten blocks; heights 2 and 6 changed the witnesses."""
    world = until_the_second_change()
    for level in range(3):
        world.append(world.sign(update("tank-1", set_("level", float(level)))))
    return world


def head(world: World, size: int = 0, *, since: int = 0, without: tuple[str, ...] = ()) -> bytes:
    """What a node answers whose newest certified head has a size, asked from another one."""
    builder = world.builder(size or None, without=without)
    return builder.bundle(builder.head_claim(), since)


def standing(world: World, size: int = 0) -> Standing:
    return follow(head(world, size), world.genesis.chain_id, None)


def follows(world: World, raw: bytes, known: Standing | None) -> Standing:
    return follow(raw, world.genesis.chain_id, known)


def other_since(size: int, blocks: int) -> World:
    """The same witnesses sign another history that leaves the one of `grown` at a size."""
    world = deepcopy(grown())
    del world.blocks[size:], world.states[size:]
    world.history = type(world.history)()
    for block in world.blocks:
        world.history.append(block.header_bytes)
    world.state.leaves, world.newest = dict(world.states[-1]), world.blocks[-1]
    for number in range(blocks):
        world.append(world.sign(create(f"forged-{number}")))
    return world


def begun_at(raw: bytes, known: Standing) -> bytes:
    """The same file, with the word that it begins at the head that is known."""
    assert known.head is not None
    anchor = HeadAnchor(known.head.size, known.head.root)
    return replace(Bundle.decode(raw), anchor=anchor).encode()


@pytest.mark.parametrize("size", range(1, 10))
def test_a_client_follows_from_every_head_to_every_later_one(size: int):
    known = standing(grown(), size)
    for later in range(size, 11):
        moved = follows(grown(), head(grown(), later, since=size), known)
        assert (moved.size, moved.consortium) == (later, standing(grown(), later).consortium)


def test_the_same_head_by_another_quorum_changes_nothing():
    known = standing(grown())
    again = head(grown(), since=known.size, without=("utility",))
    assert follows(grown(), again, known) is known


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(lambda known, size: head(grown(), size), id="from genesis"),
        pytest.param(lambda known, size: head(grown(), size, since=1), id="from an older head"),
        pytest.param(lambda known, size: head(grown(), size, since=size), id="from itself"),
        pytest.param(
            lambda known, size: begun_at(head(grown(), size, since=size), known),
            id="with the word that it begins at the known head",
        ),
    ],
)
@pytest.mark.parametrize("size", [1, 4, 8, 9])
def test_an_older_certified_head_is_a_rollback(told: Callable[[Standing, int], bytes], size: int):
    known = standing(grown())
    with refused(Code.HEAD_ROLLED_BACK, "known size 10"):
        follows(grown(), told(known, size), known)


def test_a_newer_head_without_the_way_from_the_known_one_is_a_rollback():
    with refused(Code.HEAD_ROLLED_BACK, "genesis"):
        follows(grown(), head(grown()), standing(grown(), 8))
    with refused(Code.HEAD_ROLLED_BACK, "begins at size 7"):
        follows(grown(), head(grown(), since=7), standing(grown(), 8))


def test_the_head_of_an_epoch_that_has_ended_is_refused():
    world, known = recovered_world(), standing(recovered_world())
    with refused(Code.HEAD_ROLLED_BACK, "genesis"):
        follows(world, head(world, 7), known)
    with refused(Code.CERTIFICATE_INVALID):
        follows(world, begun_at(head(world, 7, since=7), known), known)


@pytest.mark.parametrize("size", [3, 7, 8, 9, 10])
def test_another_certified_head_of_the_known_size_is_a_conflict(size: int):
    """At 3 and 7 the newest block changed the witnesses, so those before it certified it."""
    known = standing(grown(), size)
    other = other_since(size - 1, 1)
    with refused(Code.HEAD_CONFLICT):
        follows(grown(), head(other, since=size), known)
    with refused(Code.HEAD_CONFLICT, f"two certified heads of size {size}"):
        follows(grown(), begun_at(head(other, since=size), known), known)


def test_another_head_of_the_known_size_that_no_quorum_signed_is_no_conflict():
    known, other = standing(grown(), 9), other_since(8, 1)
    bundle = Bundle.decode(begun_at(head(other, since=9), known))
    lines = bundle.head.certificate.split(b"\n")
    shorn = replace(bundle.head, certificate=b"\n".join([*lines[:5], b""]))
    with refused(Code.QUORUM_MISSING):
        follows(grown(), replace(bundle, head=shorn).encode(), known)


def test_a_larger_head_of_another_history_is_a_conflict():
    known, other = standing(grown(), 9), other_since(8, 4)
    with refused(Code.HEAD_CONFLICT, "another history below size 9"):
        follows(grown(), head(other, since=9), known)
    with refused(Code.PROOF_CONSISTENCY):
        follows(grown(), begun_at(head(other, since=9), known), known)


def test_a_claim_proven_under_an_older_head_holds_under_no_newer_one():
    claim = encode_claim(grown().builder(8).twin_claim(TANK))
    assert claimed(claim, standing(grown(), 8))[1].header.height == 7
    with refused(Code.PROOF_INCLUSION):
        claimed(claim, standing(grown()))


def test_an_old_claim_proven_under_the_newest_head_says_its_height():
    claim = encode_claim(grown().builder().twin_claim(TANK, 7))
    assert claimed(claim, standing(grown()))[1].header.height == 7


def test_a_claim_of_another_history_is_refused():
    claim = encode_claim(other_since(8, 2).builder().twin_claim(TANK))
    with refused(Code.PROOF_INCLUSION):
        claimed(claim, standing(grown()))


def test_nothing_is_proven_to_whoever_knows_no_head():
    known = replace(standing(grown()), head=None)
    with refused(Code.PROOF_NOT_ANCHORED):
        claimed(encode_claim(grown().builder().twin_claim(TANK)), known)


def test_a_claim_is_no_head():
    known, builder = standing(grown()), grown().builder()
    claim = builder.twin_claim(TANK)
    for raw, before in ((builder.bundle(claim), None), (builder.bundle(claim, 10), known)):
        with refused(Code.PROOF_INVALID):
            follows(grown(), raw, before)


def test_the_same_head_with_a_block_that_it_does_not_hold_is_refused():
    known, bundle = standing(grown()), Bundle.decode(head(grown(), since=10))
    other = other_since(9, 1)
    foreign = other.builder().head_claim()
    with refused(Code.PROOF_INCLUSION):
        follows(grown(), replace(bundle, claim=foreign).encode(), known)
