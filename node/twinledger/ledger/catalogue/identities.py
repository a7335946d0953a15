"""The catalogue's part on what is wrong with who signs."""

from twinledger.ledger.catalogue.entry import EXISTS, INVALID, MISSING, STATE, UNKNOWN_CALLER, Entry
from twinledger.ledger.codes import Code

IDENTITIES: dict[Code, Entry] = {
    Code.IDENTITY_EXISTS: Entry(
        "There is already an identity of this name, or there was one",
        "Choose another name; names are never used again.",
        EXISTS,
    ),
    Code.IDENTITY_NOT_FOUND: Entry(
        "There is no such identity",
        "Check the name: member/name.",
        MISSING,
    ),
    Code.MEMBER_NOT_FOUND: Entry(
        "The consortium has no such member",
        "Check the name; `consortium show` lists the members.",
        MISSING,
    ),
    Code.BAD_IDENTITY: Entry(
        "The identity's name is not allowed",
        "Use member/name, each 1 to 64 of A-Z a-z 0-9 . _ - .",
        INVALID,
    ),
    Code.BAD_KEY: Entry(
        "The public key is not an Ed25519 public key",
        "Give the 32 bytes that `twinledger keygen` shows.",
        INVALID,
    ),
    Code.BAD_ROLE: Entry(
        "The role is not known",
        "Use admin, operator, device or auditor.",
        INVALID,
    ),
    Code.LAST_ADMIN: Entry(
        "The identity is its member's last admin",
        "Admit another admin first: without one the member could never change anything again.",
        STATE,
    ),
    Code.BAD_VALIDITY: Entry(
        "The time for which the identity would be valid cannot be",
        "Give a beginning before the end, and none to an admin.",
        INVALID,
    ),
    Code.IDENTITY_NOT_VALID: Entry(
        "The identity may not sign now: its validity has not begun or is over",
        "Ask an admin of the member for an identity that is valid; check the block time.",
        UNKNOWN_CALLER,
    ),
}
