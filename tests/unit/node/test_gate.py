"""A port bears so many calls at once; the next is told when to come back."""

import pytest

from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.services.gate import Gate


def test_a_call_too_many_is_refused_with_a_delay_and_leaves_room_for_the_next():
    gate = Gate(most=2)
    with gate, gate:
        with pytest.raises(LedgerError) as refused:
            gate.__enter__()
        assert refused.value.code is Code.OVERLOADED
        assert refused.value.retry_after_us > 0
    with gate, gate:
        pass


def test_a_call_that_fails_leaves_its_place():
    gate = Gate(most=1)
    with pytest.raises(ZeroDivisionError), gate:
        raise ZeroDivisionError
    with gate:
        pass
