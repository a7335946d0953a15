"""The HTTP side: who asks, what is answered, and how a refusal is said.

Whoever asks shows a read token made for ``METHOD``, as ``Authorization: Bearer`` and base64url. It
passes the same door as every call; a stranger is told nothing, not even which paths there are.
"""

import asyncio
import binascii
import logging
from base64 import urlsafe_b64decode
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from twinledger.ledger.catalogue import CATALOGUE
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.read_token import METADATA_KEY, TILES_METHOD, TOKEN_BYTES_MAX
from twinledger.node.services.audiences import AUDIENCES
from twinledger.node.services.door import Door
from twinledger.node.services.gate import Gate
from twinledger.node.tiles.answers import Answer, Tiles

MAX_REQUESTS: Final = 32
"""Answers being made at once; more are told when to come back."""
_AUDIENCE: Final = AUDIENCES["LedgerService.GetBlock"]
"""The tree's entries are the headers of blocks: whoever may read those may read this."""
_SCHEME: Final = "bearer "
_HEADER_MAX: Final = len(_SCHEME) + 4 * (TOKEN_BYTES_MAX // 3 + 1)

_STATUSES: Final = {
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 503,
    "UNAVAILABLE": 503,
    "FAILED_PRECONDITION": 503,
}
"""By the gRPC status a code travels under elsewhere; others are faults of the node."""

logger = logging.getLogger(__name__)


def application(tiles: Tiles, door: Door, gate: Gate | None = None) -> Starlette:
    """Return the application; every path is behind the door."""
    places = gate or Gate(MAX_REQUESTS)

    async def answer(request: Request) -> Response:
        try:
            with places:
                door.enter(TILES_METHOD, _AUDIENCE, _token(request))
                found = await asyncio.to_thread(tiles.answer, request.path_params["path"])
        except LedgerError as error:
            return _refusal(error)
        except Exception:
            logger.exception("a tile could not be served", extra={"path": request.url.path})
            return _refusal(LedgerError(Code.INTERNAL, "see the node's log"))
        return _response(found)

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET"])])


def _token(request: Request) -> list[tuple[str, bytes]]:
    """The token of a request, as the door looks for it."""
    shown = request.headers.getlist("authorization")
    if not shown:
        return []
    text = shown[0]
    if len(shown) > 1 or len(text) > _HEADER_MAX or not text.lower().startswith(_SCHEME):
        raise LedgerError(Code.TOKEN_REFUSED, "it is not one bearer token")
    raw = text[len(_SCHEME) :].strip().rstrip("=")
    try:
        return [(METADATA_KEY, urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))]
    except (binascii.Error, ValueError):
        raise LedgerError(Code.TOKEN_REFUSED, "it is not base64url") from None


def _response(found: Answer) -> Response:
    """Immutable for who was let in; a cache that others share must not keep it."""
    kept = "private, max-age=31536000, immutable" if found.immutable else "private, no-cache"
    headers = {"Cache-Control": kept, "Content-Type": found.media_type}
    return Response(found.content, headers=headers)


def _refusal(error: LedgerError) -> Response:
    """A refusal by its code, its sentence and the next step, a line each."""
    status = 429 if error.code is Code.RATE_LIMITED else _STATUSES.get(_status_of(error), 500)
    if error.code is Code.NOT_CERTIFIED:
        status = 404
    headers = {"Cache-Control": "no-store"}
    if status == 401:  # noqa: PLR2004 - HTTP's own number
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after_us:
        headers["Retry-After"] = str(-(-error.retry_after_us // 1_000_000))
    text = f"{error.code}\n{error.message}\n{error.next_step}\n"
    return Response(text, status, headers, "text/plain; charset=utf-8")


def _status_of(error: LedgerError) -> str:
    return CATALOGUE[error.code].status
