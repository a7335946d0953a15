"""Every RPC of a real node, thrown at with nonsense: what comes back, and what stays as it was.

The methods come from the service descriptors, so that a new one is fuzzed without being named. A
response is right, and an error with a code of the catalogue other than INTERNAL. Only messages over
the size limit never reach the node: gRPC turns them away itself.
"""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from grpc_status import rpc_status

from tests.integration.nonsense import Nonsense
from tests.integration.single_node import SingleNode, code_of
from tests.integration.test_strangers import METHODS
from tests.unit.ledger.wire import create, set_
from twinledger.client.channels import MESSAGE_BYTES_MAX
from twinledger.ledger.errors import Code
from twinledger.ledger.limits import Limits
from twinledger.node.transport import PROTOCOL_VERSION
from twinledger.storage.chain_store import MAX_SNAPSHOTS
from twinledger.v1 import ledger_service_pb2, operator_service_pb2, peer_service_pb2
from twinledger.v1.operation_pb2 import Operation
from twinledger.v1.operator_service_pb2_grpc import OperatorServiceStub

PEER_METHODS: Final = list(peer_service_pb2.DESCRIPTOR.services_by_name["PeerService"].methods)
ROUNDS: Final = 16
ROUNDS_FULL: Final = 400
PATIENCE_S: Final = 0.4
"""Some nonsense asks for heights that never come, and waits as long as the caller does."""
QUIET_S: Final = 60.0
ANSWERED, OUT_OF_TIME = "answered", "out of time"


@dataclass(frozen=True)
class Target:
    """A node, the channel by which it is thrown at, and what of it must not change."""

    node: SingleNode
    channel: Any

    def throw(
        self, method: MethodDescriptor, messages: Iterable[bytes], patience_s: float = PATIENCE_S
    ) -> str:
        """Send messages whether the method takes so many or not; what came back."""
        path = f"/{method.containing_service.full_name}/{method.name}"
        call: Any = self.channel.stream_stream(path, None, None)
        answers = call(iter(messages), timeout=patience_s)
        try:
            for count, _ in enumerate(answers):
                if count == 2:
                    answers.cancel()
                    break
        except grpc.RpcError as error:
            return outcome_of(error)
        return ANSWERED

    def digest(self) -> tuple[object, ...]:
        """The newest header with its roots: whatever changed would show in it."""
        chain = self.node.node.foundation.stores.chain
        return chain.applied_height, chain.header(chain.applied_height or 0)

    def waits(self) -> dict[str, int]:
        """What waits in the node: open calls, transactions, callers' waits."""
        return asyncio.run_coroutine_threadsafe(self._waits(), self.node.loop).result(QUIET_S)

    async def _waits(self) -> dict[str, int]:
        running = self.node.node
        return {
            "pool": len(running.parts.pool),
            "pool bytes": running.parts.pool.total_bytes,
            "submitters": len(running.parts.feed._waiters),
            "certified": len(running.parts.feed._certifiable),
            "reads": MAX_SNAPSHOTS - running.foundation.stores.chain._places._value,
        }


def outcome_of(error: grpc.RpcError) -> str:
    assert isinstance(error, grpc.Call)
    if error.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED):
        return OUT_OF_TIME
    if rpc_status.from_call(error) is None:
        return f"gRPC: {error.code().name}: {error.details()}"
    return code_of(error)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SingleNode]:
    limits = Limits(max_requests_per_s=1_000_000)
    with SingleNode(tmp_path_factory.mktemp("fuzzed"), limits=limits) as running:
        made = running.transaction(create("pump-1", set_("flow", 1)))
        assert running.outcome(made) == "COMMITTED"
        yield running


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SingleNode]:
    """One of three, of which the others never come up: who throws is one of them."""
    with SingleNode(tmp_path_factory.mktemp("peer"), peers=2) as running:
        yield running


def shots(nonsense: Nonsense, method: MethodDescriptor) -> Iterator[list[bytes]]:
    """Garbage, nonsense, nonsense bent, and too many messages or too few."""
    while True:
        raw = nonsense.message(method.input_type).SerializeToString()
        yield [nonsense.garbage()]
        yield [raw]
        yield [nonsense.bent(raw)]
        yield [raw, nonsense.garbage(), raw]
        yield []


def bombard(
    target: Target, methods: list[MethodDescriptor], rounds: int, seed: int
) -> Counter[str]:
    """Throw at all methods; what came back, how often."""
    known = (target.node.genesis.chain_id, target.node.key.public_key)
    told: Counter[str] = Counter()
    with ThreadPoolExecutor(8) as pool:
        for number, method in enumerate(methods):
            source = shots(Nonsense(seed * 1000 + number, known), method)
            thrown = [pool.submit(target.throw, method, next(source)) for _ in range(rounds)]
            for each in thrown:
                outcome = each.result()
                told[outcome] += 1
                assert right(outcome), f"{method.full_name}, seed {seed}: {outcome}"
    return told


def right(outcome: str) -> bool:
    """A code of the catalogue but not INTERNAL, an answer, or what gRPC says by itself."""
    if outcome in Code.__members__:
        return outcome != Code.INTERNAL
    return outcome in (ANSWERED, OUT_OF_TIME)


def test_a_call_without_a_message_is_answered(node: SingleNode) -> None:
    target = Target(node, node.channel)
    unary = [method for method in METHODS if not method.client_streaming]
    assert {target.throw(method, [], QUIET_S) for method in unary} == {"MALFORMED"}


def test_a_stranger_is_turned_away_before_its_message_is_waited_for(node: SingleNode) -> None:
    def never() -> Iterator[bytes]:
        answered.wait(QUIET_S)
        yield b""

    answered = threading.Event()
    target = Target(node, node.bare_channel)
    try:
        assert target.throw(METHODS[0], never(), QUIET_S) == "TOKEN_MISSING"
    finally:
        answered.set()


def until_quiet(target: Target) -> None:
    deadline = time.monotonic() + QUIET_S
    while any(target.waits().values()):
        assert time.monotonic() < deadline, f"these never end: {target.waits()}"
        time.sleep(0.05)


@pytest.mark.parametrize(
    "rounds", [ROUNDS, pytest.param(ROUNDS_FULL, marks=pytest.mark.full)], ids=["some", "many"]
)
def test_nonsense_from_a_client_earns_codes_and_changes_nothing(
    node: SingleNode, rounds: int
) -> None:
    target = Target(node, node.channel)
    before = target.digest()
    told = bombard(target, METHODS, rounds, seed=5)
    print(dict(told))
    assert told["MALFORMED"] > 0
    assert told[ANSWERED] > 0
    until_quiet(target)
    assert target.digest() == before
    node.take_writes()
    assert node.outcome(node.transaction(create(f"after-{rounds}"))) == "COMMITTED"


@pytest.mark.parametrize(
    "rounds", [ROUNDS, pytest.param(ROUNDS_FULL, marks=pytest.mark.full)], ids=["some", "many"]
)
def test_nonsense_from_a_peer_earns_codes_and_changes_nothing(
    peer: SingleNode, rounds: int
) -> None:
    target = Target(peer, peer.peer_channel)
    before = target.digest()
    told = bombard(target, PEER_METHODS, rounds, seed=7)
    print(dict(told))
    assert told["MALFORMED"] > 0
    until_quiet(target)
    assert target.digest() == before
    status = OperatorServiceStub(peer.channel)
    answer = status.GetStatus(operator_service_pb2.GetStatusRequest(), timeout=QUIET_S)
    assert answer.node_id == peer.node_id


def test_a_greeted_peer_that_talks_nonsense_is_hung_up_on_with_a_code(peer: SingleNode) -> None:
    target, (exchange, *_) = Target(peer, peer.peer_channel), PEER_METHODS
    other = next(name for name in peer.held if name != peer.node_id)
    hello = peer_service_pb2.PeerHello(
        node_id=other, chain_id=peer.genesis.chain_id, protocol_version=PROTOCOL_VERSION, boot=9
    )
    first = peer_service_pb2.ExchangeRequest(hello=hello).SerializeToString()
    before, told = target.digest(), Counter[str]()
    nonsense = Nonsense(11, (peer.genesis.chain_id,))
    for number in range(60):
        raw = nonsense.message(peer_service_pb2.ExchangeRequest.DESCRIPTOR).SerializeToString()
        bad = nonsense.bent(raw) if number % 2 else raw
        outcome = target.throw(exchange, [first, bad])
        assert right(outcome), outcome
        told[outcome] += 1
    print(dict(told))
    assert told["MALFORMED"] > 0
    assert target.digest() == before


def test_signed_nonsense_is_judged_by_codes_and_never_stops_the_node(node: SingleNode) -> None:
    node.take_writes()
    nonsense, told = Nonsense(13, (node.key.public_key,)), Counter[str]()
    chosen = random.Random(13)
    for _ in range(150):
        operations = [nonsense.message(Operation.DESCRIPTOR) for _ in range(chosen.choice((1, 2)))]
        outcome = node.outcome(node.transaction(*operations))  # type: ignore[arg-type]
        assert outcome == "COMMITTED" or (outcome in Code.__members__ and outcome != "INTERNAL")
        told[outcome] += 1
    print(dict(told))
    assert len(told) > 5
    assert node.outcome(node.transaction(create("after-all"))) == "COMMITTED"


def test_a_message_over_the_limit_is_turned_away_and_the_next_call_is_served(
    node: SingleNode,
) -> None:
    target = Target(node, node.channel)
    submit = next(method for method in METHODS if method.name == "Submit")
    path = f"/{submit.containing_service.full_name}/{submit.name}"
    call: Any = node.channel.unary_unary(path, None, None)
    before = target.digest()
    with pytest.raises(grpc.RpcError) as refused:
        call(bytes(MESSAGE_BYTES_MAX + 1), timeout=QUIET_S)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    head = ledger_service_pb2.GetHeadRequest()
    assert node.ledger.GetHead(head, timeout=QUIET_S).height == before[0]
    assert target.digest() == before
