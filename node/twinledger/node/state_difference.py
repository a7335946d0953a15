"""What a block wrote into the state, here and as certified: the first difference, in words."""

from collections.abc import Iterator
from typing import Final

from twinledger.ledger.canonical import CanonicalValue, decode
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.names import TwinId
from twinledger.ledger.receipt import Receipt
from twinledger.ledger.state_proof import StateProof, verify_absence, verify_presence
from twinledger.storage import StoredBlock
from twinledger.storage.chain_trees import ChainTrees
from twinledger.twins.records import Twin, twin_leaf
from twinledger.twins.state_keys import (
    TWINS,
    leaf_place,
    properties_prefix,
    relationships_prefix,
    twin_key,
)
from twinledger.twins.tree import TwinLeaf
from twinledger.twins.tree_proof import verify_leaves
from twinledger.v1.peer_service_pb2 import StateValue

MAX_KEYS: Final = 256


def changed_keys(trees: ChainTrees, block: StoredBlock, height: int) -> list[bytes]:
    """Return the keys of the state tree that a block wrote, as far as this node can tell."""
    found = dict.fromkeys(_subjects(block))
    for key in trees.replaced_keys(height):
        place = leaf_place(key)
        found[twin_key(place.twin_id) if place is not None else key] = None
    return list(found)[:MAX_KEYS]


def _subjects(block: StoredBlock) -> Iterator[bytes]:
    for raw in block.receipts:
        for event in Receipt.decode(raw).events:
            if event.version:
                yield twin_key(TwinId(event.subject))


def state_difference(
    trees: ChainTrees, key: bytes, certified: StateValue, header: BlockHeader
) -> str | None:
    """Return how a value differs from the certified one, which is proven here; None when not.

    Raises:
        LedgerError: PROOF_INVALID, when the answer is not what was certified.
    """
    value = certified.value if certified.HasField("value") else None
    _verify(key, value, certified.proof, header)
    own = trees.value_at(key, header.height)
    if key.startswith(TWINS) and value is not None and own is not None:
        return _twin_difference(trees, key, own, value, certified, header.height)
    if own == value:
        return None
    return f"'{key.decode(errors='replace')}' is {_words(own)} here, {_words(value)} certified"


def _verify(key: bytes, value: bytes | None, proof: bytes, header: BlockHeader) -> None:
    if value is None:
        verify_absence(header.state_root, key, StateProof.decode(proof))
    else:
        verify_presence(header.state_root, key, value, StateProof.decode(proof))


def _twin_difference(
    trees: ChainTrees, key: bytes, own: bytes, value: bytes, certified: StateValue, height: int
) -> str | None:
    twin_id = TwinId(key[len(TWINS) :].decode())
    theirs = {leaf.key: TwinLeaf(leaf.key, leaf.salt, leaf.record) for leaf in certified.leaves}
    verify_leaves(Twin.decode(twin_id, value).property_root, theirs.values())
    ours = _own_leaves(trees, twin_id, height)
    for leaf_key in sorted(theirs.keys() | ours.keys()):
        found = _leaf_difference(ours.get(leaf_key), theirs.get(leaf_key))
        if found is not None:
            return f"twin {twin_id}, {leaf_key.decode(errors='replace')}: {found}"
    return None if own == value else f"twin {twin_id}: its own record is another"


def _own_leaves(trees: ChainTrees, twin_id: TwinId, height: int) -> dict[bytes, TwinLeaf]:
    """The twin's leaves as they are on this disk, whatever they hash to."""
    found = dict[bytes, TwinLeaf]()
    for prefix in (properties_prefix(twin_id), relationships_prefix(twin_id)):
        for key, raw in trees.values_at(prefix, height).items():
            place = leaf_place(key)
            if place is not None:
                found[place.key] = twin_leaf(place.key, raw)
    return found


def _leaf_difference(own: TwinLeaf | None, certified: TwinLeaf | None) -> str | None:
    if own == certified:
        return None
    here, there = (_record(leaf) for leaf in (own, certified))
    if here.get("origin") == there.get("origin") or not own or not certified:
        by = _transaction(here or there)
    else:
        by = f"{_transaction(here)} here, {_transaction(there)} certified"
    return f"{_shown(here)} here, {_shown(there)} certified, written by transaction {by}"


def _record(leaf: TwinLeaf | None) -> dict[str, CanonicalValue]:
    if leaf is None:
        return {}
    try:
        record = decode(leaf.record)
    except LedgerError:
        return {"value": leaf.record}
    return record if isinstance(record, dict) else {"value": record}


def _shown(record: dict[str, CanonicalValue]) -> str:
    if not record:
        return "nothing"
    return repr(record["value"]) if "value" in record else "a relationship"


def _transaction(record: dict[str, CanonicalValue]) -> str:
    origin = record.get("origin")
    found = origin.get("transaction") if isinstance(origin, dict) else None
    return found.hex() if isinstance(found, bytes) else "unknown"


def _words(value: bytes | None) -> str:
    return "nothing" if value is None else f"{len(value)} bytes ({value[:16].hex()}...)"
