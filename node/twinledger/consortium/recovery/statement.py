"""What a survivor says of itself: how far its log reaches, and the newest heads it has.

A signed file that travels inside the recovery file. The node's log key signs it where the keys are
still there, else an admin of its member: either answers for it. The witness key does not; it
cosigns heads and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from twinledger.consensus import NodeId
from twinledger.consortium.members import Member
from twinledger.consortium.signed_file import SignatureLine, SignedFile, sorted_lines
from twinledger.consortium.strict_json import StrictJson, doubled
from twinledger.ledger import domains, keys
from twinledger.ledger.canonical import INT_MAX
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.keys import MessageSigner
from twinledger.ledger.names import MemberName

FORMAT: Final = 1
LOG_LINE: Final = "log_key"
_JSON: Final = StrictJson(Code.STATEMENT_INVALID)
_FIELDS: Final = (
    "format",
    "chain_id",
    "epoch",
    "member",
    "node",
    "log_height",
    "committed_height",
    "signed",
    "certified",
)


@dataclass(frozen=True, slots=True)
class StatedHead:
    """A head as a survivor names it: the size of the history tree, and its root (32 bytes)."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Statement:
    """A survivor's statement.

    Attributes:
        chain_id: The chain, 32 bytes.
        epoch: The epoch that ended.
        member: Whose node it is.
        node_id: The node.
        log_height: The newest height that is durable in its log.
        committed_height: The newest that it knows to be committed.
        signed: The newest head that its witness key signed, if any.
        certified: The newest head that it has a certificate of, if any.
    """

    chain_id: bytes
    epoch: int
    member: MemberName
    node_id: NodeId
    log_height: int
    committed_height: int
    signed: StatedHead | None
    certified: StatedHead | None

    @property
    def reaches(self) -> int:
        """The greatest height that may have been acknowledged, as far as this survivor knows."""
        heads = [head.size - 1 for head in (self.signed, self.certified) if head is not None]
        return max(self.committed_height, *heads, 0)

    def encode(self) -> bytes:
        """The body that is signed."""
        content = {
            "format": FORMAT,
            "chain_id": self.chain_id.hex(),
            "epoch": self.epoch,
            "member": self.member,
            "node": self.node_id,
            "log_height": self.log_height,
            "committed_height": self.committed_height,
            "signed": _head_content(self.signed),
            "certified": _head_content(self.certified),
        }
        return (json.dumps(content, indent=2) + "\n").encode()


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement with its signatures, which are checked by the member's record.

    Attributes:
        raw: The file's bytes.
        statement: What it says.
        file: Its body and its lines.
    """

    raw: bytes
    statement: Statement
    file: SignedFile

    @classmethod
    def parse(cls, raw: bytes) -> SignedStatement:
        """Reads a statement; who signed it is for ``check``.

        Raises:
            LedgerError: STATEMENT_INVALID, saying what is wrong and where.
        """
        file = SignedFile.parse(raw, Code.STATEMENT_INVALID)
        if not file.lines:
            raise _JSON.refusal("nobody has signed it")
        return cls(raw, _read(file.body), file)

    def check(self, member: Member | None) -> None:
        """Holds the signatures against the member's record at the fork.

        Raises:
            LedgerError: STATEMENT_INVALID.
        """
        signers = _signers(member, self.statement)
        if doubled([line.name for line in self.file.lines]) is not None:
            raise _JSON.refusal("somebody has signed it twice")
        for line in self.file.lines:
            if line.name not in signers:
                raise _JSON.refusal(f"{line.name} does not speak for {self.statement.node_id}")
            try:
                keys.verify(signers[line.name], signed_bytes(self.file.body), line.signature)
            except LedgerError:
                raise _JSON.refusal(f"the signature of {line.name} does not fit it") from None


def build_statement(statement: Statement, signers: Mapping[str, MessageSigner]) -> bytes:
    """Writes a statement, signed by the names of its lines: LOG_LINE, or an admin's full name."""
    body = statement.encode()
    lines = (SignatureLine(name, key.sign(signed_bytes(body))) for name, key in signers.items())
    raw = SignedFile(body, sorted_lines(lines)).encode()
    SignedStatement.parse(raw)
    return raw


def signed_bytes(body: bytes) -> bytes:
    """What is signed."""
    return domains.SIGN_STATEMENT + body


def _signers(member: Member | None, statement: Statement) -> dict[str, bytes]:
    nodes = member.nodes if member is not None else ()
    node = next((node for node in nodes if node.node_id == statement.node_id), None)
    if member is None or node is None:
        raise _JSON.refusal(f"{statement.member} had no node {statement.node_id} at the fork")
    admins = {str(member.identity(admin)): admin.public_key for admin in member.admins}
    return {LOG_LINE: node.log_key, **admins}


def _head_content(head: StatedHead | None) -> dict[str, Any] | None:
    return None if head is None else {"size": head.size, "root": head.root.hex()}


def _read(body: bytes) -> Statement:
    content = _JSON.fields(_JSON.load(body), "the statement", _FIELDS)
    if content["format"] != FORMAT:
        raise _JSON.refusal(f"this version reads format {FORMAT}")
    return Statement(
        chain_id=_JSON.hex_key(content["chain_id"], "chain_id"),
        epoch=_JSON.whole(content["epoch"], "epoch", 0, INT_MAX),
        member=MemberName(_JSON.name(content["member"], "member")),
        node_id=NodeId(_JSON.name(content["node"], "node")),
        log_height=_JSON.whole(content["log_height"], "log_height", 0, INT_MAX),
        committed_height=_JSON.whole(content["committed_height"], "committed_height", 0, INT_MAX),
        signed=_read_head(content["signed"], "signed"),
        certified=_read_head(content["certified"], "certified"),
    )


def _read_head(value: Any, where: str) -> StatedHead | None:
    if value is None:
        return None
    content = _JSON.fields(value, where, ("size", "root"))
    size = _JSON.whole(content["size"], f"{where}.size", 1, INT_MAX)
    return StatedHead(size, _JSON.hex_key(content["root"], f"{where}.root"))
