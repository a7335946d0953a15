"""Puts a service on a server: parsing, errors and logging are the same for every call.

The generated registration would answer garbage bytes with gRPC's own INTERNAL. Here every call is
found through the service's descriptor, so that none can be left out: bytes that do not parse are
MALFORMED, a LedgerError leaves as google.rpc.Status, and anything else is a fault of this program,
logged with its traceback and told as INTERNAL.

To gRPC every call is one whose requests are a stream, and those of one request read one message of
it. gRPC would wait for that message before anybody is asked who calls, so a stranger could hold
calls open without a token, and a call without a message would never be answered.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import grpc
from google.protobuf import duration_pb2, message_factory
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from twinledger.client.certificates import to_der
from twinledger.ledger.catalogue import CATALOGUE
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.services.audiences import Audience, audience_of
from twinledger.node.services.door import Caller, Door
from twinledger.node.services.gate import Gate

ERROR_DOMAIN: Final = "twinledger"
MAX_DETAIL_BYTES: Final = 512
"""Of an error's detail. gRPC drops the code of an answer whose metadata exceed 8 KiB."""
_STATUS_KEY: Final = "grpc-status-details-bin"

logger = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
Parsed = Message | LedgerError


Told = Callable[[Context], tuple[Any, ...]]
"""What of a call's context a service's methods are told, beside the request."""


def nothing(_: Context) -> tuple[()]:
    """The request alone."""
    return ()


def certificate(context: Context) -> tuple[bytes | None]:
    """The certificate (DER) that the caller proved to hold; None when nothing is encrypted."""
    shown = next(iter(context.auth_context().get("x509_pem_cert", ())), None)
    return (None if shown is None else to_der(shown),)


def service_handler(
    service: ServiceDescriptor,
    implementation: object,
    gate: Gate,
    told: Told = nothing,
    door: Door | None = None,
) -> "grpc.GenericRpcHandler[Any, Any]":
    """Return the handler of a whole service.

    `implementation` has one coroutine (or async generator, when the response is a stream) for each
    method, named as the method in snake case; it takes the request, then what `told` returns, and
    the caller when the method itself judges what it tells. `door` lets callers in; None on the port
    of peers, who prove who they are by their certificates.
    """

    def handler(method: MethodDescriptor) -> "grpc.RpcMethodHandler[Any, Any]":
        call = getattr(implementation, _snake(method.name))
        return _method_handler(method, call, Entrance.of(method, gate, told, door))

    handlers = {method.name: handler(method) for method in service.methods}
    return grpc.method_handlers_generic_handler(service.full_name, handlers)


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


def _method_handler(
    method: MethodDescriptor, call: Callable[..., Any], entrance: "Entrance"
) -> "grpc.RpcMethodHandler[Any, Any]":
    request_class = message_factory.GetMessageClass(method.input_type)

    def parse(data: bytes) -> Parsed:
        try:
            return request_class.FromString(data)
        except DecodeError:
            return LedgerError(Code.MALFORMED, f"not a {method.input_type.name}")

    wrap = _answer_stream if method.server_streaming else _answer_one
    handler = (
        grpc.stream_stream_rpc_method_handler
        if method.server_streaming
        else grpc.stream_unary_rpc_method_handler
    )
    read = _each if method.client_streaming else _first
    return handler(
        wrap(method.name, call, entrance, read),
        request_deserializer=parse,
        response_serializer=lambda response: response.SerializeToString(),
    )


@dataclass(frozen=True, slots=True)
class Entrance:
    """What a call of one method passes before anything is done for it."""

    method: str
    gate: Gate
    told: Told
    door: Door | None
    audience: Audience | None

    @classmethod
    def of(cls, method: MethodDescriptor, gate: Gate, told: Told, door: Door | None) -> "Entrance":
        """The entrance of a method; behind a door every method has an audience."""
        name = f"/{method.containing_service.full_name}/{method.name}"
        return cls(name, gate, told, door, audience_of(method) if door else None)

    def enter(self, context: Context) -> Caller | None:
        """Find out who calls; None where there is no door."""
        if self.door is None or self.audience is None:
            return None
        metadata = context.invocation_metadata() or ()
        return self.door.enter(self.method, self.audience, metadata)

    def tells(self, context: Context, caller: Caller | None) -> tuple[Any, ...]:
        """What the method is told beside the request."""
        judged = (caller,) if caller and self.audience is Audience.JUDGED else ()
        return *self.told(context), *judged


Requests = AsyncIterator[Parsed]
Read = Callable[[Requests], Awaitable[Any]]
"""What of a call's messages its method is given."""


def _answer_one(
    name: str, call: Callable[..., Awaitable[Message]], entrance: "Entrance", read: Read
) -> Callable[..., Any]:
    async def answer(requests: Requests, context: Context) -> Message:
        try:
            with entrance.gate:
                caller = entrance.enter(context)
                return await call(await read(requests), *entrance.tells(context, caller))
        except LedgerError as error:
            await abort(context, error)
        except Exception:
            logger.exception("a call failed", extra={"call": name})
            await abort(context, LedgerError(Code.INTERNAL, f"{name} failed; see the node's log"))

    return answer


def _answer_stream(
    name: str, call: Callable[..., AsyncIterator[Message]], entrance: "Entrance", read: Read
) -> Callable[..., Any]:
    async def answer(requests: Requests, context: Context) -> AsyncIterator[Message]:
        try:
            with entrance.gate:
                caller = entrance.enter(context)
                request = await read(requests)
                async for response in call(request, *entrance.tells(context, caller)):
                    if caller is not None:
                        caller.look_again()
                    yield response
        except LedgerError as error:
            await abort(context, error)
        except grpc.aio.BaseError as error:
            # The client went away or this server is stopping: nobody is left to answer.
            logger.debug("a stream ended", extra={"call": name, "reason": repr(error)})
        except Exception:
            logger.exception("a call failed", extra={"call": name})
            await abort(context, LedgerError(Code.INTERNAL, f"{name} failed; see the node's log"))

    return answer


async def _first(requests: Requests) -> Message:
    async for request in requests:
        return _checked(request)
    raise LedgerError(Code.MALFORMED, "a call without a message")


async def _each(requests: Requests) -> AsyncIterator[Message]:
    return _checked_stream(requests)


async def _checked_stream(requests: Requests) -> AsyncIterator[Message]:
    async for request in requests:
        yield _checked(request)


def _checked(request: Parsed) -> Message:
    if isinstance(request, LedgerError):
        raise request
    return request


async def abort(context: Context, refused: LedgerError) -> NoReturn:
    """End a call with an error: code, sentence, next step, and when to try again."""
    error = LedgerError(refused.code, _shortened(refused.detail), refused.retry_after_us)
    entry = CATALOGUE[error.code]
    status = grpc.StatusCode[entry.status]
    details = status_pb2.Status(code=status.value[0], message=error.message)
    info = error_details_pb2.ErrorInfo(reason=error.code, domain=ERROR_DOMAIN)
    info.metadata["next_step"] = error.next_step
    info.metadata["detail"] = error.detail
    _attach(details, info)
    if error.retry_after_us:
        delay = duration_pb2.Duration()
        delay.FromMicroseconds(error.retry_after_us)
        _attach(details, error_details_pb2.RetryInfo(retry_delay=delay))
    if status is grpc.StatusCode.INVALID_ARGUMENT:
        violation = error_details_pb2.BadRequest.FieldViolation(description=error.message)
        _attach(details, error_details_pb2.BadRequest(field_violations=[violation]))
    await context.abort(status, error.message, ((_STATUS_KEY, details.SerializeToString()),))
    raise refused  # abort never returns; this tells the type checker


def _shortened(detail: str) -> str:
    """A detail that fits: it may repeat what a caller sent, of any length and in any script."""
    raw = detail.encode()
    if len(raw) <= MAX_DETAIL_BYTES:
        return detail
    return raw[:MAX_DETAIL_BYTES].decode(errors="ignore") + " [...]"


def _attach(details: status_pb2.Status, detail: Message) -> None:
    packed = AnyMessage()
    packed.Pack(detail)
    details.details.append(packed)
