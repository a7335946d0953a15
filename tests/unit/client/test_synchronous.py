"""The synchronous twin: the same calls, the same results, from any thread."""

import inspect
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import Any, get_args, get_origin

import pytest

from tests.unit.client.conftest import Nodes
from tests.unit.client.fake_node import FakeNode, Refusal
from twinledger.client import (
    Code,
    Cursor,
    Identity,
    Ledger,
    LedgerError,
    Operation,
    SyncLedger,
    connect,
    connect_sync,
    operations,
)
from twinledger.client.access import Access
from twinledger.client.identities import Identities
from twinledger.client.operating import OperatedNode
from twinledger.client.synchronous_access import SyncAccess
from twinledger.client.synchronous_operating import SyncOperatedNode
from twinledger.client.synchronous_twins import SyncIdentities, SyncTwins
from twinledger.client.twins import Twins

PAIRS = [
    (Ledger, SyncLedger),
    (Twins, SyncTwins),
    (Identities, SyncIdentities),
    (Access, SyncAccess),
    (OperatedNode, SyncOperatedNode),
]

# What only makes sense on one side, and where the parameters differ on purpose: a synchronous
# source of many transactions cannot be asynchronous.
ONE_SIDED = {"pipeline", "signed", "submit_many"}


def public(face: type) -> dict[str, Any]:
    return {name: member for name, member in vars(face).items() if not name.startswith("_")}


@pytest.mark.parametrize(("face", "twin"), PAIRS)
def test_both_have_the_same_calls(face: type, twin: type) -> None:
    assert public(face).keys() - ONE_SIDED == public(twin).keys() - ONE_SIDED


@pytest.mark.parametrize(("face", "twin"), PAIRS)
def test_both_take_the_same_parameters(face: type, twin: type) -> None:
    for name, member in public(face).items():
        if name in ONE_SIDED or isinstance(member, property):
            continue
        other = public(twin)[name]
        assert _parameters(member) == _parameters(other), name


@pytest.mark.parametrize(("face", "twin"), PAIRS)
def test_both_return_the_same(face: type, twin: type) -> None:
    for name, member in public(face).items():
        if name in ONE_SIDED or isinstance(member, property):
            continue
        ours = inspect.signature(member).return_annotation
        theirs = inspect.signature(public(twin)[name]).return_annotation
        if get_origin(ours) is AsyncGenerator:
            assert theirs == Iterator[get_args(ours)[0]], name  # type: ignore[misc]
        else:
            assert theirs == dict(PAIRS).get(ours, ours), name


def test_connecting_takes_the_same_parameters() -> None:
    assert _parameters(connect) == _parameters(connect_sync)


def _parameters(function: Any) -> list[tuple[str, Any, Any]]:
    parameters = inspect.signature(function).parameters.values()
    return [(each.name, each.kind, each.default) for each in parameters]


def test_calls_block_and_return(node: FakeNode, identity: Identity) -> None:
    with connect_sync(node.address, insecure=True, verify=False, identity=identity) as ledger:
        receipt = ledger.twins.update("pump-7", set={"flow": 13.0})
        assert ledger.twins.get("pump-7").version == 1
        assert [update.version for update in ledger.twins.history("pump-7")] == [1]
        assert [twin.id for twin in ledger.twins.list()] == ["twin-1", "twin-2", "twin-3"]
        assert ledger.block(1).receipts[0].transaction_id == receipt.transaction_id
        assert [block.height for block in ledger.blocks(0, 1)] == [0, 1]
        assert next(ledger.watch("pump-7", after=Cursor(0, 0))).version == 1


def test_errors_are_raised_in_the_callers_thread(node: FakeNode, identity: Identity) -> None:
    node.steps.append(Refusal("ACCESS_DENIED"))
    with connect_sync(node.address, insecure=True, verify=False, identity=identity) as ledger:
        with pytest.raises(LedgerError) as raised:
            ledger.twins.update("pump-7", set={"flow": 13.0})
        assert raised.value.code is Code.ACCESS_DENIED
        with pytest.raises(LedgerError):
            next(ledger.watch("pump-7", after=Cursor(2**70, 0)))


@pytest.mark.parametrize("window", [1, 5, 1024])
def test_many_transactions_go_through_a_window_of_any_size(
    node: FakeNode, identity: Identity, window: int
) -> None:
    with connect_sync(node.address, insecure=True, verify=False, identity=identity) as ledger:
        outcomes = list(ledger.submit_many(_updates(100), window=window))
    assert sorted(outcome.position for outcome in outcomes) == list(range(100))
    assert all(outcome.receipt.committed for outcome in outcomes)


def test_a_source_is_read_in_the_callers_thread(node: FakeNode, identity: Identity) -> None:
    threads = set()

    def source() -> Iterator[Operation]:
        for update in _updates(3):
            threads.add(threading.current_thread())
            yield update

    with connect_sync(node.address, insecure=True, verify=False, identity=identity) as ledger:
        assert len(list(ledger.submit_many(source()))) == 3
    assert threads == {threading.current_thread()}


def test_many_threads_may_share_one_client(nodes: Nodes, identity: Identity) -> None:
    first, second = nodes(2)
    with connect_sync(
        [first.address, second.address], insecure=True, verify=False, identity=identity
    ) as ledger:
        threads = [
            threading.Thread(target=ledger.twins.update, args=("pump-7",), kwargs={"set": {"f": n}})
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert first.ledger.height == 8


def test_the_background_thread_ends_with_the_client(node: FakeNode) -> None:
    before = threading.active_count()
    with connect_sync(node.address, insecure=True, verify=False):
        assert any(each.name == "twinledger-client" for each in threading.enumerate())
    assert not any(each.name == "twinledger-client" for each in threading.enumerate())
    assert threading.active_count() <= before + 1


def _updates(count: int) -> list[Operation]:
    return [
        operations.update_twin("pump-7", [operations.set_property("flow", float(number))])
        for number in range(count)
    ]
