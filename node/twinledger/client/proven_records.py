"""From claims that were verified to the records that reads return. Nothing is checked here again.

Only where a claim leaves something open, the index of a transaction in its block, a node's word is
taken, and held against the path that was proven.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from twinledger.client.chain_records import Block
from twinledger.client.consortium_records import Consortium, Member, NodeRecord
from twinledger.client.receipts import Cursor, Receipt, ReceiptEvent
from twinledger.client.twin_records import Origin, Property, Relationship, Twin
from twinledger.client.values import PropertyValue
from twinledger.consortium import members
from twinledger.ledger import receipt as ledger_receipt
from twinledger.ledger.canonical import decode
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader, header_hash
from twinledger.ledger.names import TwinId
from twinledger.ledger.operations import Section
from twinledger.ledger.transaction import operation_messages
from twinledger.proofs import signed
from twinledger.proofs.claims import (
    BlockClaim,
    Disclosed,
    PartsClaim,
    ShownOutcome,
    TransactionClaim,
    TransactionsClaim,
    TwinClaim,
)
from twinledger.proofs.sides import may_stand
from twinledger.twins import records
from twinledger.twins.tree import RELATIONSHIPS
from twinledger.v1 import operation_pb2, twin_service_pb2

_HASH_BYTES = 32


def twin_of(claim: TwinClaim | PartsClaim, height: int) -> Twin:
    """The twin of a claim; what was proven in parts is a part."""
    if isinstance(claim, TwinClaim):
        return _twin(claim.id, claim.twin.record, claim.leaves, height, partial=False)
    (part,) = claim.twins
    leaves = tuple([each.leaf for each in part.leaves])
    return _twin(part.id, part.record, leaves, height, partial=True)


def twins_of(claim: PartsClaim, height: int) -> dict[str, Twin]:
    """The twins of a claim by id, without properties and relationships."""
    return {each.id: _twin(each.id, each.record, (), height) for each in claim.twins}


def relationships_of(claim: PartsClaim) -> dict[str, tuple[Relationship, ...]]:
    """The relationships of a claim by the twin that they start from."""
    return {
        part.id: tuple(
            _relationship(key, _leaf(each.leaf))
            for each in part.leaves
            if (key := each.leaf.key.decode("ascii")).startswith(_RELATIONSHIP)
        )
        for part in claim.twins
    }


def _twin(
    twin_id: str,
    record: bytes,
    leaves: Iterable[Disclosed],
    height: int,
    *,
    partial: bool = False,
) -> Twin:
    found = records.Twin.decode(TwinId(twin_id), record)
    shown = [(leaf.key.decode("ascii"), _leaf(leaf)) for leaf in leaves]
    return Twin(
        found.twin_id,
        found.model,
        found.owner,
        found.version,
        found.history_head,
        found.retired,
        found.successor_id,
        tuple(_property(k, v) for k, v in shown if not k.startswith(_RELATIONSHIP)),
        tuple(_relationship(k, v) for k, v in shown if k.startswith(_RELATIONSHIP)),
        height,
        partial,
    )


_RELATIONSHIP = RELATIONSHIPS.decode()


def _leaf(leaf: Disclosed) -> dict[str, Any]:
    record: Any = decode(leaf.record)
    return dict(record)


def _property(key: str, record: dict[str, Any]) -> Property:
    section, _, path = key.partition("/")
    value: PropertyValue = record["value"]
    return Property(path, Section(section), value, _origin(record["origin"]))


def _relationship(key: str, record: dict[str, Any]) -> Relationship:
    name, _, target_id = key.removeprefix(_RELATIONSHIP).partition("/")
    return Relationship(name, target_id, _origin(record["origin"]))


def _origin(value: Any) -> Origin:
    found = records.Origin.read(value)
    return Origin(
        found.transaction_id,
        tuple(found.authors),
        found.observed_at_us,
        found.block_time_us,
        Cursor(found.height, found.index),
    )


def block_of(claim: BlockClaim) -> Block:
    """The block of a claim. No header tells an entry's kind, so it has none."""
    raw = claim.block.header
    receipts = tuple(ledger_receipt.Receipt.decode(each) for each in claim.receipts)
    header = BlockHeader.decode(raw)
    return Block(header, header_hash(raw), raw, None, claim.transactions, receipts)


def consortium_of(chain_id: bytes, found: members.Consortium, height: int) -> Consortium:
    """The consortium as reads return it."""
    shown = tuple(
        Member(
            member.name,
            tuple(
                NodeRecord(
                    node.node_id,
                    node.peer_address,
                    node.client_address,
                    node.voter,
                    node.witness_key,
                    node.log_key,
                    tuple((each.der, each.valid_until_us) for each in node.certificates),
                    node.disqualified,
                )
                for node in member.nodes
            ),
        )
        for member in found.members
    )
    return Consortium(chain_id, found.name, shown, height)


def receipt_of_claim(claim: TransactionClaim, index: int) -> Receipt:
    """The receipt of a claim.

    Args:
        claim: It was verified.
        index: Its place in the block, as a node tells it.

    Raises:
        LedgerError: ANSWER_UNPROVEN when it cannot stand there.
    """
    _check_place(claim, index)
    header, found = BlockHeader.decode(claim.block.header), _receipt(claim)
    return Receipt(
        found.transaction_id,
        header.height,
        index,
        found.outcome,
        found.failed_operation,
        tuple(ReceiptEvent(str(e.kind), e.subject, e.version) for e in found.events),
        header.time_us,
    )


@dataclass(frozen=True, slots=True)
class ProvenTransaction:
    """A transaction of a block, and what became of it."""

    header: BlockHeader
    shown: ShownOutcome
    receipt: ledger_receipt.Receipt

    def updates(self, index: int) -> Iterator[twin_service_pb2.TwinUpdate]:
        """The updates that it made, as a node tells them.

        Args:
            index: Its place in the block, as a node tells it.

        Raises:
            LedgerError: ANSWER_UNPROVEN when it cannot stand there.
        """
        _check_place(self.shown, index)
        if not self.receipt.committed:
            return
        split = signed.split(self.shown.transaction)
        operations = operation_messages(split.body)
        for number, (operation, event) in enumerate(
            zip(operations, self.receipt.events, strict=True)
        ):
            if event.version:
                yield twin_service_pb2.TwinUpdate(
                    twin_id=event.subject,
                    version=event.version,
                    operation=operation,
                    operation_index=number,
                    origin=twin_service_pb2.Origin(
                        transaction_id=self.receipt.transaction_id,
                        authors=signed.authors(split),
                        observed_at_us=_observed_at_us(operation),
                        block_time_us=self.header.time_us,
                        cursor=twin_service_pb2.Cursor(height=self.header.height, index=index),
                    ),
                )


def transactions_of(claim: TransactionsClaim) -> Mapping[bytes, ProvenTransaction]:
    """The transactions of a claim by their ids."""
    found = {}
    for block in claim.blocks:
        header = BlockHeader.decode(block.block.header)
        for shown in block.transactions:
            receipt = _receipt(shown)
            found[receipt.transaction_id] = ProvenTransaction(header, shown, receipt)
    return found


def proven_update(
    told: twin_service_pb2.TwinUpdate, proven: Mapping[bytes, ProvenTransaction]
) -> twin_service_pb2.TwinUpdate:
    """The update that a node told, as its transaction proves it; withheld when that is not shown.

    Raises:
        LedgerError: ANSWER_UNPROVEN when the transaction made no such update.
    """
    found = proven.get(told.origin.transaction_id)
    if found is None:
        place = twin_service_pb2.Origin(cursor=told.origin.cursor)
        return twin_service_pb2.TwinUpdate(
            twin_id=told.twin_id, version=told.version, origin=place, withheld=True
        )
    index = told.origin.cursor.index
    if found.header.height == told.origin.cursor.height:
        for update in found.updates(index):
            if (update.twin_id, update.version) == (told.twin_id, told.version):
                return update
    said = f"transaction {told.origin.transaction_id.hex()} made no such update"
    raise LedgerError(Code.ANSWER_UNPROVEN, said)


def _receipt(shown: TransactionClaim | ShownOutcome) -> ledger_receipt.Receipt:
    return ledger_receipt.Receipt.decode(shown.receipt)


def _check_place(shown: TransactionClaim | ShownOutcome, index: int) -> None:
    if not may_stand(index, shown.sides, len(shown.receipt_path) // _HASH_BYTES):
        said = f"its path in the block leads to another place than {index}"
        raise LedgerError(Code.ANSWER_UNPROVEN, said)


def _observed_at_us(operation: operation_pb2.Operation) -> int | None:
    kind = operation.WhichOneof("kind")
    said = getattr(operation, kind) if kind else None
    return said.observed_at_us if said is not None and said.HasField("observed_at_us") else None
