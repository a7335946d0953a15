"""The consortium is known exactly after every height, however much of the state is pruned."""

from pathlib import Path

import pytest

from scripts.benchmark.chain import Chain
from twinledger.consensus import Configuration, EntryKind, NodeId
from twinledger.consortium.members import Consortium
from twinledger.ledger.errors import Code, LedgerError


def test_the_consortium_of_every_height_is_found(tmp_path: Path) -> None:
    chain = Chain.create(tmp_path / "data")
    chain.grow(5)
    nobody = Configuration((NodeId("nobody"),)).encode()
    chain.extend([(EntryKind.CONFIGURATION, nobody)])
    chain.grow(5)
    chain.configuration()

    found = [Consortium.decode(chain.stores.chain.consortium_at(height)) for height in range(13)]
    assert [consortium.set_number for consortium in found] == [0] * 6 + [1] * 6 + [2]
    with pytest.raises(LedgerError) as raised:
        chain.stores.chain.consortium_at(13)
    assert raised.value.code is Code.BLOCK_NOT_FOUND
    chain.close()
