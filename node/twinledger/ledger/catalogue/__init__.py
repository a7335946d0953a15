"""What every code means, what to do next, and how it travels over gRPC.

The one table behind ``LedgerError.message``, the services' status codes and ``docs/errors.md``;
each module here holds one of its sections.
"""

from twinledger.ledger.catalogue.admission import ADMISSION
from twinledger.ledger.catalogue.callers import CALLERS
from twinledger.ledger.catalogue.client import CLIENT
from twinledger.ledger.catalogue.entry import Entry
from twinledger.ledger.catalogue.governance import GOVERNANCE
from twinledger.ledger.catalogue.identities import IDENTITIES
from twinledger.ledger.catalogue.node import NODE
from twinledger.ledger.catalogue.proofs import PROOFS
from twinledger.ledger.catalogue.reading import READING
from twinledger.ledger.catalogue.recovery import RECOVERY
from twinledger.ledger.catalogue.transaction import TRANSACTION
from twinledger.ledger.catalogue.twins import TWINS
from twinledger.ledger.codes import Code

SECTIONS: dict[str, dict[Code, Entry]] = {
    "The transaction": TRANSACTION,
    "The node that was asked": ADMISSION,
    "Twins": TWINS,
    "Identities": IDENTITIES,
    "Governance": GOVERNANCE,
    "Recovery": RECOVERY,
    "Callers": CALLERS,
    "Reading": READING,
    "Proofs": PROOFS,
    "Nodes and their data": NODE,
    "The client's side": CLIENT,
}

CATALOGUE: dict[Code, Entry] = {
    code: entry for section in SECTIONS.values() for code, entry in section.items()
}

REJECTIONS: frozenset[Code] = frozenset([*TRANSACTION, *TWINS, *IDENTITIES, *GOVERNANCE])
"""What a transaction can earn by itself: the outcomes of receipts, besides COMMITTED."""
