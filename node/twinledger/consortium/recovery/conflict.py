"""Two recoveries of one epoch: whoever signed both is named by its own signatures.

Any two certificate quorums of one set of members share a member, so two complete recoveries of one
epoch always name somebody, unless the members changed between their forks.
"""

from __future__ import annotations

from twinledger.consortium.members import Consortium
from twinledger.consortium.recovery.file import RecoveryFile
from twinledger.consortium.recovery.judging import signers
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import MemberName


def double_signers(
    one: tuple[RecoveryFile, Consortium], other: tuple[RecoveryFile, Consortium]
) -> tuple[MemberName, ...]:
    """The members that signed two recoveries of one epoch of one chain, by name.

    Args:
        one: A recovery with the consortium at its fork.
        other: Another one with that at its own.

    Raises:
        LedgerError: RECOVERY_INVALID when they are no two recoveries of one epoch; what is wrong
            with a signature.
    """
    first, second = one[0], other[0]
    if (first.chain_id, first.epoch) != (second.chain_id, second.epoch):
        raise LedgerError(Code.RECOVERY_INVALID, "they are of two chains or of two epochs")
    if first.id == second.id:
        raise LedgerError(Code.RECOVERY_INVALID, "both say the same: it is one recovery")
    return tuple(sorted(signers(*one) & signers(*other)))
