"""Transactions: how they are named, signed and read.

Nothing that is hashed or signed is ever encoded again: ``body`` is kept as it travelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NewType

from twinledger.ledger import domains, keys, names
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import IdentityName
from twinledger.ledger.operations import Operation, read_operation
from twinledger.ledger.wire import read_message, refuse_unknown_fields
from twinledger.v1 import operation_pb2, transaction_pb2

TransactionId = NewType("TransactionId", bytes)

CHAIN_ID_SIZE = 32
SALT_SIZE = 16


@dataclass(frozen=True, slots=True)
class Author:
    """One who signs, as the body names them."""

    identity: IdentityName
    public_key: bytes
    suite: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """A well-formed transaction. Its signatures may still be wrong.

    Attributes:
        id: The hash that names it.
        raw: The serialized SignedTransaction, as it travelled.
        body: The serialized TransactionBody, as it was signed.
        chain_id: The chain it is meant for.
        authors: Who signs, at least one, nobody twice.
        signatures: One for each author, in their order, 64 bytes each.
        expires_at_us: The last block time at which it may be executed.
        salt: 16 random bytes.
        operations: What it asks for, in order.
    """

    id: TransactionId
    raw: bytes
    body: bytes
    chain_id: bytes
    authors: tuple[Author, ...]
    signatures: tuple[bytes, ...]
    expires_at_us: int
    salt: bytes
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Signer:
    """An identity with the key it signs with."""

    identity: IdentityName
    key: keys.MessageSigner


def transaction_id(body: bytes) -> TransactionId:
    """The id of a transaction with this body."""
    return TransactionId(domains.domain_hash(domains.TRANSACTION, body))


def parse(raw: bytes, limits: Limits) -> Transaction:
    """Reads a transaction and makes every check that needs neither state nor clock nor keys.

    Raises:
        LedgerError: TOO_LARGE, MALFORMED, UNKNOWN_FIELD, or the code of the part that is wrong.
    """
    if len(raw) > limits.max_transaction_bytes:
        raise LedgerError(Code.TOO_LARGE, f"{len(raw)} of {limits.max_transaction_bytes} bytes")
    signed = read_message(transaction_pb2.SignedTransaction, raw)
    refuse_unknown_fields(signed)
    body = read_message(transaction_pb2.TransactionBody, signed.body)
    return Transaction(
        id=transaction_id(signed.body),
        raw=raw,
        body=signed.body,
        chain_id=_sized(body.chain_id, CHAIN_ID_SIZE, "chain_id"),
        authors=(authors := _read_authors(body.authors, limits)),
        signatures=_read_signatures(signed.signatures, len(authors)),
        expires_at_us=body.expires_at_us,
        salt=_sized(body.salt, SALT_SIZE, "salt"),
        operations=_read_operations(body, limits),
    )


def _sized(content: bytes, size: int, name: str) -> bytes:
    if len(content) != size:
        raise LedgerError(Code.MALFORMED, f"{name} has {size} bytes, not {len(content)}")
    return content


def _read_authors(messages: Sequence[transaction_pb2.Author], limits: Limits) -> tuple[Author, ...]:
    if not messages:
        raise LedgerError(Code.MALFORMED, "it names no author")
    if len(messages) > limits.max_authors:
        raise LedgerError(Code.TOO_MANY_AUTHORS, f"at most {limits.max_authors}")
    authors = tuple([_read_author(message) for message in messages])
    if len({author.identity for author in authors}) != len(authors):
        raise LedgerError(Code.DUPLICATE_AUTHOR)
    return authors


def _read_author(message: transaction_pb2.Author) -> Author:
    identity = names.identity(message.identity)
    if message.suite != keys.SUITE_ED25519:
        raise LedgerError(Code.UNKNOWN_SUITE, f"suite {message.suite} of {identity}")
    if len(message.public_key) != keys.PUBLIC_KEY_SIZE:
        raise LedgerError(Code.BAD_KEY, f"the key of {identity} has a wrong length")
    return Author(identity, message.public_key, message.suite)


def _read_signatures(signatures: Sequence[bytes], author_count: int) -> tuple[bytes, ...]:
    if len(signatures) != author_count:
        raise LedgerError(
            Code.WRONG_SIGNATURE_COUNT, f"{len(signatures)} signatures, {author_count} authors"
        )
    if any(len(signature) != keys.SIGNATURE_SIZE for signature in signatures):
        raise LedgerError(Code.BAD_SIGNATURE, f"a signature has {keys.SIGNATURE_SIZE} bytes")
    return tuple(signatures)


def _read_operations(
    body: transaction_pb2.TransactionBody, limits: Limits
) -> tuple[Operation, ...]:
    messages = body.operations
    if not messages:
        raise LedgerError(Code.NO_OPERATIONS)
    if len(messages) > limits.max_operations:
        raise LedgerError(Code.TOO_MANY_OPERATIONS, f"at most {limits.max_operations}")
    operations = tuple([_read_numbered(i, message, limits) for i, message in enumerate(messages)])
    # Last, because reading the operations bounds how deep values nest: runtimes of protobuf look
    # for unknown fields only to depths of their own.
    refuse_unknown_fields(body)
    return operations


def _read_numbered(index: int, message: operation_pb2.Operation, limits: Limits) -> Operation:
    try:
        return read_operation(message, limits)
    except LedgerError as error:
        detail = f"in operation {index}" + (f", {error.detail}" if error.detail else "")
        raise LedgerError(error.code, detail) from None


def check_signatures(transaction: Transaction) -> None:
    """Checks every author's signature.

    Raises:
        LedgerError: BAD_SIGNATURE, naming the author.
    """
    message = domains.SIGN_TRANSACTION + transaction.body
    for author, signature in zip(transaction.authors, transaction.signatures, strict=True):
        try:
            keys.verify(author.public_key, message, signature)
        except LedgerError as error:
            raise LedgerError(error.code, f"of {author.identity}") from None


def sign(
    chain_id: bytes,
    signers: Sequence[Signer],
    operations: Sequence[operation_pb2.Operation],
    expires_at_us: int,
    salt: bytes,
) -> bytes:
    """Builds and signs a transaction; the caller keeps the bytes and sends them as they are.

    Args:
        chain_id: The chain it is meant for, 32 bytes.
        signers: Who signs, in order; the first one's member owns what is created.
        operations: What to do, in order.
        expires_at_us: The last block time at which it may be executed.
        salt: 16 random bytes, never used twice.

    Returns:
        A serialized SignedTransaction.
    """
    body = build_body(
        chain_id,
        [Author(s.identity, s.key.public_key, keys.SUITE_ED25519) for s in signers],
        operations,
        expires_at_us,
        salt,
    )
    return assemble(body, [signature(body, signer.key) for signer in signers])


def build_body(
    chain_id: bytes,
    authors: Sequence[Author],
    operations: Sequence[operation_pb2.Operation],
    expires_at_us: int,
    salt: bytes,
) -> bytes:
    """Builds the bytes that every author signs; authors at different places exchange these."""
    return transaction_pb2.TransactionBody(
        chain_id=chain_id,
        authors=[
            transaction_pb2.Author(identity=a.identity, public_key=a.public_key, suite=a.suite)
            for a in authors
        ],
        expires_at_us=expires_at_us,
        salt=salt,
        operations=operations,
    ).SerializeToString()


def signature(body: bytes, key: keys.MessageSigner) -> bytes:
    """One author's signature of a body."""
    return key.sign(domains.SIGN_TRANSACTION + body)


def assemble(body: bytes, signatures: Sequence[bytes]) -> bytes:
    """A serialized SignedTransaction of a body and its authors' signatures, in their order."""
    return transaction_pb2.SignedTransaction(body=body, signatures=signatures).SerializeToString()


def operation_messages(body: bytes) -> Sequence[operation_pb2.Operation]:
    """The operations of a body as they were signed, for showing them to a reader.

    Raises:
        LedgerError: MALFORMED.
    """
    return read_message(transaction_pb2.TransactionBody, body).operations


def author_names(raw: bytes) -> tuple[IdentityName, ...]:
    """Who signed a serialized SignedTransaction that was once read, as it says.

    Raises:
        LedgerError: MALFORMED.
    """
    body = read_message(transaction_pb2.SignedTransaction, raw).body
    authors = read_message(transaction_pb2.TransactionBody, body).authors
    return tuple([IdentityName(author.identity) for author in authors])
