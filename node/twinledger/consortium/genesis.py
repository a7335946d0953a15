"""The genesis file: where a chain begins, and what its id is the hash of.

Members hand the file around; it must not differ by a byte. So it is read strictly: unknown,
missing and doubled keys are refused, and every fault is named with the place where it stands.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from twinledger.consortium.genesis_reader import FORMAT, genesis_invalid, read_genesis
from twinledger.consortium.identities import IdentityRecord
from twinledger.consortium.members import (
    CONSORTIUM_KEY,
    Consortium,
    Member,
    Node,
)
from twinledger.ledger import domains, names
from twinledger.ledger.limits import DEFAULT_LIMITS, Limits
from twinledger.ledger.names import MemberName
from twinledger.ledger.operations import Role


@dataclass(frozen=True, slots=True)
class Genesis:
    """A genesis file that was read.

    Attributes:
        raw: The file's bytes.
        chain_id: Their hash, 32 bytes; what every transaction names.
        time_us: The block time of height 0.
        consortium: The first members, their nodes and admins, and the limits.
    """

    raw: bytes
    chain_id: bytes
    time_us: int
    consortium: Consortium

    @property
    def name(self) -> str:
        """The consortium's name."""
        return self.consortium.name

    @property
    def limits(self) -> Limits:
        """The limits."""
        return self.consortium.limits

    @property
    def members(self) -> tuple[Member, ...]:
        """The members, by name; each with its admins and its nodes."""
        return self.consortium.members

    @property
    def nodes(self) -> tuple[tuple[MemberName, Node], ...]:
        """Every node with its member."""
        return self.consortium.nodes

    @property
    def admins(self) -> tuple[IdentityRecord, ...]:
        """Every admin's identity."""
        return tuple(
            IdentityRecord(member.identity(admin), admin.public_key, Role.ADMIN)
            for member in self.members
            for admin in member.admins
        )

    def writes(self) -> dict[bytes, bytes]:
        """What genesis writes into the empty state."""
        return {
            CONSORTIUM_KEY: self.consortium.encode(),
            **{admin.key: admin.encode() for admin in self.admins},
        }

    @classmethod
    def parse(cls, raw: bytes) -> Genesis:
        """Reads a genesis file.

        Raises:
            LedgerError: GENESIS_INVALID, saying what is wrong and where.
        """
        time_us, consortium = read_genesis(raw)
        return cls(raw, chain_id(raw), time_us, consortium)


def chain_id(raw: bytes) -> bytes:
    """The id of the chain that begins with this genesis file."""
    return domains.domain_hash(domains.GENESIS, raw)


def build(
    name: str, time_us: int, members: Sequence[Member], limits: Limits = DEFAULT_LIMITS
) -> bytes:
    """Writes a genesis file.

    Raises:
        LedgerError: GENESIS_INVALID when the parts do not make a valid one.
    """
    for member in members:
        if len(member.nodes) != 1:
            raise genesis_invalid(f"member {names.shown(member.name)} needs exactly one node")
    content = {
        "format": FORMAT,
        "name": name,
        "time_us": time_us,
        "limits": asdict(limits),
        "members": [_member_content(member) for member in members],
    }
    raw = (json.dumps(content, indent=2) + "\n").encode()
    Genesis.parse(raw)
    return raw


def _member_content(member: Member) -> dict[str, Any]:
    (node,) = member.nodes
    return {
        "name": member.name,
        "admins": [{"name": a.name, "public_key": a.public_key.hex()} for a in member.admins],
        "node": {
            "id": node.node_id,
            "peer_address": node.peer_address,
            "client_address": node.client_address,
        },
    }
