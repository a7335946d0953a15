"""Statements and recovery files, for people and for programs."""

from typing import Any

import click

from twinledger.cli.output import print_fields, print_table
from twinledger.consortium.recovery.file import RecoveryFile
from twinledger.consortium.recovery.statement import SignedStatement, StatedHead


def statement_json(made: SignedStatement) -> dict[str, Any]:
    """A statement for programs."""
    said = made.statement
    return {
        "chain_id": said.chain_id.hex(),
        "epoch": said.epoch,
        "member": said.member,
        "node_id": said.node_id,
        "log_height": said.log_height,
        "committed_height": said.committed_height,
        "signed": _head_json(said.signed),
        "certified": _head_json(said.certified),
        "signed_by": [line.name for line in made.file.lines],
    }


def print_statement(made: SignedStatement) -> None:
    """A statement for people."""
    said = made.statement
    print_fields(
        [
            ("node", f"{said.node_id} of {said.member}"),
            ("chain id", said.chain_id.hex()),
            ("epoch that ended", said.epoch),
            ("log ends at height", said.log_height),
            ("committed up to height", said.committed_height),
            ("newest head signed", _head_text(said.signed)),
            ("newest head certified", _head_text(said.certified)),
        ]
    )


def as_json(found: RecoveryFile, left: int) -> dict[str, Any]:
    """A recovery file for programs; `left` members must still sign."""
    lost = found.may_be_lost
    return {
        "recovery_id": found.id.hex(),
        "chain_id": found.chain_id.hex(),
        "epoch": found.epoch,
        "fork": {"height": found.fork.height, "root": found.fork.root.hex()},
        "may_be_lost": {"first": lost[0], "last": lost[-1]} if lost else None,
        "statements": [statement_json(each) for each in found.statements],
        "nodes": [
            {
                "member": join.member.name,
                "node_id": node.node_id,
                "peer_address": node.peer_address,
                "client_address": node.client_address,
            }
            for join in found.members
            for node in join.member.nodes
        ],
        "signed_by": list(found.signed_by),
        "signatures_missing": left,
    }


def print_recovery(found: RecoveryFile, left: int) -> None:
    """A recovery file for people."""
    lost = found.may_be_lost
    print_fields(
        [
            ("recovery id", found.id.hex()),
            ("chain id", found.chain_id.hex()),
            ("opens epoch", found.epoch),
            ("goes on from height", found.fork.height),
            ("may be lost", f"heights {lost[0]} to {lost[-1]}" if lost else "nothing is known of"),
            ("signed by", ", ".join(found.signed_by) or "nobody"),
            ("must still sign", f"{left} members" if left else "nobody: it is complete"),
        ]
    )
    click.echo()
    print_table(
        ("SURVIVOR", "MEMBER", "LOG", "COMMITTED", "SIGNED", "CERTIFIED"),
        [
            (
                said.node_id,
                said.member,
                said.log_height,
                said.committed_height,
                _height(said.signed),
                _height(said.certified),
            )
            for said in (each.statement for each in found.statements)
        ],
    )
    click.echo()
    print_table(
        ("MEMBER", "FRESH NODE", "PEER ADDRESS", "CLIENT ADDRESS"),
        [
            (join.member.name, node.node_id, node.peer_address, node.client_address)
            for join in found.members
            for node in join.member.nodes
        ],
    )


def _height(head: StatedHead | None) -> int | None:
    return None if head is None else head.size - 1


def _head_text(head: StatedHead | None) -> str | None:
    return None if head is None else f"of height {head.size - 1}, root {head.root.hex()}"


def _head_json(head: StatedHead | None) -> dict[str, Any] | None:
    return None if head is None else {"size": head.size, "root": head.root.hex()}
