"""`twinledger node`: make, run and look at a node."""

from typing import Final

import click

from twinledger.cli.lazy_group import LazyGroup, Verb

_HERE: Final = "twinledger.cli"
_EXTRA: Final = "client"
"""What their modules need; the verbs that work on a node's folder ask for `node` themselves."""

VERBS: Final = {
    "init": Verb(f"{_HERE}.node_running", "init", _EXTRA, "Make a node's folder."),
    "run": Verb(f"{_HERE}.node_running", "run", _EXTRA, "Run a node until it is told to stop."),
    "status": Verb(
        f"{_HERE}.node_status", "status", _EXTRA, "How one node is, or why it stopped last time."
    ),
    "rotate-key": Verb(
        f"{_HERE}.node_rotation", "rotate_key", _EXTRA, "A new transport key and certificate."
    ),
    "transfer-leadership": Verb(
        f"{_HERE}.node_duties", "transfer_leadership", _EXTRA, "Hand leadership to another node."
    ),
    "drain": Verb(f"{_HERE}.node_duties", "drain", _EXTRA, "Make a node safe to stop."),
    "backup": Verb(f"{_HERE}.node_backup", "backup", _EXTRA, "Back up a node's chain."),
    "restore": Verb(f"{_HERE}.node_backup", "restore", _EXTRA, "A new data folder of a backup."),
    "tiles-token": Verb(
        f"{_HERE}.node_tiles", "tiles_token", _EXTRA, "A token for the log over HTTP."
    ),
    "audit": Verb(f"{_HERE}.node_auditing", "audit", _EXTRA, "Is a data folder sound?"),
    "drill": Verb(f"{_HERE}.node_auditing", "drill", _EXTRA, "Damage copies; what finds it?"),
}


@click.group(
    cls=LazyGroup,
    verbs=VERBS,
    example="""
twinledger node init --id utility-1 --genesis genesis.json --dir node
twinledger node run --config node/node.toml
twinledger node status --config node/node.toml --key keys/admin.key
twinledger node audit node/data
""",
)
def node() -> None:
    """Makes, runs, looks at and audits a node."""
