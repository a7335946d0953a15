"""What can be judged before there is a state."""

import pytest

from tests.unit.execution.chain import START_US, UTILITY, Chain
from tests.unit.ledger.test_transaction import BAD
from tests.unit.ledger.wire import create
from twinledger.execution import prepare as module
from twinledger.execution.prepare import prepare
from twinledger.ledger.errors import Code
from twinledger.ledger.limits import DEFAULT_LIMITS
from twinledger.ledger.transaction import assemble, parse, sign

CHAIN = bytes(32)
RAW = sign(CHAIN, [UTILITY], [create("a")], START_US, bytes(16))


def test_a_right_transaction_is_prepared_without_an_error():
    prepared = prepare(RAW, DEFAULT_LIMITS, CHAIN)
    assert (prepared.raw, prepared.error) == (RAW, None)
    assert prepared.transaction == parse(RAW, DEFAULT_LIMITS)


@pytest.mark.parametrize(("raw", "code"), BAD.values(), ids=BAD)
def test_what_is_not_well_formed_is_prepared_with_its_error(raw: bytes, code: Code):
    prepared = prepare(raw, DEFAULT_LIMITS, CHAIN)
    assert prepared.raw is raw
    assert prepared.transaction is None
    assert prepared.error is not None
    assert prepared.error.code is code


def test_a_bad_signature_is_an_error_of_a_readable_transaction():
    raw = assemble(parse(RAW, DEFAULT_LIMITS).body, [bytes(64)])
    prepared = prepare(raw, DEFAULT_LIMITS, CHAIN)
    assert prepared.transaction is not None
    assert prepared.error is not None
    assert prepared.error.code is Code.BAD_SIGNATURE


def test_another_chains_signatures_are_not_even_checked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "check_signatures", lambda _transaction: pytest.fail("checked"))
    prepared = prepare(RAW, DEFAULT_LIMITS, b"o" * 32)
    assert prepared.error is not None
    assert prepared.error.code is Code.WRONG_CHAIN


def test_an_error_keeps_no_frames_alive():
    error = prepare(b"garbage", DEFAULT_LIMITS, CHAIN).error
    assert error is not None
    assert error.__traceback__ is None


def test_preparing_for_the_wrong_chain_does_not_let_it_in_here():
    chain = Chain()
    (receipt,) = chain.append(RAW)
    assert receipt.outcome == "WRONG_CHAIN"
