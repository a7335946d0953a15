"""Signed heads between nodes: what was sent is read, and nothing that cannot be is taken."""

import pytest

from tests.unit.consortium.heads.world import ORIGIN, Branch, signed
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node import heads_wire
from twinledger.v1.peer_service_pb2 import CosignatureBatch, HeadCosignature

HEADS = [signed(number, Branch("a").head(7 + number), 1000 + number) for number in range(3)]


def test_what_was_sent_is_read():
    batch = CosignatureBatch(cosignatures=map(heads_wire.encode, HEADS))
    assert heads_wire.decode(batch, ORIGIN) == HEADS


@pytest.mark.parametrize(
    "spoil",
    [
        {"size": 0},
        {"size": 1 << 63},
        {"root": bytes(31)},
        {"timestamp_s": 1 << 63},
        {"signature": bytes(63)},
    ],
)
def test_a_field_of_no_possible_value_is_malformed(spoil):
    wire = heads_wire.encode(HEADS[0])
    for field, value in spoil.items():
        setattr(wire, field, value)
    with pytest.raises(LedgerError) as raised:
        heads_wire.decode(CosignatureBatch(cosignatures=[wire]), ORIGIN)
    assert raised.value.code is Code.MALFORMED


@pytest.mark.parametrize("count", [0, heads_wire.MAX_COSIGNATURES + 1])
def test_a_batch_is_bounded(count):
    batch = CosignatureBatch(cosignatures=[HeadCosignature()] * count)
    with pytest.raises(LedgerError) as raised:
        heads_wire.decode(batch, ORIGIN)
    assert raised.value.code is Code.MALFORMED
