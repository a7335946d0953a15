"""What a member changes about its own node, by its admin alone."""

from hashlib import sha256
from typing import Any

import pytest

from tests.unit.consortium.governed import World, admit, join_of
from tests.unit.execution.chain import START_US, signer
from tests.unit.ledger.refusals import refused
from twinledger.consensus import NodeId
from twinledger.consortium.nodes import Node, NodeCertificate
from twinledger.ledger.errors import Code
from twinledger.ledger.governance_operations import ReplaceNode, UpdateNode
from twinledger.ledger.names import IdentityName
from twinledger.ledger.operations import AdmitIdentity, Role, RotateKey

OLD = b"certificate of a-1"
NEW_KEY = signer("another").key.public_key


def change(node_id: str = "a-1", **fields: Any) -> UpdateNode:
    names = ("peer_address", "client_address", "witness_key", "log_key", "add_certificate")
    values = dict.fromkeys((*names, "remove_certificate")) | fields
    return UpdateNode(NodeId(node_id), **values)


def node_of(world: World, member: int = 0) -> Node:
    (node,) = world.consortium.members[member].nodes
    return node


def test_addresses_change_and_the_witness_set_does_not():
    world = World.of(3)
    assert world.act("a", change(peer_address="h:1", client_address="h:2")).kind == "NODE_UPDATED"
    assert (node_of(world).peer_address, node_of(world).client_address) == ("h:1", "h:2")
    assert world.consortium.set_number == 0


def test_another_witness_key_is_another_witness_set_and_the_old_key_is_dead():
    world = World.of(3)
    old = node_of(world).witness_key
    world.act("a", change(witness_key=NEW_KEY))
    assert node_of(world).witness_key == NEW_KEY
    assert world.consortium.set_number == 1
    with refused(Code.KEY_USED, old.hex()):
        world.act("a", change(witness_key=old))
    with refused(Code.KEY_USED):
        world.act("b", change("b-1", log_key=old))


def test_a_key_has_one_owner_and_one_purpose():
    world = World.of(2)
    theirs = node_of(world, 1)
    for key in (theirs.witness_key, theirs.log_key, signer("b/admin").key.public_key):
        with refused(Code.MEMBER_CONFLICT, "the key"):
            world.act("a", change(log_key=key))
    with refused(Code.BAD_KEY, "one key for two purposes"):
        world.act("a", change(log_key=node_of(world).witness_key))


def test_a_certificate_is_added_beside_the_old_one_and_the_old_one_removed():
    world = World.of(2)
    world.act("a", change(add_certificate=(b"new", 5)))
    assert [each.der for each in node_of(world).certificates] == [OLD, b"new"]
    with refused(Code.LAST_CERTIFICATE):
        world.act("a", change(add_certificate=(b"third", 5)))
    world.act("a", change(remove_certificate=sha256(OLD).digest()))
    assert node_of(world).certificates == (NodeCertificate(b"new", 5),)
    with refused(Code.LAST_CERTIFICATE):
        world.act("a", change(remove_certificate=sha256(b"new").digest()))
    with refused(Code.BAD_CERTIFICATE, "none with SHA-256"):
        world.act("a", change(remove_certificate=sha256(OLD).digest()))
    assert world.consortium.set_number == 0


def test_a_certificate_is_exchanged_in_one_transaction_and_renewed_in_place():
    world = World.of(2)
    swap = change(add_certificate=(b"new", 5), remove_certificate=sha256(OLD).digest())
    world.act("a", swap)
    world.act("a", change(add_certificate=(b"new", 9)))
    assert node_of(world).certificates == (NodeCertificate(b"new", 9),)


@pytest.mark.parametrize("der", [b"", b"x" * 2049])
def test_what_cannot_be_a_certificate_is_refused(der: bytes):
    with refused(Code.BAD_CERTIFICATE):
        World.of(1).act("a", change(add_certificate=(der, 5)))


def test_nobody_changes_the_node_of_another_member():
    world = World.of(2)
    with refused(Code.ACCESS_DENIED):
        world.act("b", change(peer_address="h:1"))
    with refused(Code.ACCESS_DENIED):
        world.act("b", ReplaceNode(NodeId("a-1"), join_of("a", 5000, "a-2")))
    with refused(Code.NODE_NOT_FOUND, "c-1"):
        world.act("a", change("c-1", peer_address="h:1"))
    with refused(Code.NO_CHANGE):
        world.act("a", change(add_certificate=(OLD, 2 * START_US)))
    with refused(Code.MEMBER_CONFLICT, "address"):
        world.act("a", change(peer_address=node_of(world, 1).peer_address))


def test_a_node_is_replaced_by_its_admin_alone_and_its_id_is_dead_for_ever():
    world = World.of(3)
    event = world.act("a", ReplaceNode(NodeId("a-1"), join_of("a", 5000, "a-2")))
    assert (event.kind, event.subject) == ("NODE_REPLACED", "a-2")
    assert node_of(world).node_id == "a-2"
    assert not node_of(world).voter
    assert world.consortium.set_number == 1
    with refused(Code.NODE_ID_USED, "a-1"):
        world.act("a", ReplaceNode(NodeId("a-2"), join_of("a", 6000, "a-1")))
    with refused(Code.NODE_ID_USED, "a-2"):
        world.act("a", ReplaceNode(NodeId("a-2"), join_of("a", 6000, "a-2")))


def test_a_replacement_is_of_the_same_member_and_its_admins():
    world = World.of(2)
    with refused(Code.JOIN_INVALID, "not of a"):
        world.act("a", ReplaceNode(NodeId("a-1"), join_of("new", 5000)))
    world.act("a", RotateKey(IdentityName("a/admin"), NEW_KEY))
    with refused(Code.JOIN_INVALID, "not of a"):
        world.act("a", ReplaceNode(NodeId("a-1"), join_of("a", 5000, "a-2")))


def test_a_learner_is_replaced_by_a_learner():
    world = World.of(2)
    world.pass_(admit("new"))
    world.act("new", ReplaceNode(NodeId("new-1"), join_of("new", 6000, "new-2")))
    assert [node.voter for _, node in world.consortium.nodes] == [True, True, False]
    assert world.consortium.set_number == 0


def test_the_only_node_that_cosigns_is_not_replaced():
    with refused(Code.QUORUM_IMPOSSIBLE):
        World.of(1).act("a", ReplaceNode(NodeId("a-1"), join_of("a", 5000, "a-2")))


def test_an_identity_gets_another_key_from_its_admin_or_itself():
    world = World.of(1)
    name = IdentityName("a/device")
    world.act("a", AdmitIdentity(name, signer("x").key.public_key, Role.DEVICE))
    assert world.act("a/device", RotateKey(name, NEW_KEY)).kind == "KEY_ROTATED"
    world.act("a", RotateKey(name, signer("y").key.public_key))
    with refused(Code.NO_CHANGE):
        world.act("a", RotateKey(name, signer("y").key.public_key))
    with refused(Code.IDENTITY_NOT_FOUND):
        world.act("a", RotateKey(IdentityName("a/ghost"), NEW_KEY))
    with refused(Code.ACCESS_DENIED):
        world.act("a/device", RotateKey(IdentityName("a/admin"), NEW_KEY))


def test_an_admins_new_key_stands_in_the_consortium_too():
    world = World.of(2)
    world.act("a", RotateKey(IdentityName("a/admin"), NEW_KEY))
    (admin,) = world.consortium.members[0].admins
    assert (admin.name, admin.public_key) == ("admin", NEW_KEY)
