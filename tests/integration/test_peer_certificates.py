"""Who gets through to the peer port of a node, and how fast whoever may not any more is cut off."""

import asyncio
import queue
import time
from collections.abc import Iterator
from dataclasses import replace

import grpc
import pytest
from google.rpc import error_details_pb2

from tests.integration.single_node import SingleNode, code_of, detail_of
from tests.integration.test_peer_stream import HONEST, OTHER, hello, refusal
from tests.transport_keys import channel, credential
from twinledger.client.channels import Credential
from twinledger.client.diagnosis import diagnose
from twinledger.consensus import NodeId
from twinledger.consortium.nodes import NodeCertificate
from twinledger.node.replica import now_us
from twinledger.v1.operator_service_pb2 import GetStatusRequest
from twinledger.v1.operator_service_pb2_grpc import OperatorServiceStub
from twinledger.v1.peer_service_pb2 import (
    ExchangeRequest,
    ForwardTransactionsRequest,
)
from twinledger.v1.peer_service_pb2_grpc import PeerServiceStub

TRIALS = 20


@pytest.fixture
def node(tmp_path) -> Iterator[SingleNode]:
    with SingleNode(tmp_path, peers=2) as running:
        yield running


class Stream:
    """An open stream to the node; the greeting has been answered."""

    def __init__(self, node: SingleNode, own: Credential, claimed: str) -> None:
        self._requests: queue.SimpleQueue[ExchangeRequest | None] = queue.SimpleQueue()
        self._requests.put(ExchangeRequest(hello=hello(node, claimed)))
        self._channel = channel(node.peer_address, node.held[node.node_id].certificate, own)
        requests = iter(self._requests.get, None)
        self._answers = iter(PeerServiceStub(self._channel).Exchange(requests, timeout=60))
        assert next(self._answers).hello.node_id == node.node_id

    def end(self) -> str:
        """Wait until the node ends the stream; return the code."""
        with pytest.raises(grpc.RpcError) as ended:
            next(self._answers)
        self._requests.put(None)
        self._channel.close()
        return code_of(ended.value)


def call(node: SingleNode, own: Credential, claimed: str) -> grpc.RpcError:
    request = ForwardTransactionsRequest(hello=hello(node, claimed))
    with (
        channel(node.peer_address, node.held[node.node_id].certificate, own) as opened,
        pytest.raises(grpc.RpcError) as refused,
    ):
        PeerServiceStub(opened).ForwardTransactions(request, timeout=60)
    return refused.value


def change(node: SingleNode, **certificates: list[Credential]) -> None:
    """Execute a block that leaves these nodes, with these certificates, in the ledger."""
    shown = {name.replace("_", "-"): held for name, held in certificates.items()}
    founding = {record.node_id: record for _, record in node.genesis.nodes}

    async def execute() -> None:
        nodes = [founding[node.node_id]]
        for name, held in shown.items():
            new = tuple(NodeCertificate(each.certificate, 1) for each in held)
            nodes.append(replace(founding[NodeId(name)], certificates=new))
        node.node.foundation.records.executed(1_000, nodes)

    asyncio.run_coroutine_threadsafe(execute(), node.loop).result(10)


def let_count_until(node: SingleNode, until_us: int) -> None:
    """Execute a block by which every certificate counts until then."""
    records = node.node.foundation.records

    async def execute() -> None:
        nodes = [
            replace(
                record,
                certificates=tuple(
                    replace(each, valid_until_us=until_us) for each in record.certificates
                ),
            )
            for record in records.nodes.values()
        ]
        records.executed(1_000, nodes)

    asyncio.run_coroutine_threadsafe(execute(), node.loop).result(10)


def warnings(node: SingleNode) -> str:
    status = OperatorServiceStub(node.channel).GetStatus(GetStatusRequest(), timeout=60)
    return " ".join(status.warnings)


def test_when_all_certificates_are_over_everybody_still_gets_through_and_is_warned(node):
    assert "certificate" not in warnings(node)
    open_before = Stream(node, node.held[NodeId(HONEST)], HONEST)
    let_count_until(node, 1)
    assert f"The certificate of {node.node_id} does not count any more." in warnings(node)
    opened_after = Stream(node, node.held[NodeId(OTHER)], OTHER)
    let_count_until(node, now_us() + 700 * 86_400_000_000)
    assert "certificate" not in warnings(node)
    change(node)
    assert open_before.end() == opened_after.end() == "PEER_UNKNOWN"


def test_a_removed_node_is_cut_off_within_a_second_open_streams_included(node):
    both = {"other_0_1": [node.held[NodeId(HONEST)]], "other_1_1": [node.held[NodeId(OTHER)]]}
    other = Stream(node, node.held[NodeId(OTHER)], OTHER)
    took_s: list[float] = []
    for _ in range(TRIALS):
        change(node, **both)
        stream = Stream(node, node.held[NodeId(HONEST)], HONEST)
        before = time.monotonic()
        change(node, other_1_1=both["other_1_1"])
        assert stream.end() == "PEER_UNKNOWN"
        took_s.append(time.monotonic() - before)
    assert min(took_s) < 1  # the machine may stand still for a second, but not every time
    # It cannot even connect again; the other goes on undisturbed.
    error = call(node, node.held[NodeId(HONEST)], HONEST)
    assert isinstance(error, grpc.Call)
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    change(node)
    assert other.end() == "PEER_UNKNOWN"


def test_a_node_keeps_its_stream_while_its_certificate_is_one_of_two(node):
    old, new = node.held[NodeId(HONEST)], credential(HONEST)
    stream = Stream(node, old, HONEST)
    change(node, other_0_1=[old, new])
    renewed = Stream(node, new, HONEST)
    change(node, other_0_1=[new])
    assert stream.end() == "PEER_CERTIFICATE"
    change(node)
    assert renewed.end() == "PEER_UNKNOWN"


def test_a_node_cannot_speak_as_another(node):
    error = call(node, node.held[NodeId(OTHER)], HONEST)
    assert code_of(error) == "PEER_CERTIFICATE"
    assert f"of {OTHER}" in detail_of(error, error_details_pb2.ErrorInfo).metadata["detail"]
    greeting = ExchangeRequest(hello=hello(node, OTHER))
    assert refusal(node, greeting) == "PEER_CERTIFICATE"


def test_a_certificate_of_the_right_name_that_another_made_is_refused(node):
    error = call(node, credential(HONEST), HONEST)
    assert isinstance(error, grpc.Call)
    assert error.code() is grpc.StatusCode.UNAVAILABLE


def test_one_that_the_ledger_holds_for_another_node_is_refused_under_any_name(node):
    """A member may record any bytes for its own node: also a certificate that names another's."""
    forged = credential(HONEST)
    change(node, other_0_1=[node.held[NodeId(HONEST)]], other_1_1=[forged])
    error = call(node, forged, HONEST)
    assert code_of(error) == "PEER_CERTIFICATE"


def test_nobody_without_a_certificate_gets_through(node):
    with (
        channel(node.peer_address, node.held[node.node_id].certificate) as opened,
        pytest.raises(grpc.RpcError) as refused,
    ):
        PeerServiceStub(opened).ForwardTransactions(ForwardTransactionsRequest(), timeout=60)
    assert isinstance(refused.value, grpc.Call)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_nobody_gets_through_in_plaintext(node):
    for address in (node.peer_address, node.client_address):
        with grpc.insecure_channel(address) as opened, pytest.raises(grpc.RpcError) as refused:
            PeerServiceStub(opened).ForwardTransactions(ForwardTransactionsRequest(), timeout=60)
        assert isinstance(refused.value, grpc.Call)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_what_keeps_a_node_out_is_found_out_from_its_side(node):
    shown = node.held[node.node_id].certificate
    mine = node.held[NodeId(HONEST)]

    def whose(der: bytes) -> str:
        return {shown: "the node's", mine.certificate: "mine"}.get(der, "nobody's")

    def found(expected: bytes | None, own: Credential) -> str:
        certificates = None if expected is None else [expected]
        mistake = asyncio.run(diagnose(node.peer_address, certificates, whose, own))
        return "" if mistake is None else f"{mistake.code} {mistake.detail}"

    assert found(shown, mine) == ""
    assert found(None, mine).startswith("TLS_REQUIRED")
    other = credential(node.node_id)
    assert found(other.certificate, mine) == (
        f"CERTIFICATE_MISMATCH {node.peer_address} shows the node's instead of nobody's"
    )
    assert found(shown, other) == (
        f"CERTIFICATE_REFUSED {node.peer_address} does not take nobody's"
    )
