"""Bad input of every kind earns its own code from the catalogue, and the node goes on."""

import math
import os
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory
from google.rpc import error_details_pb2

from tests.integration.single_node import SingleNode, code_of, detail_of
from twinledger.ledger.canonical import CanonicalValue
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.names import IdentityName
from twinledger.ledger.transaction import Signer
from twinledger.ledger.values import to_wire
from twinledger.node.services.gate import Gate
from twinledger.v1 import (
    consortium_service_pb2,
    ledger_service_pb2,
    operator_service_pb2,
    peer_service_pb2,
    transaction_pb2,
    twin_service_pb2,
    value_pb2,
)
from twinledger.v1.operation_pb2 import (
    CreateTwin,
    Operation,
    PropertyChange,
    Relate,
    RetireTwin,
    Unrelate,
    UpdateTwin,
)
from twinledger.v1.twin_service_pb2_grpc import TwinServiceStub

TWIN = "pump-1"
SERVICES = {
    module: next(iter(module.DESCRIPTOR.services_by_name.values()))
    for module in (
        ledger_service_pb2,
        twin_service_pb2,
        consortium_service_pb2,
        operator_service_pb2,
        peer_service_pb2,
    )
}
METHODS = [
    pytest.param(service, method, id=f"{service.name}.{method.name}")
    for service in SERVICES.values()
    for method in service.methods
    if service.name != "PeerService"
]
PEER_METHODS = [
    pytest.param(method, id=method.name) for method in SERVICES[peer_service_pb2].methods
]


@pytest.fixture(scope="module")
def node(tmp_path_factory) -> Iterator[SingleNode]:
    with SingleNode(tmp_path_factory.mktemp("node")) as running:
        assert running.outcome(running.transaction(create(TWIN))) == "COMMITTED"
        assert running.outcome(running.transaction(create("retired"), retire("retired"))) == (
            "COMMITTED"
        )
        yield running


def create(twin_id: str, **properties: CanonicalValue) -> Operation:
    changes = [change(path, value) for path, value in properties.items()]
    return Operation(create_twin=CreateTwin(twin_id=twin_id, changes=changes))


def change(path: str, value: CanonicalValue) -> PropertyChange:
    return PropertyChange(path=path, set=to_wire(value))


def update(twin_id: str, *changes: PropertyChange, expected: int | None = None) -> Operation:
    return Operation(
        update_twin=UpdateTwin(twin_id=twin_id, changes=changes, expected_version=expected)
    )


def retire(twin_id: str) -> Operation:
    return Operation(retire_twin=RetireTwin(twin_id=twin_id))


def flow(value: value_pb2.Value) -> Operation:
    return update(TWIN, PropertyChange(path="flow", set=value))


STRANGER = Signer(IdentityName("utility/stranger"), SigningKey.generate())
OPERATIONS = {
    "TWIN_NOT_FOUND": update("nobody", change("flow", 1)),
    "TWIN_EXISTS": create(TWIN),
    "TWIN_RETIRED": update("retired", change("flow", 1)),
    "WRONG_TYPE": update(TWIN, PropertyChange(path="flow", increment=to_wire("much"))),
    "NOT_FINITE": flow(value_pb2.Value(double_value=math.nan)),
    "PATH_TOO_DEEP": update(TWIN, change("/".join("abcdefghi"), 1)),
    "BAD_PATH": update(TWIN, change("a//b", 1)),
    "BAD_VALUE": flow(value_pb2.Value()),
    "VERSION_MISMATCH": update(TWIN, change("flow", 1), expected=99),
    "UNKNOWN_OPERATION": Operation(),
    "BAD_TWIN_ID": create("no spaces"),
    "RELATIONSHIP_NOT_FOUND": Operation(
        unrelate=Unrelate(source_id=TWIN, name="feeds", target_id=TWIN)
    ),
    "BAD_RELATIONSHIP": Operation(relate=Relate(source_id=TWIN, name="no spaces", target_id=TWIN)),
}


@pytest.mark.parametrize("code", OPERATIONS)
def test_a_bad_operation_earns_its_own_code_and_changes_nothing(node, code):
    before = twin(node)
    assert node.outcome(node.transaction(OPERATIONS[code])) == code
    assert twin(node) == before


def test_operations_of_one_transaction_succeed_or_fail_together(node):
    before = twin(node)
    raw = node.transaction(update(TWIN, change("flow", 5)), update("nobody", change("flow", 1)))
    status = node.submit(raw)
    assert status.receipt.outcome == "TWIN_NOT_FOUND"
    assert status.receipt.failed_operation == 1
    assert twin(node) == before


def test_an_unknown_signer_is_refused(node):
    raw = node.transaction(create("x"), signers=[STRANGER])
    assert node.outcome(raw) == "UNKNOWN_SIGNER"


def test_a_transaction_for_another_chain_is_refused(node):
    assert node.outcome(node.transaction(create("x"), chain_id=bytes(32))) == "WRONG_CHAIN"


def test_an_expired_transaction_is_refused(node):
    assert node.outcome(node.transaction(create("x"), lifetime_us=-1_000_000)) == "EXPIRED"


def test_a_lifetime_beyond_the_limit_is_refused(node):
    raw = node.transaction(create("x"), lifetime_us=90_000_000_000)
    assert node.outcome(raw) == "LIFETIME_TOO_LONG"


def test_a_body_over_the_limit_is_refused(node):
    assert node.outcome(node.transaction(create("x", text="x" * 300_000))) == "TOO_LARGE"


def test_a_bad_signature_is_refused_and_leaves_the_id_free(node):
    raw = node.transaction(create("twice-tried"))
    signed = transaction_pb2.SignedTransaction.FromString(raw)
    signed.signatures[0] = bytes(32) + signed.signatures[0][32:]
    assert node.outcome(signed.SerializeToString()) == "BAD_SIGNATURE"
    assert node.outcome(raw) == "COMMITTED"


def test_a_missing_signature_is_refused(node):
    signed = transaction_pb2.SignedTransaction.FromString(node.transaction(create("x")))
    del signed.signatures[:]
    assert node.outcome(signed.SerializeToString()) == "WRONG_SIGNATURE_COUNT"


def test_an_unknown_field_is_refused(node):
    raw = node.transaction(create("x"))
    assert node.outcome(raw + b"\xf2\x7f\x01x") == "UNKNOWN_FIELD"


def test_a_duplicate_is_answered_with_the_first_receipt(node):
    raw = node.transaction(create("once"))
    first = node.submit(raw)
    assert node.submit(raw).receipt == first.receipt


def test_garbage_as_a_transaction_is_refused(node):
    assert node.outcome(os.urandom(200)) == "MALFORMED"


@pytest.mark.parametrize(("service", "method"), METHODS)
def test_garbage_bytes_at_every_rpc_are_malformed(node, service, method):
    assert call_with(node, service, method, b"\xff\xff\xff garbage") == "MALFORMED"
    assert node.outcome(node.transaction(update(TWIN, change("flow", 2)))) == "COMMITTED"


@pytest.fixture(scope="module")
def peer(tmp_path_factory) -> Iterator[SingleNode]:
    """One of three: a node alone has nobody who may call it as a peer."""
    with SingleNode(tmp_path_factory.mktemp("peer"), peers=2) as running:
        yield running


@pytest.mark.parametrize("method", PEER_METHODS)
def test_garbage_bytes_at_every_call_of_a_peer_are_malformed(peer, method):
    service = SERVICES[peer_service_pb2]
    assert call_with(peer, service, method, b"\xff\xff\xff garbage") == "MALFORMED"


def call_with(node: SingleNode, service, method, data: bytes) -> str:
    channel = node.peer_channel if service.name == "PeerService" else node.channel
    kinds: dict[tuple[bool, bool], Any] = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
        (True, True): channel.stream_stream,
    }
    call = kinds[method.client_streaming, method.server_streaming](
        f"/{service.full_name}/{method.name}",
        request_serializer=lambda raw: raw,
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    try:
        answer = call(iter([data]) if method.client_streaming else data, timeout=60)
        return str(list(answer) if method.server_streaming else answer)
    except grpc.RpcError as error:
        return code_of(error)


def test_an_error_says_what_to_do_next(node):
    with pytest.raises(grpc.RpcError) as refused:
        node.submit(b"garbage")
    info = detail_of(refused.value, error_details_pb2.ErrorInfo)
    assert info.domain == "twinledger"
    assert info.metadata["next_step"].endswith(".")


def test_reading_what_is_not_there_says_so(node):
    twins = TwinServiceStub(node.channel)
    with pytest.raises(grpc.RpcError) as refused:
        twins.GetTwin(twin_service_pb2.GetTwinRequest(twin_id="nobody"))
    assert code_of(refused.value) == "TWIN_NOT_FOUND"
    with pytest.raises(grpc.RpcError) as refused:
        node.ledger.GetBlock(ledger_service_pb2.GetBlockRequest(height=10**6))
    assert code_of(refused.value) == "BLOCK_NOT_FOUND"
    with pytest.raises(grpc.RpcError) as refused:
        twins.Trace(twin_service_pb2.TraceRequest(twin_id=TWIN))
    assert code_of(refused.value) == "BAD_REQUEST"


def test_a_full_pool_answers_with_a_retry_delay(tmp_path):
    # Two other members' nodes never come up, so nothing is ordered and the pool stays full.
    with SingleNode(tmp_path, pool=2, peers=2) as node:
        waiting = ledger_service_pb2.WAIT_FOR_NONE
        raws = [node.transaction(create(f"t-{number}")) for number in range(3)]
        for raw in raws[:2]:
            request = ledger_service_pb2.SubmitRequest(transaction=raw, wait_for=waiting)
            stage = node.ledger.Submit(request, timeout=60, wait_for_ready=True).status.stage
            assert stage == ledger_service_pb2.STAGE_PENDING
        with pytest.raises(grpc.RpcError) as refused:
            node.submit(raws[2])
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert code_of(refused.value) == "POOL_FULL"
        delay = detail_of(refused.value, error_details_pb2.RetryInfo).retry_delay
        assert delay.ToMicroseconds() > 0
        # Submitting again what waits already is no new transaction.
        request = ledger_service_pb2.SubmitRequest(transaction=raws[0], wait_for=waiting)
        assert node.ledger.Submit(request, timeout=60).status.stage == (
            ledger_service_pb2.STAGE_PENDING
        )


def twin(node: SingleNode) -> twin_service_pb2.Twin:
    request = twin_service_pb2.GetTwinRequest(twin_id=TWIN)
    return TwinServiceStub(node.channel).GetTwin(request, timeout=60).twin


def test_a_stream_too_many_is_told_when_to_come_back(tmp_path, monkeypatch):
    monkeypatch.setattr("twinledger.node.serving.Gate", lambda: Gate(most=3))
    with SingleNode(tmp_path) as node:
        twins: Any = TwinServiceStub(node.channel)
        origin = twin_service_pb2.Cursor(height=0, index=0)
        request = twin_service_pb2.WatchRequest(after=origin)
        open_streams = [twins.Watch(request, timeout=60) for _ in range(3)]
        for stream in open_streams:
            next(stream)  # it is being served
        with pytest.raises(grpc.RpcError) as refused:
            next(twins.Watch(request, timeout=60))
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert code_of(refused.value) == "OVERLOADED"
        delay = detail_of(refused.value, error_details_pb2.RetryInfo).retry_delay
        assert delay.ToMicroseconds() > 0
        for stream in open_streams:
            stream.cancel()
