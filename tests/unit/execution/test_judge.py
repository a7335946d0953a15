"""Judging transactions in a block: the order of the checks, and who uses up an id."""

import dataclasses

import pytest

from tests.unit.execution.chain import MAKER, SECOND_US, START_US, UTILITY, Chain, signer
from tests.unit.ledger.refusals import refused
from tests.unit.ledger.test_transaction import BAD
from tests.unit.ledger.wire import admit, create, increment, revoke, set_, update
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import DEFAULT_LIMITS
from twinledger.ledger.operations import Role
from twinledger.ledger.receipt import Event, EventKind
from twinledger.ledger.transaction import TransactionId, assemble, parse, sign
from twinledger.v1.transaction_pb2 import SignedTransaction

LIFETIME_US = DEFAULT_LIMITS.max_lifetime_us


@pytest.fixture
def chain() -> Chain:
    return Chain()


def with_bad_signature(raw: bytes) -> bytes:
    return assemble(SignedTransaction.FromString(raw).body, [bytes(64)])


def alone(chain: Chain, raw: bytes, time_us: int = START_US) -> str:
    """The outcome of a transaction in the next block; it must not have used up its id."""
    (receipt,) = chain.append(raw, time_us=time_us)
    assert receipt.failed_operation is None
    assert receipt.events == ()
    assert chain.newest.consumed == ()
    assert chain.newest.writes == {}
    return receipt.outcome


@pytest.mark.parametrize(("raw", "code"), BAD.values(), ids=BAD)
def test_a_transaction_that_is_not_well_formed_has_no_id_in_its_receipt(
    chain: Chain, raw: bytes, code: Code
):
    (receipt,) = chain.append(raw[: DEFAULT_LIMITS.max_transaction_bytes + 1])
    assert (receipt.transaction_id, receipt.events, receipt.failed_operation) == (b"", (), None)
    assert receipt.outcome == code
    assert chain.newest.consumed == ()


def test_another_chains_transaction_is_rejected_and_leaves_the_id_free(chain: Chain):
    raw = sign(b"o" * 32, [UTILITY], [create("a")], START_US + SECOND_US, bytes(16))
    assert alone(chain, raw) == "WRONG_CHAIN"
    assert chain.newest.receipts[0] != b""


def test_a_transaction_lives_until_block_time_has_passed_its_expiry(chain: Chain):
    last = chain.sign(create("a"), expires_in_us=7)
    late = chain.sign(create("b"), expires_in_us=6)
    assert alone(chain, late, START_US + 7) == "EXPIRED"
    (receipt,) = chain.append(last, time_us=START_US + 7)
    assert receipt.committed


def test_an_expiry_may_not_lie_further_ahead_than_the_longest_lifetime(chain: Chain):
    far = chain.sign(create("a"), expires_in_us=LIFETIME_US + 1)
    assert alone(chain, far) == "LIFETIME_TOO_LONG"
    (receipt,) = chain.append(far, time_us=START_US + 1)
    assert receipt.committed


def test_nobody_signs_for_an_identity_that_is_not_registered(chain: Chain):
    raw = chain.sign(create("a"), by=[signer("utility/stranger")])
    assert alone(chain, raw) == "UNKNOWN_SIGNER"


def test_nobody_signs_for_an_identity_with_another_key(chain: Chain):
    impostor = dataclasses.replace(MAKER, identity=UTILITY.identity)
    assert alone(chain, chain.sign(create("a"), by=[impostor])) == "UNKNOWN_SIGNER"


def test_every_author_must_be_registered(chain: Chain):
    raw = chain.sign(create("a"), by=[UTILITY, signer("maker/stranger")])
    assert alone(chain, raw) == "UNKNOWN_SIGNER"


def test_a_revoked_identity_signs_nothing_from_the_next_transaction_on(chain: Chain):
    gateway = signer("utility/gateway")
    chain.submit(admit("utility/gateway", gateway.key.public_key, Role.OPERATOR))
    before, after = (chain.sign(create(name), by=[gateway]) for name in ("a", "b"))
    receipts = chain.append(before, chain.sign(revoke("utility/gateway")), after)
    assert [receipt.outcome for receipt in receipts] == [
        "COMMITTED",
        "COMMITTED",
        "IDENTITY_REVOKED",
    ]
    assert [used.transaction_index for used in chain.newest.consumed] == [0, 1]


def test_an_identity_signs_from_the_transaction_after_its_admission_on(chain: Chain):
    gateway = signer("utility/gateway")
    early, late = (chain.sign(create(name), by=[gateway]) for name in ("a", "b"))
    admission = chain.sign(admit("utility/gateway", gateway.key.public_key, Role.OPERATOR))
    receipts = chain.append(early, admission, late)
    assert [receipt.outcome for receipt in receipts] == ["UNKNOWN_SIGNER", "COMMITTED", "COMMITTED"]


def test_a_bad_signature_in_a_block_leaves_the_id_to_its_author(chain: Chain):
    good = chain.sign(create("a"))
    receipts = chain.append(with_bad_signature(good), good)
    assert [receipt.outcome for receipt in receipts] == ["BAD_SIGNATURE", "COMMITTED"]
    assert receipts[0].transaction_id == receipts[1].transaction_id
    assert [used.transaction_index for used in chain.newest.consumed] == [1]


def test_one_bad_signature_of_several_is_enough(chain: Chain):
    good = SignedTransaction.FromString(chain.sign(create("a"), by=[UTILITY, MAKER]))
    assert alone(chain, assemble(good.body, [good.signatures[0], bytes(64)])) == "BAD_SIGNATURE"


def test_a_transaction_takes_effect_once(chain: Chain):
    raw = chain.sign(create("a"))
    receipts = chain.append(raw, raw)
    assert [receipt.outcome for receipt in receipts] == ["COMMITTED", "DUPLICATE"]
    assert [used.transaction_index for used in chain.newest.consumed] == [0]
    assert alone(chain, raw) == "DUPLICATE"


def test_a_transaction_that_failed_in_its_operations_has_used_up_its_id(chain: Chain):
    raw = chain.sign(update("a", set_("x", 1)))
    (receipt,) = chain.append(raw)
    assert (receipt.outcome, receipt.failed_operation) == ("TWIN_NOT_FOUND", 0)
    assert len(chain.newest.consumed) == 1
    chain.submit(create("a"))
    assert alone(chain, raw) == "DUPLICATE"


def test_operations_see_what_those_before_them_did(chain: Chain):
    receipt = chain.submit(
        create("a", set_("x", 1)), update("a", increment("x", 2), expected=1), create("b")
    )
    assert receipt.events == (
        Event(EventKind.TWIN_CREATED, "a", 1),
        Event(EventKind.TWIN_UPDATED, "a", 2),
        Event(EventKind.TWIN_CREATED, "b", 1),
    )


def test_when_one_operation_fails_none_has_happened(chain: Chain):
    state = dict(chain.state.leaves)
    receipt = chain.submit(create("a"), create("b"), create("a"), create("c"))
    assert (receipt.outcome, receipt.failed_operation, receipt.events) == ("TWIN_EXISTS", 2, ())
    assert chain.state.leaves == state
    assert chain.newest.updates == ()


def test_transactions_see_what_those_before_them_did(chain: Chain):
    receipts = chain.append(
        chain.sign(create("a", set_("x", 1))),
        chain.sign(update("a", increment("x", 1)), update("nobody", set_("x", 1))),
        chain.sign(update("a", increment("x", 1), expected=1)),
    )
    assert [receipt.outcome for receipt in receipts] == ["COMMITTED", "TWIN_NOT_FOUND", "COMMITTED"]


def test_the_checks_come_in_the_order_of_the_page(chain: Chain):
    """Each transaction here has the fault of its name and every later one."""
    stranger, revoked = signer("utility/stranger"), signer("utility/former")
    chain.submit(admit("utility/former", revoked.key.public_key, Role.OPERATOR))
    chain.submit(revoke("utility/former"))
    past, fine, far = START_US - 1, START_US + SECOND_US, START_US + LIFETIME_US + 1
    own, other = chain.genesis.chain_id, b"o" * 32
    operations = [update("nobody", set_("x", 1))]
    used = sign(own, [UTILITY], operations, fine, bytes(16))
    chain.append(used)
    cases = [
        (sign(other, [UTILITY] * 2, operations, past, bytes(16)), "DUPLICATE_AUTHOR"),
        (sign(other, [stranger], operations, past, bytes(16)), "WRONG_CHAIN"),
        (sign(own, [stranger], operations, past, bytes(16)), "EXPIRED"),
        (sign(own, [stranger], operations, far, bytes(16)), "LIFETIME_TOO_LONG"),
        (sign(own, [stranger], operations, fine, bytes(16)), "UNKNOWN_SIGNER"),
        (sign(own, [revoked], operations, fine, bytes(16)), "IDENTITY_REVOKED"),
        (used, "BAD_SIGNATURE"),
    ]
    receipts = chain.append(*[with_bad_signatures(raw) for raw, _ in cases])
    assert [receipt.outcome for receipt in receipts] == [outcome for _, outcome in cases]
    assert chain.newest.consumed == ()
    assert alone(chain, used) == "DUPLICATE"


def with_bad_signatures(raw: bytes) -> bytes:
    signed = SignedTransaction.FromString(raw)
    return assemble(signed.body, [bytes(64)] * len(signed.signatures))


def test_several_authors_may_do_what_any_one_of_them_may(chain: Chain):
    gateway = signer("maker/gateway")
    chain.submit(admit("maker/gateway", gateway.key.public_key, Role.DEVICE), by=[MAKER])
    chain.submit(create("pump", set_("x", 1)))
    assert chain.outcome(update("pump", set_("x", 2)), by=[gateway]) == "ACCESS_DENIED"
    assert chain.outcome(update("pump", set_("x", 2)), by=[gateway, UTILITY]) == "COMMITTED"


def test_rights_are_those_before_the_transaction(chain: Chain):
    chain.submit(admit("utility/second", signer("utility/second").key.public_key, Role.ADMIN))
    receipt = chain.submit(revoke("utility/admin"), create("a"))
    assert receipt.committed
    assert chain.outcome(create("b")) == "IDENTITY_REVOKED"


def test_a_damaged_state_stops_the_node_and_is_never_a_receipt(chain: Chain):
    chain.submit(create("a"))
    chain.state.leaves[b"twin/a"] = b"\x08"
    with refused(Code.DATA_DAMAGED):
        chain.submit(update("a", set_("x", 1)))


def test_a_damaged_identity_stops_the_node_and_is_never_a_receipt(chain: Chain):
    chain.state.leaves[b"identity/utility/admin"] += b"\0"
    with refused(Code.DATA_DAMAGED):
        chain.submit(create("a"))


def test_a_fault_of_the_store_stops_the_node_and_is_never_a_receipt(chain: Chain):
    def broken(_transaction_id: TransactionId) -> bool:
        raise LedgerError(Code.DISK_FULL)

    chain.state.seen = broken  # type: ignore[method-assign, assignment]
    with refused(Code.DISK_FULL):
        chain.submit(create("a"))


def test_the_receipt_names_the_transaction(chain: Chain):
    raw = chain.sign(create("a"))
    (receipt,) = chain.append(raw)
    assert receipt.transaction_id == parse(raw, DEFAULT_LIMITS).id
