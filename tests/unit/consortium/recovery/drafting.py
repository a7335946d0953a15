"""Survivors' statements, fresh nodes and recovery files of a consortium a, b, c, ... in memory."""

from collections.abc import Iterable, Sequence

from tests.unit.consortium.governed import World, join_with
from tests.unit.execution.chain import member, node, signer
from twinledger.consensus import NodeId
from twinledger.consortium.join_file import JoinFile
from twinledger.consortium.members import Consortium, Member
from twinledger.consortium.recovery.file import Fork, RecoveryFile, draft
from twinledger.consortium.recovery.statement import (
    SignedStatement,
    StatedHead,
    Statement,
    build_statement,
)
from twinledger.ledger.names import MemberName

CHAIN = b"c" * 32
ROOT = b"r" * 32
HEADER = b"h" * 32
FORK = Fork(118, HEADER, ROOT, b"the proof is read by whoever verifies it")
CERTIFIED = StatedHead(119, ROOT)


def statement(
    name: str,
    *,
    node_id: str = "",
    chain_id: bytes = CHAIN,
    epoch: int = 0,
    committed: int = 118,
    signed: StatedHead | None = CERTIFIED,
    certified: StatedHead | None = CERTIFIED,
) -> SignedStatement:
    """What the node of a member says, signed by its log key."""
    found = NodeId(node_id or f"{name}-1")
    said = Statement(
        chain_id, epoch, MemberName(name), found, committed, committed, signed, certified
    )
    return SignedStatement.parse(build_statement(said, {"log_key": signer(f"{found} log").key}))


def fresh(name: str, epoch: int = 1, node_id: str = "", port: int = 0) -> JoinFile:
    """The join file of a member that brings a fresh node into an epoch."""
    port = port or 3000 + 100 * epoch + 2 * "abcdefghij".index(name[0])
    found = member(name, port)
    joining = Member(found.name, found.admins, (node(node_id or f"{name}-e{epoch}", port),))
    return JoinFile.parse(join_with(joining))


def recovery(
    members: Iterable[str] = "abcd",
    *,
    statements: Sequence[SignedStatement] | None = None,
    fork: Fork = FORK,
    chain_id: bytes = CHAIN,
    epoch: int = 1,
    brought: Sequence[JoinFile] | None = None,
) -> RecoveryFile:
    """An unsigned recovery of a's folder, for which these members bring fresh nodes."""
    said = (
        [statement("a", chain_id=chain_id, epoch=epoch - 1)] if statements is None else statements
    )
    nodes = [fresh(name, epoch) for name in members] if brought is None else brought
    return draft(chain_id, epoch, fork, said, nodes)


def signed(file: RecoveryFile, by: Iterable[str]) -> RecoveryFile:
    """The file signed by the admins of members, or by whole names."""
    for name in by:
        file = file.with_signature(signer(name if "/" in name else f"{name}/admin"))
    return file


def consortium(count: int = 4) -> Consortium:
    """Members a, b, c, ... with a node each, as genesis makes them."""
    return World.of(count).consortium
