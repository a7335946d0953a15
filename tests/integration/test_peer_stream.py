"""What a peer stream must say of itself, and what happens to one that lies."""

from collections.abc import Iterator

import grpc
import pytest

from tests.integration.single_node import SingleNode, code_of
from twinledger.consensus import (
    Index,
    NodeId,
    Term,
    VoteRequest,
)
from twinledger.node.consensus_wire import encode
from twinledger.v1 import operator_service_pb2
from twinledger.v1.operator_service_pb2_grpc import OperatorServiceStub
from twinledger.v1.peer_service_pb2 import (
    ConsensusBatch,
    ConsensusMessage,
    ExchangeRequest,
    ForwardTransactionsRequest,
    PeerHello,
)
from twinledger.v1.peer_service_pb2_grpc import PeerServiceStub

HONEST, OTHER = "other-0-1", "other-1-1"


@pytest.fixture
def node(tmp_path) -> Iterator[SingleNode]:
    with SingleNode(tmp_path, peers=2) as running:
        yield running


def hello(
    node: SingleNode, node_id: str = HONEST, *, chain_id: bytes = b"", protocol_version: int = 1
) -> PeerHello:
    return PeerHello(
        node_id=node_id,
        chain_id=chain_id or node.genesis.chain_id,
        protocol_version=protocol_version,
    )


def vote_request(node: SingleNode, sender: str, recipient: str | None = None) -> ExchangeRequest:
    ends = NodeId(sender), NodeId(recipient or node.node_id)
    message = VoteRequest(*ends, Term(50), Index(10), Term(10), transfer=True)
    return ExchangeRequest(consensus=ConsensusBatch(messages=[encode(message)]))


def refusal(node: SingleNode, *requests: ExchangeRequest) -> str:
    """The code a stream of these is closed with."""
    with pytest.raises(grpc.RpcError) as refused:
        list(PeerServiceStub(node.peer_channel).Exchange(iter(requests), timeout=10))
    return code_of(refused.value)


def term(node: SingleNode) -> int:
    status = OperatorServiceStub(node.channel).GetStatus(operator_service_pb2.GetStatusRequest())
    return status.term


def test_an_honest_stream_is_heard(node):
    greeting = ExchangeRequest(hello=hello(node))
    answers = PeerServiceStub(node.peer_channel).Exchange(
        iter([greeting, vote_request(node, HONEST)]), timeout=10
    )
    assert [answer.hello.node_id for answer in answers] == [node.node_id]
    assert term(node) == 50


def test_a_message_in_another_nodes_name_closes_the_stream_unheard(node):
    greeting = ExchangeRequest(hello=hello(node))
    assert refusal(node, greeting, vote_request(node, OTHER)) == "PEER_MISMATCH"
    assert term(node) < 50


def test_a_message_meant_for_another_node_closes_the_stream_unheard(node):
    greeting = ExchangeRequest(hello=hello(node))
    assert refusal(node, greeting, vote_request(node, HONEST, OTHER)) == "PEER_MISMATCH"
    assert term(node) < 50


def test_a_node_outside_the_consortium_is_not_greeted(node):
    assert refusal(node, ExchangeRequest(hello=hello(node, "nobody"))) == "PEER_UNKNOWN"


def test_a_node_does_not_greet_itself(node):
    assert refusal(node, ExchangeRequest(hello=hello(node, node.node_id))) == "PEER_UNKNOWN"


def test_a_peer_of_another_chain_is_not_greeted(node):
    greeting = ExchangeRequest(hello=hello(node, chain_id=bytes(32)))
    assert refusal(node, greeting) == "WRONG_CHAIN"


def test_another_protocol_version_is_not_greeted(node):
    greeting = ExchangeRequest(hello=hello(node, protocol_version=2))
    assert refusal(node, greeting) == "PEER_MISMATCH"


def test_a_stream_without_a_greeting_is_closed(node):
    assert refusal(node, vote_request(node, HONEST)) == "WRONG_CHAIN"


def test_a_batch_without_messages_is_malformed(node):
    greeting = ExchangeRequest(hello=hello(node))
    assert refusal(node, greeting, ExchangeRequest()) == "MALFORMED"


def test_a_consensus_message_that_says_nothing_is_malformed(node):
    empty = ExchangeRequest(consensus=ConsensusBatch(messages=[ConsensusMessage()]))
    assert refusal(node, ExchangeRequest(hello=hello(node)), empty) == "MALFORMED"


def test_forwarding_needs_a_greeting_too(node):
    with pytest.raises(grpc.RpcError) as refused:
        PeerServiceStub(node.peer_channel).ForwardTransactions(
            ForwardTransactionsRequest(hello=hello(node, "nobody"), transactions=[b"x"])
        )
    assert code_of(refused.value) == "PEER_UNKNOWN"


def test_forwarded_garbage_is_refused_by_its_position(node):
    answer = PeerServiceStub(node.peer_channel).ForwardTransactions(
        ForwardTransactionsRequest(hello=hello(node), transactions=[b"garbage"])
    )
    assert [(r.position, r.error.code) for r in answer.refusals] == [(0, "MALFORMED")]
