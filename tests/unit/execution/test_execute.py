"""Executing blocks: headers, roots, receipts, and what every block promises."""

from dataclasses import replace
from hashlib import sha256

import pytest

from tests.unit.execution.chain import SECOND_US, START_US, UTILITY, Chain, signer
from tests.unit.ledger.refusals import refused
from tests.unit.ledger.wire import admit, create, delete, increment, relate, set_, update
from tests.unit.twins.naive import naive_whole_root
from twinledger.consensus import Configuration, EntryKind, Index
from twinledger.consortium.governed import CONFIGURATION_KEY, load_configuration
from twinledger.consortium.members import (
    CONSORTIUM_KEY,
    Consortium,
    consortium_hash,
    load_consortium,
)
from twinledger.execution.execute import block_transactions, execute
from twinledger.execution.prepare import prepare
from twinledger.execution.results import Consumed, Ordered, Parent, Update
from twinledger.ledger.block import encode_body
from twinledger.ledger.errors import Code
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.limits import DEFAULT_LIMITS
from twinledger.ledger.merkle import EMPTY_ROOT, tree_hash
from twinledger.ledger.names import TwinId
from twinledger.ledger.operations import Role
from twinledger.ledger.receipt import Receipt
from twinledger.ledger.state_tree_page import EMPTY_PAGE, PageKey
from twinledger.ledger.transaction import transaction_id
from twinledger.v1.transaction_pb2 import SignedTransaction


@pytest.fixture
def chain() -> Chain:
    return Chain()


def test_genesis_is_the_block_at_height_0(chain: Chain):
    header = chain.newest.header
    assert (header.height, header.term, header.time_us) == (0, 0, START_US)
    assert header.parent_hash == chain.genesis.chain_id
    assert header.transactions_root == header.receipts_root == EMPTY_ROOT
    assert list(chain.newest.writes) == [
        b"configuration",
        b"consortium",
        b"identity/maker/admin",
        b"identity/utility/admin",
    ]
    consortium = chain.newest.writes[b"consortium"] or b""
    assert header.consortium_hash == sha256(b"twinledger/v1/consortium\0" + consortium).digest()
    assert header.state_root == naive_whole_root(chain.state.leaves)


def test_a_header_commits_to_its_parent_its_transactions_and_its_receipts(chain: Chain):
    genesis = chain.newest
    transactions = [chain.sign(create("a")), chain.sign(create("b"))]
    chain.append(*transactions, time_us=START_US + 5)
    header = chain.newest.header
    assert (header.height, header.term, header.time_us) == (1, 1, START_US + 5)
    assert header.parent_hash == genesis.header_hash
    assert chain.newest.transactions == tuple(transactions)
    assert header.transactions_root == tree_hash(transactions)
    assert header.receipts_root == tree_hash(chain.newest.receipts)
    assert header.consortium_hash == genesis.header.consortium_hash
    assert header.state_root == naive_whole_root(chain.state.leaves)
    assert chain.newest.header_hash == header.hash()
    assert BlockHeader.decode(chain.newest.header_bytes) == header


def test_the_result_says_what_the_next_block_builds_on(chain: Chain):
    chain.append(chain.sign(create("a")))
    assert chain.newest.as_parent() == Parent.of(chain.newest.header)


def test_block_time_never_goes_back(chain: Chain):
    chain.append(time_us=START_US + 10)
    chain.append(time_us=START_US + 3)
    assert chain.newest.header.time_us == START_US + 10
    chain.append(time_us=-5)
    assert chain.newest.header.time_us == START_US + 10


def test_an_empty_payload_is_an_empty_block_at_its_parents_time(chain: Chain):
    chain.append(chain.sign(create("a")), time_us=START_US + 10)
    execution = chain.execute(b"", term=7)
    assert (execution.header.height, execution.header.term) == (2, 7)
    assert execution.header.time_us == START_US + 10
    assert execution.header.state_root == chain.newest.header.state_root
    assert execution.header.consortium_hash == chain.newest.header.consortium_hash
    assert (execution.transactions, execution.receipts, execution.updates) == ((), (), ())
    assert (execution.writes, execution.consumed) == ({}, ())


BAD_PAYLOADS = {
    "garbage": b"\xff\xff\xff",
    "an unknown field": encode_body(START_US + SECOND_US, [b"x"]) + bytes.fromhex("980601"),
    "too many transactions": encode_body(START_US + SECOND_US, [b""] * 2_001),
    "too many bytes": encode_body(START_US + SECOND_US, [bytes(1_048_576)]),
}


@pytest.mark.parametrize("payload", BAD_PAYLOADS.values(), ids=BAD_PAYLOADS)
def test_a_payload_that_is_no_block_body_is_executed_as_an_empty_block(
    chain: Chain, payload: bytes
):
    assert block_transactions(payload, chain.genesis.limits) == ()
    assert chain.execute(payload) == chain.execute(b"")


def test_prepared_transactions_must_be_those_of_the_block(chain: Chain):
    raw, other = chain.sign(create("a")), chain.sign(create("b"))
    limits, chain_id = chain.genesis.limits, chain.genesis.chain_id
    for wrong in ([], [other], [raw, raw]):
        prepared = [prepare(item, limits, chain_id) for item in wrong]
        with refused(Code.INTERNAL):
            execute(
                chain.newest.as_parent(),
                chain.state,
                Ordered(1, EntryKind.BLOCK, chain.payload(raw)),
                prepared,
                chain_id,
            )


def test_what_was_prepared_by_other_limits_is_prepared_again(chain: Chain):
    raw = chain.sign(create("a"), create("b"))
    narrow = replace(chain.genesis.limits, max_operations=1)
    prepared = prepare(raw, narrow, chain.genesis.chain_id)
    assert prepared.error is not None
    ordered = Ordered(1, EntryKind.BLOCK, chain.payload(raw))
    execution = execute(
        chain.newest.as_parent(), chain.state, ordered, [prepared], chain.genesis.chain_id
    )
    assert Receipt.decode(execution.receipts[0]).committed


def test_a_configuration_records_who_votes_and_counts_the_sets(chain: Chain):
    before = load_consortium(chain.state)
    voters = tuple(sorted(node.node_id for _, node in before.nodes))
    kind = EntryKind.CONFIGURATION
    joint = chain.execute(Configuration(voters[:1], outgoing=voters).encode(), kind=kind)
    assert list(joint.writes) == [CONFIGURATION_KEY]
    left = chain.execute(Configuration(voters[:1]).encode(), kind=kind)
    after = Consortium.decode(left.writes[CONSORTIUM_KEY] or b"")
    assert [node.node_id for _, node in after.nodes if node.voter] == list(voters[:1])
    assert after.set_number == before.set_number + 1
    assert left.header.consortium_hash == consortium_hash(after.encode())
    same = chain.execute(Configuration(voters).encode(), kind=kind)
    assert list(same.writes) == [CONFIGURATION_KEY]


def test_the_state_tells_who_orders(chain: Chain):
    everybody = load_configuration(chain.state)
    assert everybody.voters == tuple(sorted(n.node_id for _, n in chain.genesis.nodes))
    fewer = Configuration(everybody.voters[:1], removed=everybody.voters[1:], warrant=Index(7))
    chain.newest = chain.execute(fewer.encode(), kind=EntryKind.CONFIGURATION)
    chain.state.take(chain.newest)
    assert load_configuration(chain.state) == fewer


def test_a_configuration_that_does_not_read_is_an_empty_block(chain: Chain):
    assert chain.execute(b"\xff", kind=EntryKind.CONFIGURATION) == chain.execute(b"")


def test_updates_and_used_ids_are_told_with_their_places(chain: Chain):
    good = chain.sign(create("a"), update("a", set_("x", 1)))
    bad = chain.sign(update("nobody", set_("x", 1)))
    admission = chain.sign(
        admit("utility/gateway", UTILITY.key.public_key, Role.DEVICE), create("b")
    )
    chain.append(b"garbage", good, bad, admission)
    assert chain.newest.updates == (
        Update(TwinId("a"), 1, 1, 0),
        Update(TwinId("a"), 2, 1, 1),
        Update(TwinId("b"), 1, 3, 1),
    )
    ids = [transaction_id(SignedTransaction.FromString(raw).body) for raw in (good, bad, admission)]
    assert chain.newest.consumed == tuple(
        Consumed(used, index) for used, index in zip(ids, (1, 2, 3), strict=True)
    )


def test_writes_are_in_ascending_order_and_tell_deletions(chain: Chain):
    chain.append(chain.sign(create("z", set_("b", 1), set_("a", 1)), create("a")))
    chain.append(
        chain.sign(update("z", delete("b"), set_("c", 1))), chain.sign(update("a", set_("q", 1)))
    )
    assert [(key, value is None) for key, value in chain.newest.writes.items()] == [
        (b"property/a/reported/q", False),
        (b"property/z/reported/b", True),
        (b"property/z/reported/c", False),
        (b"twin/a", False),
        (b"twin/z", False),
    ]


def test_what_is_made_and_unmade_in_one_block_is_written_as_deleted(chain: Chain):
    chain.append(chain.sign(create("a", set_("x", 1)), update("a", delete("x"))))
    assert chain.newest.writes[b"property/a/reported/x"] is None


def test_admitting_an_admin_moves_the_consortium_hash(chain: Chain):
    before = chain.newest.header.consortium_hash
    chain.append(chain.sign(admit("utility/deputy", UTILITY.key.public_key, Role.OPERATOR)))
    assert chain.newest.header.consortium_hash == before
    chain.append(
        chain.sign(admit("utility/second", signer("utility/second").key.public_key, Role.ADMIN))
    )
    consortium = chain.state.leaves[b"consortium"]
    after = sha256(b"twinledger/v1/consortium\0" + consortium).digest()
    assert chain.newest.header.consortium_hash == after != before
    chain.append()
    assert chain.newest.header.consortium_hash == after


def test_execution_changes_neither_its_state_nor_its_arguments(chain: Chain):
    chain.append(chain.sign(create("a", set_("x", 1))))
    leaves, used = dict(chain.state.leaves), set(chain.state.used)
    payload = chain.payload(chain.sign(update("a", increment("x", 1)), relate("a", "is", "a")))
    assert chain.execute(payload) == chain.execute(payload)
    assert (chain.state.leaves, chain.state.used) == (leaves, used)


def test_the_limits_given_are_the_limits_that_hold():
    chain = Chain(replace(DEFAULT_LIMITS, max_operations=1))
    (receipt,) = chain.append(chain.sign(create("a"), create("b")))
    assert receipt.outcome == "TOO_MANY_OPERATIONS"


def test_a_block_without_effect_keeps_the_state_root(chain: Chain):
    root = chain.newest.header.state_root
    chain.append(chain.sign(update("nobody", set_("x", 1))))
    assert chain.newest.header.state_root == root
    assert chain.newest.header.receipts_root != EMPTY_ROOT


def test_the_state_root_is_that_of_the_state_whatever_led_to_it(chain: Chain):
    chain.append(chain.sign(create("a", set_("x", 1), set_("y", 2)), create("b")))
    chain.append(chain.sign(update("a", delete("x")), relate("a", "feeds", "b")))
    assert chain.newest.header.state_root == naive_whole_root(chain.state.leaves)
    stored = {key: page.hash for key, page in chain.state.pages.items()}
    assert stored[PageKey(2, b"")] == chain.newest.header.state_root


def test_a_state_that_is_not_of_the_parents_root_stops_the_node(chain: Chain):
    """As damage, not as a receipt: nodes would come to different roots."""
    chain.append(chain.sign(create("a")))
    chain.state.pages[PageKey(1, b"")] = EMPTY_PAGE
    with refused(Code.DATA_DAMAGED):
        chain.execute(b"")
