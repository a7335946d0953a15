"""Checking the passport: a whole twin, and every update that it ever had.

The history head in the twin's record pins the chain of updates and the version counts them, so
none can be left out, added or moved. A body is known by its hash; one that a retention policy
deleted leaves its place in the chain.
"""

from __future__ import annotations

from typing import Any

from twinledger.ledger import domains
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.transaction import transaction_id
from twinledger.proofs import signed
from twinledger.proofs.checks import AGREED, introduced, twin_facts, whole_twin
from twinledger.proofs.claims import HistoryClaim
from twinledger.proofs.proven import Told
from twinledger.proofs.standing import refusing
from twinledger.proofs.words import plural, shown_operation, time_text
from twinledger.twins.history import next_head
from twinledger.twins.records import Twin

_PRUNED = "what the pruned updates said: only how many, when, and by which transactions"


def check_history(claim: HistoryClaim, head: Checkpoint) -> Told:
    """A twin's passport."""
    header, twin, shown = whole_twin(claim.id, claim.twin, claim.leaves, head)
    _check_complete(claim, twin)
    with refusing(Code.PROOF_HISTORY):
        authors = _checked_transactions(claim)
    updates = _shown_updates(claim, authors)
    pruned = sum(update["pruned"] for update in updates)
    said = [
        *introduced(header, twin),
        f"Its history is complete: {plural(twin.version, 'update', 'updates')}, no more, no fewer.",
        f"The first was at {time_text(claim.updates[0].time.us)}.",
        f"The last was at {time_text(claim.updates[-1].time.us)}.",
    ]
    if pruned:
        said.append(f"The content of {plural(pruned, 'update', 'updates')} is PRUNED.")
    facts = {"twin": {**twin_facts(twin), **shown}, "updates": updates}
    return Told(header, tuple(said), (AGREED, _PRUNED) if pruned else (AGREED,), facts)


def _check_complete(claim: HistoryClaim, twin: Twin) -> None:
    if len(claim.updates) != twin.version or not claim.updates:
        detail = f"it shows {len(claim.updates)} updates of {twin.version}"
        raise LedgerError(Code.PROOF_HISTORY, detail)
    found = domains.ZERO_HASH
    for version, update in enumerate(claim.updates, start=1):
        place = (update.transaction, update.operation, update.height, update.time)
        found = next_head(found, claim.id, version, *place)
    if found != twin.history_head:
        raise LedgerError(Code.PROOF_HISTORY, "its updates lead to another history head")


def _checked_transactions(claim: HistoryClaim) -> dict[bytes, tuple[str, ...]]:
    """The authors of every transaction that is shown, by its id."""
    shown = {transaction_id(each.body): each for each in claim.transactions}
    expected = [id_ for id_ in dict.fromkeys(u.transaction for u in claim.updates) if id_ in shown]
    if list(shown) != expected or len(shown) != len(claim.transactions):
        raise LedgerError(Code.PROOF_HISTORY, "its transactions are not those of its updates")
    return {id_: signed.check(each) for id_, each in shown.items()}


def _shown_updates(
    claim: HistoryClaim, authors: dict[bytes, tuple[str, ...]]
) -> list[dict[str, Any]]:
    bodies = dict(zip(authors, claim.transactions, strict=True))
    return [
        {
            "version": version,
            "transaction_id": update.transaction.hex(),
            "height": update.height,
            "time": time_text(update.time.us),
            "pruned": update.transaction not in authors,
            "authors": list(authors.get(update.transaction, ())),
            "operation": shown_operation(bodies[update.transaction].body, update.operation)
            if update.transaction in authors
            else None,
        }
        for version, update in enumerate(claim.updates, start=1)
    ]
