"""What the ledger says, as JSON and as text."""

import json
from typing import Any

from twinledger.client import (
    Block,
    Cursor,
    IdentityRecord,
    NodeStatus,
    Operation,
    Origin,
    PropertyValue,
    Receipt,
    Trace,
    TransactionStatus,
    Twin,
    TwinUpdate,
)
from twinledger.client.chain_records import body_of
from twinledger.client.json_values import value_to_json
from twinledger.client.operation_json import operation_to_json


def cursor_json(cursor: Cursor) -> str:
    """A cursor as `--after` takes it."""
    return str(cursor)


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """A receipt."""
    return {
        "transaction_id": receipt.transaction_id.hex(),
        "outcome": receipt.outcome,
        "height": receipt.height,
        "index": receipt.index,
        "cursor": cursor_json(receipt.cursor),
        "failed_operation": receipt.failed_operation,
        "events": [
            {"kind": event.kind, "subject": event.subject, "version": event.version}
            for event in receipt.events
        ],
        "block_time_us": receipt.block_time_us,
    }


def status_json(status: TransactionStatus) -> dict[str, Any]:
    """Where a transaction stands."""
    return {
        "transaction_id": status.transaction_id.hex(),
        "stage": str(status.stage),
        "receipt": receipt_json(status.receipt) if status.receipt else None,
    }


def origin_json(origin: Origin) -> dict[str, Any]:
    """Where something came from."""
    return {
        "transaction_id": origin.transaction_id.hex(),
        "authors": list(origin.authors),
        "observed_at_us": origin.observed_at_us,
        "block_time_us": origin.block_time_us,
        "cursor": cursor_json(origin.cursor),
    }


def twin_summary_json(twin: Twin) -> dict[str, Any]:
    """A twin without its properties and relationships."""
    return {
        "id": twin.id,
        "model": twin.model,
        "owner": twin.owner,
        "version": twin.version,
        "history_head": twin.history_head.hex(),
        "retired": twin.retired,
        "successor": twin.successor,
    }


def twin_json(twin: Twin) -> dict[str, Any]:
    """A twin: values by path, then each property with its origin."""
    return {
        **twin_summary_json(twin),
        "height": twin.height,
        "reported": {path: value_to_json(value) for path, value in twin.reported.items()},
        "desired": {path: value_to_json(value) for path, value in twin.desired.items()},
        "properties": [
            {
                "path": each.path,
                "section": str(each.section),
                "value": value_to_json(each.value),
                "origin": origin_json(each.origin),
            }
            for each in twin.properties
        ],
        "relationships": [
            {"name": each.name, "target": each.target_id, "origin": origin_json(each.origin)}
            for each in twin.relationships
        ],
    }


def update_json(update: TwinUpdate) -> dict[str, Any]:
    """One update of a twin."""
    return {
        "twin": update.twin_id,
        "version": update.version,
        "operation": operation_to_json(update.operation),
        "operation_index": update.operation_index,
        "origin": origin_json(update.origin),
        "cursor": cursor_json(update.cursor),
    }


def trace_json(trace: Trace) -> dict[str, Any]:
    """What lies up or down the relationships."""
    return {
        "twins": [{"id": t.id, "model": t.model, "depth": t.depth} for t in trace.twins],
        "relationships": [
            {"source": each.source_id, "name": each.name, "target": each.target_id}
            for each in trace.relationships
        ],
        "truncated": trace.truncated,
        "height": trace.height,
    }


def identity_json(record: IdentityRecord) -> dict[str, Any]:
    """An identity."""
    return {
        "identity": record.identity,
        "public_key": record.public_key.hex(),
        "role": record.role.name.lower(),
        "revoked": record.revoked,
        "valid_from_us": record.valid_from_us,
        "valid_until_us": record.valid_until_us,
    }


def node_status_json(status: NodeStatus) -> dict[str, Any]:
    """How a node is."""
    fields = {name: getattr(status, name) for name in status.__slots__}
    return {
        **fields,
        "chain_id": status.chain_id.hex(),
        "head": status.head.hex(),
        "role": str(status.role),
        "peers": [{name: getattr(peer, name) for name in peer.__slots__} for peer in status.peers],
        "warnings": list(status.warnings),
    }


def block_json(block: Block) -> dict[str, Any]:
    """A block with its transactions decoded."""
    header = block.header
    return {
        "height": header.height,
        "hash": block.header_hash.hex(),
        "kind": block.kind,
        "term": header.term,
        "time_us": header.time_us,
        "parent_hash": header.parent_hash.hex(),
        "transactions_root": header.transactions_root.hex(),
        "receipts_root": header.receipts_root.hex(),
        "state_root": header.state_root.hex(),
        "consortium_hash": header.consortium_hash.hex(),
        "transactions": [
            {
                "index": index,
                **_transaction_json(raw),
                "outcome": receipt.outcome,
                "failed_operation": receipt.failed_operation,
            }
            for index, (raw, receipt) in enumerate(
                zip(block.transactions, block.receipts, strict=True)
            )
        ],
    }


def _transaction_json(raw: bytes) -> dict[str, Any]:
    found = body_of(raw)
    if found is None:
        return {"transaction_id": None, "raw": raw.hex()}
    transaction_id, body = found
    return {
        "transaction_id": transaction_id.hex(),
        "authors": [author.identity for author in body.authors],
        "expires_at_us": body.expires_at_us,
        "operations": [operation_to_json(operation) for operation in body.operations],
    }


def value_text(value: PropertyValue) -> str:
    """A value on one line."""
    return json.dumps(value_to_json(value), ensure_ascii=False)


def operation_text(operation: Operation) -> str:
    """An operation on one line, without the twin it is about."""
    fields = operation_to_json(operation)
    kind = str(fields.pop("operation"))
    changes = [_change_text(change) for change in fields.pop("changes", [])]
    ends = [str(fields[name]) for name in ("name", "target", "successor") if fields.get(name)]
    return " ".join([kind, *ends, *changes])


def _change_text(change: dict[str, Any]) -> str:
    path = change["path"] if change["section"] == "reported" else f"desired:{change['path']}"
    if "set" in change:
        return f"{path}={json.dumps(change['set'], ensure_ascii=False)}"
    if "increment" in change:
        return f"{path}+={json.dumps(change['increment'])}"
    return f"-{path}"
