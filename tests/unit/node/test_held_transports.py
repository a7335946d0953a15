"""The transport keys in a node's folder, and how a running node takes up a new one."""

import asyncio
from pathlib import Path

import pytest

from twinledger.consensus import NodeId
from twinledger.consortium.nodes import Node, NodeCertificate
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.certificates import check
from twinledger.node.node_keys import (
    HeldTransports,
    NodeKeys,
    add_transport,
    forget_transports,
    public_transports,
)

NAME = "utility/utility-1"
NODE_ID = NodeId("utility-1")


def unsealed(_: Path) -> bytes:
    raise AssertionError("nothing is sealed")


@pytest.fixture
def keys(tmp_path) -> NodeKeys:
    return NodeKeys.create(tmp_path, NAME)


def record(*certificates: bytes) -> Node:
    shown = tuple(NodeCertificate(each, 1) for each in certificates)
    return Node(NODE_ID, "a:1", "a:2", True, b"", b"", shown)


def load(folder: Path, keys: NodeKeys, shown: bytes | None = None) -> NodeKeys:
    """Reads the folder for a record with these keys."""
    certificates = (NodeCertificate(shown or keys.transports[0].certificate, 1),)
    witness, log = keys.witness.public_key, keys.log.public_key
    return NodeKeys.load(folder, Node(NODE_ID, "a:1", "a:2", True, witness, log, certificates))


def test_a_key_that_is_added_stands_beside_the_first(tmp_path, keys):
    added = add_transport(tmp_path, NAME)
    check(added, NODE_ID)
    first = keys.transports[0].certificate
    assert set(public_transports(tmp_path)) == {first, added}
    assert {each.certificate for each in load(tmp_path, keys).transports} == {first, added}
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.glob("transport*"))


def test_a_node_starts_with_any_key_that_its_record_names(tmp_path, keys):
    added = add_transport(tmp_path, NAME)
    loaded = load(tmp_path, keys)
    witness, log = keys.witness.public_key, keys.log.public_key
    for shown in (keys.transports[0].certificate, added):
        certificates = (NodeCertificate(shown, 1),)
        loaded.check(Node(NODE_ID, "a:1", "a:2", True, witness, log, certificates))
    certificates = (NodeCertificate(b"another", 1),)
    with pytest.raises(LedgerError) as refused:
        loaded.check(Node(NODE_ID, "a:1", "a:2", True, witness, log, certificates))
    assert refused.value.code is Code.KEY_MISMATCH


def test_keys_that_count_no_more_are_deleted_and_the_node_still_starts(tmp_path, keys):
    added = add_transport(tmp_path, NAME)
    forget_transports(tmp_path, [added])
    assert public_transports(tmp_path) == [added]
    assert [each.certificate for each in load(tmp_path, keys, added).transports] == [added]


def test_a_node_whose_certificates_were_all_changed_while_it_was_away_starts_with_the_new_one(
    tmp_path, keys
):
    first = keys.transports[0].certificate
    added = add_transport(tmp_path, NAME)
    forget_transports(tmp_path, [added])
    # Its own ledger still names the first one, whose key is gone.
    assert [each.certificate for each in load(tmp_path, keys, first).transports] == [added]


def test_certificates_that_were_made_later_for_another_node_are_refused(tmp_path, keys):
    first = keys.transports[0].certificate
    forget_transports(tmp_path, [add_transport(tmp_path, "maker/maker-1")])
    with pytest.raises(LedgerError) as refused:
        load(tmp_path, keys, first)
    assert refused.value.code is Code.KEY_MISMATCH


def test_a_folder_without_any_key_says_which_is_missed(tmp_path, keys):
    forget_transports(tmp_path, [])
    with pytest.raises(LedgerError) as refused:
        load(tmp_path, keys)
    assert "transport.key" in refused.value.detail


def test_the_folder_is_read_again_only_for_a_certificate_that_is_not_held(tmp_path, keys):
    held = HeldTransports(tmp_path, unsealed, keys.transports)
    added = add_transport(tmp_path, NAME)
    first = keys.transports[0].certificate

    async def look(node: Node | None) -> bool:
        return await held.look(node)

    assert not asyncio.run(look(record(first)))
    assert not asyncio.run(look(None))
    assert held.held == keys.transports
    assert asyncio.run(look(record(first, added)))
    assert {each.certificate for each in held.held} == {first, added}
    assert not asyncio.run(look(record(first, added, b"held by nobody")))


def test_a_key_that_cannot_be_read_leaves_what_is_held(tmp_path, keys):
    held = HeldTransports(tmp_path, unsealed, keys.transports)
    (tmp_path / "transport.bad.key").write_text("{}")
    (tmp_path / "transport.bad.key").chmod(0o600)
    with pytest.raises(LedgerError):
        asyncio.run(held.look(record(b"new")))
    assert held.held == keys.transports
