"""What `consortium recover` makes of folders: statements, drafts, and fresh nodes' folders."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twinledger.cli.files import read_file, write_new_file
from twinledger.cli.join_making import JOIN_FILE
from twinledger.cli.node_folder import config_text, new_config
from twinledger.client import Identity
from twinledger.client.key_files import AskPassphrase
from twinledger.consensus import NodeId
from twinledger.consortium.genesis import Genesis
from twinledger.consortium.join_file import JoinFile
from twinledger.consortium.nodes import Node
from twinledger.consortium.recovery.file import RecoveryFile, draft
from twinledger.consortium.recovery.judging import judge, judge_content
from twinledger.consortium.recovery.statement import LOG_LINE, SignedStatement, build_statement
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.keys import MessageSigner
from twinledger.node.configuration import load
from twinledger.node.node_keys import check_public_keys, newest_log_key
from twinledger.node.recovering import begin_folder, survivor
from twinledger.proofs.verify import at_fork

RECOVERY_FILE = "recovery.json"


def make_statement(config: Path, admin: Identity | None, ask: AskPassphrase) -> SignedStatement:
    """What a survivor says of itself, signed by its log key or by an admin.

    Raises:
        LedgerError: CONFIG_INVALID, DATA_IN_USE, DATA_DAMAGED; STATEMENT_INVALID, when the key
            does not speak for the node; what is wrong with a key file.
    """
    settings = load(config)
    signers: dict[str, MessageSigner]
    if admin is None:
        signers = {LOG_LINE: newest_log_key(settings.keys.folder, ask)}
    else:
        signers = {admin.name: admin.key}
    with survivor(settings.node.data_dir) as found:
        said = found.statement()
        made = SignedStatement.parse(build_statement(said, signers))
        made.check(found.consortium.member(said.member))
    return made


def make_draft(
    config: Path, statements: Sequence[SignedStatement], joins: Sequence[JoinFile]
) -> RecoveryFile:
    """The unsigned recovery that goes on from a survivor's newest certified head.

    Raises:
        LedgerError: CONFIG_INVALID, DATA_IN_USE, DATA_DAMAGED; NOT_CERTIFIED; what the recovery is
            refused with.
    """
    with survivor(load(config).node.data_dir) as found:
        fork = found.fork()
        epoch, chain_id = found.consortium_at(fork.height).epoch + 1, found.folder.chain_id
    made = draft(chain_id, epoch, fork, statements, joins)
    judge_content(made, at_fork(made).consortium, chain_id)
    return made


@dataclass(frozen=True, slots=True)
class MadeFolder:
    """A fresh node, ready to run."""

    config: Path
    node_id: NodeId
    height: int
    """The height that its log ends at."""


def make_folder(
    recovery: RecoveryFile,
    folder: Path,
    genesis: Path,
    data: Path | None,
    listen: tuple[str | None, str | None],
) -> MadeFolder:
    """Writes node.toml, genesis.json, recovery.json and the data folder of a fresh node.

    Args:
        recovery: A complete recovery.
        folder: Holds the fresh node's keys and its join file, as `consortium join init` made them.
        genesis: The genesis file.
        data: A survivor's data folder, if there is one here.
        listen: Where to listen for clients and for peers, when not at the recorded addresses.

    Raises:
        LedgerError: CONFIG_INVALID; KEY_MISMATCH; GENESIS_MISMATCH; what the recovery is refused
            with.
    """
    config = new_config(folder)
    judge(recovery, at_fork(recovery).consortium, recovery.chain_id)
    record = _record(recovery, JoinFile.parse(read_file(folder / JOIN_FILE, Code.JOIN_INVALID)))
    check_public_keys(folder / "keys", record)
    raw = read_file(genesis, Code.GENESIS_INVALID)
    if Genesis.parse(raw).chain_id != recovery.chain_id:
        raise LedgerError(Code.GENESIS_MISMATCH, f"{genesis} is not that of the recovery")
    path = folder / "data"
    if data is None:
        height = begin_folder(path, raw, record.node_id, recovery, None)
    else:
        with survivor(data, folder) as old:
            height = begin_folder(path, raw, record.node_id, recovery, old)
    write_new_file(folder / "genesis.json", raw)
    write_new_file(folder / RECOVERY_FILE, recovery.raw)
    line = f"recovery = {json.dumps(RECOVERY_FILE)}\n"
    write_new_file(config, config_text(record, listen, line).encode())
    return MadeFolder(config, record.node_id, height)


def _record(recovery: RecoveryFile, join: JoinFile) -> Node:
    for each in recovery.members:
        if each.raw == join.raw:
            return join.member.nodes[0]
    detail = f"it does not hold the join file of {join.member.nodes[0].node_id}"
    raise LedgerError(Code.RECOVERY_INVALID, detail)
