"""The join file: what a company hands over to become a member, as a founder or later.

It holds the member's entry as genesis files write it, and is signed by every admin and by the
node's witness and log keys, each under its own name. So nobody can hand in a key that is not
theirs, and a file that was altered by one byte is refused. That the member has its certificate's
private key, the certificate says itself: it is self-signed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from twinledger.consortium.member_json import member_content, read_member
from twinledger.consortium.members import Member
from twinledger.consortium.signed_file import SignatureLine, SignedFile, sorted_lines
from twinledger.consortium.strict_json import StrictJson
from twinledger.ledger import domains, keys
from twinledger.ledger.canonical import INT_MAX
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.keys import MessageSigner

FORMAT: Final = 1
LOG_LINE: Final = "log_key"
WITNESS_LINE: Final = "witness_key"
_JSON: Final = StrictJson(Code.JOIN_INVALID)


@dataclass(frozen=True, slots=True)
class JoinFile:
    """A join file whose signatures are all there and right.

    Attributes:
        raw: The file's bytes.
        member: The member's entry; one node, one certificate.
    """

    raw: bytes
    member: Member

    @classmethod
    def parse(cls, raw: bytes) -> JoinFile:
        """Reads a join file.

        Raises:
            LedgerError: JOIN_INVALID, saying what is wrong and where.
        """
        file = SignedFile.parse(raw, Code.JOIN_INVALID)
        member = _read_body(file.body)
        signers = dict(_signers(member))
        if [line.name for line in file.lines] != sorted(signers):
            raise _JSON.refusal(f"it must be signed by exactly {', '.join(sorted(signers))}")
        for line in file.lines:
            try:
                keys.verify(signers[line.name], signed_bytes(file.body), line.signature)
            except LedgerError:
                raise _JSON.refusal(f"the signature of {line.name} does not fit it") from None
        return cls(raw, member)


def build_join(member: Member, signers: Mapping[str, MessageSigner]) -> bytes:
    """Writes a join file.

    Args:
        member: The entry; one node with one certificate.
        signers: By the name of its line (an admin's full name, LOG_LINE, WITNESS_LINE).

    Raises:
        LedgerError: JOIN_INVALID when the parts do not make a valid one.
    """
    content = {"format": FORMAT, **member_content(member)}
    body = (json.dumps(content, indent=2) + "\n").encode()
    lines = (
        SignatureLine(name, signer.sign(signed_bytes(body))) for name, signer in signers.items()
    )
    raw = SignedFile(body, sorted_lines(lines)).encode()
    JoinFile.parse(raw)
    return raw


def signed_bytes(body: bytes) -> bytes:
    """What every key of a join file signs."""
    return domains.SIGN_JOIN + body


def _read_body(body: bytes) -> Member:
    content = _JSON.load(body)
    if not isinstance(content, dict) or "format" not in content:
        raise _JSON.refusal("the file lacks format")
    found = _JSON.whole(content.pop("format"), "format", 0, INT_MAX)
    if found != FORMAT:
        raise _JSON.refusal(f"format {found} is unknown, this version reads {FORMAT}")
    return read_member(_JSON, content, "the file")


def _signers(member: Member) -> Iterator[tuple[str, bytes]]:
    (node,) = member.nodes
    for admin in member.admins:
        yield member.identity(admin), admin.public_key
    yield LOG_LINE, node.log_key
    yield WITNESS_LINE, node.witness_key
