"""Changing and reading twins."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from datetime import datetime
from enum import Enum

from twinledger.client import building, operations
from twinledger.client.operations import Operation
from twinledger.client.reads import Reads
from twinledger.client.receipts import Receipt
from twinledger.client.session import Session, receipt_of
from twinledger.client.twin_records import Trace, Twin, TwinUpdate
from twinledger.client.values import Value
from twinledger.v1 import twin_service_pb2

_PAGE_SIZE = 500


class Direction(Enum):
    """Which way to follow relationships."""

    DOWNSTREAM = "downstream"
    UPSTREAM = "upstream"


_DIRECTIONS = {
    Direction.DOWNSTREAM: twin_service_pb2.DIRECTION_DOWNSTREAM,
    Direction.UPSTREAM: twin_service_pb2.DIRECTION_UPSTREAM,
}


class Twins:
    """A ledger's twins, as `ledger.twins`.

    Every change is a transaction of one operation: it returns the receipt once the change stands in
    a block, and raises LedgerError otherwise (`Rejected` when a block holds it without effect,
    `OutcomeUnknown` when the deadline passed first).
    """

    def __init__(self, session: Session, reads: Reads) -> None:
        self._session = session
        self._reads = reads

    async def create(
        self,
        twin_id: str,
        *,
        model: str = "",
        set: Mapping[str, Value] | None = None,  # noqa: A002 - reads as the operation does
        desired: Mapping[str, Value] | None = None,
        observed_at: datetime | int | None = None,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Creates a twin with its first properties, by path: reported in `set`, and `desired`."""
        changes = operations.changes_of(reported=set, desired=desired)
        operation = operations.create_twin(twin_id, changes, model=model, observed_at=observed_at)
        return await self._submit(operation, timeout_seconds)

    async def update(
        self,
        twin_id: str,
        *,
        set: Mapping[str, Value] | None = None,  # noqa: A002 - reads as the operation does
        delete: Iterable[str] = (),
        increment: Mapping[str, float] | None = None,
        desired: Mapping[str, Value] | None = None,
        expected_version: int | None = None,
        observed_at: datetime | int | None = None,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Changes properties, by path, in the order: `delete`, `set`, `increment`, `desired`.

        With `expected_version` it fails with VERSION_MISMATCH unless the twin has that version.
        Anything else, such as deleting a desired property, goes through `operations.update_twin`
        and `ledger.submit`.
        """
        changes = operations.changes_of(set, desired, delete, increment)
        operation = operations.update_twin(
            twin_id, changes, expected_version=expected_version, observed_at=observed_at
        )
        return await self._submit(operation, timeout_seconds)

    async def relate(
        self,
        source_id: str,
        name: str,
        target_id: str,
        *,
        expected_version: int | None = None,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Adds the relationship `name` from one twin to another."""
        operation = operations.relate(source_id, name, target_id, expected_version=expected_version)
        return await self._submit(operation, timeout_seconds)

    async def unrelate(
        self,
        source_id: str,
        name: str,
        target_id: str,
        *,
        expected_version: int | None = None,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Removes a relationship."""
        operation = operations.unrelate(
            source_id, name, target_id, expected_version=expected_version
        )
        return await self._submit(operation, timeout_seconds)

    async def retire(
        self,
        twin_id: str,
        *,
        successor: str = "",
        expected_version: int | None = None,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Ends a twin's life; `successor` names the twin that takes its place."""
        operation = operations.retire_twin(
            twin_id, successor=successor, expected_version=expected_version
        )
        return await self._submit(operation, timeout_seconds)

    async def get(self, twin_id: str, *, timeout_seconds: float | None = None) -> Twin:
        """Reads a twin, never older than this client's last receipt.

        What this identity may not read of it is left out, and the twin is `partial`.

        Raises:
            LedgerError: TWIN_NOT_FOUND.
        """
        return await self._reads.twin(twin_id, timeout_seconds)

    def list(
        self,
        *,
        prefix: str = "",
        owner: str = "",
        model: str = "",
        only_active: bool = False,
        after: str = "",
    ) -> AsyncGenerator[Twin, None]:
        """Twins in the order of their ids, without properties and relationships.

        Pages are read as they are needed, each as of its own height. Each twin is proven; that
        none was left out is the nodes' word.
        """
        request = building.request(
            twin_service_pb2.ListTwinsRequest,
            prefix=prefix,
            owner=owner,
            model=model,
            only_active=only_active,
            page_size=_PAGE_SIZE,
            after_id=after,
        )
        return self._reads.twins(request)

    def history(self, twin_id: str, *, after_version: int = 0) -> AsyncGenerator[TwinUpdate, None]:
        """A twin's updates, oldest first, up to the version it has when this is called, or later.

        Each is proven, and that none is missing; where this identity may not read all of an
        update, it is `withheld`.

        Raises:
            LedgerError: TWIN_NOT_FOUND.
        """
        request = building.request(
            twin_service_pb2.GetHistoryRequest,
            twin_id=twin_id,
            after_version=after_version,
            page_size=_PAGE_SIZE,
        )
        return self._reads.history(request)

    async def trace(
        self,
        twin_id: str,
        direction: Direction = Direction.DOWNSTREAM,
        *,
        max_depth: int = 10,
        names: Iterable[str] = (),
        max_twins: int = 10_000,
        timeout_seconds: float | None = None,
    ) -> Trace:
        """What lies down or up the relationships, following only `names` when any are given.

        Each twin and relationship is proven; that none was left out, and `truncated`, are the
        node's word.
        """
        request = building.request(
            twin_service_pb2.TraceRequest,
            twin_id=twin_id,
            direction=_DIRECTIONS[direction],
            max_depth=max_depth,
            names=names,
            max_twins=max_twins,
        )
        return await self._reads.trace(request, timeout_seconds)

    async def _submit(self, operation: Operation, timeout_seconds: float | None) -> Receipt:
        transaction = self._session.sign([operation])
        return receipt_of(await self._session.submit(transaction, timeout_seconds=timeout_seconds))
