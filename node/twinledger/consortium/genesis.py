"""The genesis file: where a chain begins, and what its id is the hash of.

Members hand the file around and sign it; its body must not differ by a byte. So it is read
strictly: unknown, missing and doubled keys are refused, and every fault is named with its place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from twinledger.consortium.genesis_reader import FORMAT, GENESIS_JSON, read_genesis
from twinledger.consortium.governed import CONFIGURATION_KEY, configuration_leaf
from twinledger.consortium.identities import IdentityRecord
from twinledger.consortium.member_json import member_content
from twinledger.consortium.members import CONSORTIUM_KEY, Consortium, Member
from twinledger.consortium.nodes import Node
from twinledger.consortium.rules import DEFAULT_RULES, Rules
from twinledger.consortium.signed_file import SignatureLine, SignedFile
from twinledger.consortium.strict_json import doubled
from twinledger.ledger import domains, keys, names
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import DEFAULT_LIMITS, Limits
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.operations import Role
from twinledger.ledger.transaction import Signer


@dataclass(frozen=True, slots=True)
class Genesis:
    """A genesis file that was read; every signature it carries is right.

    Attributes:
        raw: The file's bytes.
        body: What of them is agreed on, without the signatures.
        signatures: Who signed, in the order of names.
        chain_id: The body's hash, 32 bytes; what every transaction names.
        time_us: The block time of height 0.
        consortium: The first members, their nodes and admins, limits and rules.
    """

    raw: bytes
    body: bytes
    signatures: tuple[SignatureLine, ...]
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

    @property
    def unsigned(self) -> tuple[MemberName, ...]:
        """The members of which no admin has signed."""
        signed = {names.member_of(IdentityName(line.name)) for line in self.signatures}
        return tuple(member.name for member in self.members if member.name not in signed)

    def require_signed(self) -> None:
        """Refuses, with GENESIS_NOT_SIGNED, a file that some member has not signed."""
        if self.unsigned:
            raise LedgerError(Code.GENESIS_NOT_SIGNED, f"no admin of {', '.join(self.unsigned)}")

    def writes(self) -> dict[bytes, bytes]:
        """What genesis writes into the empty state."""
        return {
            CONSORTIUM_KEY: self.consortium.encode(),
            CONFIGURATION_KEY: configuration_leaf(self.consortium),
            **{admin.key: admin.encode() for admin in self.admins},
        }

    def signed_by(self, signer: Signer) -> Genesis:
        """The file with an admin's signature added.

        Raises:
            LedgerError: GENESIS_UNKNOWN_SIGNER, GENESIS_SIGNED_TWICE.
        """
        line = SignatureLine(signer.identity, signer.key.sign(signed_bytes(self.chain_id)))
        return Genesis.parse(SignedFile(self.body, self.signatures).with_line(line).encode())

    @classmethod
    def parse(cls, raw: bytes) -> Genesis:
        """Reads a genesis file and checks the signatures that it has; some may be missing.

        Raises:
            LedgerError: GENESIS_INVALID or GENESIS_DOUBLED, saying what is wrong and where;
                GENESIS_UNKNOWN_SIGNER, GENESIS_SIGNED_TWICE, GENESIS_ALTERED.
        """
        file = SignedFile.parse(raw, Code.GENESIS_INVALID)
        time_us, consortium = read_genesis(file.body)
        found = cls(raw, file.body, file.lines, chain_id(raw), time_us, consortium)
        found._check_signatures()
        return found

    def _check_signatures(self) -> None:
        twice = doubled([line.name for line in self.signatures])
        if twice is not None:
            raise LedgerError(Code.GENESIS_SIGNED_TWICE, twice)
        admins = {str(admin.identity): admin.public_key for admin in self.admins}
        for line in self.signatures:
            if line.name not in admins:
                raise LedgerError(Code.GENESIS_UNKNOWN_SIGNER, names.shown(line.name))
            try:
                keys.verify(admins[line.name], signed_bytes(self.chain_id), line.signature)
            except LedgerError:
                raise LedgerError(Code.GENESIS_ALTERED, line.name) from None


def chain_id(raw: bytes) -> bytes:
    """The id of the chain that begins with this genesis file, signed or not."""
    return chain_id_of_body(SignedFile.parse(raw, Code.GENESIS_INVALID).body)


def chain_id_of_body(body: bytes) -> bytes:
    """The id of the chain that begins with this, which is a genesis file without signatures."""
    return domains.domain_hash(domains.GENESIS, body)


def signed_bytes(chain: bytes) -> bytes:
    """What the founding members sign."""
    return domains.SIGN_GENESIS + chain


def build(
    name: str,
    time_us: int,
    members: Sequence[Member],
    limits: Limits = DEFAULT_LIMITS,
    rules: Rules = DEFAULT_RULES,
) -> bytes:
    """Writes a genesis file that nobody has signed.

    Raises:
        LedgerError: GENESIS_INVALID or GENESIS_DOUBLED when the parts do not make a valid one.
    """
    for member in members:
        if len(member.nodes) != 1:
            raise GENESIS_JSON.refusal(f"member {names.shown(member.name)} needs exactly one node")
    raw = draft_body(name, time_us, members, limits, rules)
    Genesis.parse(raw)
    return raw


def draft_body(
    name: str, time_us: int, members: Sequence[Member], limits: Limits, rules: Rules
) -> bytes:
    """The bytes of a genesis file of these parts, unchecked."""
    content = {
        "format": FORMAT,
        "name": name,
        "time_us": time_us,
        "limits": asdict(limits),
        "rules": asdict(rules),
        "members": [member_content(member) for member in members],
    }
    return (json.dumps(content, indent=2) + "\n").encode()
