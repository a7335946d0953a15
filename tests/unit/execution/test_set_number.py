"""Whoever changes who certifies, a block is one step from one witness set to the next."""

from tests.unit.execution.chain import MAKER, UTILITY, Chain
from twinledger.client import governance_operations as governance
from twinledger.consortium.members import load_consortium
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.transaction import Signer


def rotated(chain: Chain, by: Signer, seed: bytes) -> bytes:
    node = f"{by.identity.partition('/')[0]}-1"
    key = SigningKey.load(seed * 32).public_key
    return chain.sign(governance.update_node(node, witness_key=key), by=(by,))


def test_two_rotations_in_one_block_are_one_change_and_in_two_blocks_two() -> None:
    chain = Chain()
    receipts = chain.append(rotated(chain, UTILITY, b"a"), rotated(chain, MAKER, b"b"))
    assert [each.outcome for each in receipts] == ["COMMITTED"] * 2
    assert load_consortium(chain.state).set_number == 1
    chain.append(rotated(chain, UTILITY, b"c"))
    chain.append(rotated(chain, MAKER, b"d"))
    assert load_consortium(chain.state).set_number == 3


def test_a_block_that_changes_no_witness_is_no_change() -> None:
    chain = Chain()
    chain.submit(governance.update_node("utility-1", peer_address="10.0.0.1:1"))
    assert load_consortium(chain.state).set_number == 0
