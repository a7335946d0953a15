"""Makes a member's keys and its join file, for `consortium join init`."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twinledger.cli.files import write_new_file
from twinledger.client import Identity
from twinledger.consensus import NodeId
from twinledger.consortium.join_file import LOG_LINE, WITNESS_LINE, JoinFile, build_join
from twinledger.consortium.members import Admin, Member
from twinledger.ledger import names
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import MemberName
from twinledger.node.node_keys import NodeKeys

JOIN_FILE: Final = "join.json"
_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class NewMember:
    """What a company says of itself when it wants to become a member."""

    member: str
    node_id: str
    admin: str
    peer_address: str
    client_address: str
    valid_days: int

    def check(self) -> None:
        """Refuses, with BAD_REQUEST, what no join file can say, before any key is made."""
        for name in (self.member, self.node_id, self.admin):
            if not names.is_name(name):
                raise LedgerError(Code.BAD_REQUEST, f"{name!r} is not 1 to 64 of A-Z a-z 0-9 . _ -")
        for address in (self.peer_address, self.client_address):
            if not names.is_address(address):
                raise LedgerError(Code.BAD_REQUEST, f"{address!r} is not host:port")
        if self.peer_address == self.client_address:
            said = f"other nodes and clients reach it at two addresses, not both at {address}"
            raise LedgerError(Code.BAD_REQUEST, said)


def make_join(
    folder: Path, new: NewMember, passphrase: bytes | None, admin: Identity | None = None
) -> JoinFile:
    """Writes the node's keys and join.json, which they and the admin sign.

    Without an admin, whose name the member then has, one is made and its key written down too.

    Raises:
        LedgerError: BAD_REQUEST; CONFIG_INVALID when the folder holds a join file or keys.
    """
    new.check()
    if (folder / JOIN_FILE).exists():
        raise LedgerError(Code.CONFIG_INVALID, f"{folder / JOIN_FILE} exists")
    if any((folder / "keys").glob("*.key")):
        said = f"{folder} holds keys without a join file: name another folder"
        raise LedgerError(Code.CONFIG_INVALID, said)
    if admin is None:
        admin = Identity.generate(f"{new.member}/{new.admin}")
        admin.save(folder / f"{new.member}.{new.admin}.key", passphrase)
    elif admin.member != new.member:
        raise LedgerError(Code.BAD_REQUEST, f"{admin.name} is no admin of {new.member}")
    keys = NodeKeys.create(folder / "keys", f"{new.member}/{new.node_id}", passphrase)
    record = keys.record(
        NodeId(new.node_id),
        new.peer_address,
        new.client_address,
        valid_until_us=time.time_ns() // 1000 + new.valid_days * _DAY_US,
    )
    member = Member(
        MemberName(new.member), (Admin(admin.name.partition("/")[2], admin.public_key),), (record,)
    )
    signers = {admin.name: admin.key, LOG_LINE: keys.log, WITNESS_LINE: keys.witness}
    raw = build_join(member, signers)
    write_new_file(folder / JOIN_FILE, raw)
    return JoinFile.parse(raw)
