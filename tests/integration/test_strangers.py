"""Every method of every service of both ports, called by every kind of caller.

The methods come from the services that the node itself registered, so that a new one cannot be
forgotten. Each is called with an empty request; what counts is whether the door let the caller in.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.integration.rpcs import CLIENT_FILES, methods_of
from tests.integration.single_node import SingleNode, code_of
from tests.integration.test_peer_stream import hello
from tests.transport_keys import channel, credential
from tests.unit.ledger.wire import admit, revoke
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.names import IdentityName
from twinledger.ledger.read_token import METADATA_KEY, make_token
from twinledger.ledger.roles import Role
from twinledger.ledger.transaction import Signer
from twinledger.node.services.audiences import AUDIENCES, Audience
from twinledger.v1 import (
    peer_service_pb2,
    twin_service_pb2,
)
from twinledger.v1.read_token_pb2 import ReadToken

FILES = [*CLIENT_FILES, reflection_pb2.DESCRIPTOR]
METHODS = methods_of(FILES)
PEER_METHODS = methods_of([peer_service_pb2.DESCRIPTOR])
PATHS = {f"{m.containing_service.name}.{m.name}": m for m in METHODS}

Metadata = tuple[tuple[str, str | bytes], ...]
LET_IN = "let in"
MINUTE_US = 60_000_000


def now_us() -> int:
    return time.time_ns() // 1000


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SingleNode]:
    """One of three nodes, whose peer port is called."""
    with SingleNode(tmp_path_factory.mktemp("peer"), peers=2) as running:
        yield running


@dataclass(frozen=True)
class World:
    """A node, and a key of every kind."""

    node: SingleNode
    by_role: dict[Role, Signer]
    revoked: Signer

    def token(
        self,
        signer: Signer,
        path: str,
        *,
        identity: str | None = None,
        chain_id: bytes | None = None,
        node: str | None = None,
        at_us: int | None = None,
    ) -> bytes:
        return make_token(
            signer.key,
            identity or signer.identity,
            self.node.genesis.chain_id if chain_id is None else chain_id,
            node or self.node.node_id,
            path,
            at_us or now_us(),
        )

    def outcome(self, path: str, metadata: Metadata, seconds: float = 30) -> str:
        """LET_IN, or the code by which a call was turned away at the door."""
        call: Any = self.node.bare_channel.stream_stream(path, None, None)
        try:
            for _ in call(iter([b""]), metadata=metadata, timeout=seconds):
                return LET_IN
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:  # a stream that has no news yet
                return LET_IN
            code = code_of(error)
            return code if code in DOOR else LET_IN
        return LET_IN


DOOR = {"TOKEN_MISSING", "TOKEN_REFUSED", "TOKEN_EXPIRED", "IDENTITY_REVOKED", "ACCESS_DENIED"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with SingleNode(tmp_path_factory.mktemp("strangers"), peers=0) as node:
        by_role = {Role.ADMIN: node.admin}
        for role in (Role.OPERATOR, Role.DEVICE, Role.AUDITOR):
            name = IdentityName(f"utility/{role.name.lower()}")
            signer = by_role[role] = Signer(name, SigningKey.generate())
            raw = node.transaction(admit(name, signer.key.public_key, role))
            assert node.outcome(raw) == "COMMITTED"
        gone = Signer(IdentityName("utility/gone"), SigningKey.generate())
        made = [admit(gone.identity, gone.key.public_key, Role.ADMIN), revoke(gone.identity)]
        assert node.outcome(node.transaction(*made)) == "COMMITTED"
        yield World(node, by_role, gone)


def no_token(_world: World, _path: str) -> Metadata:
    return ()


def two_tokens(world: World, path: str) -> Metadata:
    token = world.token(world.node.admin, path)
    return ((METADATA_KEY, token), (METADATA_KEY, token))


def one(make: Callable[[World, str], bytes]) -> Callable[[World, str], Metadata]:
    return lambda world, path: ((METADATA_KEY, make(world, path)),)


def altered(world: World, path: str) -> bytes:
    token = ReadToken.FromString(world.token(world.node.admin, path))
    signature = bytes([token.signature[0] ^ 1]) + token.signature[1:]
    return ReadToken(body=token.body, signature=signature).SerializeToString()


OTHER = SigningKey.generate()

CALLERS: dict[str, tuple[Callable[[World, str], Metadata], str]] = {
    "no token": (no_token, "TOKEN_MISSING"),
    "garbage": (one(lambda _world, _path: b"\xff" * 40), "TOKEN_REFUSED"),
    "an empty token": (one(lambda _world, _path: b""), "TOKEN_REFUSED"),
    "a huge token": (one(lambda _world, _path: b"\x0a\x02hi" * 400), "TOKEN_REFUSED"),
    "two tokens": (two_tokens, "TOKEN_REFUSED"),
    "an altered signature": (one(altered), "TOKEN_REFUSED"),
    "an unknown identity": (
        one(lambda w, path: w.token(Signer(IdentityName("utility/nobody"), OTHER), path)),
        "TOKEN_REFUSED",
    ),
    "an identity of another's name": (
        one(lambda w, path: w.token(Signer(w.node.admin.identity, OTHER), path)),
        "TOKEN_REFUSED",
    ),
    "a revoked identity": (
        one(lambda w, path: w.token(w.revoked, path)),
        "IDENTITY_REVOKED",
    ),
    "another chain": (
        one(lambda w, path: w.token(w.node.admin, path, chain_id=b"o" * 32)),
        "TOKEN_REFUSED",
    ),
    "another node": (
        one(lambda w, path: w.token(w.node.admin, path, node="maker-1")),
        "TOKEN_REFUSED",
    ),
    "another method": (
        one(lambda w, path: w.token(w.node.admin, path + "s")),
        "TOKEN_REFUSED",
    ),
    "an expired token": (
        one(lambda w, path: w.token(w.node.admin, path, at_us=now_us() - MINUTE_US - 1_000_000)),
        "TOKEN_EXPIRED",
    ),
    "a token of the future": (
        one(lambda w, path: w.token(w.node.admin, path, at_us=now_us() + 20_000_000)),
        "TOKEN_EXPIRED",
    ),
}

MEANT: dict[Audience, set[Role]] = {
    Audience.IDENTITIES: set(Role),
    Audience.JUDGED: set(Role),
    Audience.STAFF: {Role.ADMIN, Role.OPERATOR, Role.AUDITOR},
    Audience.LEDGER_READERS: {Role.ADMIN, Role.AUDITOR},
    Audience.KEEPERS: {Role.ADMIN, Role.OPERATOR},
}


def test_the_table_names_every_method_that_there_is():
    assert set(AUDIENCES) == set(PATHS)


def test_every_service_of_the_client_port_is_walked(world: World):
    walked = {service.full_name for file in FILES for service in file.services_by_name.values()}
    health = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
    stub = reflection_pb2_grpc.ServerReflectionStub(world.node.channel)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = stub.ServerReflectionInfo(iter([asked]), timeout=60)
    served = {service.name for service in answer.list_services_response.service}
    assert served == walked | {health}


def test_every_method_tells_only_whom_it_is_meant_for(world: World, peer: SingleNode):
    """Walks all methods of both ports by all kinds of callers, and prints the table (pytest -s)."""
    wanted = {**wanted_of_clients(), **wanted_of_peers()}
    told = {name: told_by(world, method) for name, method in PATHS.items()}
    for method in PEER_METHODS:
        told[f"PeerService.{method.name}"] = {
            kind: call_peer(peer, method, kind) for kind in PEER_CALLERS
        }
    print_table({name: told[name] for name in PATHS})
    print_table({name: told[name] for name in told if name not in PATHS})
    assert told == wanted


def told_by(world: World, method: MethodDescriptor) -> dict[str, str]:
    path = f"/{method.containing_service.full_name}/{method.name}"
    strangers = {
        kind: world.outcome(path, make(world, path)) for kind, (make, _) in CALLERS.items()
    }
    # A watch that lets its caller in says nothing until there is news.
    seconds = 1 if method.name == "Watch" else 30
    roles = {
        role.name.lower(): world.outcome(
            path, ((METADATA_KEY, world.token(signer, path)),), seconds
        )
        for role, signer in world.by_role.items()
    }
    return strangers | roles


def wanted_of_clients() -> dict[str, dict[str, str]]:
    refused = {kind: code for kind, (_, code) in CALLERS.items()}
    return {
        name: refused
        | {
            role.name.lower(): LET_IN if role in MEANT[AUDIENCES[name]] else "ACCESS_DENIED"
            for role in Role
        }
        for name in PATHS
    }


def wanted_of_peers() -> dict[str, dict[str, str]]:
    return {f"PeerService.{method.name}": PEER_CALLERS for method in PEER_METHODS}


def print_table(told: dict[str, dict[str, str]]) -> None:
    """A row for each method; what most of the callers of a column are told is said in its head."""
    rows = {
        name: [short(outcome) for outcome in by_kind.values()] for name, by_kind in told.items()
    }
    heads = list(next(iter(told.values())))
    width = max(map(len, rows))
    print()
    for number, head in enumerate(heads):
        print(f"{' ' * width} {'|  ' * number}{head}")
    for name, row in rows.items():
        print(f"{name:{width}} {' '.join(f'{cell:2}' for cell in row)}")
    print("+ let in; TM, TR, TE token missing, refused, expired; IR revoked; AD access denied;")
    print("NC no connection; PU, PC peer unknown, another's certificate")


def short(outcome: str) -> str:
    return "+" if outcome == LET_IN else "".join(word[0] for word in outcome.split("_"))


PEER_CALLERS = {
    "no certificate": "NO_CONNECTION",
    "a certificate that no record names": "NO_CONNECTION",
    "another member's certificate, in this node's name": "PEER_UNKNOWN",
    "another member's certificate, in a third one's name": "PEER_CERTIFICATE",
    "a member's node": LET_IN,
}


def call_peer(peer: SingleNode, method: MethodDescriptor, kind: str) -> str:
    """What a call at the peer port earns, with a greeting and otherwise an empty request."""
    honest, third = (name for name in peer.held if name != peer.node_id)
    own = {"no certificate": None, "a certificate that no record names": credential(honest)}
    claimed = {
        "another member's certificate, in this node's name": peer.node_id,
        "another member's certificate, in a third one's name": third,
    }
    greeting = hello(peer, claimed.get(kind, honest))
    request = message_factory.GetMessageClass(method.input_type)()
    request.hello.CopyFrom(greeting)  # type: ignore[attr-defined]
    shown = peer.held[peer.node_id].certificate
    path = f"/{method.containing_service.full_name}/{method.name}"
    with channel(peer.peer_address, shown, own.get(kind, peer.held[honest])) as opened:
        call: Any = opened.stream_stream(path, None, None)
        try:
            for _ in call(iter([request.SerializeToString()]), timeout=30):
                return LET_IN
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                return "NO_CONNECTION"
            code = code_of(error)
            return code if code.startswith("PEER_") else LET_IN
        return LET_IN


def test_health_answers_anyone(world: World):
    health = health_pb2_grpc.HealthStub(world.node.bare_channel)
    answer = health.Check(health_pb2.HealthCheckRequest(), timeout=60)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_only_the_call_that_tells_the_chain_is_open_to_who_does_not_know_it(world: World):
    for method in METHODS:
        path = f"/{method.containing_service.full_name}/{method.name}"
        token = world.token(world.node.admin, path, chain_id=b"")
        wanted = LET_IN if method.name == "GetConsortium" else "TOKEN_REFUSED"
        assert world.outcome(path, ((METADATA_KEY, token),)) == wanted


def test_a_stream_ends_when_its_caller_is_revoked(world: World):
    world.node.take_writes()
    watcher = Signer(IdentityName("utility/watcher"), SigningKey.generate())
    raw = world.node.transaction(admit(watcher.identity, watcher.key.public_key, Role.DEVICE))
    assert world.node.outcome(raw) == "COMMITTED"
    path = "/twinledger.v1.TwinService/Watch"
    call: Any = world.node.bare_channel.unary_stream(path, None, None)
    everything = twin_service_pb2.WatchRequest(after=twin_service_pb2.Cursor()).SerializeToString()
    token = world.token(watcher, path)
    stream = call(everything, metadata=((METADATA_KEY, token),), timeout=60)
    next(stream)  # it is open
    assert world.node.outcome(world.node.transaction(revoke(watcher.identity))) == "COMMITTED"
    with pytest.raises(grpc.RpcError) as ended:
        list(stream)
    assert code_of(ended.value) == "IDENTITY_REVOKED"
