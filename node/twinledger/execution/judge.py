"""Judging the transactions of one block, one after the other."""

from __future__ import annotations

from collections.abc import Iterable

from twinledger.consortium.acting import Acting
from twinledger.consortium.identities import IdentityRecord
from twinledger.consortium.operations import CONSORTIUM_OPERATIONS
from twinledger.execution.checks import check_chain, check_signers, check_time
from twinledger.execution.overlay import Overlay
from twinledger.execution.prepare import Prepared
from twinledger.execution.results import Consumed, StateReader, Update
from twinledger.ledger.catalogue import REJECTIONS
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import TwinId
from twinledger.ledger.operations import Operation
from twinledger.ledger.receipt import COMMITTED, Event, Receipt
from twinledger.ledger.transaction import Transaction, TransactionId
from twinledger.twins.change import Place
from twinledger.twins.operations import TWIN_OPERATIONS


class BlockJudge:
    """Collects what the transactions of a block do, each seeing what those before it did.

    Attributes:
        draft: The changes of the transactions judged so far.
        consumed: Those that used up their ids.
        updates: The updates of twins, in the order they happened.
    """

    def __init__(
        self, state: StateReader, height: int, time_us: int, chain_id: bytes, limits: Limits
    ) -> None:
        self.draft = Overlay(state)
        self.consumed: list[Consumed] = []
        self.updates: list[Update] = []
        self._state = state
        self._height = height
        self._time_us = time_us
        self._chain_id = chain_id
        self._limits = limits
        self._used: set[TransactionId] = set()

    def judge(self, index: int, prepared: Prepared) -> Receipt:
        """Executes the block's next transaction, or says why not."""
        transaction = prepared.transaction
        if transaction is None:
            return _rejected(b"", prepared.error or LedgerError(Code.INTERNAL, "no error either"))
        try:
            authors = self._admit(transaction, prepared.error)
        except LedgerError as error:
            return _rejected(transaction.id, error)
        self._used.add(transaction.id)
        self.consumed.append(Consumed(transaction.id, index))
        return self._execute(index, transaction, authors)

    def _admit(
        self, transaction: Transaction, prepared_error: LedgerError | None
    ) -> tuple[IdentityRecord, ...]:
        """Every check before the operations; what fails here leaves the id free."""
        check_chain(transaction, self._chain_id)
        check_time(transaction, self._time_us, self._limits)
        authors = check_signers(transaction, self.draft, self._time_us)
        if prepared_error is not None:
            raise prepared_error  # the signatures, which were checked beforehand
        if transaction.id in self._used or self._state.seen(transaction.id):
            raise LedgerError(Code.DUPLICATE)
        return authors

    def _execute(
        self, index: int, transaction: Transaction, authors: tuple[IdentityRecord, ...]
    ) -> Receipt:
        """All operations, or none: they work on an overlay that is dropped when one fails."""
        draft = Overlay(self.draft)
        events: list[Event] = []
        for operation_index, operation in enumerate(transaction.operations):
            place = Place(
                transaction.id,
                authors,
                self._time_us,
                self._height,
                index,
                operation_index,
                transaction.salt,
            )
            try:
                events.append(self._apply(draft, operation, place))
            except LedgerError as error:
                return _rejected(transaction.id, error, operation_index)
        self.draft.take(draft)
        self.updates += _updates(index, events)
        return Receipt(transaction.id, COMMITTED, None, tuple(events))

    def _apply(self, draft: Overlay, operation: Operation, place: Place) -> Event:
        of_consortium = CONSORTIUM_OPERATIONS.get(type(operation))
        if of_consortium is not None:
            acting = Acting(place.authors, self._time_us, self._height, self._chain_id)
            return of_consortium(draft, operation, acting)
        return TWIN_OPERATIONS[type(operation)](draft, operation, place, self._limits)


def _updates(index: int, events: Iterable[Event]) -> list[Update]:
    return [
        Update(TwinId(event.subject), event.version, index, operation_index)
        for operation_index, event in enumerate(events)
        if event.version > 0  # an identity has no version
    ]


def _rejected(
    transaction_id: bytes, error: LedgerError, failed_operation: int | None = None
) -> Receipt:
    # A damaged state or a fault of the program must stop this node: as a receipt it would fork it.
    if error.code not in REJECTIONS:
        raise error
    return Receipt(transaction_id, error.code.value, failed_operation, ())
