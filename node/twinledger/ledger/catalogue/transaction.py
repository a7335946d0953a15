"""The catalogue's part on what is wrong with a transaction by itself."""

from twinledger.ledger.catalogue.entry import EXISTS, INVALID, STATE, UNKNOWN_CALLER, Entry
from twinledger.ledger.codes import Code

TRANSACTION: dict[Code, Entry] = {
    Code.MALFORMED: Entry(
        "The bytes are not what they should be",
        "Build the message as docs/formats describes and send it unchanged.",
        INVALID,
    ),
    Code.UNKNOWN_FIELD: Entry(
        "The message holds a field that this ledger does not know",
        "Leave the field out, or wait until the consortium has upgraded to a version with it.",
        INVALID,
    ),
    Code.TOO_LARGE: Entry(
        "The message is larger than the consortium allows",
        "Split it into smaller transactions; keep big files elsewhere and record their hash.",
        INVALID,
    ),
    Code.WRONG_CHAIN: Entry(
        "The transaction is meant for another chain",
        "Sign it again with this chain's id, or send it to a node of the chain it names.",
        INVALID,
    ),
    Code.EXPIRED: Entry(
        "The transaction's expiry has passed, so it can never have an effect",
        "Sign a new one with a later expiry; check that your clock is right.",
        STATE,
    ),
    Code.LIFETIME_TOO_LONG: Entry(
        "The transaction's expiry lies too far ahead",
        "Sign it again with an expiry within the consortium's max_lifetime_us of now.",
        INVALID,
    ),
    Code.UNKNOWN_SIGNER: Entry(
        "No such identity is registered with this key",
        "Ask an admin of the member to admit the identity, or sign with its registered key.",
        UNKNOWN_CALLER,
    ),
    Code.IDENTITY_REVOKED: Entry(
        "The identity was revoked",
        "Sign with another identity; a revoked one never comes back.",
        UNKNOWN_CALLER,
    ),
    Code.WRONG_SIGNATURE_COUNT: Entry(
        "The transaction does not carry exactly one signature for each author",
        "Let every author named in the body sign, in the body's order, and nobody else.",
        INVALID,
    ),
    Code.BAD_SIGNATURE: Entry(
        "A signature is not the author's signature of these bytes",
        "Sign the very bytes that are sent, with the domain prefix of docs/formats.",
        UNKNOWN_CALLER,
    ),
    Code.UNKNOWN_SUITE: Entry(
        "The signature suite is not known",
        "Use suite 1, Ed25519.",
        INVALID,
    ),
    Code.DUPLICATE: Entry(
        "This transaction has been executed before and takes no second effect",
        "Ask GetTransaction for its receipt; sign a new one to do the same again.",
        EXISTS,
    ),
    Code.DUPLICATE_AUTHOR: Entry(
        "The transaction names an author twice",
        "Name each author once.",
        INVALID,
    ),
    Code.TOO_MANY_AUTHORS: Entry(
        "The transaction has more authors than the consortium allows",
        "Let fewer identities sign; one of a member is enough.",
        INVALID,
    ),
    Code.NO_OPERATIONS: Entry(
        "The transaction asks for nothing",
        "Put at least one operation into it.",
        INVALID,
    ),
    Code.TOO_MANY_OPERATIONS: Entry(
        "The transaction has more operations than the consortium allows",
        "Split it into several transactions.",
        INVALID,
    ),
    Code.UNKNOWN_OPERATION: Entry(
        "The operation is of no kind that this ledger knows",
        "Set exactly one kind of operation of docs/formats' version.",
        INVALID,
    ),
}
