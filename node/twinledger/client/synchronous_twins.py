"""`Twins` and `Identities`, blocking. Every method runs its namesake; a test holds them equal."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from twinledger.client.consortium_records import IdentityRecord
from twinledger.client.identities import Identities
from twinledger.client.loop_thread import LoopThread
from twinledger.client.receipts import Receipt
from twinledger.client.twin_records import Trace, Twin, TwinUpdate
from twinledger.client.twins import Direction, Twins
from twinledger.client.values import Value
from twinledger.ledger.operations import Role


class SyncTwins:
    """A ledger's twins, as `ledger.twins`; see `Twins`."""

    def __init__(self, twins: Twins, thread: LoopThread) -> None:
        self._twins = twins
        self._thread = thread

    def create(
        self,
        twin_id: str,
        *,
        model: str = "",
        set: Mapping[str, Value] | None = None,  # noqa: A002 - as Twins
        desired: Mapping[str, Value] | None = None,
        observed_at: datetime | int | None = None,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Creates a twin; see `Twins.create`."""
        return self._thread.run(
            self._twins.create(
                twin_id,
                model=model,
                set=set,
                desired=desired,
                observed_at=observed_at,
                timeout_seconds=timeout_seconds,
            )
        )

    def update(
        self,
        twin_id: str,
        *,
        set: Mapping[str, Value] | None = None,  # noqa: A002 - as Twins
        delete: Iterable[str] = (),
        increment: Mapping[str, float] | None = None,
        desired: Mapping[str, Value] | None = None,
        expected_version: int | None = None,
        observed_at: datetime | int | None = None,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Changes properties; see `Twins.update`."""
        return self._thread.run(
            self._twins.update(
                twin_id,
                set=set,
                delete=delete,
                increment=increment,
                desired=desired,
                expected_version=expected_version,
                observed_at=observed_at,
                timeout_seconds=timeout_seconds,
            )
        )

    def relate(
        self,
        source_id: str,
        name: str,
        target_id: str,
        *,
        expected_version: int | None = None,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Adds a relationship; see `Twins.relate`."""
        return self._thread.run(
            self._twins.relate(
                source_id,
                name,
                target_id,
                expected_version=expected_version,
                timeout_seconds=timeout_seconds,
            )
        )

    def unrelate(
        self,
        source_id: str,
        name: str,
        target_id: str,
        *,
        expected_version: int | None = None,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Removes a relationship; see `Twins.unrelate`."""
        return self._thread.run(
            self._twins.unrelate(
                source_id,
                name,
                target_id,
                expected_version=expected_version,
                timeout_seconds=timeout_seconds,
            )
        )

    def retire(
        self,
        twin_id: str,
        *,
        successor: str = "",
        expected_version: int | None = None,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Ends a twin's life; see `Twins.retire`."""
        return self._thread.run(
            self._twins.retire(
                twin_id,
                successor=successor,
                expected_version=expected_version,
                timeout_seconds=timeout_seconds,
            )
        )

    def get(self, twin_id: str, *, timeout_seconds: float | None = None) -> Twin:
        """Reads a twin; see `Twins.get`."""
        return self._thread.run(self._twins.get(twin_id, timeout_seconds=timeout_seconds))

    def list(
        self,
        *,
        prefix: str = "",
        owner: str = "",
        model: str = "",
        only_active: bool = False,
        after: str = "",
    ) -> Iterator[Twin]:
        """Twins in the order of their ids; see `Twins.list`."""
        return self._thread.iterate(
            self._twins.list(
                prefix=prefix, owner=owner, model=model, only_active=only_active, after=after
            )
        )

    def history(self, twin_id: str, *, after_version: int = 0) -> Iterator[TwinUpdate]:
        """A twin's updates, oldest first; see `Twins.history`."""
        return self._thread.iterate(self._twins.history(twin_id, after_version=after_version))

    def trace(
        self,
        twin_id: str,
        direction: Direction = Direction.DOWNSTREAM,
        *,
        max_depth: int = 10,
        names: Iterable[str] = (),
        max_twins: int = 10_000,
        timeout_seconds: float | None = None,
    ) -> Trace:
        """What lies down or up the relationships; see `Twins.trace`."""
        return self._thread.run(
            self._twins.trace(
                twin_id,
                direction,
                max_depth=max_depth,
                names=names,
                max_twins=max_twins,
                timeout_seconds=timeout_seconds,
            )
        )


class SyncIdentities:
    """A ledger's identities, as `ledger.identities`; see `Identities`."""

    def __init__(self, identities: Identities, thread: LoopThread) -> None:
        self._identities = identities
        self._thread = thread

    def admit(
        self,
        identity: str,
        public_key: bytes,
        role: Role,
        *,
        valid_from: datetime | int = 0,
        valid_until: datetime | int = 0,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Admits an identity; see `Identities.admit`."""
        return self._thread.run(
            self._identities.admit(
                identity,
                public_key,
                role,
                valid_from=valid_from,
                valid_until=valid_until,
                timeout_seconds=timeout_seconds,
            )
        )

    def revoke(self, identity: str, *, timeout_seconds: float | None = None) -> Receipt:
        """Revokes an identity for ever; see `Identities.revoke`."""
        return self._thread.run(self._identities.revoke(identity, timeout_seconds=timeout_seconds))

    def list(self, *, member: str = "", after: str = "") -> Iterator[IdentityRecord]:
        """Identities in the order of their names; see `Identities.list`."""
        return self._thread.iterate(self._identities.list(member=member, after=after))
