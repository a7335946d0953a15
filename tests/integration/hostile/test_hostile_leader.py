"""A leader that lies below Raft to real nodes: each lie is refused, or names it; nothing certified
conflicts.
"""

import os
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.integration.hostile.consortium import HONEST, HOSTILE, Consortium, Honest
from tests.integration.hostile.hostile_member import Block, HostileMember
from twinledger.client import operations as op
from twinledger.consensus import Configuration, Entry, EntryKind, NodeId
from twinledger.ledger.block import encode_body
from twinledger.ledger.transaction import Signer, assemble, sign
from twinledger.v1.transaction_pb2 import SignedTransaction

OTHER_CHAIN = sha256(b"another chain").digest()


@pytest.fixture
def consortium(tmp_path: Path) -> Iterator[Consortium]:
    with Consortium(tmp_path, elections=False) as running:
        yield running


@pytest.fixture
def leader(consortium: Consortium) -> Iterator[HostileMember]:
    with HostileMember(consortium) as hostile:
        yield hostile


def now_us() -> int:
    return time.time_ns() // 1000


def block(*transactions: bytes) -> Block:
    return EntryKind.BLOCK, encode_body(now_us(), transactions)


def create(consortium: Consortium, twin_id: str, chain_id: bytes = b"") -> bytes:
    """A transaction of the first member's admin."""
    admin = consortium.admins["a"]
    operations = [op.create_twin(twin_id)]
    expires_at_us = now_us() + 60_000_000
    return sign(
        chain_id or consortium.genesis.chain_id, [admin], operations, expires_at_us, os.urandom(16)
    )


def forged(consortium: Consortium, twin_id: str) -> bytes:
    """The same, signed by the hostile member's own key in the admin's place."""
    body = SignedTransaction.FromString(create(consortium, twin_id)).body
    forger = consortium.admins[HOSTILE]
    impostor = Signer(consortium.admins["a"].identity, forger.key)
    others = sign(
        consortium.genesis.chain_id, [impostor], [op.create_twin(twin_id)], now_us(), os.urandom(16)
    )
    return assemble(body, list(SignedTransaction.FromString(others).signatures))


def executed(consortium: Consortium, height: int) -> list[Honest]:
    nodes = list(consortium.honest.values())
    consortium.until(lambda: all(each.height == height for each in nodes), f"height {height}")
    return nodes


def test_a_forged_update_and_another_chains_have_no_effect_on_any_node(
    consortium: Consortium, leader: HostileMember
) -> None:
    """The leader orders them all the same; every node checks every signature again."""
    blocks = [
        block(create(consortium, "mine")),
        block(forged(consortium, "forged"), create(consortium, "elsewhere", OTHER_CHAIN)),
    ]
    entries = leader.log(*blocks)
    for name in HONEST:
        leader.lead(name, entries)
    nodes = executed(consortium, 2)
    assert [each.outcomes(1) for each in nodes] == [["COMMITTED"]] * 3
    assert [each.outcomes(2) for each in nodes] == [["BAD_SIGNATURE", "WRONG_CHAIN"]] * 3
    assert len({each.head(3) for each in nodes}) == 1
    # What it ordered is one history, so the honest certify it, without the leader's voice.
    consortium.until(lambda: all(each.certified_size == 3 for each in nodes), "all certified")
    assert not any(each.accused for each in nodes)


def test_another_chains_entries_are_not_appended(
    consortium: Consortium, leader: HostileMember
) -> None:
    """Logs match by the hash of all that is below, which begins with the chain's id."""
    replayed = leader.log(block(), block(), block(), start=OTHER_CHAIN)
    own = leader.log(block(create(consortium, "mine")))
    for name in HONEST:
        leader.lead(name, replayed, start=OTHER_CHAIN)
        leader.lead(name, own)
    nodes = executed(consortium, 1)
    assert [each.log_height for each in nodes] == [1, 1, 1]
    assert [each.outcomes(1) for each in nodes] == [["COMMITTED"]] * 3
    consortium.check_no_conflict()


def _payloads(entries: list[Entry]) -> list[Block]:
    return [(entry.kind, entry.payload) for entry in entries]


def test_a_configuration_that_the_ledger_does_not_call_for_is_refused_and_its_leader_left(
    consortium: Consortium, leader: HostileMember
) -> None:
    voters = tuple(sorted(node.node_id for _, node in consortium.genesis.nodes))
    stranger = Configuration(voters, learners=(NodeId("stranger-1"),))
    own = leader.log(block())
    entries = leader.log(*_payloads(own), (EntryKind.CONFIGURATION, stranger.encode()))
    for name in HONEST:
        leader.lead(name, own)
    nodes = executed(consortium, 1)
    for name in HONEST:
        leader.lead(name, entries)
    consortium.until(
        lambda: all(each.leader is None for each in nodes), "the nodes follow that leader no more"
    )
    assert [each.log_height for each in nodes] == [1, 1, 1]


def test_a_leader_that_tells_two_histories_certifies_one_and_is_named(
    consortium: Consortium, leader: HostileMember
) -> None:
    """One follower is misled. It signed one history only, and nobody ever names it."""
    a, b, c = (consortium.honest[name] for name in HONEST)
    told = leader.log(block(create(consortium, "told")), block())
    misled = leader.log(block(create(consortium, "misled")), block())
    leader.lead("a", told)
    leader.lead("c", told)
    leader.lead("b", misled)
    executed(consortium, 2)
    assert a.head(3) == c.head(3) != b.head(3)
    # It signs never one size twice: size 3 of what it told two of them, size 2 of the other.
    large, small = leader.sign(a.head(3)), leader.sign(b.head(2))
    leader.cosign("a", large)
    leader.cosign("c", large)
    leader.cosign("b", small)
    consortium.until(lambda: a.certified_size == c.certified_size == 3, "a certificate")
    consortium.until(lambda: all(each.accused for each in (a, b, c)), "evidence at every node")
    assert [each.accused for each in (a, b, c)] == [{leader.name}] * 3
    assert a.certificate is not None
    assert a.certificate.checkpoint == a.head(3)
    assert b.certified_size <= 1
    consortium.check_no_conflict()
    found = consortium.as_client(lambda ledger: ledger.evidence())
    assert [each.witness for each in found] == [leader.name]
    warnings = consortium.as_client(lambda ledger: ledger.status()).warnings
    assert any(leader.name in each and "evidence submit" in each for each in warnings)
