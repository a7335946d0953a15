"""Transactions: naming, signing, and every structural check."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ledger.refusals import refused
from tests.unit.ledger.wire import create, set_, update
from twinledger.ledger import transaction as transactions
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.limits import DEFAULT_LIMITS
from twinledger.ledger.names import IdentityName
from twinledger.ledger.transaction import (
    Author,
    Signer,
    assemble,
    build_body,
    check_signatures,
    operation_messages,
    parse,
    sign,
    signature,
)
from twinledger.v1.transaction_pb2 import SignedTransaction, TransactionBody
from twinledger.v1.value_pb2 import ListValue, Value

CHAIN = bytes(range(32))
SALT = b"0123456789abcdef"
ADMIN = Signer(IdentityName("utility/admin"), SigningKey.load(b"a" * 32))
GATEWAY = Signer(IdentityName("maker/gateway"), SigningKey.load(b"g" * 32))
UPDATE = update("pump-7", set_("flow", 13.0))
UNKNOWN_FIELD = bytes.fromhex("980601")  # field 99, a varint


def signed(*signers: Signer) -> bytes:
    return sign(CHAIN, signers or (ADMIN,), [UPDATE], 1_000, SALT)


def edited(edit: Callable[[TransactionBody], object]) -> bytes:
    """A rightly signed transaction whose body was edited before signing."""
    body = TransactionBody.FromString(SignedTransaction.FromString(signed()).body)
    edit(body)
    raw = body.SerializeToString()
    return assemble(raw, [signature(raw, ADMIN.key)])


def test_a_signed_transaction_is_read_and_its_signatures_pass():
    raw = signed(ADMIN, GATEWAY)
    transaction = parse(raw, DEFAULT_LIMITS)
    check_signatures(transaction)
    assert transaction.raw == raw
    assert transaction.body == SignedTransaction.FromString(raw).body
    assert transaction.chain_id == CHAIN
    assert transaction.expires_at_us == 1_000
    assert transaction.salt == SALT
    assert [author.identity for author in transaction.authors] == ["utility/admin", "maker/gateway"]
    assert [author.public_key for author in transaction.authors] == [
        ADMIN.key.public_key,
        GATEWAY.key.public_key,
    ]
    assert len(transaction.operations) == 1


def test_the_id_is_the_hash_of_the_body_in_its_domain():
    transaction = parse(signed(), DEFAULT_LIMITS)
    assert transaction.id == sha256(b"twinledger/v1/transaction\0" + transaction.body).digest()


def test_the_id_does_not_depend_on_the_signatures():
    body = parse(signed(), DEFAULT_LIMITS).body
    other = parse(assemble(body, [bytes(64)]), DEFAULT_LIMITS)
    assert other.id == parse(signed(), DEFAULT_LIMITS).id


def test_authors_at_different_places_can_sign_the_same_bytes():
    authors = [Author(s.identity, s.key.public_key, 1) for s in (ADMIN, GATEWAY)]
    body = build_body(CHAIN, authors, [UPDATE], 1_000, SALT)
    raw = assemble(body, [signature(body, ADMIN.key), signature(body, GATEWAY.key)])
    assert raw == signed(ADMIN, GATEWAY)


def test_a_reader_sees_the_operations_as_they_were_signed():
    assert list(operation_messages(parse(signed(), DEFAULT_LIMITS).body)) == [UPDATE]
    with refused(Code.MALFORMED):
        operation_messages(b"\xff")


@pytest.mark.parametrize("index", [0, 1])
def test_each_signature_is_checked_and_the_author_is_named(index: int):
    transaction = parse(signed(ADMIN, GATEWAY), DEFAULT_LIMITS)
    signatures = list(transaction.signatures)
    signatures[index] = transaction.signatures[1 - index]
    with refused(Code.BAD_SIGNATURE, transaction.authors[index].identity):
        check_signatures(replace(transaction, signatures=tuple(signatures)))


def test_a_signature_for_another_purpose_is_refused():
    body = parse(signed(), DEFAULT_LIMITS).body
    for message in (body, b"twinledger/v1/transaction\0" + body):
        transaction = parse(assemble(body, [ADMIN.key.sign(message)]), DEFAULT_LIMITS)
        with refused(Code.BAD_SIGNATURE):
            check_signatures(transaction)


def resigned(count: int) -> bytes:
    outer = SignedTransaction.FromString(signed())
    return assemble(outer.body, [outer.signatures[0]] * count)


def author_edit(**changes: object) -> bytes:
    def edit(body: TransactionBody) -> None:
        for name, value in changes.items():
            setattr(body.authors[0], name, value)

    return edited(edit)


def deep_value(levels: int) -> Value:
    value = Value(int_value=1)
    for _ in range(levels):
        value = Value(list_value=ListValue(items=[value]))
    return value


BAD: dict[str, tuple[bytes, Code]] = {
    "nothing": (b"", Code.MALFORMED),
    "garbage": (b"\xff" * 20, Code.MALFORMED),
    "no body": (assemble(b"", [bytes(64)]), Code.MALFORMED),
    "a garbage body": (assemble(b"\xff" * 20, [bytes(64)]), Code.MALFORMED),
    "text that is not UTF-8": (
        assemble(parse(signed(), DEFAULT_LIMITS).body.replace(b"pump", b"pu\xffp"), [bytes(64)]),
        Code.MALFORMED,
    ),
    "an unknown field around the body": (signed() + UNKNOWN_FIELD, Code.UNKNOWN_FIELD),
    "an unknown field in the body": (
        edited(lambda body: body.MergeFromString(UNKNOWN_FIELD)),
        Code.UNKNOWN_FIELD,
    ),
    "an unknown field in an author": (
        edited(lambda body: body.authors[0].MergeFromString(UNKNOWN_FIELD)),
        Code.UNKNOWN_FIELD,
    ),
    "an unknown field in an operation": (
        edited(lambda body: body.operations[0].MergeFromString(UNKNOWN_FIELD)),
        Code.UNKNOWN_FIELD,
    ),
    "an unknown field in a value": (
        edited(
            lambda body: (
                body.operations[0].update_twin.changes[0].set.MergeFromString(UNKNOWN_FIELD)
            )
        ),
        Code.UNKNOWN_FIELD,
    ),
    "an operation of the future": (
        edited(lambda body: body.operations.add().MergeFromString(bytes.fromhex("9a0600"))),
        Code.UNKNOWN_OPERATION,
    ),
    "a short chain id": (
        edited(lambda body: setattr(body, "chain_id", CHAIN[:31])),
        Code.MALFORMED,
    ),
    "a long salt": (edited(lambda body: setattr(body, "salt", SALT + b"x")), Code.MALFORMED),
    "no author": (
        edited(lambda body: body.ClearField("authors")),
        Code.MALFORMED,
    ),
    "a bad author": (author_edit(identity="admin"), Code.BAD_IDENTITY),
    "an unknown suite": (author_edit(suite=2), Code.UNKNOWN_SUITE),
    "no suite": (author_edit(suite=0), Code.UNKNOWN_SUITE),
    "a short key": (author_edit(public_key=bytes(31)), Code.BAD_KEY),
    "an author twice": (signed(ADMIN, ADMIN), Code.DUPLICATE_AUTHOR),
    "too many authors": (
        signed(*[Signer(IdentityName(f"utility/{n}"), ADMIN.key) for n in range(9)]),
        Code.TOO_MANY_AUTHORS,
    ),
    "no signature": (resigned(0), Code.WRONG_SIGNATURE_COUNT),
    "a signature too many": (resigned(2), Code.WRONG_SIGNATURE_COUNT),
    "a short signature": (
        assemble(parse(signed(), DEFAULT_LIMITS).body, [bytes(63)]),
        Code.BAD_SIGNATURE,
    ),
    "no operation": (sign(CHAIN, [ADMIN], [], 1_000, SALT), Code.NO_OPERATIONS),
    "too many operations": (
        sign(CHAIN, [ADMIN], [UPDATE] * 1_001, 1_000, SALT),
        Code.TOO_MANY_OPERATIONS,
    ),
    "too large": (
        sign(CHAIN, [ADMIN], [update("p", set_("x", b"x" * 262_144))], 1_000, SALT),
        Code.TOO_LARGE,
    ),
    "a bad operation": (sign(CHAIN, [ADMIN], [create("a b")], 1_000, SALT), Code.BAD_TWIN_ID),
}


@pytest.mark.parametrize(("raw", "code"), BAD.values(), ids=BAD)
def test_what_is_not_well_formed_is_refused_with_its_code(raw: bytes, code: Code):
    with refused(code):
        parse(raw, DEFAULT_LIMITS)


def test_the_refusal_of_an_operation_says_which_one():
    raw = sign(CHAIN, [ADMIN], [UPDATE, create("a b")], 1_000, SALT)
    with refused(Code.BAD_TWIN_ID, "in operation 1, 'a b'"):
        parse(raw, DEFAULT_LIMITS)


@pytest.mark.parametrize("levels", [9, 13, 20, 32])
def test_a_deep_value_is_refused_as_such_and_an_unknown_field_below_it_changes_nothing(levels: int):
    message = update("p", set_("x", 1))
    message.update_twin.changes[0].set.CopyFrom(deep_value(levels))
    innermost = message.update_twin.changes[0].set
    while innermost.WhichOneof("kind") == "list_value":
        innermost = innermost.list_value.items[0]
    innermost.MergeFromString(UNKNOWN_FIELD)
    with refused(Code.VALUE_TOO_DEEP):
        parse(sign(CHAIN, [ADMIN], [message], 1_000, SALT), DEFAULT_LIMITS)


def nested_bytes(levels: int) -> bytes:
    """A Value's bytes, made by hand: the runtime would not write such a deep one."""
    raw = bytes.fromhex("1801")
    for _ in range(levels):
        for tag in (0x0A, 0x42):  # items, list_value
            raw = bytes([tag]) + length(raw) + raw
    return raw


def length(raw: bytes) -> bytes:
    size, out = len(raw), b""
    while size >= 0x80:
        out += bytes([size & 0x7F | 0x80])
        size >>= 7
    return out + bytes([size])


def test_messages_nested_more_than_a_hundred_deep_are_malformed():
    raw = nested_bytes(100)
    for tag in (0x1A, 0x22, 0x12, 0x2A):  # set, changes, update_twin, operations
        raw = bytes([tag]) + length(raw) + raw
    with refused(Code.MALFORMED):
        parse(assemble(raw, [bytes(64)]), DEFAULT_LIMITS)


def test_as_many_authors_and_operations_as_allowed_pass():
    signers = [Signer(IdentityName(f"utility/{n}"), ADMIN.key) for n in range(8)]
    transaction = parse(sign(CHAIN, signers, [UPDATE] * 1_000, 1_000, SALT), DEFAULT_LIMITS)
    assert (len(transaction.authors), len(transaction.operations)) == (8, 1_000)


def test_a_transaction_may_be_exactly_as_large_as_allowed():
    raw = signed()
    parse(raw, replace(DEFAULT_LIMITS, max_transaction_bytes=len(raw)))
    with refused(Code.TOO_LARGE):
        parse(raw, replace(DEFAULT_LIMITS, max_transaction_bytes=len(raw) - 1))


def earns_only_ledger_errors(raw: bytes) -> bool:
    try:
        transaction = parse(raw, DEFAULT_LIMITS)
        check_signatures(transaction)
    except LedgerError:
        return True
    return transaction.raw == raw


@given(st.binary(max_size=300))
def test_hostile_bytes_never_raise_anything_else(raw: bytes):
    assert earns_only_ledger_errors(raw)
    assert earns_only_ledger_errors(assemble(raw, [bytes(64)]))


@given(st.data())
def test_damaged_transactions_never_raise_anything_else(data: st.DataObject):
    raw = bytearray(signed())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert earns_only_ledger_errors(bytes(raw))


@given(st.integers(0, 10_000))
def test_no_changed_byte_of_the_body_passes_with_the_old_signature(seed: int):
    outer = SignedTransaction.FromString(signed())
    body = bytearray(outer.body)
    body[seed % len(body)] ^= 1 + seed % 255
    with pytest.raises(LedgerError):
        check_signatures(parse(assemble(bytes(body), outer.signatures), DEFAULT_LIMITS))


def test_the_sizes_are_those_of_the_wire_contract():
    assert (transactions.CHAIN_ID_SIZE, transactions.SALT_SIZE) == (32, 16)
