"""Admitting, revoking and reading identities."""

from collections.abc import AsyncGenerator
from datetime import datetime

from twinledger.client import building, operations
from twinledger.client.consortium_records import IdentityRecord
from twinledger.client.operations import Operation
from twinledger.client.reads import Reads
from twinledger.client.receipts import Receipt
from twinledger.client.session import Session, receipt_of
from twinledger.ledger.operations import Role
from twinledger.v1 import consortium_service_pb2

_PAGE_SIZE = 500


class Identities:
    """A ledger's identities, as `ledger.identities`. Changing them takes an admin of the member."""

    def __init__(self, session: Session, reads: Reads) -> None:
        self._session = session
        self._reads = reads

    async def admit(
        self,
        identity: str,
        public_key: bytes,
        role: Role,
        *,
        valid_from: datetime | int = 0,
        valid_until: datetime | int = 0,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Admits an identity (member/name) with its Ed25519 public key, 32 bytes.

        It may sign from the block time `valid_from` on and until before `valid_until`; 0 sets no
        bound, and an admin has none.
        """
        operation = operations.admit_identity(identity, public_key, role, valid_from, valid_until)
        return await self._submit(operation, timeout_seconds)

    async def revoke(self, identity: str, *, timeout_seconds: float | None = None) -> Receipt:
        """Revokes an identity for ever; its name is never used again."""
        return await self._submit(operations.revoke_identity(identity), timeout_seconds)

    def list(self, *, member: str = "", after: str = "") -> AsyncGenerator[IdentityRecord, None]:
        """Identities in the order of their names, revoked ones too; pages are read as needed.

        Each is proven; that none was left out is the nodes' word.
        """
        request = building.request(
            consortium_service_pb2.ListIdentitiesRequest,
            member=member,
            page_size=_PAGE_SIZE,
            after_identity=after,
        )
        return self._reads.identities(request)

    async def _submit(self, operation: Operation, timeout_seconds: float | None) -> Receipt:
        transaction = self._session.sign([operation])
        return receipt_of(await self._session.submit(transaction, timeout_seconds=timeout_seconds))
