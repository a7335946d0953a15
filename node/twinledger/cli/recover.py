"""`twinledger consortium recover`: a new epoch, after a quorum was lost for good."""

from pathlib import Path

import click

from twinledger.cli import recover_showing
from twinledger.cli.exampled import ExampledGroup
from twinledger.cli.failures import failures_told
from twinledger.cli.files import read_file, replace_file, write_new_file
from twinledger.cli.options import DIRECTORY, FILE, json_option
from twinledger.cli.output import print_json
from twinledger.cli.parts import load_part
from twinledger.cli.passphrases import ask_passphrase
from twinledger.client import Identity, Profile
from twinledger.client.profile import TrustedNode
from twinledger.consortium.join_file import JoinFile
from twinledger.consortium.recovery.conflict import double_signers
from twinledger.consortium.recovery.file import RecoveryFile, draft
from twinledger.consortium.recovery.judging import judge, judge_content, missing
from twinledger.consortium.recovery.statement import SignedStatement
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import IdentityName
from twinledger.ledger.transaction import Signer
from twinledger.proofs.verify import at_fork

_EXAMPLE = """
twinledger consortium recover statement --config utility-1/node.toml --out utility-1.statement
twinledger consortium recover draft recovery.json --config utility-1/node.toml \\
    --statement utility-1.statement --join utility/join.json --join maker/join.json
twinledger consortium recover sign recovery.json --identity utility.admin.key
twinledger consortium recover check recovery.json
twinledger consortium recover apply recovery.json --dir utility --genesis genesis.json
"""
_CONFIG = click.option(
    "--config", type=FILE, required=True, help="The survivor's node.toml. The node must be down."
)


@click.group(cls=ExampledGroup, example=_EXAMPLE)
def recover() -> None:
    """Goes on after so many nodes are lost for good that no quorum is left.

    Offline. A certificate quorum of the members signs one file; it opens a new epoch with fresh
    nodes and keys, from the newest certified head that a survivor has. The drill stands in
    docs/operations/quorum-loss.md.
    """


@recover.command(
    example="""
twinledger consortium recover statement --config utility-1/node.toml --out utility-1.statement
"""
)
@_CONFIG
@click.option("--out", type=FILE, required=True, help="Where to write the statement.")
@click.option("--identity", type=FILE, help="Sign as an admin of its member, not with its log key.")
@json_option
def statement(config: Path, out: Path, identity: Path | None, as_json: bool) -> None:
    """Writes what a survivor says of itself: its log's end, and the newest heads it has."""
    part = load_part("twinledger.cli.recover_making", "node")
    admin = Identity.load(identity, ask_passphrase) if identity else None
    with failures_told():
        made = part.make_statement(config, admin, ask_passphrase)
    write_new_file(out, made.raw)
    if as_json:
        print_json(recover_showing.statement_json(made))
    else:
        recover_showing.print_statement(made)
        click.echo(f"Wrote {out}. Hand it to whoever drafts the recovery.")


@recover.command(
    name="draft",
    example="""
twinledger consortium recover draft recovery.json --config utility-1/node.toml \\
    --statement utility-1.statement --join utility/join.json
""",
)
@click.argument("file", type=FILE)
@_CONFIG
@click.option("--statement", "statements", type=FILE, multiple=True, required=True)
@click.option("--join", "joins", type=FILE, multiple=True, required=True)
@json_option
def draft_file(
    file: Path, config: Path, statements: tuple[Path, ...], joins: tuple[Path, ...], as_json: bool
) -> None:
    """Drafts the recovery file, from the survivor that has the newest certified head.

    Every survivor's statement goes in, and the join file of every member that brings a fresh node
    (`consortium join init`, with the admin's key that there is).
    """
    part = load_part("twinledger.cli.recover_making", "node")
    with failures_told():
        made = part.make_draft(config, _statements(statements), _joins(joins))
    write_new_file(file, made.raw)
    _tell(made, as_json)


@recover.command(example="twinledger consortium recover add recovery.json maker-1.statement")
@click.argument("file", type=FILE)
@click.argument("part", type=FILE)
@json_option
def add(file: Path, part: Path, as_json: bool) -> None:
    """Adds a survivor's statement or a member's join file; refused once somebody has signed."""
    before = _load(file)
    if before.signatures:
        raise LedgerError(Code.RECOVERY_SEALED, f"{before.signatures[0].name} has signed it")
    raw = read_file(part, Code.RECOVERY_INVALID)
    statements, members = list(before.statements), list(before.members)
    try:
        statements.append(SignedStatement.parse(raw))
    except LedgerError:
        members.append(JoinFile.parse(raw))
    after = draft(before.chain_id, before.epoch, before.fork, statements, members)
    judge_content(after, at_fork(after).consortium, after.chain_id)
    replace_file(file, after.raw)
    _tell(after, as_json)


@recover.command(
    example="twinledger consortium recover sign recovery.json --identity utility.admin.key"
)
@click.argument("file", type=FILE)
@click.option("--identity", "key", type=FILE, required=True, help="The key file of an admin.")
@json_option
def sign(file: Path, key: Path, as_json: bool) -> None:
    """Signs a recovery for a member. Read it before: `show` tells all that it says.

    A member signs one recovery of an epoch and never another: two signatures convict it.
    """
    found = _load(file)
    consortium = at_fork(found).consortium
    if missing(found, consortium) <= 0:
        raise LedgerError(Code.RECOVERY_SEALED)
    identity = Identity.load(key, ask_passphrase)
    signed = found.with_signature(Signer(IdentityName(identity.name), identity.key))
    judge_content(signed, consortium, signed.chain_id)
    replace_file(file, signed.raw)
    _tell(signed, as_json)


@recover.command(example="twinledger consortium recover show recovery.json")
@click.argument("file", type=FILE)
@json_option
def show(file: Path, as_json: bool) -> None:
    """Shows all that a recovery file says, after checking that its parts are right."""
    _tell(_load(file), as_json)


@recover.command(example="twinledger consortium recover check recovery.json")
@click.argument("file", type=FILE)
@json_option
def check(file: Path, as_json: bool) -> None:
    """Checks that a recovery is complete, and exits 1 when it is not."""
    found = _load(file)
    judge(found, at_fork(found).consortium, found.chain_id)
    if as_json:
        print_json(recover_showing.as_json(found, 0))
    else:
        click.echo(f"Complete. Recovery {found.id.hex()} opens epoch {found.epoch}.")


@recover.command(
    example="""
twinledger consortium recover apply recovery.json --dir utility --genesis genesis.json --data D/data
"""
)
@click.argument("file", type=FILE)
@click.option("--dir", "folder", type=DIRECTORY, required=True, help="What `join init` made.")
@click.option("--genesis", type=FILE, required=True, help="The genesis file.")
@click.option("--data", type=DIRECTORY, help="A survivor's data folder, which stays as it is.")
@click.option("--listen-client", metavar="HOST:PORT", help="Where to listen, if elsewhere.")
@click.option("--listen-peer", metavar="HOST:PORT", help="The same for other nodes.")
@json_option
def apply(
    file: Path,
    folder: Path,
    genesis: Path,
    data: Path | None,
    listen_client: str | None,
    listen_peer: str | None,
    as_json: bool,
) -> None:
    """Makes the fresh node of a member ready to run in the new epoch.

    With a survivor's data folder, its log up to the fork is taken over. At least one node needs one
    that has the fork; the others come on by what that one sends them.
    """
    part = load_part("twinledger.cli.recover_making", "node")
    found = _load(file)
    with failures_told():
        made = part.make_folder(found, folder, genesis, data, (listen_client, listen_peer))
    if as_json:
        print_json({"config": str(made.config), "node_id": made.node_id, "log_height": made.height})
    else:
        click.echo(f"Made {folder}: its log ends at height {made.height}.")
        click.echo(f"Next: twinledger node run --config {made.config}")


@recover.command(example="twinledger consortium recover profile recovery.json --out profile.toml")
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, required=True, help="Where to write the profile.")
@click.option("--key", type=FILE, help="The key file that the profile names to sign with.")
@json_option
def profile(file: Path, out: Path, key: Path | None, as_json: bool) -> None:
    """Writes the profile of the fresh nodes: whom a client trusts from now on."""
    found = _load(file)
    judge(found, at_fork(found).consortium, found.chain_id)
    nodes = tuple(
        TrustedNode(
            node.node_id,
            node.client_address,
            node.peer_address,
            tuple(each.der for each in node.certificates),
        )
        for join in found.members
        for node in join.member.nodes
    )
    made = Profile(found.chain_id, nodes, found.fork.height + 1, key=key.resolve() if key else None)
    write_new_file(out, made.to_toml().encode())
    if as_json:
        print_json({"profile": str(out), "chain_id": found.chain_id.hex(), "epoch": found.epoch})
    else:
        click.echo(f"Wrote {out}, for epoch {found.epoch} of chain {found.chain_id.hex()}.")


@recover.command(example="twinledger consortium recover compare recovery.json other.json")
@click.argument("file", type=FILE)
@click.argument("other", type=FILE)
@json_option
def compare(file: Path, other: Path, as_json: bool) -> None:
    """Names the members that signed two recoveries of one epoch, and then exits 1."""
    one, two = _load(file), _load(other)
    both = double_signers((one, at_fork(one).consortium), (two, at_fork(two).consortium))
    if both:
        raise LedgerError(Code.RECOVERY_TWICE, ", ".join(both))
    if as_json:
        print_json({"signed_both": []})
    else:
        click.echo("No member signed both.")


def _load(file: Path) -> RecoveryFile:
    """A recovery file whose parts and whose signatures, as far as there are any, are right."""
    found = RecoveryFile.parse(read_file(file, Code.RECOVERY_INVALID))
    judge_content(found, at_fork(found).consortium, found.chain_id)
    return found


def _statements(files: tuple[Path, ...]) -> list[SignedStatement]:
    return [SignedStatement.parse(read_file(each, Code.STATEMENT_INVALID)) for each in files]


def _joins(files: tuple[Path, ...]) -> list[JoinFile]:
    return [JoinFile.parse(read_file(each, Code.JOIN_INVALID)) for each in files]


def _tell(found: RecoveryFile, as_json: bool) -> None:
    left = missing(found, at_fork(found).consortium)
    if as_json:
        print_json(recover_showing.as_json(found, left))
    else:
        recover_showing.print_recovery(found, left)
