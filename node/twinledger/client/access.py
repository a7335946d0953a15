"""Who may do what to a twin, and whose it is: changing that, reading it, asking why."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from twinledger.client import access_operations as build
from twinledger.client.access_records import Explanation, TwinPolicy
from twinledger.client.identity import Identity
from twinledger.client.operations import Operation
from twinledger.client.reads import Reads
from twinledger.client.receipts import Receipt
from twinledger.client.session import Session, receipt_of
from twinledger.ledger.access import Effect, Permission


class Access:
    """The policies of a ledger's twins, as `ledger.access`.

    A path is empty for the whole twin, or `reported/motor`, `desired`, `relationship/feeds/tank-1`;
    a subject is `everyone`, `everyone:ROLE`, `member:NAME`, `member:NAME:ROLE` or
    `identity:MEMBER/NAME`. Every change is a transaction of one operation and takes an author who
    administers the path; where a sign-off guards it, `authors` names all who sign. It raises
    LedgerError: `Rejected` with ACCESS_DENIED or SIGN_OFF_MISSING among others.
    """

    def __init__(self, session: Session, reads: Reads) -> None:
        self._session = session
        self._reads = reads

    async def grant(
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
        """Gives a subject permissions at and below a path, in place of those it was given there.

        From the block time `expires_at` on the rule counts no more.
        """
        rule = build.rule(subject, permissions, path=path, expires_at=expires_at)
        operation = build.put_rule(twin_id, rule, expected_version=expected_version)
        return await self._submit(operation, authors, timeout_seconds)

    async def revoke(
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
        """Takes permissions from a subject at and below a path, whatever is granted there or above.

        It is a rule too, and stays until it expires or is dropped.
        """
        rule = build.rule(
            subject, permissions, path=path, effect=Effect.REVOKE, expires_at=expires_at
        )
        operation = build.put_rule(twin_id, rule, expected_version=expected_version)
        return await self._submit(operation, authors, timeout_seconds)

    async def drop(
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
        """Takes the rule with this path, subject and effect out of the policy.

        Raises:
            Rejected: RULE_NOT_FOUND among others.
        """
        operation = build.delete_rule(
            twin_id, subject, path=path, effect=effect, expected_version=expected_version
        )
        return await self._submit(operation, authors, timeout_seconds)

    async def sign_off(
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
        """Demands that so many of the parties sign what is done at and below a path.

        It takes the place of the sign-off at that path, if there is one, with its signatures.
        """
        sign_off = build.sign_off(required, parties, permissions, path=path, expires_at=expires_at)
        operation = build.put_sign_off(twin_id, sign_off, expected_version=expected_version)
        return await self._submit(operation, authors, timeout_seconds)

    async def lift(
        self,
        twin_id: str,
        *,
        path: str = "",
        expected_version: int | None = None,
        authors: Sequence[Identity] = (),
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Lifts the sign-off at a path, with the signatures that it demands itself.

        Raises:
            Rejected: RULE_NOT_FOUND or SIGN_OFF_MISSING among others.
        """
        operation = build.delete_sign_off(twin_id, path=path, expected_version=expected_version)
        return await self._submit(operation, authors, timeout_seconds)

    async def transfer(
        self,
        twin_id: str,
        new_owner: str,
        *,
        expected_version: int | None = None,
        authors: Sequence[Identity] = (),
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Hands a twin over; `authors`: one who may, and an admin or operator of the new owner."""
        operation = build.transfer_twin(twin_id, new_owner, expected_version=expected_version)
        return await self._submit(operation, authors, timeout_seconds)

    async def policy(self, twin_id: str, *, timeout_seconds: float | None = None) -> TwinPolicy:
        """Reads a twin's policy, as far as the caller may see it; what is `partial` is not proven.

        Raises:
            LedgerError: TWIN_NOT_FOUND.
        """
        return await self._reads.policy(twin_id, timeout_seconds)

    async def explain(
        self,
        twin_id: str,
        path: str = "",
        *,
        identity: str = "",
        timeout_seconds: float | None = None,
    ) -> Explanation:
        """What an identity may do at a path, and which rule says so; the caller if none is named.

        Raises:
            LedgerError: TWIN_NOT_FOUND, BAD_POLICY_PATH, IDENTITY_NOT_FOUND; ACCESS_DENIED when it
                is about another, and the caller neither administers the twin nor reads everything.
        """
        return await self._reads.explanation(twin_id, path, identity, timeout_seconds)

    async def _submit(
        self, operation: Operation, authors: Sequence[Identity], timeout_seconds: float | None
    ) -> Receipt:
        transaction = self._session.sign([operation], authors)
        return receipt_of(await self._session.submit(transaction, timeout_seconds=timeout_seconds))
