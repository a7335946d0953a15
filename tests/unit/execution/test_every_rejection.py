"""Every code that a transaction can earn by itself, earned in a block."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.unit.execution.chain import MAKER, SECOND_US, START_US, UTILITY, Chain, signer
from tests.unit.ledger.test_operations import BAD as BAD_OPERATIONS
from tests.unit.ledger.test_transaction import BAD as BAD_TRANSACTIONS
from tests.unit.ledger.wire import (
    admit,
    create,
    delete,
    delete_rule,
    increment,
    put_rule,
    put_sign_off,
    relate,
    retire,
    revoke,
    set_,
    transfer,
    unrelate,
    update,
)
from twinledger.ledger.access import Effect, Permission
from twinledger.ledger.catalogue import REJECTIONS
from twinledger.ledger.errors import Code
from twinledger.ledger.limits import DEFAULT_LIMITS
from twinledger.ledger.operations import Role
from twinledger.ledger.transaction import assemble, sign
from twinledger.v1.operation_pb2 import Operation
from twinledger.v1.transaction_pb2 import SignedTransaction

LIMITS = replace(DEFAULT_LIMITS, max_properties=1, max_policy_rules=1)
KEY = UTILITY.key.public_key
LIFETIME_US = LIMITS.max_lifetime_us

OPERATIONS: dict[Code, Operation] = {
    Code.TWIN_NOT_FOUND: retire("ghost"),
    Code.TWIN_EXISTS: create("pump"),
    Code.TWIN_RETIRED: retire("old"),
    Code.VERSION_MISMATCH: retire("pump", expected=9),
    Code.PATH_CONFLICT: update("pump", set_("x/y", 1)),
    Code.WRONG_TYPE: update("pump", increment("x", 1.0)),
    Code.PROPERTY_NOT_FOUND: update("pump", delete("y")),
    Code.TOO_MANY_PROPERTIES: update("pump", set_("y", 1)),
    Code.INCREMENT_OVERFLOW: update("pump", increment("x", 2**63 - 1)),
    Code.RELATIONSHIP_EXISTS: relate("pump", "feeds", "pump"),
    Code.RELATIONSHIP_NOT_FOUND: unrelate("pump", "fills", "pump"),
    Code.ACCESS_DENIED: retire("theirs"),
    Code.SIGN_OFF_MISSING: retire("signed"),
    Code.RULE_NOT_FOUND: delete_rule("pump", "everyone", effect=Effect.REVOKE),
    Code.TOO_MANY_RULES: put_rule("signed", "everyone", Permission.READ),
    Code.MEMBER_NOT_FOUND: transfer("pump", "ghost"),
    Code.ALREADY_OWNER: transfer("pump", "utility"),
    Code.IDENTITY_EXISTS: admit("utility/admin", KEY, Role.ADMIN),
    Code.IDENTITY_NOT_FOUND: revoke("utility/ghost"),
    Code.LAST_ADMIN: revoke("utility/admin"),
}


def used(chain: Chain) -> bytes:
    raw = chain.sign(create("once"))
    chain.append(raw)
    return raw


def unsigned(chain: Chain) -> bytes:
    return assemble(SignedTransaction.FromString(chain.sign(create("a"))).body, [bytes(64)])


def elsewhere(_chain: Chain) -> bytes:
    return sign(b"o" * 32, [UTILITY], [create("a")], START_US + SECOND_US, bytes(16))


AROUND: dict[Code, Callable[[Chain], bytes]] = {
    Code.WRONG_CHAIN: elsewhere,
    Code.EXPIRED: lambda chain: chain.sign(create("a"), expires_in_us=-1),
    Code.LIFETIME_TOO_LONG: lambda chain: chain.sign(create("a"), expires_in_us=LIFETIME_US + 1),
    Code.UNKNOWN_SIGNER: lambda chain: chain.sign(create("a"), by=[signer("utility/ghost")]),
    Code.IDENTITY_REVOKED: lambda chain: chain.sign(create("a"), by=[signer("utility/former")]),
    Code.BAD_SIGNATURE: unsigned,
    Code.DUPLICATE: used,
}


def rejected_alone(code: Code) -> Callable[[Chain], bytes]:
    """The first case of a code among those that need no state."""
    for raw, found in BAD_TRANSACTIONS.values():
        if found is code:
            return lambda _chain: raw
    message = next(message for message, found in BAD_OPERATIONS.values() if found is code)
    return lambda chain: chain.sign(message)


def case(code: Code) -> Callable[[Chain], bytes]:
    if code in OPERATIONS:
        return lambda chain: chain.sign(OPERATIONS[code])
    return AROUND[code] if code in AROUND else rejected_alone(code)


@pytest.fixture
def chain() -> Chain:
    chain = Chain(LIMITS)
    former = signer("utility/former").key.public_key
    made = chain.submit(
        create("pump", set_("x", 1)),
        relate("pump", "feeds", "pump"),
        create("old"),
        create("signed"),
        put_sign_off("signed", 1, ["member:maker"], Permission.TRANSFER),
        retire("old"),
        admit("utility/former", former, Role.OPERATOR),
        revoke("utility/former"),
    )
    theirs = chain.submit(create("theirs"), by=[MAKER])
    assert (made.outcome, theirs.outcome) == ("COMMITTED", "COMMITTED")
    return chain


@pytest.mark.parametrize("code", sorted(REJECTIONS))
def test_every_rejection_can_be_earned_and_changes_nothing(chain: Chain, code: Code):
    raw = case(code)(chain)
    state = dict(chain.state.leaves)
    (receipt,) = chain.append(raw)
    assert receipt.outcome == code
    assert receipt.failed_operation == (0 if code in OPERATIONS else None)
    assert chain.state.leaves == state
    assert bool(chain.newest.consumed) == (code in OPERATIONS)
