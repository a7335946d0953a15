"""The witness and log keys in a node's folder: which of several are used, and when they change."""

from dataclasses import replace
from pathlib import Path

import pytest

from twinledger.consensus import NodeId
from twinledger.consortium.nodes import Node
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.node_keys import (
    LOG,
    WITNESS,
    NodeKeys,
    add_signing_key,
    forget_signing_keys,
    public_keys,
)

NAME = "utility/utility-1"


@pytest.fixture
def keys(tmp_path: Path) -> NodeKeys:
    return NodeKeys.create(tmp_path, NAME)


@pytest.fixture
def record(keys: NodeKeys) -> Node:
    return keys.record(NodeId("utility-1"), "a:1", "a:2", valid_until_us=1)


def test_the_key_that_the_record_names_is_used(tmp_path: Path, keys: NodeKeys, record: Node):
    added = add_signing_key(tmp_path, WITNESS, NAME)
    assert public_keys(tmp_path, WITNESS) == [keys.witness.public_key, added]
    assert NodeKeys.load(tmp_path, record).witness.public_key == keys.witness.public_key
    changed = replace(record, witness_key=added)
    loaded = NodeKeys.load(tmp_path, changed)
    assert (loaded.witness.public_key, loaded.log.public_key) == (added, keys.log.public_key)
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.glob("witness*"))


def test_a_node_whose_new_key_its_own_ledger_does_not_have_yet_starts_with_it(
    tmp_path: Path, keys: NodeKeys, record: Node
):
    # Its ledger names a key that is lost, and the members' ledgers one that was made since.
    behind = replace(record, witness_key=b"l" * 32)
    with pytest.raises(LedgerError) as refused:
        NodeKeys.load(tmp_path, behind)
    assert refused.value.code is Code.KEY_MISMATCH
    assert "witness.key" in refused.value.detail
    added = add_signing_key(tmp_path, WITNESS, NAME)
    assert NodeKeys.load(tmp_path, behind).witness.public_key == added


def test_keys_that_were_made_later_for_another_node_are_refused(tmp_path: Path, record: Node):
    forget_signing_keys(tmp_path, WITNESS, [add_signing_key(tmp_path, WITNESS, "maker/maker-1")])
    with pytest.raises(LedgerError):
        NodeKeys.load(tmp_path, record)


def test_another_nodes_certificate_is_refused_whatever_keys_were_made(tmp_path: Path, record: Node):
    add_signing_key(tmp_path, WITNESS, NAME)
    add_signing_key(tmp_path, LOG, NAME)
    (certificate,) = record.certificates
    with pytest.raises(LedgerError) as refused:
        NodeKeys.load(tmp_path, replace(record, certificates=(replace(certificate, der=b"other"),)))
    assert refused.value.code is Code.KEY_MISMATCH


def test_keys_are_replaced_when_the_record_names_others_that_are_there(
    tmp_path: Path, keys: NodeKeys, record: Node
):
    assert not keys.replaced_by(tmp_path, record)
    assert not keys.replaced_by(tmp_path, replace(record, log_key=b"x" * 32))
    added = add_signing_key(tmp_path, LOG, NAME)
    assert not keys.replaced_by(tmp_path, record)
    assert keys.replaced_by(tmp_path, replace(record, log_key=added))


def test_keys_that_are_not_kept_are_deleted(tmp_path: Path, keys: NodeKeys):
    added = add_signing_key(tmp_path, WITNESS, NAME)
    forget_signing_keys(tmp_path, WITNESS, [added])
    assert public_keys(tmp_path, WITNESS) == [added]
    assert public_keys(tmp_path, LOG) == [keys.log.public_key]
