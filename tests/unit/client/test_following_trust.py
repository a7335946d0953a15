"""Whom a profile trusts moves on with what certified heads commit to, and with nothing else."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.transport_keys import credential
from tests.unit.client.fake_node import FakeNode
from tests.unit.client.looped import looped
from tests.unit.client.proving_node import ProvingNode
from tests.unit.execution.chain import START_US, member
from tests.unit.ledger.refusals import refused
from tests.unit.proofs.world import World
from twinledger.client import Code, Profile, TrustedNode, connect
from twinledger.client import light as light_module
from twinledger.client.channels import Credential
from twinledger.consortium.nodes import NodeCertificate
from twinledger.ledger.names import MemberName
from twinledger.proofs.bundle import Bundle
from twinledger.v1 import ledger_service_pb2 as pb

UNTIL_US = 2 * START_US


def rotate(world: World, address: str, *certificates: bytes) -> None:
    """A block in which maker's node gets an address and certificates."""
    found = world.consortium.member(MemberName("maker"))
    assert found is not None
    shown = tuple(NodeCertificate(der, UNTIL_US) for der in certificates)
    record = replace(found.nodes[0], client_address=address, certificates=shown)
    world.write_consortium(world.consortium.with_member(replace(found, nodes=(record,))))


def join(world: World, name: str, port: int) -> None:
    """A block in which a member with a node joins; it is a witness from the next one on."""
    before = world.consortium
    members = tuple(sorted((*before.members, member(name, port)), key=lambda each: each.name))
    world.write_consortium(replace(before, members=members, set_number=before.set_number + 1))
    world.note_change()


@dataclass
class Case:
    """A node of maker's that shows its first certificate, and a file that trusts only that."""

    node: ProvingNode
    own: Credential
    path: Path

    @property
    def file(self) -> Profile:
        return Profile.load(self.path)

    def trusted(self, node_id: str = "maker-1") -> tuple[bytes, ...]:
        return next(each.certificates for each in self.file.nodes if each.node_id == node_id)

    async def look(self, *, verify: bool = True) -> None:
        """Connects, which looks whom to trust, and leaves."""
        async with connect(profile=self.path, verify=verify):
            pass


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    monkeypatch.setattr(light_module, "FRESH_SECONDS", 0.0)
    own, world = credential("maker-1"), World()
    node = ProvingNode(world, shown=[own])
    rotate(world, node.address, own.certificate)
    made = Case(node, own, tmp_path / "profile.toml")
    record = TrustedNode("maker-1", node.address, "127.0.0.1:1", (own.certificate,))
    Profile(world.genesis.chain_id, (record,)).save(made.path)
    yield made
    node.stop()


NEW = credential("maker-1").certificate


@pytest.mark.parametrize("verify", [True, False])
@looped
async def test_the_file_follows_a_rotation_and_a_join(case: Case, verify: bool) -> None:
    await case.look(verify=verify)
    assert {each.node_id for each in case.file.nodes} == {
        "maker-1",
        "plant-1",
        "regulator-1",
        "utility-1",
    }
    rotate(case.node.world, case.node.address, case.own.certificate, NEW)
    join(case.node.world, "surveyor", 8000)
    case.node.world.append()
    await case.look(verify=verify)
    assert case.trusted() == (case.own.certificate, NEW)
    assert case.trusted("surveyor-1") == (b"certificate of surveyor-1",)
    assert case.file.height == case.node.world.size - 1


@looped
async def test_a_client_that_is_open_follows_with_its_reads(case: Case) -> None:
    async with connect(profile=case.path) as ledger:
        rotate(case.node.world, case.node.address, case.own.certificate, NEW)
        await ledger.head()
        assert case.trusted() == (case.own.certificate, NEW)
        others = {f"127.0.0.1:{port}" for port in (7011, 7021, 7031)}
        assert set(ledger.addresses) == {case.node.address, *others}
        rotate(case.node.world, case.node.address, case.own.certificate)
        await ledger.head()
        assert case.trusted() == (case.own.certificate,)


@looped
async def test_what_a_node_merely_says_of_the_nodes_is_never_followed(case: Case) -> None:
    evil = FakeNode(case.node.ledger, shown=[credential("evil")])
    try:
        case.node.lie = lambda _: pb.ProveResponse()
        before = case.path.read_bytes()
        with refused(Code.PROOF_MALFORMED):
            await case.look()
        assert case.path.read_bytes() == before
        case.node.lie = lambda _: None
        async with connect(profile=case.path) as ledger:
            assert evil.address not in ledger.addresses
        assert {each.node_id for each in case.file.nodes} == {
            "maker-1",
            "plant-1",
            "regulator-1",
            "utility-1",
        }
    finally:
        evil.stop()


def forged(case: Case) -> World:
    """The ledger as it would be with another certificate of maker's node."""
    world = deepcopy(case.node.world)
    rotate(world, case.node.address, NEW)
    return world


def without_quorum(world: World, since: int) -> bytes:
    bundle = Bundle.decode(honest(world, since))
    lines = bundle.head.certificate.split(b"\n")
    shorn = replace(bundle.head, certificate=b"\n".join([*lines[:5], b""]))
    return replace(bundle, head=shorn).encode()


def with_another_consortium(world: World, since: int) -> bytes:
    """An honest head, and a record that its block does not commit to."""
    truth = deepcopy(world)
    truth.append()
    bundle = Bundle.decode(honest(truth, since))
    rotate(truth, "127.0.0.1:666", NEW)
    claim = replace(truth.builder().head_claim(), block=bundle.claim.block)  # type: ignore[union-attr]
    return replace(bundle, claim=claim).encode()


def honest(world: World, since: int) -> bytes:
    builder = world.builder()
    return builder.bundle(builder.head_claim(), since)


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        (without_quorum, Code.QUORUM_MISSING),
        (with_another_consortium, Code.PROOF_MEMBERS),
    ],
)
@pytest.mark.parametrize("seen", [False, True])
@looped
async def test_a_head_that_is_not_proven_moves_no_trust(
    case: Case, forge: Callable[[World, int], bytes], code: Code, seen: bool
) -> None:
    if seen:
        await case.look()
    before = sorted((each.name, each.read_bytes()) for each in case.path.parent.iterdir())
    world = forged(case)
    case.node.lie = lambda asked: pb.ProveResponse(bundle=forge(world, asked.trusted_size))
    with refused(code, case.node.address):
        await case.look()
    after = sorted((each.name, each.read_bytes()) for each in case.path.parent.iterdir())
    assert after == before


@looped
async def test_an_older_head_does_not_bring_an_old_certificate_back(case: Case) -> None:
    """A profile that was handed on is newer than the head that a new client is shown first."""
    later = case.file.with_certificates("maker-1", [case.own.certificate, NEW], 50)
    later.save(case.path)
    await case.look()
    assert case.trusted() == (case.own.certificate, NEW)


@looped
async def test_a_profile_that_was_put_back_follows_the_head_beside_it(case: Case) -> None:
    first = case.path.read_bytes()
    rotate(case.node.world, case.node.address, case.own.certificate, NEW)
    await case.look()
    case.path.write_bytes(first)
    await case.look()
    assert case.trusted() == (case.own.certificate, NEW)


@looped
async def test_whoever_named_the_nodes_to_call_calls_no_others(case: Case) -> None:
    rotate(case.node.world, case.node.address, case.own.certificate, NEW)
    one = connect(case.node.address, profile=case.path, discover=False)
    async with one as ledger:
        assert ledger.addresses == (case.node.address,)
    assert case.trusted() == (case.own.certificate, NEW)
