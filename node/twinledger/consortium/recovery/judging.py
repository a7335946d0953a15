"""Whether a recovery holds: by the consortium exactly after the fork, and nothing else.

A certificate quorum of the members must have signed, one admin for each: two groups of members can
then not both recover, for two such quorums share a member, and its admin's two signatures name it.
"""

from __future__ import annotations

from dataclasses import replace

from twinledger.consortium.distinct import common_fault
from twinledger.consortium.join_file import JoinFile
from twinledger.consortium.members import Consortium, Member
from twinledger.consortium.nodes import Node
from twinledger.consortium.recovery.file import RecoveryFile, signed_bytes
from twinledger.consortium.rules import quorum_fault
from twinledger.consortium.witnesses import WitnessSet, witness_set
from twinledger.ledger import keys, names
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import IdentityName, MemberName


def judge(recovery: RecoveryFile, consortium: Consortium, chain_id: bytes) -> Consortium:
    """Checks a complete recovery and returns the consortium of the new epoch.

    Args:
        recovery: The file.
        consortium: The consortium exactly after the fork's block.
        chain_id: The chain that the consortium is of.

    Raises:
        LedgerError: WRONG_CHAIN, RECOVERY_INVALID, STATEMENT_INVALID, RECOVERY_SIGNER,
            RECOVERY_QUORUM, RECOVERY_SEALED; NODE_ID_USED, KEY_USED, MEMBER_CONFLICT,
            QUORUM_IMPOSSIBLE for the fresh nodes.
    """
    after = judge_content(recovery, consortium, chain_id)
    signed, needed = len(signers(recovery, consortium)), witness_set(consortium).quorum
    if signed < needed:
        raise LedgerError(Code.RECOVERY_QUORUM, f"{signed} members signed, {needed} must")
    if signed > needed:
        raise LedgerError(Code.RECOVERY_SEALED, f"{signed} members signed, exactly {needed} do")
    return after


def judge_content(recovery: RecoveryFile, consortium: Consortium, chain_id: bytes) -> Consortium:
    """The same for a file that has not all its signatures yet.

    Raises:
        LedgerError: as ``judge``, but for RECOVERY_QUORUM and RECOVERY_SEALED.
    """
    if recovery.chain_id != chain_id:
        raise LedgerError(Code.WRONG_CHAIN, f"the recovery is of {recovery.chain_id.hex()}")
    if recovery.epoch != consortium.epoch + 1:
        detail = f"it opens epoch {recovery.epoch}, and {consortium.epoch} is the one that ends"
        raise LedgerError(Code.RECOVERY_INVALID, detail)
    for each in recovery.statements:
        each.check(consortium.member(each.statement.member))
    after = _opened(recovery, consortium)
    signers(recovery, consortium)
    return after


def signers(recovery: RecoveryFile, consortium: Consortium) -> frozenset[MemberName]:
    """The members whose admins signed, each signature checked.

    Raises:
        LedgerError: RECOVERY_SIGNER for whoever does not speak for a witness's member, or twice
            for one; RECOVERY_INVALID for a signature that does not fit.
    """
    witnesses, found = {each.member for each in witness_set(consortium).witnesses}, set()
    for line in recovery.signatures:
        member = MemberName(line.name.partition("/")[0])
        public_key = _admin_keys(consortium, member).get(IdentityName(line.name))
        if public_key is None or member not in witnesses:
            detail = f"{names.shown(line.name)} is no admin of a member that certified the fork"
            raise LedgerError(Code.RECOVERY_SIGNER, detail)
        if member in found:
            raise LedgerError(Code.RECOVERY_SIGNER, f"two admins of {member} signed")
        try:
            keys.verify(public_key, signed_bytes(recovery.id), line.signature)
        except LedgerError:
            detail = f"the signature of {line.name} does not fit it"
            raise LedgerError(Code.RECOVERY_INVALID, detail) from None
        found.add(member)
    return frozenset(found)


def missing(recovery: RecoveryFile, consortium: Consortium) -> int:
    """How many members must still sign."""
    return witness_set(consortium).quorum - len(signers(recovery, consortium))


def _opened(recovery: RecoveryFile, consortium: Consortium) -> Consortium:
    """The consortium of the new epoch: who brings a node has it and votes, others have none."""
    brought = {each.member.name: _fresh(each, consortium) for each in recovery.members}
    members = tuple(
        replace(member, nodes=(brought[member.name],) if member.name in brought else ())
        for member in consortium.members
    )
    if fault := common_fault(members):
        raise LedgerError(Code.MEMBER_CONFLICT, fault)
    after = replace(
        consortium,
        members=members,
        epoch=consortium.epoch + 1,
        set_number=consortium.set_number + 1,
    )
    _check_quorums(witness_set(consortium), after)
    return after


def _check_quorums(before: WitnessSet, after: Consortium) -> None:
    """The fresh nodes are of a quorum of those before, and can certify."""
    count = len(after.nodes)
    if count < before.quorum:
        detail = f"{count} members bring a node, {before.quorum} must"
        raise LedgerError(Code.RECOVERY_QUORUM, detail)
    if fault := quorum_fault(after.rules, count):
        raise LedgerError(Code.QUORUM_IMPOSSIBLE, fault)


def _fresh(join: JoinFile, consortium: Consortium) -> Node:
    """The node that a member brings: nothing in it was there before."""
    joining, (node,) = join.member, join.member.nodes
    member = consortium.member(joining.name)
    if member is None or not set(joining.admins) <= set(member.admins):
        detail = f"the join file of {joining.name} is not of a member and its admins at the fork"
        raise LedgerError(Code.RECOVERY_INVALID, detail)
    for _, old in consortium.nodes:
        if old.node_id == node.node_id:
            raise LedgerError(Code.NODE_ID_USED, node.node_id)
        for key in (node.witness_key, node.log_key):
            if key in (old.witness_key, old.log_key):
                raise LedgerError(Code.KEY_USED, key.hex())
        if {each.der for each in old.certificates} & {each.der for each in node.certificates}:
            detail = f"the certificate of {node.node_id} is one of {old.node_id}"
            raise LedgerError(Code.RECOVERY_INVALID, detail)
    return node


def _admin_keys(consortium: Consortium, name: MemberName) -> dict[IdentityName, bytes]:
    member: Member | None = consortium.member(name)
    if member is None:
        return {}
    return {member.identity(admin): admin.public_key for admin in member.admins}
