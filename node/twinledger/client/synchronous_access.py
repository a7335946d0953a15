"""`Access`, blocking. Every method runs its namesake; a test holds them equal."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from twinledger.client.access import Access
from twinledger.client.access_records import Explanation, TwinPolicy
from twinledger.client.identity import Identity
from twinledger.client.loop_thread import LoopThread
from twinledger.client.receipts import Receipt
from twinledger.ledger.access import Effect, Permission


class SyncAccess:
    """The policies of a ledger's twins, as `ledger.access`; see `Access`."""

    def __init__(self, access: Access, thread: LoopThread) -> None:
        self._access = access
        self._thread = thread

    def grant(
        self,
        twin_id: str,
        subject: str,
        permissions: Iterable[Permission],
        *,
        path: str = "",
        expires_at: datetime | int | None = None,
        expected_version: int | None = None,
        authors: Sequence[Identity] = (),
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Gives permissions; see `Access.grant`."""
        return self._thread.run(
            self._access.grant(
                twin_id,
                subject,
                permissions,
                path=path,
                expires_at=expires_at,
                expected_version=expected_version,
                authors=authors,
                timeout_seconds=timeout_seconds,
            )
        )

    def revoke(
        self,
        twin_id: str,
        subject: str,
        permissions: Iterable[Permission],
        *,
        path: str = "",
        expires_at: datetime | int | None = None,
        expected_version: int | None = None,
        authors: Sequence[Identity] = (),
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Takes permissions away; see `Access.revoke`."""
        return self._thread.run(
            self._access.revoke(
                twin_id,
                subject,
                permissions,
                path=path,
                expires_at=expires_at,
                expected_version=expected_version,
                authors=authors,
                timeout_seconds=timeout_seconds,
            )
        )

    def drop(
        self,
        twin_id: str,
        subject: str,
        *,
        path: str = "",
        effect: Effect = Effect.GRANT,
        expected_version: int | None = None,
        authors: Sequence[Identity] = (),
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Takes a rule out of the policy; see `Access.drop`."""
        return self._thread.run(
            self._access.drop(
                twin_id,
                subject,
                path=path,
                effect=effect,
                expected_version=expected_version,
                authors=authors,
                timeout_seconds=timeout_seconds,
            )
        )

    def sign_off(
        self,
        twin_id: str,
        required: int,
        parties: Sequence[str],
        permissions: Iterable[Permission],
        *,
        path: str = "",
        expires_at: datetime | int | None = None,
        expected_version: int | None = None,
        authors: Sequence[Identity] = (),
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Demands several signatures; see `Access.sign_off`."""
        return self._thread.run(
            self._access.sign_off(
                twin_id,
                required,
                parties,
                permissions,
                path=path,
                expires_at=expires_at,
                expected_version=expected_version,
                authors=authors,
                timeout_seconds=timeout_seconds,
            )
        )

    def lift(
        self,
        twin_id: str,
        *,
        path: str = "",
        expected_version: int | None = None,
        authors: Sequence[Identity] = (),
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Lifts a sign-off; see `Access.lift`."""
        return self._thread.run(
            self._access.lift(
                twin_id,
                path=path,
                expected_version=expected_version,
                authors=authors,
                timeout_seconds=timeout_seconds,
            )
        )

    def transfer(
        self,
        twin_id: str,
        new_owner: str,
        *,
        expected_version: int | None = None,
        authors: Sequence[Identity] = (),
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Hands a twin over; see `Access.transfer`."""
        return self._thread.run(
            self._access.transfer(
                twin_id,
                new_owner,
                expected_version=expected_version,
                authors=authors,
                timeout_seconds=timeout_seconds,
            )
        )

    def policy(
        self,
        twin_id: str,
        *,
        timeout_seconds: float | None = None,
    ) -> TwinPolicy:
        """Reads a twin's policy; see `Access.policy`."""
        return self._thread.run(
            self._access.policy(
                twin_id,
                timeout_seconds=timeout_seconds,
            )
        )

    def explain(
        self,
        twin_id: str,
        path: str = "",
        *,
        identity: str = "",
        timeout_seconds: float | None = None,
    ) -> Explanation:
        """What an identity may do, and why; see `Access.explain`."""
        return self._thread.run(
            self._access.explain(
                twin_id,
                path,
                identity=identity,
                timeout_seconds=timeout_seconds,
            )
        )
