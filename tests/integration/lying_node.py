"""A node that lies: it shows a real node's certificate and alters what that node answers."""

import random
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any, Self

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from tests.integration.single_node import SingleNode
from twinledger.client import Profile, TrustedNode
from twinledger.client.certificates import to_pem

Lie = Callable[[str, Message], Message]
"""What is answered in the place of a method's true answer."""


def honest(_method: str, answer: Message) -> Message:
    return answer


class LyingNode:
    """Stands before a real node, with its key, as its operator could."""

    def __init__(self, node: SingleNode, methods: list[MethodDescriptor]) -> None:
        self.node = node
        self.lie: Lie = honest
        self._pool = futures.ThreadPoolExecutor(max_workers=32)
        self._server = grpc.server(self._pool)
        services: dict[str, dict[str, Any]] = {}
        for method in methods:
            service = services.setdefault(method.containing_service.full_name, {})
            service[method.name] = self._handler(method)
        for name, handlers in services.items():
            handler = grpc.method_handlers_generic_handler(name, handlers)
            self._server.add_generic_rpc_handlers((handler,))
        shown = node.held[node.node_id]
        credentials = grpc.ssl_server_credentials([(shown.key, to_pem(shown.certificate))])
        port = self._server.add_secure_port("127.0.0.1:0", credentials)
        self.address = f"127.0.0.1:{port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(0).wait(30)
        self._pool.shutdown()

    @property
    def profile(self) -> Profile:
        """What a client trusts that thinks this is the node."""
        certificate = self.node.held[self.node.node_id].certificate
        node = TrustedNode(self.node.node_id, self.address, "127.0.0.1:1", (certificate,))
        return Profile(self.node.genesis.chain_id, (node,))

    def _handler(self, method: MethodDescriptor) -> Any:
        path = f"/{method.containing_service.full_name}/{method.name}"
        name = f"{method.containing_service.name}.{method.name}"
        answered = message_factory.GetMessageClass(method.output_type)
        shape = f"{_WORDS[method.client_streaming]}_{_WORDS[method.server_streaming]}"
        call = getattr(self.node.bare_channel, shape)(path)

        def told(raw: bytes) -> bytes:
            return self.lie(name, answered.FromString(raw)).SerializeToString()

        def one(request: Any, context: Any) -> bytes:
            try:
                return told(call(request, metadata=_passed(context), timeout=_left(context)))
            except grpc.RpcError as error:
                raise _refuse(context, error) from None

        def stream(request: Any, context: Any) -> Iterator[bytes]:
            answers = call(request, metadata=_passed(context))
            context.add_callback(answers.cancel)
            try:
                yield from map(told, answers)
            except grpc.RpcError as error:
                raise _refuse(context, error) from None

        serve = getattr(grpc, f"{shape}_rpc_method_handler")
        return serve(stream if method.server_streaming else one)


_WORDS = {False: "unary", True: "stream"}


def _passed(context: Any) -> list[tuple[str, Any]]:
    return [each for each in context.invocation_metadata() if each[0].startswith("twinledger")]


def _left(context: Any) -> float | None:
    left = context.time_remaining()
    return None if left is None else max(0.01, left)


def _refuse(context: Any, error: grpc.RpcError) -> grpc.RpcError:
    assert isinstance(error, grpc.Call)
    context.set_trailing_metadata(error.trailing_metadata() or ())
    context.abort(error.code(), error.details())
    return error


def altered(chance: random.Random, answer: Message) -> Message:
    """The answer with one of its fields changed, wherever in it; or an item dropped or doubled."""
    changed = type(answer).FromString(answer.SerializeToString())
    found = list(_places(changed))
    if found:
        holder, field, index = chance.choice(found)
        _change(chance, holder, field, index)
    return changed


Place = tuple[Message, FieldDescriptor, int | None]


def _places(message: Message) -> Iterator[Place]:
    for field, value in message.ListFields():
        repeated = isinstance(value, (list,)) or hasattr(value, "append") or hasattr(value, "add")
        for index, item in enumerate(value) if repeated else [(None, value)]:
            yield message, field, index
            if isinstance(item, Message):
                yield from _places(item)


def _change(
    chance: random.Random, holder: Message, field: FieldDescriptor, index: int | None
) -> None:
    values = getattr(holder, field.name)
    value = values if index is None else values[index]
    if isinstance(value, Message):
        if index is None:
            holder.ClearField(field.name)
        elif chance.random() < 0.5:
            del values[index]
        else:
            values.append(value)
        return
    lie = _other(chance, value)
    if index is None:
        setattr(holder, field.name, lie)
    else:
        values[index] = lie


def _other(chance: random.Random, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return max(0, value + chance.choice([-1, 1])) if value else 1
    if isinstance(value, float):
        return value + 1.0
    if isinstance(value, str):
        return value + "x" if chance.random() < 0.5 else value[:-1]
    place = chance.randrange(len(value) * 8) if value else 0
    raw = bytearray(value or b"\0")
    raw[place >> 3] ^= 1 << (place & 7)
    return bytes(raw)
