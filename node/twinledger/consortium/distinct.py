"""What no two members of a consortium may have in common: names, nodes, addresses, keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from twinledger.consortium.members import Member
from twinledger.consortium.strict_json import doubled
from twinledger.ledger import names


def common_fault(members: Sequence[Member]) -> str:
    """What stands twice among the members; empty when nothing does."""
    for what, found in _kinds(members):
        twice = doubled(list(found))
        if twice is not None:
            return f"the {what} {names.shown(twice)} stands there twice"
    return ""


def _kinds(members: Sequence[Member]) -> Iterator[tuple[str, Iterable[str]]]:
    nodes = [node for member in members for node in member.nodes]
    yield "member", [member.name for member in members]
    yield "node id", [node.node_id for node in nodes]
    yield "address", [a for n in nodes for a in (n.peer_address, n.client_address)]
    # Admins and nodes must not share keys either: a key has one owner and one purpose.
    admins = [admin.public_key for member in members for admin in member.admins]
    signing = [key for node in nodes for key in (node.witness_key, node.log_key)]
    yield "key", [key.hex() for key in (*admins, *signing)]
    certificates = [c.der for node in nodes for c in node.certificates]
    yield "certificate with the SHA-256", [sha256(der).hexdigest() for der in certificates]
