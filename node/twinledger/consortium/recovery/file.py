"""The recovery file: what a certificate quorum of the members signs, one admin for each.

It is drafted by one, added to by every survivor and every member that brings a node, and then goes
round to be signed, like a genesis file. It is complete when exactly a quorum has signed: whoever
applies it applies the same bytes. Signatures are checked by ``judging``, with the admins' keys.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from twinledger.consortium.join_file import JoinFile
from twinledger.consortium.recovery.statement import SignedStatement, StatedHead
from twinledger.consortium.signed_file import SignatureLine, SignedFile
from twinledger.consortium.strict_json import StrictJson, doubled
from twinledger.ledger import domains, names
from twinledger.ledger.canonical import INT_MAX
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import IdentityName
from twinledger.ledger.transaction import Signer

FORMAT: Final = 1
_JSON: Final = StrictJson(Code.RECOVERY_INVALID)
_FIELDS: Final = ("format", "chain_id", "epoch", "fork", "may_be_lost", "statements", "members")


@dataclass(frozen=True, slots=True)
class Fork:
    """The block that the new epoch goes on from.

    Attributes:
        height: Its height; the new epoch's first block is the next one.
        header_hash: The hash of its header, 32 bytes.
        root: The root of the history tree up to it, 32 bytes.
        proof: The proof bundle of the certified head that ends at it.
    """

    height: int
    header_hash: bytes
    root: bytes
    proof: bytes

    @property
    def size(self) -> int:
        """The size of the head that ends at it."""
        return self.height + 1


@dataclass(frozen=True, slots=True)
class RecoveryFile:
    """A recovery file that was read; its parts belong together, its signatures are not checked.

    Attributes:
        raw: The file's bytes.
        body: What of them is agreed on, without the signatures.
        signatures: Who signed, in the order of names.
        chain_id: The chain that goes on, 32 bytes.
        epoch: The epoch that begins, at least 1.
        fork: Where it begins.
        statements: What the survivors say, by node id.
        members: Who brings a fresh node, by member.
    """

    raw: bytes
    body: bytes
    signatures: tuple[SignatureLine, ...]
    chain_id: bytes
    epoch: int
    fork: Fork
    statements: tuple[SignedStatement, ...]
    members: tuple[JoinFile, ...]

    @property
    def id(self) -> bytes:
        """The body's hash, 32 bytes: what people compare before they sign."""
        return domains.domain_hash(domains.RECOVERY, self.body)

    @property
    def may_be_lost(self) -> range:
        """The heights above the fork that may have been acknowledged."""
        return lost_heights(self.fork.height, self.statements)

    @property
    def signed_by(self) -> tuple[IdentityName, ...]:
        """The admins who signed."""
        return tuple(IdentityName(line.name) for line in self.signatures)

    def with_signature(self, signer: Signer) -> RecoveryFile:
        """The file with an admin's signature added; whether it counts, ``judging`` says."""
        line = SignatureLine(signer.identity, signer.key.sign(signed_bytes(self.id)))
        return RecoveryFile.parse(SignedFile(self.body, self.signatures).with_line(line).encode())

    @classmethod
    def parse(cls, raw: bytes) -> RecoveryFile:
        """Reads a recovery file.

        Raises:
            LedgerError: RECOVERY_INVALID, saying what is wrong and where; STATEMENT_INVALID or
                JOIN_INVALID for what it holds.
        """
        file = SignedFile.parse(raw, Code.RECOVERY_INVALID)
        twice = doubled([line.name for line in file.lines])
        if twice is not None:
            raise _JSON.refusal(f"{names.shown(twice)} has signed it twice")
        content = _JSON.fields(_JSON.load(file.body), "the file", _FIELDS)
        if content["format"] != FORMAT:
            raise _JSON.refusal(f"this version reads format {FORMAT}")
        found = cls(
            raw,
            file.body,
            file.lines,
            _JSON.hex_key(content["chain_id"], "chain_id"),
            _JSON.whole(content["epoch"], "epoch", 1, INT_MAX),
            _read_fork(content["fork"]),
            _read_statements(content["statements"]),
            _read_members(content["members"]),
        )
        _check_whole(found, content["may_be_lost"])
        return found


def draft(
    chain_id: bytes,
    epoch: int,
    fork: Fork,
    statements: Sequence[SignedStatement],
    members: Sequence[JoinFile],
) -> RecoveryFile:
    """Writes a recovery file that nobody has signed.

    Raises:
        LedgerError: RECOVERY_INVALID when the parts do not belong together.
    """
    ordered = sorted(statements, key=lambda each: each.statement.node_id)
    lost = lost_heights(fork.height, ordered)
    content = {
        "format": FORMAT,
        "chain_id": chain_id.hex(),
        "epoch": epoch,
        "fork": {
            "height": fork.height,
            "header_hash": fork.header_hash.hex(),
            "root": fork.root.hex(),
            "proof": base64.b64encode(fork.proof).decode(),
        },
        "may_be_lost": _lost_content(lost),
        "statements": [each.raw.decode() for each in ordered],
        "members": [
            each.raw.decode() for each in sorted(members, key=lambda each: each.member.name)
        ],
    }
    return RecoveryFile.parse((json.dumps(content, indent=2) + "\n").encode())


def lost_heights(fork: int, statements: Sequence[SignedStatement]) -> range:
    """The heights above the fork that some survivor knows of as committed or signed."""
    return range(fork + 1, max((each.statement.reaches for each in statements), default=fork) + 1)


def newest_certified(statements: Sequence[SignedStatement]) -> StatedHead | None:
    """The newest head that a survivor has a certificate of."""
    heads = [head for each in statements if (head := each.statement.certified) is not None]
    return max(heads, key=lambda head: head.size, default=None)


def signed_bytes(recovery_id: bytes) -> bytes:
    """What the admins sign."""
    return domains.SIGN_RECOVERY + recovery_id


def _check_whole(found: RecoveryFile, lost: Any) -> None:
    """The parts belong together: one chain, one epoch, the newest head, and what is lost above."""
    for each in found.statements:
        said = each.statement
        if (said.chain_id, said.epoch) != (found.chain_id, found.epoch - 1):
            raise _JSON.refusal(f"the statement of {said.node_id} is of another chain or epoch")
    newest = newest_certified(found.statements)
    if newest is None or (newest.size, newest.root) != (found.fork.size, found.fork.root):
        raise _JSON.refusal("it does not go on from the newest certified head of its survivors")
    if lost != _lost_content(found.may_be_lost):
        raise _JSON.refusal("may_be_lost is not what follows from the statements")


def _lost_content(lost: range) -> dict[str, int] | None:
    return {"first": lost[0], "last": lost[-1]} if lost else None


def _read_fork(value: Any) -> Fork:
    content = _JSON.fields(value, "fork", ("height", "header_hash", "root", "proof"))
    return Fork(
        _JSON.whole(content["height"], "fork.height", 0, INT_MAX),
        _JSON.hex_key(content["header_hash"], "fork.header_hash"),
        _JSON.hex_key(content["root"], "fork.root"),
        _JSON.base64(content["proof"], "fork.proof"),
    )


def _read_statements(value: Any) -> tuple[SignedStatement, ...]:
    found = tuple(
        SignedStatement.parse(_text(each, f"statements[{i}]"))
        for i, each in enumerate(_JSON.items(value, "statements"))
    )
    _check_ascending([each.statement.node_id for each in found], "statements")
    return found


def _read_members(value: Any) -> tuple[JoinFile, ...]:
    found = tuple(
        JoinFile.parse(_text(each, f"members[{i}]"))
        for i, each in enumerate(_JSON.items(value, "members"))
    )
    _check_ascending([each.member.name for each in found], "members")
    return found


def _text(value: Any, where: str) -> bytes:
    try:
        return value.encode() if isinstance(value, str) else b""
    except UnicodeEncodeError:
        raise _JSON.refusal(f"{where} is no text") from None


def _check_ascending(found: Sequence[str], where: str) -> None:
    if list(found) != sorted(set(found)):
        raise LedgerError(Code.RECOVERY_INVALID, f"{where} are not ascending, each once")
