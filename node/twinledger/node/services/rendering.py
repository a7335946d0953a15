"""Records to messages. Nothing is read or decided here."""

from collections.abc import Iterable
from typing import Final, cast

from twinledger.consortium.identities import IdentityRecord
from twinledger.consortium.members import Member
from twinledger.execution.execute import executed_transactions
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.operations import Section
from twinledger.ledger.receipt import Receipt
from twinledger.ledger.transaction import TransactionId
from twinledger.ledger.values import to_wire
from twinledger.node.submission import Expired, Settled, Standing, Waiting
from twinledger.storage import StoredBlock
from twinledger.twins.records import Origin, Property, Relationship, Twin
from twinledger.v1 import (
    block_pb2,
    consortium_service_pb2,
    governance_pb2,
    ledger_service_pb2,
    operation_pb2,
    twin_service_pb2,
)

_SECTIONS: Final = {
    Section.REPORTED: operation_pb2.SECTION_REPORTED,
    Section.DESIRED: operation_pb2.SECTION_DESIRED,
}


def error_message(error: LedgerError) -> ledger_service_pb2.Error:
    """Render an error that stands among results."""
    return ledger_service_pb2.Error(
        code=error.code,
        message=error.message,
        next_step=error.next_step,
        retry_after_us=error.retry_after_us,
    )


def status_message(
    transaction_id: TransactionId, standing: Standing | None, certified_height: int
) -> ledger_service_pb2.TransactionStatus:
    """Render where a transaction stands; None when this node does not know it."""
    status = ledger_service_pb2.TransactionStatus(transaction_id=transaction_id)
    match standing:
        case None:
            status.stage = ledger_service_pb2.STAGE_UNKNOWN
        case Waiting():
            status.stage = ledger_service_pb2.STAGE_PENDING
        case Expired():
            status.stage = ledger_service_pb2.STAGE_EXPIRED
        case Settled(receipt=receipt):
            status.stage = _settled_stage(standing, certified_height)
            status.receipt.CopyFrom(_receipt_message(standing, receipt))
    return status


def _settled_stage(settled: Settled, certified_height: int) -> ledger_service_pb2.Stage.ValueType:
    if not settled.receipt.committed:
        return ledger_service_pb2.STAGE_REJECTED
    if settled.height <= certified_height:
        return ledger_service_pb2.STAGE_CERTIFIED
    return ledger_service_pb2.STAGE_COMMITTED


def _receipt_message(settled: Settled, receipt: Receipt) -> block_pb2.Receipt:
    return block_pb2.Receipt(
        transaction_id=receipt.transaction_id,
        height=settled.height,
        index=settled.index,
        outcome=receipt.outcome,
        failed_operation=receipt.failed_operation,
        events=[
            block_pb2.ReceiptEvent(kind=event.kind, subject=event.subject, version=event.version)
            for event in receipt.events
        ],
        block_time_us=settled.block_time_us,
    )


def block_message(block: StoredBlock) -> block_pb2.Block:
    """Render a block: every byte string as it was hashed."""
    return block_pb2.Block(
        header=block.header,
        kind=cast("block_pb2.EntryKind.ValueType", int(block.kind)),
        transactions=executed_transactions(block.payload, len(block.receipts)),
        receipts=block.receipts,
    )


def twin_message(
    twin: Twin,
    properties: Iterable[Property] = (),
    relationships: Iterable[Relationship] = (),
) -> twin_service_pb2.Twin:
    """Render a twin."""
    return twin_service_pb2.Twin(
        twin_id=twin.twin_id,
        model=twin.model,
        owner=twin.owner,
        version=twin.version,
        history_head=twin.history_head,
        retired=twin.retired,
        successor_id=twin.successor_id or "",
        properties=[
            twin_service_pb2.Property(
                path=item.path,
                section=_SECTIONS[item.section],
                value=to_wire(item.value),
                origin=origin_message(item.origin),
            )
            for item in properties
        ],
        relationships=[
            twin_service_pb2.Relationship(
                name=item.name, target_id=item.target_id, origin=origin_message(item.origin)
            )
            for item in relationships
        ],
    )


def origin_message(origin: Origin) -> twin_service_pb2.Origin:
    """Render where something came from."""
    return twin_service_pb2.Origin(
        transaction_id=origin.transaction_id,
        authors=origin.authors,
        observed_at_us=origin.observed_at_us,
        block_time_us=origin.block_time_us,
        cursor=twin_service_pb2.Cursor(height=origin.height, index=origin.index),
    )


def member_message(member: Member) -> consortium_service_pb2.Member:
    """Render a member with its nodes."""
    return consortium_service_pb2.Member(
        name=member.name,
        nodes=[
            consortium_service_pb2.NodeRecord(
                node_id=node.node_id,
                peer_address=node.peer_address,
                client_address=node.client_address,
                voter=node.voter,
                witness_key=node.witness_key,
                log_key=node.log_key,
                certificates=[
                    governance_pb2.NodeCertificate(der=each.der, valid_until_us=each.valid_until_us)
                    for each in node.certificates
                ],
                disqualified=node.disqualified,
            )
            for node in member.nodes
        ],
    )


def identity_message(record: IdentityRecord) -> consortium_service_pb2.IdentityRecord:
    """Render an identity."""
    return consortium_service_pb2.IdentityRecord(
        identity=record.identity,
        public_key=record.public_key,
        role=cast("operation_pb2.Role.ValueType", record.role.value),
        revoked=record.revoked,
        valid_from_us=record.valid_from_us,
        valid_until_us=record.valid_until_us,
    )
