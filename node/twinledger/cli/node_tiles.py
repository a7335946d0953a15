"""`twinledger node tiles-token`: what a transparency-log client shows a node that serves tiles."""

import time
from functools import partial
from pathlib import Path

import click

from twinledger.cli.connection import Connection, connection_options
from twinledger.cli.exampled import ExampledCommand
from twinledger.cli.options import FILE, json_option
from twinledger.cli.output import print_json
from twinledger.client import Ledger
from twinledger.client.certificates import host_names, to_pem
from twinledger.client.profile import TrustedNode
from twinledger.client.read_tokens import bearer_token
from twinledger.ledger.checkpoint import head_of, origin_of
from twinledger.ledger.cosignature import verifier_key
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.read_token import LIFETIME_US, TILES_METHOD


@click.command(
    "tiles-token",
    cls=ExampledCommand,
    example="""
twinledger node tiles-token utility-1 --profile auditor.toml --certificate utility-1.pem
""",
)
@click.argument("node_id", metavar="NODE")
@click.option("--certificate", type=FILE, help="Write the node's newest certificate here, PEM.")
@json_option
@connection_options
def tiles_token(
    node_id: str, certificate: Path | None, as_json: bool, connection: Connection
) -> None:
    """Prints a token for the history tree that a node serves over HTTP.

    It goes into the header `Authorization: Bearer TOKEN`, works at this node alone and holds for a
    minute. It takes an identity that may read blocks: an admin or auditor.
    """
    trusted, identity = connection.target.trusted, connection.target.identity
    if identity is None:
        raise LedgerError(Code.CONFIG_INVALID, "no key is named to sign the token with")
    node = _node(trusted.nodes, node_id)
    shown = b"" if trusted.insecure else node.certificates[-1]
    if certificate is not None and shown:
        certificate.write_bytes(to_pem(shown))
    now_us = time.time_ns() // 1000
    token = bearer_token(identity, trusted.chain_id, node_id, TILES_METHOD, now_us)
    if not as_json:
        click.echo(token)
        return
    origin, log_key = connection.run(partial(_log, node_id))
    print_json(
        {
            "token": token,
            "expires_at_us": now_us + LIFETIME_US,
            "host_name": host_names(shown)[-1] if shown else None,
            "origin": origin,
            "vkey": verifier_key(origin, log_key),
        }
    )


async def _log(node_id: str, ledger: Ledger) -> tuple[str, bytes]:
    """The log's name, which is another in every epoch, and the node's key of its own line."""
    members = (await ledger.consortium()).members
    found = [node.log_key for member in members for node in member.nodes if node.node_id == node_id]
    if not found:
        raise LedgerError(Code.NO_SUCH_NODE, f"{node_id} is not on the ledger")
    certificate = (await ledger.head()).certificate
    return head_of(certificate).origin if certificate else origin_of(ledger.chain_id), found[0]


def _node(nodes: tuple[TrustedNode, ...], node_id: str) -> TrustedNode:
    for node in nodes:
        if node.node_id == node_id:
            return node
    known = ", ".join(node.node_id for node in nodes)
    raise LedgerError(Code.NO_SUCH_NODE, f"{node_id}; the profile names {known}")
