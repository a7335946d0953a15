"""A witness of a running consortium signs two histories, never at one size.

It is found out, a transaction disqualifies its key, and its member comes back with another one.
"""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.integration.hostile.consortium import HONEST, HOSTILE, Consortium, node_id_of
from tests.integration.hostile.hostile_member import HostileMember
from twinledger.client import Ledger, ListedEvidence, Rejected, proofs
from twinledger.client import operations as op
from twinledger.client.governance_operations import submit_evidence, update_node
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.errors import Code
from twinledger.ledger.keys import SigningKey

HONEST_WITNESSES = ["a/a-1", "b/b-1", "c/c-1"]


@pytest.fixture
def consortium(tmp_path: Path) -> Iterator[Consortium]:
    with Consortium(tmp_path, elections=True) as running:
        yield running


@pytest.fixture
def liar(consortium: Consortium) -> Iterator[HostileMember]:
    with HostileMember(consortium) as hostile:
        yield hostile


def create_certified(consortium: Consortium, twin_id: str) -> None:
    async def work(ledger: Ledger) -> None:
        await ledger.submit(op.create_twin(twin_id), certified=True, timeout_seconds=60)

    consortium.as_client(work)


def evidence_of(consortium: Consortium) -> list[ListedEvidence]:
    return consortium.as_client(lambda ledger: ledger.evidence())


def test_a_witness_of_two_histories_is_named_disqualified_and_comes_back_with_another_key(
    consortium: Consortium, liar: HostileMember
) -> None:
    create_certified(consortium, "first")
    create_certified(consortium, "second")
    nodes, a = list(consortium.honest.values()), consortium.honest["a"]
    size = min(each.certified_size for each in nodes)
    # One node is shown an invented history, another one the true history at a larger size.
    invented = Checkpoint(a.head(1).origin, size - 1, sha256(b"another history").digest())
    liar.cosign("b", liar.sign(invented))
    consortium.until(lambda: all(each.suspects == [liar.name] for each in nodes), "suspicion")
    assert not any(each.accused for each in nodes)
    liar.cosign("a", liar.sign(a.head(size)))
    consortium.until(lambda: all(each.accused for each in nodes), "evidence at every node")
    assert [each.accused for each in nodes] == [{liar.name}] * 3

    (found,) = evidence_of(consortium)
    assert (found.witness, found.disqualified_height) == (liar.name, None)
    sizes = found.evidence.smaller.checkpoint.size, found.evidence.larger.checkpoint.size
    assert sizes == (size - 1, size)
    disqualify(consortium, found, liar.name)
    register_another_key(consortium)
    consortium.check_no_conflict()


def disqualify(consortium: Consortium, found: ListedEvidence, liar: str) -> None:
    """By an admin of another member; then three keys are left, and all three must sign."""

    async def submit(ledger: Ledger) -> int:
        receipt = await ledger.submit(
            submit_evidence(found.content), certified=True, timeout_seconds=60
        )
        assert [event.subject for event in receipt.events] == [liar]
        with pytest.raises(Rejected) as again:
            await ledger.submit(submit_evidence(found.content))
        assert again.value.code is Code.WITNESS_DISQUALIFIED
        nodes = {n.node_id: n for m in (await ledger.consortium()).members for n in m.nodes}
        assert [name for name, node in nodes.items() if node.disqualified] == [node_id_of(HOSTILE)]
        assert any("is disqualified" in each for each in (await ledger.status()).warnings)
        return receipt.height

    height = consortium.as_client(submit, member="b")
    (told,) = evidence_of(consortium)
    assert told.disqualified_height == height
    create_certified(consortium, "without-the-liar")
    consortium.until(
        lambda: all(consortium.witnesses_of(name) == HONEST_WITNESSES for name in HONEST),
        "three witnesses",
    )


def register_another_key(consortium: Consortium) -> None:
    """By its own admin alone; a proof then leads through both changes of the witnesses."""
    fresh = SigningKey.generate()

    async def register(ledger: Ledger) -> None:
        operation = update_node(node_id_of(HOSTILE), witness_key=fresh.public_key)
        await ledger.submit(operation, certified=True, timeout_seconds=60)

    consortium.as_client(register, member=HOSTILE)
    create_certified(consortium, "with-another-key")

    async def prove(ledger: Ledger) -> None:
        proof = await ledger.prove(proofs.head())
        assert (proof.proven.quorum, proof.proven.witnesses) == (3, 4)
        assert [name for name, _ in proof.proven.signers] == HONEST_WITNESSES

    consortium.as_client(prove)
