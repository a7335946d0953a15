"""TwinService: twins, their history, their neighbourhood, and every update as it happens."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from twinledger.ledger import names
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import TwinId
from twinledger.node.feed import Feed
from twinledger.node.services.access_answers import explained, policy_of
from twinledger.node.services.door import Caller
from twinledger.node.services.paging import page_size
from twinledger.node.services.rendering import twin_message
from twinledger.node.services.sight import Sight
from twinledger.node.services.tracing import traced
from twinledger.node.updates import Updates
from twinledger.storage import ChainReader, ChainStore
from twinledger.twins.reading import properties, relationships
from twinledger.twins.records import Twin
from twinledger.twins.state_keys import TWINS
from twinledger.v1 import twin_service_pb2 as pb

_MAX_WATCHED: Final = 1_000
_LIST_SCAN: Final = 10_000
"""Twins looked at for one page: a filter that matches few must not hold up the node."""
_LIST_AT_ONCE: Final = 200
"""Twins looked at in one turn of the event loop."""


@dataclass(slots=True)
class TwinService:
    """The implementation; every method serves the rpc of its name."""

    chain: ChainStore
    updates: Updates
    feed: Feed[Any]

    async def get_twin(self, request: pb.GetTwinRequest, caller: Caller) -> pb.GetTwinResponse:
        """Return one twin with its properties and relationships."""
        await self.feed.reached(request.min_height)
        with self.chain.snapshot() as state:
            sight = Sight.of(caller, state)
            twin = sight.load(names.twin_id(request.twin_id))
            return pb.GetTwinResponse(twin=_seen(sight, twin), height=state.applied_height or 0)

    async def list_twins(
        self, request: pb.ListTwinsRequest, caller: Caller
    ) -> pb.ListTwinsResponse:
        """Return a page of twins."""
        size = page_size(request.page_size)
        with self.chain.snapshot() as state:
            rest = _twins(state, request.prefix, request.after_id)
            found, next_after_id = await _page(rest, request, size, Sight.of(caller, state))
            return pb.ListTwinsResponse(
                twins=[twin_message(twin) for twin in found],
                next_after_id=next_after_id,
                height=state.applied_height or 0,
            )

    async def get_history(
        self, request: pb.GetHistoryRequest, caller: Caller
    ) -> pb.GetHistoryResponse:
        """Return a page of a twin's updates."""
        size = page_size(request.page_size)
        with self.chain.snapshot() as state:
            sight = Sight.of(caller, state)
            twin = sight.load(names.twin_id(request.twin_id))
            updates = self.updates.history(state, twin.twin_id, request.after_version, size)
            return pb.GetHistoryResponse(
                updates=[sight.update(update) for update in updates],
                current_version=twin.version,
                height=state.applied_height or 0,
            )

    async def trace(self, request: pb.TraceRequest, caller: Caller) -> pb.TraceResponse:
        """Return what lies up or down the relationships."""
        # In a thread: thousands of twins may be read, and networkx is imported on first use.
        return await asyncio.to_thread(traced, self.chain, request, caller)

    async def watch(
        self, request: pb.WatchRequest, caller: Caller
    ) -> AsyncIterator[pb.WatchResponse]:
        """Return every update from a cursor on."""
        if len(request.twin_ids) > _MAX_WATCHED:
            raise LedgerError(Code.BAD_REQUEST, f"at most {_MAX_WATCHED} twins; use a prefix")
        wanted = _wanted(request)
        height, index = self._start(request)
        while True:
            await self.feed.reached(height)
            updates, cursor = self.updates.of_block(height, after_index=index)
            asked = [update for update in updates if wanted(update.twin_id)]
            yield pb.WatchResponse(updates=self._shown(asked, caller), cursor=cursor)
            height, index = height + 1, -1

    def _shown(self, updates: Sequence[pb.TwinUpdate], caller: Caller) -> list[pb.TwinUpdate]:
        """Return what the caller may read of updates, by the rules that hold now."""
        with self.chain.snapshot() as state:
            sight = Sight.of(caller, state)
            told = [
                sight.update(update)
                for update in updates
                if sight.whole or sight.knows(TwinId(update.twin_id))
            ]
        return [update for update in told if update.HasField("operation")]

    async def get_access(
        self, request: pb.GetAccessRequest, caller: Caller
    ) -> pb.GetAccessResponse:
        """Return a twin's policy."""
        with self.chain.snapshot() as state:
            return policy_of(Sight.of(caller, state), request)

    async def explain_access(
        self, request: pb.ExplainAccessRequest, caller: Caller
    ) -> pb.ExplainAccessResponse:
        """Return which rule decides what an identity may do."""
        with self.chain.snapshot() as state:
            return explained(Sight.of(caller, state), request)

    def _start(self, request: pb.WatchRequest) -> tuple[int, int]:
        if not request.HasField("after"):
            return self.feed.height + 1, -1
        if request.after.height > self.feed.height:
            raise LedgerError(Code.HEIGHT_NOT_REACHED, f"the newest height is {self.feed.height}")
        return request.after.height, request.after.index


def _seen(sight: Sight, twin: Twin) -> pb.Twin:
    every = properties(sight.state, twin.twin_id)
    edges = relationships(sight.state, twin.twin_id)
    seen, related = sight.properties(twin, every), sight.relationships(twin.twin_id, edges)
    message = twin_message(twin, seen, related)
    message.partial = len(seen) + len(related) < len(every) + len(edges)
    return message


def _twins(state: ChainReader, prefix: str, after: str) -> Iterator[Twin]:
    for key, raw in state.scan_after(TWINS + prefix.encode(), TWINS + after.encode()):
        yield Twin.decode(TwinId(key[len(TWINS) :].decode()), raw)


async def _page(
    twins_after: Iterable[Twin], request: pb.ListTwinsRequest, size: int, sight: Sight
) -> tuple[list[Twin], str]:
    """Return a page and where the next begins; the page may be short when few twins match.

    The next begins after a twin that the caller may know of. Where there is none, looking goes on
    past the bound: a place among hidden twins could only be told by the id of one.
    """
    found, last = list[Twin](), ""
    for looked_at, twin in enumerate(twins_after):
        if last and (len(found) == size or looked_at >= _LIST_SCAN):
            return found, last
        if looked_at % _LIST_AT_ONCE == _LIST_AT_ONCE - 1:
            await asyncio.sleep(0)
        if sight.shows(twin):
            last = twin.twin_id
            if _matches(twin, request):
                found.append(twin)
    return found, ""


def _matches(twin: Twin, request: pb.ListTwinsRequest) -> bool:
    return (
        (not request.owner or twin.owner == request.owner)
        and (not request.model or twin.model == request.model)
        and not (request.only_active and twin.retired)
    )


def _wanted(request: pb.WatchRequest) -> Any:
    twin_ids, prefix = frozenset(request.twin_ids), request.prefix
    if twin_ids:
        return lambda twin_id: twin_id in twin_ids or bool(prefix and twin_id.startswith(prefix))
    return lambda twin_id: twin_id.startswith(prefix)
