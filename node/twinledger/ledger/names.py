"""Names: of twins, members, identities, paths and relationships, and what each may look like.

All grammars are ASCII: Unicode tables differ between Python versions, and a name that one node
accepts and another refuses would fork the state.
"""

from __future__ import annotations

import re
from typing import NewType

from twinledger.ledger.errors import Code, LedgerError

TwinId = NewType("TwinId", str)
MemberName = NewType("MemberName", str)
IdentityName = NewType("IdentityName", str)
"""An identity's full name, member/name."""
PropertyPath = NewType("PropertyPath", str)
RelationshipName = NewType("RelationshipName", str)

_TWIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_MODEL = re.compile(r"[ -~]{0,128}")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_IDENTITY = re.compile(r"[A-Za-z0-9._-]{1,64}/[A-Za-z0-9._-]{1,64}")
_SEGMENT = r"[A-Za-z0-9_.-]{1,64}"
_PATH = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_RELATIONSHIP = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")

_ADDRESS = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):([1-9][0-9]{0,4})")
_MAX_PORT = 65_535

_SHOWN = 40


def twin_id(text: str) -> TwinId:
    """Checks a twin's id, or raises BAD_TWIN_ID."""
    if not _TWIN_ID.fullmatch(text):
        raise LedgerError(Code.BAD_TWIN_ID, shown(text))
    return TwinId(text)


def model(text: str) -> str:
    """Checks a twin's model, or raises BAD_MODEL."""
    if not _MODEL.fullmatch(text):
        raise LedgerError(Code.BAD_MODEL, shown(text))
    return text


def is_name(text: str) -> bool:
    """Whether a text may name a member, an identity within its member, or a node."""
    return _NAME.fullmatch(text) is not None


def member(text: str) -> MemberName:
    """Checks a member's name, or raises BAD_MEMBER."""
    if not is_name(text):
        raise LedgerError(Code.BAD_MEMBER, shown(text))
    return MemberName(text)


def identity(text: str) -> IdentityName:
    """Checks an identity's full name, or raises BAD_IDENTITY."""
    if not _IDENTITY.fullmatch(text):
        raise LedgerError(Code.BAD_IDENTITY, shown(text))
    return IdentityName(text)


def member_of(identity_name: IdentityName) -> MemberName:
    """The member that an identity belongs to."""
    return MemberName(identity_name.partition("/")[0])


def path(text: str, max_depth: int) -> PropertyPath:
    """Checks a property path, or raises BAD_PATH or PATH_TOO_DEEP."""
    if not _PATH.fullmatch(text):
        raise LedgerError(Code.BAD_PATH, shown(text))
    if text.count("/") >= max_depth:
        raise LedgerError(Code.PATH_TOO_DEEP, f"{shown(text)}, at most {max_depth} segments")
    return PropertyPath(text)


def relationship(text: str) -> RelationshipName:
    """Checks a relationship's name, or raises BAD_RELATIONSHIP."""
    if not _RELATIONSHIP.fullmatch(text):
        raise LedgerError(Code.BAD_RELATIONSHIP, shown(text))
    return RelationshipName(text)


def is_address(text: str) -> bool:
    """Whether a text is a host:port that could be dialled."""
    match = _ADDRESS.fullmatch(text)
    return match is not None and int(match[1]) <= _MAX_PORT


def shown(text: str) -> str:
    """A foreign text as an error may show it: ASCII, quoted, cut short."""
    return ascii(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
